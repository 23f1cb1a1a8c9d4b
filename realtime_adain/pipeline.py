"""From a source through a process into a sink: reading, computing and writing overlap."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice

import numpy as np

from .frame import Frame
from .sinks.base import Sink
from .sources.base import Source

QUEUED_FRAMES = 4
"""Evens out the pace of three threads. Twice so many frames, 25 MB each in 4K, and those that
`process` has taken ahead are all it keeps."""

_WAKE_SECONDS = 0.5  # Windows does not let Ctrl-C into a wait without an end


def run_pipeline(
    source: Source,
    process: Callable[[Iterator[np.ndarray]], Generator[np.ndarray, None, None]],
    sink: Sink,
    on_frame: Callable[[int], None] | None = None,
    *,
    skipped_frames: int = 0,
    on_skipped: Callable[[np.ndarray], None] | None = None,
    queued_frames: int = QUEUED_FRAMES,
) -> int:
    """Pass every frame of a source through a process into a sink, in order, none dropped.

    The source is read in one thread and the sink written in another; `process` and `on_frame` run
    in the caller's. The caller opens and closes source and sink. Both threads have ended when this
    returns or raises.

    Args:
        source: what is read, once and to its end.
        process: yields the new pictures of the frames, in their order, both uint8 `(H, W, 3)` RGB;
            it may take a few ahead.
        sink: what takes the new frames; their times are those of the source.
        on_frame: told the number of frames processed, after each.
        skipped_frames: how many frames at the beginning are read but not processed.
        on_skipped: given the pixels of each of those, in the reading thread, before any is
            processed.
        queued_frames: how many frames may wait before and after `process`.

    Returns:
        The number of frames written.

    Raises:
        Exception: what source, process, on_frame or sink raised, with its own traceback. When the
            source breaks off, the frames before are still written.
    """
    decoded = _Channel(queued_frames)
    finished = _Channel(queued_frames)

    def read() -> None:
        frames = iter(source)
        for frame in islice(frames, skipped_frames):
            if on_skipped is not None:
                on_skipped(frame.pixels)
        for frame in frames:
            if not decoded.put(frame):
                return

    def pictures() -> Iterator[np.ndarray]:
        while (frame := decoded.get()) is not None:
            taken.append(frame)
            yield frame.pixels

    def write() -> None:
        while (frame := finished.get()) is not None:
            sink.write(frame)

    def stop() -> None:
        decoded.cancel()
        finished.cancel()

    reader = _Worker("reader", read, at_end=decoded.finish)
    writer = _Worker("writer", write, at_end=stop)
    taken: deque[Frame] = deque()
    frames = 0
    try:
        reader.start()
        writer.start()
        with closing(process(pictures())) as processed:
            for pixels in processed:
                frame = taken.popleft()
                if not finished.put(replace(frame, pixels=pixels)):
                    break
                frames += 1
                if on_frame is not None:
                    on_frame(frames)
        finished.finish()
        writer.wait()
    finally:
        stop()
        source.stop()
        reader.wait()
        writer.wait()
    for worker in (writer, reader):
        if worker.error is not None:
            raise worker.error  # the same object, so its traceback shows the thread's own lines
    return frames


class _Channel:
    """A bounded queue from one thread to another that either of them, or a third, can end."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._finished = False
        self._cancelled = False

    def put(self, frame: Frame) -> bool:
        """Wait for room and add a frame; return False when nobody wants frames any more."""
        with self._changed:
            self._wait_for(lambda: self._cancelled or len(self._frames) < self._size)
            if self._cancelled:
                return False
            self._frames.append(frame)
            self._changed.notify_all()
            return True

    def get(self) -> Frame | None:
        """Wait for the next frame; return None when there are no more."""
        with self._changed:
            self._wait_for(lambda: self._cancelled or self._finished or self._frames)
            if self._cancelled or not self._frames:
                return None
            frame = self._frames.popleft()
            self._changed.notify_all()
            return frame

    def finish(self) -> None:
        """Let `get` return what is queued and then None."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Drop what is queued; `get` returns None and `put` False from now on."""
        with self._changed:
            self._cancelled = True
            self._frames.clear()
            self._changed.notify_all()

    def _wait_for(self, condition: Callable[[], object]) -> None:
        while not self._changed.wait_for(condition, _WAKE_SECONDS):
            pass


class _Worker:
    """A thread that keeps the exception that ended it."""

    def __init__(self, name: str, body: Callable[[], None], at_end: Callable[[], None]) -> None:
        self.error: BaseException | None = None
        self._body = body
        self._at_end = at_end
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait(self) -> None:
        """Return when the thread has ended, at once if it was never started."""
        while self._thread.is_alive():
            self._thread.join(_WAKE_SECONDS)

    def _run(self) -> None:
        try:
            self._body()
        except BaseException as error:  # whatever it is, the caller raises it again
            self.error = error
        finally:
            self._at_end()
