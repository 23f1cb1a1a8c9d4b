"""What the mouse does in the picture: pick a style, drag the divider, or grab a piece."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from ..sinks.window import Mouse, MouseEvent
from ..style_deck import Card
from .strip import Box, Strip
from .view import View

SMALLEST_PIECE = 16
"""Shortest side in pixels of what is grabbed: less is a click."""


class _Held(Enum):
    NOTHING = 0
    DIVIDER = 1
    SELECTION = 2


class Gestures:
    """Turns presses, movements and releases into what they mean.

    Args:
        view: where the pictures stand; its divider is moved.
        strip: where styles are picked.
        pick: called with the style that was clicked.
        grab: called with the rectangle that was drawn, in pixels of a single picture.

    Attributes:
        selection: the rectangle that is being drawn, in pixels of what is shown; None when none is.
    """

    def __init__(
        self,
        view: View,
        strip: Strip,
        pick: Callable[[Card], None],
        grab: Callable[[Box], None],
    ) -> None:
        self.selection: Box | None = None
        self._view = view
        self._strip = strip
        self._pick = pick
        self._grab = grab
        self._held = _Held.NOTHING
        self._start = (0, 0)
        self._size_hw = (0, 0)  # of a single picture when the button went down

    def follow(self, event: MouseEvent, size_hw: tuple[int, int]) -> None:
        """Do what an event means.

        Args:
            event: what the mouse did.
            size_hw: height and width in pixels of a single picture.
        """
        if size_hw != self._size_hw:  # what is being drawn no longer is where it was
            self._held, self.selection = _Held.NOTHING, None
            self._size_hw = size_hw
        if event.action is Mouse.PRESS:
            self._press(event, size_hw)
        elif self._held is _Held.DIVIDER:
            self._view.move_divider(event.x, size_hw[1])
        elif self._held is _Held.SELECTION:
            self.selection = self._rectangle(event, size_hw)
        if event.action is Mouse.RELEASE:
            self._release(size_hw[1])

    def _press(self, event: MouseEvent, size_hw: tuple[int, int]) -> None:
        width = size_hw[1]
        shown_hw = self._view.layout.size_hw(size_hw)
        inside = 0 <= event.x < shown_hw[1] and 0 <= event.y < shown_hw[0]
        self._held, self.selection = _Held.NOTHING, None
        if not inside:
            return
        if self._strip.covers(event.y, shown_hw):
            card = self._strip.hit(event.x, event.y)
            if card is not None:
                self._pick(card)
        elif self._view.at_divider(event.x, width):
            self._held = _Held.DIVIDER
        else:
            self._held = _Held.SELECTION
            self._start = (event.x, event.y)

    def _rectangle(self, event: MouseEvent, size_hw: tuple[int, int]) -> Box:
        """Return the rectangle from where the button went down, within that picture."""
        height, width = size_hw
        edge = self._start[0] // width * width
        x = min(max(event.x, edge), edge + width)
        y = min(max(event.y, 0), height)
        columns, rows = sorted((self._start[0], x)), sorted((self._start[1], y))
        return columns[0], rows[0], columns[1], rows[1]

    def _release(self, width: int) -> None:
        if self._held is _Held.SELECTION and self.selection is not None:
            left, top, right, bottom = self.selection
            if min(right - left, bottom - top) >= SMALLEST_PIECE:
                edge = left // width * width
                self._grab((left - edge, top, right - edge, bottom))
        self._held, self.selection = _Held.NOTHING, None
