"""The file pipeline: order, no drops, bounded memory, and an end in every case."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from realtime_adain.errors import SinkError, SourceError
from realtime_adain.frame import Frame
from realtime_adain.pipeline import run_pipeline
from realtime_adain.sinks.base import Sink
from realtime_adain.sources.base import Source

from .helpers import NullSink


class CountingSource(Source):
    """Frames whose pixels are their number, then an error if one is given."""

    name = "counting"
    size_hw = (2, 2)
    frame_rate = Fraction(25)

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.given = 0
        self.stopped = threading.Event()
        self._count = count
        self._error = error

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self._count):
            self.given += 1
            yield Frame(np.full((2, 2, 3), index, np.uint8), index / 25, index)
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self.stopped.set()

    def close(self) -> None:
        pass


class WaitingSource(CountingSource):
    """Waits for a next frame that never comes, as a live source may, until it is stopped."""

    def __iter__(self) -> Iterator[Frame]:
        yield from super().__iter__()
        self.stopped.wait()


class ListSink(Sink):
    """Keeps the frames; calls `before` with each first."""

    def __init__(self, before: Callable[[Frame], None] = lambda frame: None) -> None:
        self.frames: list[Frame] = []
        self._before = before

    def write(self, frame: Frame) -> None:
        self._before(frame)
        self.frames.append(frame)

    def close(self) -> None:
        pass


def each(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Iterator], Iterator]:
    """Return a process that treats one picture after the other."""

    def process(pictures: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        for pixels in pictures:
            yield function(pixels)

    return process


same = each(lambda pixels: pixels)


def fail(error: BaseException, at: int = 0) -> Callable:
    """Return a function that raises when it is called the next time but `at`."""
    calls = iter(range(1000))

    def failing(argument):
        if next(calls) >= at:
            raise error
        return argument

    return failing


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_every_frame_comes_through_in_order_with_its_time() -> None:
    sink, told = ListSink(), []
    written = run_pipeline(CountingSource(50), each(lambda x: x + 1), sink, told.append)
    assert written == 50
    assert told == list(range(1, 51))
    assert [frame.pixels[0, 0, 0] for frame in sink.frames] == list(range(1, 51))
    assert [(frame.time, frame.pts) for frame in sink.frames] == [(i / 25, i) for i in range(50)]


def test_no_frames_are_no_error() -> None:
    assert run_pipeline(CountingSource(0), same, NullSink()) == 0


def test_reading_computing_and_writing_overlap() -> None:
    meeting = threading.Barrier(3, timeout=10)  # only passes if all three are at work at once

    class MeetingSource(CountingSource):
        def __iter__(self) -> Iterator[Frame]:
            for frame in super().__iter__():
                if frame.pts == 2:
                    meeting.wait()
                yield frame

    def process(pixels: np.ndarray) -> np.ndarray:
        if pixels[0, 0, 0] == 1:
            meeting.wait()
        return pixels

    def before(frame: Frame) -> None:
        if frame.pts == 0:
            meeting.wait()

    assert run_pipeline(MeetingSource(5), each(process), ListSink(before)) == 5


def test_a_process_may_take_frames_ahead_and_is_closed() -> None:
    closed = []

    def in_pairs(pictures: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        try:
            while pair := list(islice(pictures, 2)):
                yield from pair
        finally:
            closed.append(True)

    sink = ListSink()
    assert run_pipeline(CountingSource(7), in_pairs, sink) == 7
    assert [(frame.pixels[0, 0, 0], frame.pts) for frame in sink.frames] == [
        (index, index) for index in range(7)
    ]
    with pytest.raises(SinkError):
        run_pipeline(CountingSource(50), in_pairs, ListSink(fail(SinkError("full"), 3)))
    assert closed == [True, True]


def test_frames_at_the_beginning_can_be_skipped() -> None:
    sink, told = ListSink(), []
    assert run_pipeline(CountingSource(9), same, sink, told.append, skipped_frames=6) == 3
    assert ([frame.pts for frame in sink.frames], told) == ([6, 7, 8], [1, 2, 3])
    assert run_pipeline(CountingSource(3), same, NullSink(), skipped_frames=5) == 0


def test_a_slow_sink_holds_the_source_back() -> None:
    source = CountingSource(40)
    ahead = []

    def slowly(frame: Frame) -> None:
        time.sleep(0.002)
        ahead.append(source.given - frame.pts)

    run_pipeline(source, same, ListSink(slowly), queued_frames=3)
    assert max(ahead) <= 2 * 3 + 3  # both queues, and one frame in each of the three hands


def test_frames_before_a_break_in_the_source_are_written() -> None:
    sink = ListSink()
    with pytest.raises(SourceError, match="breaks off") as caught:
        run_pipeline(CountingSource(20, SourceError("breaks off")), same, sink)
    assert len(sink.frames) == 20
    assert caught.traceback[-1].name == "__iter__"


@pytest.mark.parametrize("at", [0, 1, 7])
@pytest.mark.parametrize("error", [SinkError("full"), TypeError("wrong"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["process", "sink", "on_frame"])
def test_whatever_fails_is_raised_and_all_threads_end(where, error, at) -> None:
    parts = {
        "process": lambda pixels: pixels,
        "sink": lambda frame: None,
        "on_frame": lambda frames: None,
    }
    parts[where] = fail(error, at)
    source, sink = CountingSource(500), ListSink(parts["sink"])
    with pytest.raises(type(error)) as caught:
        run_pipeline(source, each(parts["process"]), sink, parts["on_frame"])
    assert caught.value is error
    assert source.stopped.is_set()
    assert source.given < 500


@pytest.mark.parametrize("where", ["process", "sink"])
def test_a_source_that_waits_does_not_hang_the_end(where) -> None:
    error = SinkError("full")
    process = each(fail(error, 2)) if where == "process" else same
    sink = ListSink(fail(error, 2)) if where == "sink" else NullSink()
    with pytest.raises(SinkError, match="full"):
        run_pipeline(WaitingSource(3), process, sink)


def test_process_must_return_a_picture() -> None:
    with pytest.raises(TypeError, match="pixels must be a uint8 array, got float32"):
        run_pipeline(CountingSource(9), each(lambda x: x.astype(np.float32)), NullSink())
