"""A live session of the demo scene in the built-in styles, for a window that a program plays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from realtime_adain import Style, Stylizer
from realtime_adain.capture import LatestFrame
from realtime_adain.live import LiveSession, StylesInUse
from realtime_adain.sinks.window import MouseEvent
from realtime_adain.sources.base import Source
from realtime_adain.style_deck import StyleDeck
from realtime_adain.stylebook import STYLE_SIZE
from realtime_adain.styles import builtin_style_paths


class NoScreen:
    """Stands for a `sinks.window.Window` where there is no screen; keeps the last picture.

    Attributes:
        closed: never.
        pixels: of the last picture, uint8 `(H, W, 3)` RGB.
    """

    closed = False
    pixels: np.ndarray

    def fit(self, size_hw: tuple[int, int]) -> float:
        return 1.0

    def show(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def listen(self) -> None:
        """Nothing is pressed of itself."""

    def poll_key(self, wait_ms: int) -> str | None:
        return None

    def poll_mouse(self) -> MouseEvent | None:
        return None


@contextmanager
def live_session(stylizer: Stylizer, source: Source, **options: object) -> Iterator[LiveSession]:
    """Open a session; close it, and what it uses, at the end of the context.

    Args:
        stylizer: paints.
        source: of the frames.
        options: further arguments of `LiveSession`.
    """
    with (
        LatestFrame(source) as frames,
        StyleDeck(builtin_style_paths(), stylizer.encode_style, size=STYLE_SIZE) as deck,
        LiveSession(
            frames, stylizer.stylize, deck, StylesInUse(deck, Style.mix), **options
        ) as session,
    ):
        yield session
