"""Any source played by the clock, as if it were a camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from ..frame import FILM_FRAME_RATE, Frame
from .base import Source


class PacedSource(Source):
    """Plays a file, a folder or the demo scene in real time.

    Each frame is held back until it is due, and stamped then. A reader that falls behind gets the
    frames as fast as they can be had until it has caught up.

    Args:
        source: what is played; iterating it again must begin it anew.
        loop: whether to begin again at its end.
    """

    def __init__(self, source: Source, *, loop: bool = True) -> None:
        self.name = source.name
        self.size_hw = source.size_hw
        self.frame_rate = source.frame_rate
        self._source = source
        self._loop = loop
        self._stopped = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        start = time.perf_counter()
        while True:
            due = None
            for frame in self._source:
                due = start + frame.time
                if self._stopped.wait(max(0.0, due - time.perf_counter())):
                    return
                yield Frame(frame.pixels, time.perf_counter())
            if due is None or not self._loop:
                return
            start = due + 1 / float(self.frame_rate or FILM_FRAME_RATE)

    def stop(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        self._stopped.set()
        self._source.close()
