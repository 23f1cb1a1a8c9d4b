"""A live picture that stands still costs nothing, and is painted anew for any change."""

from __future__ import annotations

import numpy as np
import pytest

from realtime_adain.live.still import STILL_FRAMES, StillFrames

from .helpers import picture


class Painted:
    """Paints nothing, but counts."""

    def __init__(self, shade: int) -> None:
        self.shade = shade
        self.times = 0

    def __call__(self, pixels: np.ndarray, style: object, alpha: float) -> np.ndarray:
        self.times += 1
        return np.full_like(pixels, self.shade)


def test_a_live_picture_that_stands_still_is_painted_in_full_once() -> None:
    moving, still = Painted(1), Painted(2)
    paint, style, pixels = StillFrames(moving, still), object(), picture(48, 64)
    shades = [paint(pixels.copy(), style, 1.0).flat[0] for _ in range(2 * STILL_FRAMES)]
    assert shades == STILL_FRAMES * [1] + STILL_FRAMES * [2]
    assert (moving.times, still.times, paint.in_full) == (1, 1, True)
    assert paint(255 - pixels, style, 1.0).flat[0] == 1 and not paint.in_full


@pytest.mark.parametrize("row", [0, 16, 21])  # the first two are among those looked at first
def test_one_pixel_makes_another_picture(row: int) -> None:
    moving = Painted(1)
    paint, style, pixels = StillFrames(moving, Painted(2)), object(), picture(48, 64)
    paint(pixels, style, 1.0)
    other = pixels.copy()
    other[row, 30, 2] ^= 1
    paint(other, style, 1.0)
    assert moving.times == 2


def test_another_size_or_look_is_painted_anew() -> None:
    moving = Painted(1)
    paint, style, pixels = StillFrames(moving, Painted(2)), object(), picture(48, 64)
    paint(pixels, style, 1.0)
    paint(pixels.copy(), style, 1.0)
    assert moving.times == 1
    paint(pixels[:, 1:], style, 1.0)
    assert moving.times == 2
    paint.forget()
    paint(pixels[:, 1:], style, 1.0)
    assert moving.times == 3
