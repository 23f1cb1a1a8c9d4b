"""The built-in styles: pictures of our own that `python -m realtime_adain.styles.drawing` draws."""

from __future__ import annotations

import difflib
from pathlib import Path

from ..errors import StyleError

_NAMES = (
    "starry",
    "mosaic",
    "waves",
    "fauve",
    "pointillism",
    "stained-glass",
    "watercolour",
    "woodcut",
    "cubist",
    "neon",
    "pencil",
    "ink",
)


def builtin_style_names() -> tuple[str, ...]:
    """Return the names of the built-in styles, in the order in which they are best shown."""
    return _NAMES


def builtin_style_paths() -> list[Path]:
    """Return the files of the built-in styles, in that order."""
    return list(map(builtin_style_path, _NAMES))


def builtin_style_path(name: str) -> Path:
    """Return the file of a built-in style: a JPEG of 512x512 pixels.

    Raises:
        StyleError: there is no such style; near names are suggested.
    """
    if name in _NAMES:
        return Path(__file__).parent / f"{name}.jpg"
    near = difflib.get_close_matches(name.lower(), _NAMES, n=2)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ";"
    raise StyleError(f"no style named {name!r}{hint} built in are {', '.join(_NAMES)}")
