"""From what the user calls a style to the files behind it."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from .errors import StyleError
from .pictures import PICTURE_SUFFIXES, list_pictures
from .styles import builtin_style_names, builtin_style_path

SAVED_STYLE_SUFFIX = ".safetensors"

DEFAULT_MODEL = "lite"
STYLE_SIZE = 512
"""Short side, in pixels, at which a style is encoded unless told otherwise."""

THUMBNAIL_SIDE = 96
"""Side in pixels of the square little picture of a style."""


def is_saved_style(path: Path) -> bool:
    """Return whether a file is by its suffix a saved style, and not a picture."""
    return path.suffix.lower() == SAVED_STYLE_SUFFIX


def is_style_file(path: Path) -> bool:
    """Return whether a file is by its suffix a picture or a saved style."""
    return path.suffix.lower() in PICTURE_SUFFIXES or is_saved_style(path)


def style_name(path: Path) -> str:
    """Return what the style of a file is called: a saved one, if it can be read, as it was when it
    was saved."""
    if is_saved_style(path):
        from .style import Style

        with suppress(StyleError):
            return Style.load(path).name
    return path.stem


def find_style(wanted: str | os.PathLike[str]) -> Path:
    """Return the file of one style: a path as it is, where there is none a built-in style's."""
    path = Path(wanted)
    is_builtin = str(path) in builtin_style_names() and not path.exists()
    return builtin_style_path(str(path)) if is_builtin else path


def find_styles(wanted: Sequence[str]) -> list[Path]:
    """Return the files of the styles, in the order given.

    Args:
        wanted: pictures, saved styles, folders of pictures, or names of built-in styles; a file or
            folder of that name goes before a built-in style.

    Raises:
        PictureError: a folder holds no picture.
        StyleError: no such file and no such built-in style; near names are suggested. Or a word is
            empty, as an unset variable of a shell.
    """
    found: list[Path] = []
    for item in wanted:
        if not item:
            raise StyleError("the name of a style is empty")
        path = Path(item)
        if path.is_dir():
            found.extend(list_pictures(path))
        elif path.is_file():
            found.append(path)
        elif is_style_file(path) or len(path.parts) > 1:
            raise StyleError(f"{item}: no such style file")
        else:
            found.append(builtin_style_path(item))
    return found


def find_mix(mix: Mapping[str, float] | None) -> dict[Path, float]:
    """Return the weights of a mix, which then sum to one, by the styles' files.

    Args:
        mix: a weight of at least 0 for each style as the user calls it; a folder's goes to every
            picture in it.

    Raises:
        StyleError, PictureError: there is no such style, or no weight above 0.
    """
    found: dict[Path, float] = {}
    for word, weight in (mix or {}).items():
        for path in find_styles([word]):
            found[path] = found.get(path, 0.0) + weight
    total = sum(found.values())
    if mix and total <= 0:
        raise StyleError("a mix needs a weight above 0")
    return {path: weight / total for path, weight in found.items() if weight > 0}


def find_first(first: str | None, paths: Sequence[Path]) -> list[Path]:
    """Return the file of the style to begin with; none where it is not said.

    Args:
        first: a number from 1 on, "random", or what the user calls a style.
        paths: the styles' files.

    Raises:
        StyleError, PictureError: there is no such style.
    """
    if first is None:
        return []
    if first == "random":
        return [random.choice(paths)]
    if first.isdecimal():
        if not 1 <= int(first) <= len(paths):
            raise StyleError(f"no style {first}: there are {len(paths)}")
        return [paths[int(first) - 1]]
    return find_styles([first])[:1]
