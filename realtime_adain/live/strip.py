"""The styles as a strip of little pictures along the lower edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ..pictures import resize
from ..style_deck import Card
from ..stylebook import THUMBNAIL_SIDE

_PART_OF_SIDE = 0.11  # of the picture's short side
_SMALLEST_SIDE = 24
_NUMBERED_SIDE = 40  # in a smaller one nobody could read its number
_SHADE = 0.3  # how much of the picture shows through the strip
_WHITE = (255, 255, 255)
_GREY = (64, 68, 74)
_BAR = (108, 214, 142)
_FONT = cv2.FONT_HERSHEY_SIMPLEX

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""


class Strip:
    """Little pictures of the styles, as many as fit, around the chosen one.

    Attributes:
        visible: whether it is shown.
    """

    def __init__(self, *, visible: bool = False) -> None:
        self.visible = visible
        self._tiles: dict[Card, tuple[np.ndarray | None, np.ndarray]] = {}
        self._boxes: list[tuple[Box, Card]] = []

    def toggle(self) -> None:
        """Show or hide it."""
        self.visible = not self.visible

    def height(self, size_hw: tuple[int, int]) -> int:
        """Return how many rows it takes of a picture; 0 while it is hidden."""
        if not self.visible:
            return 0
        side, gap = _measures(size_hw)
        return side + 2 * gap

    def draw(
        self,
        pixels: np.ndarray,
        cards: Sequence[Card],
        chosen: Card,
        weights: Mapping[Card, float],
    ) -> None:
        """Draw the strip into a picture, where it is visible.

        Args:
            pixels: uint8 `(H, W, 3)` RGB, changed.
            cards: the styles.
            chosen: the one with a frame around it.
            weights: the parts of a mix, shown as bars; empty for none.
        """
        self._boxes = []
        if not self.visible:
            return
        side, gap = _measures(pixels.shape[:2])
        top = pixels.shape[0] - side - 2 * gap
        pixels[top:] = cv2.convertScaleAbs(pixels[top:], alpha=_SHADE)
        self._boxes = _places(cards, chosen, pixels.shape[1], top + gap, side, gap)
        for box, card in self._boxes:
            left, top, right, bottom = box
            tile = self._tile(card, cards.index(card) + 1, side)
            part = pixels[max(top, 0) : bottom, left:right]
            part[:] = tile[-part.shape[0] :, : part.shape[1]]
            if card in weights:
                bar = max(2, side // 12)
                across = max(1, round(weights[card] * (right - left)))
                cv2.rectangle(
                    pixels, (left, bottom - bar), (left + across - 1, bottom - 1), _BAR, -1
                )
            if card is chosen:
                cv2.rectangle(
                    pixels, (left - 2, top - 2), (right + 1, bottom + 1), _WHITE, 2, cv2.LINE_8
                )

    def hit(self, x: int, y: int) -> Card | None:
        """Return the style whose little picture was drawn there; None where there is none."""
        for (left, top, right, bottom), card in self._boxes:
            if left <= x < right and top <= y < bottom:
                return card
        return None

    def covers(self, y: int, size_hw: tuple[int, int]) -> bool:
        """Return whether row `y` of a picture belongs to the strip."""
        return y >= size_hw[0] - self.height(size_hw)

    def _tile(self, card: Card, number: int, side: int) -> np.ndarray:
        """Return the little picture of a style with its number, uint8 `(side, side, 3)`."""
        thumbnail, tile = self._tiles.get(card, (None, None))
        if tile is None or thumbnail is not card.thumbnail or tile.shape[0] != side:
            tile = _draw_tile(card, side)
            self._tiles[card] = (card.thumbnail, tile)
        if number > 9 or side < _NUMBERED_SIDE:
            return tile
        numbered = tile.copy()
        _write(numbered, str(number), (round(0.06 * side), round(0.28 * side)), side / 110)
        return numbered


def _measures(size_hw: tuple[int, int]) -> tuple[int, int]:
    """Return the side of a little picture and the gap around it, in pixels."""
    side = round(_PART_OF_SIDE * min(size_hw))
    side = min(max(side, _SMALLEST_SIDE), 2 * THUMBNAIL_SIDE)
    return side, max(4, side // 10)


def _places(
    cards: Sequence[Card], chosen: Card, width: int, top: int, side: int, gap: int
) -> list[tuple[Box, Card]]:
    """Return where each style stands: all of them in the middle, or those around the chosen."""
    fitting = min(len(cards), max(1, (width - gap) // (side + gap)))
    first = min(max(cards.index(chosen) - fitting // 2, 0), len(cards) - fitting)
    left = (width - fitting * (side + gap) + gap) // 2
    places = []
    for card in cards[first : first + fitting]:
        places.append(((left, top, left + side, top + side), card))
        left += side + gap
    return places


def _draw_tile(card: Card, side: int) -> np.ndarray:
    if card.thumbnail is not None:
        return resize(card.thumbnail, (side, side))
    tile = np.full((side, side, 3), _GREY, np.uint8)
    _write(tile, card.name[:9], (round(0.06 * side), round(0.8 * side)), side / 200)
    return tile


def _write(pixels: np.ndarray, text: str, origin: tuple[int, int], font: float) -> None:
    cv2.putText(pixels, text, origin, _FONT, font, (0, 0, 0), 2, cv2.LINE_AA)
    cv2.putText(pixels, text, origin, _FONT, font, _WHITE, 1, cv2.LINE_AA)
