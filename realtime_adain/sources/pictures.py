"""A folder of pictures as if it were a video."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import PictureError, SourceError
from ..frame import Frame
from ..pictures import list_pictures, read_picture, resize
from .base import Source

USUAL_FRAME_RATE = Fraction(25)


class PictureFolderSource(Source):
    """The pictures of a folder as frames, in the order of the numbers in their names.

    The first picture gives the size; the others are scaled to cover it and cropped around their
    middle.

    Args:
        folder: its pictures are taken, not those of the folders in it.
        frame_rate: pictures per second.

    Attributes:
        time_base: unit of the frames' `pts`, in seconds: one picture.
        frame_count: number of pictures.
        duration: length in seconds.

    Raises:
        SourceError: no such folder, no picture in it, or the first one cannot be read.
        ValueError: the frame rate is not above 0.
    """

    live = False

    def __init__(
        self, folder: str | os.PathLike[str], *, frame_rate: Fraction = USUAL_FRAME_RATE
    ) -> None:
        if frame_rate <= 0:
            raise ValueError(f"frame_rate must be above 0, got {frame_rate}")
        self.name = str(folder)
        try:
            self._paths = sorted(list_pictures(folder), key=_natural_order)
            self.size_hw = read_picture(self._paths[0]).shape[:2]
        except PictureError as error:
            raise SourceError(str(error)) from error
        self.frame_rate = Fraction(frame_rate)
        self.time_base = 1 / self.frame_rate
        self.frame_count = len(self._paths)
        self.duration = float(self.frame_count * self.time_base)

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._paths):
            try:
                pixels = cover(read_picture(path), self.size_hw)
            except PictureError as error:
                raise SourceError(str(error)) from error
            yield Frame(pixels, float(index * self.time_base), index)

    def close(self) -> None:
        """Do nothing: no file stays open."""


def _natural_order(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts `frame2` before `frame10`."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def cover(pixels: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Return the picture scaled to cover the size, what stands over cut off on both sides."""
    height, width = size_hw
    scale = max(height / pixels.shape[0], width / pixels.shape[1])
    tall = max(height, round(pixels.shape[0] * scale))
    wide = max(width, round(pixels.shape[1] * scale))
    top, left = (tall - height) // 2, (wide - width) // 2
    scaled = resize(pixels, (tall, wide))
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])
