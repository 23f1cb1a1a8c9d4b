"""A style for each region of the picture: the one in use and those after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..regions import ResizedMasks
from ..style_deck import Card

if TYPE_CHECKING:
    from ..style import Style

StylizeRegions = Callable[[np.ndarray, "Sequence[Style]", np.ndarray, float], np.ndarray]


class RegionalStylize:
    """Repaints the first region in the style in use, the others in styles of their own.

    Args:
        stylize_regions: as `Stylizer.stylize_regions`.
        masks: float32 `(R, H, W)` that sum to one; brought to the frame's size.
        others: returns the styles of all regions but the first.
    """

    def __init__(
        self,
        stylize_regions: StylizeRegions,
        masks: np.ndarray,
        others: Callable[[], Sequence[Card]],
    ) -> None:
        self._stylize_regions = stylize_regions
        self._masks = ResizedMasks(masks)
        self._others = others

    def __call__(self, pixels: np.ndarray, style: Style, alpha: float) -> np.ndarray:
        """Return uint8 `(H, W, 3)` RGB repainted."""
        masks = self._masks.at(pixels.shape[:2])
        others = [card.style for card in self._others()]
        return self._stylize_regions(pixels, [style, *others], masks, alpha)
