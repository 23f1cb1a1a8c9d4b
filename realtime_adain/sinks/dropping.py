"""A slow sink behind a fast program: written in a thread of its own, frames dropped if need be."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ..errors import SinkError
from ..frame import Frame
from .base import Sink

QUEUED_FRAMES = 16
"""Half a second at 30 fps, 44 MB at 1280x720: enough for an encoder's hiccup."""

_IDLE_SECONDS = 0.1


class DroppingSink(Sink):
    """Hands frames to another sink without ever waiting for it.

    Where the queue is full, a frame is dropped and counted. What is queued is still written when
    the sink is closed. While no frame comes, the sink's `idle` is called ten times a second.

    Args:
        sink: what takes the frames; only the thread of this object writes to it from now on.
        queued_frames: length of the queue, at least 1.
        newest_wins: which frame is dropped: the oldest in the queue, so that what is written is
            never late, or the one that comes, so that a recording stutters once instead of often.

    Attributes:
        dropped: frames that were not written because the sink was too slow.
    """

    def __init__(
        self, sink: Sink, *, queued_frames: int = QUEUED_FRAMES, newest_wins: bool = False
    ) -> None:
        self.dropped = 0
        self._sink = sink
        self._newest_wins = newest_wins
        self._queue: queue.Queue[Frame | None] = queue.Queue(queued_frames)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._write_all, name="sink", daemon=True)
        self._thread.start()

    def write(self, frame: Frame) -> None:
        """Queue a frame, whose pixels must not change afterwards, or drop one.

        Raises:
            SinkError: an earlier frame could not be written; the sink's own error is the cause.
        """
        self._check()
        try:
            self._queue.put_nowait(frame)
        except queue.Full:
            self.dropped += 1
            if self._newest_wins:
                with suppress(queue.Empty):  # the thread may just have taken it
                    self._queue.get_nowait()
                self._queue.put_nowait(frame)

    def close(self) -> None:
        """Write what is queued, then close the sink.

        Raises:
            SinkError: a frame could not be written, or the sink not be closed.
        """
        self._finish()
        self._sink.close()
        self._check()

    def abort(self) -> None:
        self._finish()
        self._sink.abort()

    def _finish(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _check(self) -> None:
        if self._error is not None:
            raise SinkError(str(self._error)) from self._error

    def _write_all(self) -> None:
        while (task := self._next_task()) is not None:
            if self._error is not None:
                continue  # keep emptying the queue, so that `close` can end it
            try:
                task()
            except Exception as error:  # whatever it is, the writer is told
                self._error = error

    def _next_task(self) -> Callable[[], None] | None:
        """Return what the sink is to do next; None for the end."""
        try:
            frame = self._queue.get(timeout=_IDLE_SECONDS)
        except queue.Empty:
            return self._sink.idle
        return None if frame is None else partial(self._sink.write, frame)
