"""Measured speed: frames per second and the time from capture to display."""

from __future__ import annotations

import statistics
import time
from collections import deque
from itertools import islice

FPS_WINDOW_SECONDS = 2.0
KEPT_LATENCIES = 10_000
"""The summary's latencies are those of the last so many frames, five minutes at 30 fps."""

GRAPH_FRAMES = 120
"""A graph shows the last so many frames, four seconds at 30 fps."""


class LiveTiming:
    """Counts the frames shown; memory is bounded.

    All times are seconds on the clock of `time.perf_counter`. The clock runs from the making of
    the object.
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._last = self._start
        self._recent: deque[tuple[float, float]] = deque()  # shown, latency
        self._latencies: deque[float] = deque(maxlen=KEPT_LATENCIES)
        self.frames = 0

    def add(self, captured: float, shown: float) -> None:
        """Count a frame.

        Args:
            captured: when it was captured.
            shown: when it was shown, or finished where nothing is shown.
        """
        self.frames += 1
        self._last = shown
        self._latencies.append(shown - captured)
        self._recent.append((shown, shown - captured))
        while shown - self._recent[0][0] > FPS_WINDOW_SECONDS:
            self._recent.popleft()

    @property
    def fps(self) -> float:
        """Frames per second of late; 0 before the second frame."""
        if len(self._recent) < 2:
            return 0.0
        return (len(self._recent) - 1) / (self._recent[-1][0] - self._recent[0][0])

    @property
    def latency_ms(self) -> float:
        """Median milliseconds from capture to display of late; 0 before the first frame."""
        if not self._recent:
            return 0.0
        return 1000 * statistics.median(latency for _, latency in self._recent)

    @property
    def latencies_ms(self) -> tuple[float, ...]:
        """Milliseconds from capture to display of the last frames, the newest at the end."""
        newest = islice(reversed(self._latencies), GRAPH_FRAMES)
        return tuple(1000 * latency for latency in newest)[::-1]

    def summary(self) -> str:
        """Return one line about the whole run, for the user."""
        if not self.frames:
            return "no frames"
        seconds = self._last - self._start
        ordered = sorted(self._latencies)
        median_ms = 1000 * statistics.median(ordered)
        p95_ms = 1000 * ordered[(len(ordered) * 95 - 1) // 100]  # nearest rank
        return (
            f"{self.frames} frames in {seconds:.1f} s, {self.frames / seconds:.1f} fps, "
            f"latency {median_ms:.0f} ms median, {p95_ms:.0f} ms p95"
        )
