"""A style for each region of the picture: the one in use and those after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..regions import FittingMasks
from ..style_deck import Card, StyleDeck

if TYPE_CHECKING:
    from ..style import Style

StylizeRegions = Callable[[np.ndarray, "Sequence[Style]", np.ndarray, float], np.ndarray]


class RegionalStylize:
    """Repaints the first region in the style in use, the others in those that follow in the deck.

    So going to the next style moves all of them on. As long as too few styles are ready, they
    repeat.

    Args:
        stylize_regions: as `Stylizer.stylize_regions`.
        masks: float32 `(R, H, W)` that sum to one; brought to the frame's size.
        deck: the styles.
        chosen: returns the one in use.
    """

    def __init__(
        self,
        stylize_regions: StylizeRegions,
        masks: np.ndarray,
        deck: StyleDeck,
        chosen: Callable[[], Card],
    ) -> None:
        self._stylize_regions = stylize_regions
        self._masks = FittingMasks(masks)
        self._deck = deck
        self._chosen = chosen

    def __call__(self, pixels: np.ndarray, style: Style, alpha: float) -> np.ndarray:
        """Return uint8 `(H, W, 3)` RGB repainted."""
        masks = self._masks.at(pixels.shape[:2])
        ready = self._deck.cards
        first = ready.index(self._chosen())
        others = [ready[(first + region) % len(ready)].style for region in range(1, len(masks))]
        return self._stylize_regions(pixels, [style, *others], masks, alpha)
