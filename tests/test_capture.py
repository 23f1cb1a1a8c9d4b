"""One slot, the newest frame wins; and the sink that drops instead of waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from realtime_adain.capture import LatestFrame
from realtime_adain.errors import SinkError, SourceError
from realtime_adain.frame import Frame
from realtime_adain.sinks.base import Sink
from realtime_adain.sinks.dropping import DroppingSink
from realtime_adain.sources.base import Source

from .helpers import wait_until


def frame(number: int) -> Frame:
    return Frame(np.full((4, 6, 3), number, np.uint8), float(number))


class Script(Source):
    """Gives the numbered frames up to each barrier, then waits there for the test."""

    name = "script"
    size_hw = (4, 6)
    frame_rate = Fraction(30)

    def __init__(self, *parts: int | Exception) -> None:
        self.parts = parts
        self.go = threading.Semaphore(0)
        self.given = 0
        self.stopped = threading.Event()
        self.closed_by: str | None = None

    def __iter__(self) -> Iterator[Frame]:
        for part in self.parts:
            if isinstance(part, Exception):
                raise part
            while self.given < part:
                self.given += 1
                yield frame(self.given)
            while not self.go.acquire(timeout=0.01):
                if self.stopped.is_set():
                    return

    def stop(self) -> None:
        self.stopped.set()

    def close(self) -> None:
        self.closed_by = threading.current_thread().name


def test_the_newest_frame_wins() -> None:
    source = Script(1, 50)
    with LatestFrame(source) as frames:
        assert frames.get(5).time == 1
        source.go.release()
        wait_until(lambda: source.given == 50)
        wait_until(lambda: frames.get(0.1).time == 50)


def test_no_frame_is_given_twice() -> None:
    with LatestFrame(Script(1)) as frames:
        assert frames.get(5).time == 1
        assert frames.get(0.02) is None
        assert not frames.ended


def test_the_end_is_no_error() -> None:
    source = Script(1)
    source.go.release()
    with LatestFrame(source) as frames:
        assert frames.get(5).time == 1
        assert frames.get(5) is None
        assert frames.ended
    assert source.closed_by == "capture"


def test_the_error_of_the_thread_reaches_the_reader() -> None:
    cause = SourceError("camera 0 stopped giving frames")
    source = Script(1, cause)
    source.go.release()
    with LatestFrame(source) as frames:
        assert frames.get(5).time == 1
        with pytest.raises(SourceError, match="camera 0 stopped giving frames") as raised:
            frames.get(5)
        assert raised.value.__cause__ is cause


def test_breaking_off_is_no_end_even_between_two_looks() -> None:
    source = Script(1, SourceError("unplugged"))
    with LatestFrame(source) as frames:
        assert frames.get(5).time == 1
        assert frames.get(0.02) is None
        source.go.release()
        wait_until(lambda: frames._ended)
        assert not frames.ended
        with pytest.raises(SourceError, match="unplugged"):
            frames.get(0.02)


def test_what_the_source_has_to_say_reaches_the_reader() -> None:
    source = Script(1)
    with LatestFrame(source) as frames:
        assert (frames.problem, frames.notice) == (None, None)
        source.problem, source.notice = "away; trying again", "dark"
        assert frames.problem == "away; trying again"
        assert frames.notice == "dark"


def test_closing_ends_the_thread_and_the_source() -> None:
    source = Script(1)
    frames = LatestFrame(source)
    frames.get(5)
    frames.close()
    assert source.closed_by == "capture"
    assert not any(thread.name == "capture" for thread in threading.enumerate())
    frames.close()


def test_a_source_that_was_never_read_is_closed_too() -> None:
    source = Script(1)
    with LatestFrame(source) as frames:
        assert frames.size_hw == (4, 6)
    assert source.closed_by == "MainThread"


class SlowSink(Sink):
    """Keeps frames, each of them when the test lets it; frame 13 breaks it."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.times: list[float] = []
        self.ends: list[str] = []

    def write(self, frame: Frame) -> None:
        assert self.go.acquire(timeout=5)
        if frame.time == 13:
            raise SinkError("disk full")
        self.times.append(frame.time)

    def close(self) -> None:
        self.ends.append("closed")

    def abort(self) -> None:
        self.ends.append("aborted")


def test_a_slow_sink_costs_frames_but_no_time() -> None:
    slow = SlowSink()
    sink = DroppingSink(slow, queued_frames=2)
    sink.write(frame(1))
    wait_until(lambda: sink._queue.empty())  # the thread holds frame 1
    for number in range(2, 6):
        sink.write(frame(number))
    assert sink.dropped == 2
    slow.go.release(3)
    sink.close()
    assert slow.times == [1, 2, 3]
    assert slow.ends == ["closed"]


def test_an_error_of_the_sink_reaches_the_writer_and_the_sink_is_closed() -> None:
    slow = SlowSink()
    slow.go.release(2)
    sink = DroppingSink(slow)
    sink.write(frame(1))
    sink.write(frame(13))
    with pytest.raises(SinkError, match="disk full"):
        wait_until(lambda: sink.write(frame(14)) is not None)
    with pytest.raises(SinkError, match="disk full"):
        sink.close()
    assert slow.times == [1]
    assert slow.ends == ["closed"]


def test_aborting_drops_the_output() -> None:
    slow = SlowSink()
    with pytest.raises(RuntimeError), DroppingSink(slow):
        raise RuntimeError
    assert slow.ends == ["aborted"]
