"""A live source that comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from ..errors import SourceError
from ..frame import Frame
from ..pictures import cover
from .base import Source

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 8.0
"""The wait before a source is opened again; it doubles each time."""


class ReconnectingSource(Source):
    """Opens a source again when it breaks off, for as long as it takes.

    Meanwhile no frames come, and `problem` tells why. A source that ends without an error ends this
    one too. If it comes back in another size, its frames are scaled and cropped to the first size.

    Args:
        open_source: opens the source, at once and then after each break; raises SourceError where
            it cannot.

    Raises:
        SourceError: the source cannot be opened the first time.
    """

    def __init__(self, open_source: Callable[[], Source]) -> None:
        self._open = open_source
        self._source = open_source()
        self._stopped = threading.Event()
        self.name = self._source.name
        self.size_hw = self._source.size_hw
        self.frame_rate = self._source.frame_rate

    @property
    def notice(self) -> str | None:
        """What the source has to say; None while there is a problem."""
        return None if self.problem else self._source.notice

    def __iter__(self) -> Iterator[Frame]:
        while not self._stopped.is_set():
            try:
                for frame in self._source:
                    self.problem = None
                    yield self._fit(frame)
                return
            except SourceError as error:
                self._tell(error)
            self._source.close()
            self._reopen()

    def stop(self) -> None:
        self._stopped.set()
        self._source.stop()

    def close(self) -> None:
        self._stopped.set()
        self._source.close()

    def _reopen(self) -> None:
        """Return when the source is open again, or this one is stopped."""
        wait = FIRST_WAIT_SECONDS
        while not self._stopped.wait(wait):
            try:
                self._source = self._open()
                return
            except SourceError as error:
                self._tell(error)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    def _tell(self, error: SourceError) -> None:
        self.problem = f"{error}; trying again"

    def _fit(self, frame: Frame) -> Frame:
        if frame.size_hw == self.size_hw:
            return frame
        return Frame(cover(frame.pixels, self.size_hw), frame.time)
