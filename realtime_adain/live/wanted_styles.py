"""Which of the styles are wanted first: one, or a mix of several."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import StyleError
from ..stylebook import find_styles


def find_mix(mix: Mapping[str, float] | None) -> dict[Path, float]:
    """Return the weights of a mix, which then sum to one, by the styles' files.

    Args:
        mix: weights of at least 0 by what the user calls the styles, of a folder for each in it.

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
