"""Painting smaller than the picture is: for want of time or of memory."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .errors import is_out_of_memory
from .frame import scaled
from .pictures import shrink

_DETAIL = 0.6
"""How much of what only the full size shows is added back."""


def unless_memory_is_short(
    paint: Callable[[], np.ndarray], *, last: bool = False
) -> np.ndarray | None:
    """Return what `paint` returns; None where memory is short for it.

    When None is returned, the memory of the attempt is free again: as long as an exception is
    alive, its traceback keeps it.

    Args:
        paint: paints a picture.
        last: let the error through: nothing else can be tried.
    """
    try:
        return paint()
    except Exception as error:
        if last or not is_out_of_memory(error):
            raise
    return None


def paint_reduced(
    paint: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray, scale: float
) -> np.ndarray:
    """Return a picture painted at a part of its size and brought back, with its fine detail.

    Args:
        paint: repaints uint8 `(H, W, 3)` RGB of any size.
        pixels: uint8 `(H, W, 3)` RGB.
        scale: of the sides that are painted, as a part of the picture's; 1 paints it as it is.
    """
    if scale == 1.0:
        return paint(pixels)
    small = shrink(pixels, scaled(pixels.shape[:2], scale))
    painted = cv2.resize(paint(small), pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return _add_detail(painted, pixels, small)


def _add_detail(painted: np.ndarray, original: np.ndarray, small: np.ndarray) -> np.ndarray:
    """Return the painted picture with the luma detail that was lost on the way down.

    Args:
        painted: uint8 `(H, W, 3)` RGB, brought back to the full size.
        original: uint8 `(H, W, 3)` RGB.
        small: uint8 `(h, w, 3)` RGB, what was painted of the original.
    """
    height, width = original.shape[:2]
    luma = cv2.cvtColor(original, cv2.COLOR_RGB2GRAY)
    lost = cv2.resize(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (width, height))
    # Lighter and darker apart: bytes take a quarter less time than signed numbers.
    lighter = cv2.merge([cv2.addWeighted(luma, _DETAIL, lost, -_DETAIL, 0)] * 3)
    darker = cv2.merge([cv2.addWeighted(lost, _DETAIL, luma, -_DETAIL, 0)] * 3)
    return cv2.subtract(cv2.add(painted, lighter), darker)
