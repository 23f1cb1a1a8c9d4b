"""In place of styles: numbers, and pictures named after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from realtime_adain.pictures import write_picture


@dataclass(frozen=True)
class Paint:
    """In place of a style: what `paint` needs to know."""

    name: str
    number: float
    size: int = 512
    thumbnail: None = None


def mix(styles: Sequence[Paint], weights: Sequence[float]) -> Paint:
    number = sum(w * style.number for style, w in zip(styles, weights, strict=True))
    return Paint(" + ".join(style.name for style in styles), number)


def encode(image: np.ndarray | Path, size: int, name: str) -> Paint:
    """In place of encoding: styles are called 1, 2 ... and what is grabbed is number 9."""
    return Paint(name, 9 if name.startswith("grab") else int(name), size)


def write_five(folder: Path) -> list[Path]:
    """Write pictures called 1.png to 5.png, each of one colour; return their paths."""
    paths = [folder / "styles" / f"{number}.png" for number in range(1, 6)]
    (folder / "styles").mkdir()
    for number, path in enumerate(paths, 1):
        write_picture(path, np.full((20, 20, 3), (250, 0, 40 * number), np.uint8))
    return paths
