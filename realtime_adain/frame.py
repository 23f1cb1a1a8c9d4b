"""What streams are made of: pictures, uint8 RGB, and sound, each with its time."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

FILM_FRAME_RATE = Fraction(25)
LIVE_FRAME_RATE = Fraction(30)
"""Frames per second where nobody tells otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a stream.

    Attributes:
        pixels: uint8 `(H, W, 3)`, RGB, row 0 at the top.
        time: presentation time in seconds; for live sources the moment of capture on the clock of
            `time.perf_counter`, for files the time since the stream's first frame.
        pts: presentation time in units of the stream's `time_base`; None for live sources.
        duration: how long it is shown, in the same units; None where only the next frame tells.
    """

    pixels: np.ndarray
    time: float
    pts: int | None = None
    duration: int | None = None

    def __post_init__(self) -> None:
        check_pixels(self.pixels)

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A stretch of sound from a live source.

    Attributes:
        samples: int16 `(N, channels)`.
        rate: samples per second.
        time: of the first sample, in seconds on the clock of `time.perf_counter`.
    """

    samples: np.ndarray
    rate: int
    time: float


def scaled(size_hw: tuple[int, int], scale: float) -> tuple[int, int]:
    """Return a height and width scaled and rounded, at least one pixel each."""
    height, width = size_hw
    return max(1, round(height * scale)), max(1, round(width * scale))


def check_pixels(pixels: np.ndarray) -> None:
    """Raise TypeError or ValueError unless `pixels` is a non-empty uint8 `(H, W, 3)` array."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        kind = getattr(pixels, "dtype", type(pixels).__name__)
        raise TypeError(f"pixels must be a uint8 array, got {kind}")
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"pixels must have shape (H, W, 3), got {pixels.shape}")
    if pixels.shape[0] == 0 or pixels.shape[1] == 0:
        raise ValueError(f"pixels must not be empty, got {pixels.shape}")
