"""Which engine is the fastest: found out while they work."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .base import Engine

ROUNDS = 6
"""Frames that each engine paints in a trial."""

FEWEST_ROUNDS = 2
ENOUGH_SECONDS = 2.0
"""Seconds of painting from which on `FEWEST_ROUNDS` will do."""

HOPELESS = 1.5
"""An engine that takes so many times as long as the fastest one after `FEWEST_ROUNDS` leaves the
trial: a live picture would stutter at its turns."""

CLEARLY_FASTER = 0.9
"""Fraction of the first engine's time within which another must paint to be preferred."""

SAME_PICTURE_DB = 35.0
"""Peak signal-to-noise ratio, in dB, from which on two engines' pictures count as the same."""


class Trial:
    """Engines that take turns until the fastest is known.

    The shortest time of each counts, so that what else the machine does hits all of them.

    Args:
        engines: that take part; the first one wins unless another is clearly faster.
    """

    def __init__(self, engines: Iterable[Engine]) -> None:
        self._seconds: dict[Engine, list[float]] = {engine: [] for engine in engines}
        self._first = next(iter(self._seconds))

    def leave(self, engine: Engine) -> None:
        """Drop an engine that has failed; that is never the first."""
        self._seconds.pop(engine, None)

    def next(self, size_hw: tuple[int, int]) -> Engine | None:
        """Return whose turn it is; None where some are not prepared for the size."""
        hopeful = self._hopeful
        if not all(engine.is_prepared(size_hw) for engine in hopeful):
            return None
        return min(hopeful, key=lambda engine: len(self._seconds[engine]))

    def add(self, engine: Engine, seconds: float) -> None:
        """Count in how long an engine took for a frame."""
        if engine in self._seconds:
            self._seconds[engine].append(seconds)

    @property
    def winner(self) -> Engine | None:
        """The fastest engine; None as long as it is not known."""
        rounds = min(len(self._seconds[engine]) for engine in self._hopeful)
        total = sum(map(sum, self._seconds.values()))
        if rounds < (FEWEST_ROUNDS if total > ENOUGH_SECONDS else ROUNDS):
            return None
        best = self._best
        fastest = min(best, key=best.__getitem__)
        return fastest if best[fastest] < CLEARLY_FASTER * best[self._first] else self._first

    @property
    def _hopeful(self) -> list[Engine]:
        """The engines that may still turn out to be the fastest."""
        if min(map(len, self._seconds.values())) < FEWEST_ROUNDS:
            return list(self._seconds)
        best = self._best
        longest = HOPELESS * min(best.values())
        return [engine for engine, seconds in best.items() if seconds <= longest]

    @property
    def _best(self) -> dict[Engine, float]:
        return {engine: min(seconds) for engine, seconds in self._seconds.items()}


def same_picture(pixels: np.ndarray, expected: np.ndarray) -> bool:
    """Return whether two uint8 pictures are the same but for rounding."""
    return signal_to_noise_db(pixels, expected) >= SAME_PICTURE_DB


def signal_to_noise_db(pixels: np.ndarray, expected: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio of two uint8 pictures in dB; infinite if equal."""
    error = np.square(pixels.astype(np.float32) - expected).mean()
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
