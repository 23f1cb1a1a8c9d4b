"""Pictures that come again: of a screen on which nothing moves, of a film of slides."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from .ahead import Made

_FEW_ROWS = 16
"""Every so many rows are looked at first: those of a camera's next frame differ already."""


def is_repeated(pixels: np.ndarray, before: np.ndarray | None) -> bool:
    """Return whether a picture is the one before, pixel by pixel; both uint8 `(H, W, 3)`."""
    if before is None or before.shape != pixels.shape:
        return False
    return all(np.array_equal(pixels[::rows], before[::rows]) for rows in (_FEW_ROWS, 1))


def once(make: Callable[[], Made]) -> Callable[[], Made]:
    """Return what makes a thing the first time it is called, and returns the same ever after;
    other threads wait for it. What failed is tried again."""
    made: list[Made] = []
    lock = threading.Lock()

    def get() -> Made:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return get
