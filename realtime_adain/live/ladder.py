"""Holding the rate: frames are painted smaller when the machine is too slow for their size."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ..frame import scaled
from ..reduced import paint_reduced, unless_memory_is_short

if TYPE_CHECKING:
    from ..style import Style

Stylize = Callable[[np.ndarray, "Style", float], np.ndarray]
"""Repaints uint8 `(H, W, 3)` RGB in a style with a strength of 0..1."""

SCALES = (1.0, 0.85, 0.7, 0.6, 0.5, 0.42, 0.35, 0.3, 0.25)
"""The rungs: painted sides as parts of the frame's."""

TOO_LONG = 0.75
"""Part of the interval from which on painting a frame takes too long."""

_MOST_PIXELS_AT_FIRST = 640 * 480
"""Of a frame of which nobody knows yet how long it takes."""

_MINIMUM_SIDE = 160  # painted smaller than this, a face is a blur
_MEASURED_FRAMES = 7
_FAR_TOO_LONG = 3.0  # times what is allowed: twice in a row, nothing more has to be measured
_IGNORED_FRAMES = 2  # after a change, while buffers and engines are made for the new size
_HARDLY_MORE = 1.15  # times the lowest rung's seconds, for a larger picture
_MUCH_MORE = 1.5
_FIRST_PATIENCE = 2.0
_LONGEST_PATIENCE = 60.0


