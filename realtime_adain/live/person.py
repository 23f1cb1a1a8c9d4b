"""Painting only the person before the camera, or only the room around."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from math import ceil

import numpy as np

from ..regions import BackgroundModel, keep_original
from .cycling import following

WARNING_SECONDS = 4.0
"""How long the user has to leave the picture."""

LEARNING_SECONDS = 1.0
"""How long the empty room is looked at."""


class Region(StrEnum):
    """What is painted."""

    ALL = "all"
    PERSON = "person"
    ROOM = "room"


class PersonMask:
    """Keeps the original of the person, or of the room, which it looks at first without the person.

    Args:
        region: what is painted at first.
        clock: seconds that only ever grow.

    Attributes:
        region: what is painted.
    """

    def __init__(
        self, region: Region = Region.ALL, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.region = region
        self._clock = clock
        self._background = BackgroundModel()
        self._start: float | None = None  # of the learning, when the warning is over

    def turn(self) -> str:
        """Go from everything to the person, to the room, and round again; return what to say."""
        self.region = following(self.region)
        if self.region is Region.ALL and not self._background.learnt:
            self._start = None  # the next time the user is warned again
        return {
            Region.ALL: "everything is painted",
            Region.PERSON: "the person is painted",
            Region.ROOM: "the room is painted",
        }[self.region]

    def learn(self) -> str | None:
        """Look at the empty room anew; return what to say."""
        self._background.reset()
        self._start = None
        if self.region is Region.ALL:
            return "everything is painted: e begins with the person"
        return None

    @property
    def notice(self) -> str | None:
        """What the user is to do; None when all is well."""
        if self.region is Region.ALL or self._start is None or not self._is_learning(self._clock()):
            return None
        seconds = self._start - self._clock()
        if seconds > 0:
            return f"step out of the picture: {ceil(seconds)}"
        return "looking at the empty room"

    def apply(self, stylized: np.ndarray, original: np.ndarray, *, moved: bool) -> np.ndarray:
        """Return the stylized picture with the original where nothing is to be painted.

        Args:
            stylized: uint8 `(H, W, 3)` RGB.
            original: of the same size.
            moved: whether this is another frame than the last time.
        """
        if self.region is Region.ALL:
            return stylized
        now = self._clock()
        if self._start is None:
            self._start = now + WARNING_SECONDS
        if self._is_learning(now):
            if moved and now >= self._start:
                self._background.learn(original)
            return stylized
        if not self._background.learnt:  # no frame came in that time
            self._start = now + WARNING_SECONDS
            return stylized
        mask = self._background.mask(original)
        return keep_original(stylized, original, mask if self.region is Region.PERSON else 1 - mask)

    def _is_learning(self, now: float) -> bool:
        return self._start is not None and now < self._start + LEARNING_SECONDS
