"""The measured speed, on a clock that the test sets."""

from __future__ import annotations

import pytest

from realtime_adain import timing
from realtime_adain.timing import LiveTiming


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every timing begin at second 100."""
    monkeypatch.setattr(timing.time, "perf_counter", lambda: 100.0)


def test_before_the_first_frame_there_is_nothing_to_tell(clock: None) -> None:
    measured = LiveTiming()
    assert (measured.frames, measured.fps, measured.latency_ms) == (0, 0.0, 0.0)
    assert measured.summary() == "no frames"


def test_summary_is_of_the_whole_run(clock: None) -> None:
    measured = LiveTiming()
    for index in range(1, 101):  # 25 fps; latencies of 1 to 100 ms
        shown = 100 + index / 25
        measured.add(shown - index / 1000, shown)
    assert measured.summary() == ("100 frames in 4.0 s, 25.0 fps, latency 50 ms median, 95 ms p95")


def test_fps_and_latency_are_those_of_late(clock: None) -> None:
    measured = LiveTiming()
    for index in range(50):  # slow at first
        measured.add(100 + index - 0.9, 100 + index)
    for index in range(1, 101):  # then 20 fps
        measured.add(149 + index / 20 - 0.03, 149 + index / 20)
    assert measured.fps == pytest.approx(20)
    assert measured.latency_ms == pytest.approx(30)


def test_the_graph_has_the_latencies_of_the_last_frames(
    clock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "GRAPH_FRAMES", 3)
    measured = LiveTiming()
    assert measured.latencies_ms == ()
    for index in range(1, 6):
        measured.add(100 + index - index / 1000, 100 + index)
    assert measured.latencies_ms == pytest.approx((3, 4, 5))


def test_memory_is_bounded(clock: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "KEPT_LATENCIES", 10)
    measured = LiveTiming()
    for index in range(1000):
        latency = 0.5 if index < 990 else 0.02
        measured.add(100 + index - latency, 100 + index)
    assert "1000 frames" in measured.summary()
    assert "20 ms median, 20 ms p95" in measured.summary()