class QualityLadder:
    """Paints frames at the largest size that leaves a quarter of the interval for all the rest.

    It begins with few pixels, and goes up as soon as some frames have shown that more will do.
    It steps down as soon as the median of the last frames takes too long, or two in a row far too
    long, at once to the rung that should do by its number of pixels, and back up when a higher one
    should do as well; where it turns out to be too high, or to need more memory than there is, the
    next attempts go up by a single rung, each after twice as long. Where even the lowest rung takes
    too long, it goes up as far as that costs hardly more: what takes the time then is not the size.

    Args:
        stylize: paints uint8 `(H, W, 3)` RGB in a style with a strength of 0..1.
        interval: seconds from frame to frame that are to be held.
        ready_for: returns whether frames of a height and width can be painted without delay, and
            sees to it that they soon can; a higher rung is tried when it is ready, and no rung is
            judged before it is.
        clock: seconds that only ever grow.

    Attributes:
        rung: index into `SCALES` of the size in use.
    """

    def __init__(
        self,
        stylize: Stylize,
        interval: float,
        ready_for: Callable[[tuple[int, int]], bool] = lambda size_hw: True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.rung = 0
        self._stylize = stylize
        self._allowed = TOO_LONG * interval
        self._ready_for = ready_for
        self._awaited_hw: tuple[int, int] | None = None  # what is being made ready
        self._clock = clock
        self._size_hw: tuple[int, int] | None = None
        self._seconds: deque[float] = deque(maxlen=_MEASURED_FRAMES)
        self._far_too_long: list[float] = []
        self._least = 0.0  # seconds at the lowest rung, where even that takes too long
        self._useful = len(SCALES)  # last rung that gains something over the one before
        self._to_ignore = _IGNORED_FRAMES
        self._patience = _FIRST_PATIENCE
        self._changed_at = -math.inf
        self._rose = False

    def __call__(self, pixels: np.ndarray, style: Style, alpha: float) -> np.ndarray:
        """Return the frame painted, of its own size."""
        began = self._clock()
        painted = self._paint_what_fits(pixels, style, alpha)
        now = self._clock()
        self._note(now - began)
        if len(self._far_too_long) > 1:
            self._judge(min(self._far_too_long), now, pixels)
        elif len(self._seconds) == _MEASURED_FRAMES:
            self._judge(statistics.median(self._seconds), now, pixels)
        return painted

    @property
    def scale(self) -> float:
        """The sides that are painted, as parts of the frame's."""
        return SCALES[self.rung]

    def paint_in_full(self, pixels: np.ndarray, style: Style, alpha: float) -> np.ndarray:
        """Return a frame that nobody waits for, painted at its own size if there is the memory."""
        painted = unless_memory_is_short(partial(self._stylize, pixels, style, alpha))
        return self._paint_what_fits(pixels, style, alpha) if painted is None else painted

    def _paint_what_fits(self, pixels: np.ndarray, style: Style, alpha: float) -> np.ndarray:
        if self._size_hw != pixels.shape[:2]:
            self._begin_with(pixels.shape[:2])
        while True:
            painted = unless_memory_is_short(
                partial(self._paint, pixels, style, alpha), last=self.rung >= _lowest_rung(pixels)
            )
            if painted is not None:
                return painted
            self._give_up_rung(self.rung + 1, self._clock())

    def _paint(self, pixels: np.ndarray, style: Style, alpha: float) -> np.ndarray:
        return paint_reduced(lambda small: self._stylize(small, style, alpha), pixels, self.scale)

    def _begin_with(self, size_hw: tuple[int, int]) -> None:
        """Paint few of the pixels of frames of a size of which none has been painted yet."""
        self._size_hw = size_hw
        pixels, rung = size_hw[0] * size_hw[1], self.rung
        while rung < len(SCALES) - 1 and SCALES[rung] ** 2 * pixels > _MOST_PIXELS_AT_FIRST:
            rung += 1
        self._go(rung, -math.inf, rose=False)

    def _note(self, seconds: float) -> None:
        """Take note of how long a frame took."""
        if self._to_ignore:
            self._to_ignore -= 1
            return
        self._seconds.append(seconds)
        if seconds > _FAR_TOO_LONG * self._allowed:
            self._far_too_long.append(seconds)
        else:
            self._far_too_long.clear()

    def _judge(self, taken: float, now: float, pixels: np.ndarray) -> None:
        """Go to another rung where a frame that takes so long says so."""
        if self._awaited_hw is not None:  # which takes some of the frames' time
            if self._ready_for(self._awaited_hw):
                self._awaited_hw = None
            self._measure_anew()
            return
        if not self._allowed < taken < _MUCH_MORE * self._least:  # not, or not yet, as it was
            self._least, self._useful = 0.0, len(SCALES)
        lowest = min(_lowest_rung(pixels), self._useful)
        if taken > self._allowed and self._rose and taken < _HARDLY_MORE * self._least:
            self._useful = self.rung
            self._patience = _FIRST_PATIENCE
            self._go(self.rung, now, rose=False)
        elif taken > self._allowed and self.rung < lowest:
            rung = self.rung + 1
            while rung < lowest and taken * self._cost(rung) > self._allowed:
                rung += 1
            self._give_up_rung(rung, now)
        elif taken > self._allowed:
            self._least = min(taken, self._least or taken)
            self._try_higher(max(0, self.rung - 1), now, pixels)
        else:
            farthest = 0 if self._patience == _FIRST_PATIENCE else max(0, self.rung - 1)
            rung = self.rung
            while rung > farthest and taken * self._cost(rung - 1) < 0.9 * self._allowed:
                rung -= 1
            self._try_higher(rung, now, pixels)

    def _try_higher(self, rung: int, now: float, pixels: np.ndarray) -> None:
        """Go up to a rung, if it is higher, after a while and as soon as it is ready."""
        if rung == self.rung or now - self._changed_at <= self._patience:
            return
        higher_hw = scaled(pixels.shape[:2], SCALES[rung])
        if self._ready_for(higher_hw):
            self._go(rung, now, rose=True)
        else:
            self._awaited_hw = higher_hw
            self._measure_anew()

    def _cost(self, rung: int) -> float:
        """Return the cost of a rung over that of the present one, by the number of pixels."""
        return (SCALES[rung] / SCALES[self.rung]) ** 2

    def _give_up_rung(self, rung: int, now: float) -> None:
        """Go down to a rung; if the one before was a trial, be slower to try again."""
        if self._rose:
            self._patience = min(2 * self._patience, _LONGEST_PATIENCE)
        self._go(rung, now, rose=False)

    def _go(self, rung: int, now: float, *, rose: bool) -> None:
        self.rung = rung
        painted_hw = scaled(self._size_hw, SCALES[rung])
        self._awaited_hw = None if self._ready_for(painted_hw) else painted_hw
        self._rose = rose
        self._changed_at = now
        self._measure_anew()
        self._to_ignore = _IGNORED_FRAMES

    def _measure_anew(self) -> None:
        self._seconds.clear()
        self._far_too_long.clear()


def _lowest_rung(pixels: np.ndarray) -> int:
    """Return the last rung on which a face is to be recognised; the rate is given up for it."""
    short_side = min(pixels.shape[:2])
    return sum(scale * short_side >= _MINIMUM_SIDE for scale in SCALES[1:])
