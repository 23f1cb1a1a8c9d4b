"""What is written over the live picture, and for how long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import StrEnum
from itertools import zip_longest

from ..timing import LiveTiming
from .cycling import following
from .keys import HELP

_MESSAGE_SECONDS = 3.0
_NUMBERS_SECONDS = 0.4  # numbers that change with every frame cannot be read
_LONGEST_CELL = 32  # characters: all are made smaller where they do not fit


class Stats(StrEnum):
    """How much is told about style and speed."""

    LINE = "line"
    GRAPH = "graph"
    NONE = "none"


class ScreenText:
    """The status line, the graph, the help and the message of the moment.

    Attributes:
        stats: how much is told about style and speed.
        help: whether the keys are shown.
    """

    def __init__(self, stats: Stats = Stats.LINE) -> None:
        self.stats = stats
        self.help = False
        self._message = ""
        self._message_end = 0.0
        self._numbers: tuple[str, ...] = ()
        self._numbers_end = 0.0

    def turn_stats(self) -> None:
        """Go from the line to the line with its graph, to nothing, and round again."""
        self.stats = following(self.stats)

    def toggle_help(self) -> None:
        """Show or hide the keys."""
        self.help = not self.help

    def say(self, message: str) -> None:
        """Show a message for some seconds."""
        self._message = message
        self._message_end = time.perf_counter() + _MESSAGE_SECONDS

    @property
    def message(self) -> str:
        """The message of the moment, or nothing."""
        return self._message if time.perf_counter() < self._message_end else ""

    def status(self, facts: Sequence[str], timing: LiveTiming, *, frozen: bool) -> tuple[str, ...]:
        """Return the cells of the status line.

        Args:
            facts: about style and strength.
            timing: the speed so far.
            frozen: whether the picture stands still, so that there is no speed to tell.
        """
        if self.stats is Stats.NONE:
            return ()
        now = time.perf_counter()
        if now >= self._numbers_end:
            self._numbers = (f"{timing.fps:.1f} fps", f"{timing.latency_ms:.0f} ms")
            self._numbers_end = now + _NUMBERS_SECONDS
        cells = (*facts, *(("frozen",) if frozen else self._numbers))
        return tuple(map(_shortened, cells))

    def graph(self, timing: LiveTiming) -> tuple[float, ...]:
        """Return the values of the graph, where it is shown."""
        return timing.latencies_ms if self.stats is Stats.GRAPH else ()

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """The lines of the help, two keys in each, where it is shown."""
        if not self.help:
            return ()
        half = (len(HELP) + 1) // 2
        return tuple(
            left + right for left, right in zip_longest(HELP[:half], HELP[half:], fillvalue=())
        )


def _shortened(cell: str) -> str:
    """Return a text on one line, its end left out where it is long, as names of files can be."""
    cell = " ".join(cell.split())
    return cell if len(cell) <= _LONGEST_CELL else f"{cell[: _LONGEST_CELL - 3]}..."
