"""Reading a live source in a thread of its own: one slot, the newest frame wins."""

from __future__ import annotations

import threading

from .closing import Closing
from .errors import SourceError
from .frame import Frame
from .sources.base import Source


class LatestFrame(Closing):
    """The newest frame of a source; older ones that nobody took are dropped.

    A queue would only make every frame old. The reading starts with the first `get`; the source is
    closed by the thread that reads it, because no device likes to be closed in the midst of a read.

    Args:
        source: what is read; it belongs to this object from now on.

    Attributes:
        size_hw: height and width of the frames in pixels.
        frame_rate: the source's nominal frames per second; None where it is not known.
    """

    def __init__(self, source: Source) -> None:
        self.size_hw = source.size_hw
        self.frame_rate = source.frame_rate
        self._source = source
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._error: Exception | None = None
        self._ended = False
        self._closing = False
        self._thread = threading.Thread(target=self._read, name="capture", daemon=True)

    @property
    def problem(self) -> str | None:
        """Why no frames come at the moment, for the user; None when all is well."""
        return self._source.problem

    @property
    def notice(self) -> str | None:
        """What the user may want to know although frames come; None for nothing."""
        return self._source.notice

    @property
    def ended(self) -> bool:
        """Whether the source has come to its end and its last frame has been taken; where it broke
        off, `get` tells."""
        with self._changed:
            return self._ended and self._frame is None and self._error is None

    def get(self, timeout: float | None = None) -> Frame | None:
        """Wait for a frame newer than the last one taken.

        Args:
            timeout: seconds to wait at most; None waits for as long as the source lasts.

        Returns:
            The frame; None when the time is up or the source has ended (see `ended`).

        Raises:
            SourceError: the source broke off for good; its own error is the cause. While it is
                only away, frames do not come and `problem` tells why.
        """
        if self._thread.ident is None:
            self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended, timeout)
            frame, self._frame = self._frame, None
            if frame is None and self._error is not None:
                raise SourceError(str(self._error)) from self._error
            return frame

    def close(self, timeout: float = 3.0) -> None:
        """Stop reading; return when the source is closed, or after `timeout` seconds when it
        hangs in a read."""
        self._closing = True
        if self._thread.ident is None:
            self._source.close()
            return
        self._source.stop()
        self._thread.join(timeout)

    def _read(self) -> None:
        try:
            with self._source:
                for frame in self._source:
                    if self._closing:
                        break
                    with self._changed:
                        self._frame = frame
                        self._changed.notify_all()
        except Exception as error:  # whatever it is, the reader is told by `get`
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
