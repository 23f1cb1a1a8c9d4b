"""How far a long job has come, on standard error."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from .closing import Closing

_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 10.0  # a log file wants few lines


class Progress(Closing):
    """One line about how many frames, or whatever else, are done.

    It is rewritten in a terminal and repeated sparsely elsewhere.

    A context manager; the clock runs from its making. Memory and time per frame are constant.

    Args:
        total: number of frames to expect, may be an estimate; None where it is not known.
        before: how many of them were done before.
        unit: what is counted.
        stream: where to write; None for standard error.
        quiet: only count.

    Attributes:
        done: how many are done, those of before included.
        before: how many were done before.
    """

    def __init__(
        self,
        total: int | None,
        *,
        before: int = 0,
        unit: str = "frames",
        stream: TextIO | None = None,
        quiet: bool = False,
    ) -> None:
        self.done = self.before = before
        self._total = total
        self._unit = unit
        self._rate_unit = "fps" if unit == "frames" else f"{unit}/s"
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._redraws = self._stream.isatty()
        self._interval = _REDRAW_SECONDS if self._redraws else _LINE_SECONDS
        self._start = self._shown = time.perf_counter()
        self._width = 0

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._start

    @property
    def rate(self) -> float:
        """Frames per second since the beginning."""
        return (self.done - self.before) / max(self.seconds, 1e-9)

    def update(self, frames: int) -> None:
        """Note the number of frames done since the beginning, and show it if it is time."""
        self.done = self.before + frames
        now = time.perf_counter()
        if not self._quiet and now - self._shown >= self._interval:
            self._shown = now
            self._show()

    def close(self) -> None:
        """Take the line away, for what comes after it; it stays where it is not rewritten."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0

    def line(self) -> str:
        """Return the line, such as `120/240 frames  50 %  24.1 fps  5 s left`."""
        rate = self.rate
        if self._total is None:
            return f"{self.done} {self._unit}  {rate:.1f} {self._rate_unit}"
        percent = min(100, 100 * self.done // self._total)
        left = max(0, self._total - self.done) / max(rate, 1e-9)
        return (
            f"{self.done}/{self._total} {self._unit}  {percent} %  {rate:.1f} {self._rate_unit}  "
            f"{_duration(left)} left"
        )

    def _show(self) -> None:
        line = self.line()
        if not self._redraws:
            self._stream.write(line + "\n")
        else:
            self._stream.write("\r" + line.ljust(self._width))
            self._width = len(line)
        self._stream.flush()


def _duration(seconds: float) -> str:
    """Return such as `42 s`, `3:05 min` or `2:03 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole // 60 % 60:02d} h"
