"""A folder of pictures as if it were a video."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

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
        unreadable: those that the last iteration had to leave out.

    Raises:
        SourceError: no such folder, or no picture in it that can be read.
        ValueError: the frame rate is not above 0.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, frame_rate: Fraction = FILM_FRAME_RATE
    ) -> None:
        if frame_rate <= 0:
            raise ValueError(f"frame_rate must be above 0, got {frame_rate}")
        self.name = str(folder)
        self.unreadable: list[Path] = []
        try:
            self._paths = sorted(list_pictures(folder), key=_natural_order)
        except PictureError as error:
            raise SourceError(str(error)) from error
        first = next(self._pictures(), None)
        if first is None:
            raise SourceError(f"{folder}: holds no picture that can be read")
        self.size_hw = first.shape[:2]
        self.frame_rate = Fraction(frame_rate)
        self.time_base = 1 / self.frame_rate
        self.frame_count = len(self._paths)

    def __iter__(self) -> Iterator[Frame]:
        for index, pixels in enumerate(self._pictures()):
            yield Frame(cover(pixels, self.size_hw), float(index * self.time_base), index)

    def _pictures(self) -> Iterator[np.ndarray]:
        """Yield the pictures that can be read, in their own sizes."""
        self.unreadable = []
        for path in self._paths:
            try:
                yield read_picture(path)
            except PictureError:
                self.unreadable.append(path)

    def close(self) -> None:
        """Do nothing: no file stays open."""


def _natural_order(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts `frame2` before `frame10`."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
