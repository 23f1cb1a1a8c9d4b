"""How many frames come in a second, measured."""

from __future__ import annotations

from collections import deque


class RateMeter:
    """Measures the rate of events over the last seconds.

    Args:
        seconds: over how long; a short time follows quickly, a long one is steady.
    """

    def __init__(self, seconds: float = 3.0) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def add(self, now: float) -> float | None:
        """Count an event.

        Args:
            now: its time in seconds; never less than that of the one before.

        Returns:
            Events per second of late; None until there have been `seconds` of them.
        """
        self._times.append(now)
        if now - self._times[0] < self._seconds:
            return None
        while now - self._times[1] >= self._seconds:
            self._times.popleft()
        return (len(self._times) - 1) / (now - self._times[0])
