"""A picture that stands still: painted once in full, and then no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .ladder import Stylize

if TYPE_CHECKING:
    from ..style import Style

STILL_FRAMES = 10
"""Repetitions after which a picture counts as still. Fewer prove nothing: a screen that shows a
film of fewer frames per second repeats each of them a few times."""

_FEW_ROWS = 16
"""Every so many rows are compared first: a camera's next frame differs in those already."""


class StillFrames:
    """Paints a frame only if it differs from the one before: on a screen mostly nothing moves.

    Args:
        moving: paints a frame as large as the rate allows.
        still: paints one that stands still, in full.

    Attributes:
        in_full: whether the last frame was painted by `still`.
    """

    def __init__(self, moving: Stylize, still: Stylize) -> None:
        self.in_full = False
        self._moving = moving
        self._still = still
        self._before: np.ndarray | None = None
        self._painted: np.ndarray | None = None
        self._repetitions = 0

    def __call__(self, pixels: np.ndarray, style: Style, alpha: float) -> np.ndarray:
        """Return the frame painted, of its own size; not to be written into."""
        if self._before is not None and _is_same(pixels, self._before):
            self._repetitions += 1
            if self._repetitions == STILL_FRAMES:
                self._painted, self.in_full = self._still(pixels, style, alpha), True
        else:
            self._painted, self.in_full = self._moving(pixels, style, alpha), False
            self._before, self._repetitions = pixels, 0
        return self._painted

    def forget(self) -> None:
        """Paint the next frame in any case: it is to look different."""
        self._before = None


def _is_same(pixels: np.ndarray, before: np.ndarray) -> bool:
    """Return whether a picture is the one before, pixel by pixel; both uint8 `(H, W, 3)`."""
    if pixels.shape != before.shape:
        return False
    return all(np.array_equal(pixels[::rows], before[::rows]) for rows in (_FEW_ROWS, 1))
