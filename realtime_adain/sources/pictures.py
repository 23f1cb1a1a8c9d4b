"""A folder of pictures as if it were a video."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from ..errors import PictureError, SourceError
from ..frame import FILM_FRAME_RATE, Frame
from ..pictures import cover, list_pictures, read_picture
from .base import Source


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

    Raises:
        SourceError: no such folder, no picture in it, or the first one cannot be read.
        ValueError: the frame rate is not above 0.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, frame_rate: Fraction = FILM_FRAME_RATE
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
