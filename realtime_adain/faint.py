"""Pictures that hardly show anything: black before a film begins, a fade, a covered lens."""

from __future__ import annotations

import cv2
import numpy as np

from .pictures import blend, shrink

_NOTHING, _ENOUGH = 3.0, 32.0
"""Contrasts, of 255: up to the first nothing is painted, from the second on everything is."""

_REDUCTION, _LEAST_SIDE = 8, 8
"""By how much a picture is reduced, unless it is very small, before its contrast is looked for:
noise is averaged away."""


def keep_faint(stylized: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Return the stylized picture, the more of the original in it the less that shows.

    AdaIN divides by the content's deviation (equation 8): a picture nine tenths faded to black is
    painted as strongly as before, and black itself in the style's mean colour, until the film cuts
    to it.

    Args:
        stylized: uint8 `(H, W, 3)` RGB; returned as it is where the original has contrast enough.
        original: uint8 `(H, W, 3)` RGB of the same size, what it was painted from.
    """
    height, width = original.shape[:2]
    reduction = min(_REDUCTION, max(1, min(height, width) // _LEAST_SIDE))
    small = shrink(original, (height // reduction, width // reduction))
    ranges = (cv2.minMaxLoc(channel)[:2] for channel in cv2.split(small))
    contrast = max(most - least for least, most in ranges)
    share = float(np.clip((contrast - _NOTHING) / (_ENOUGH - _NOTHING), 0.0, 1.0))
    if share == 1.0:
        return stylized
    return blend(stylized, original, share)
