"""How the original and the stylized picture stand in the one that is shown."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from ..overlay import side_by_side, split

GRIP = 0.03
"""How near to the divider, as a part of the width, it can be taken with the mouse."""


class Layout(StrEnum):
    """Where the original stands."""

    SINGLE = "single"
    """Nowhere: the stylized picture alone."""
    BESIDE = "beside"
    """To the left of the stylized picture, in a picture twice as wide."""
    SPLIT = "split"
    """In the same picture, left of the divider."""

    def size_hw(self, frame_hw: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of what is shown of a frame of that height and width."""
        height, width = frame_hw
        return height, 2 * width if self is Layout.BESIDE else width


class View:
    """What is seen of a frame.

    Args:
        mirror: whether left and right are exchanged.
        layout: where the original stands.
        divider: place of the divider between original and stylized, 0 (left) to 1.
    """

    def __init__(
        self, *, mirror: bool = False, layout: Layout = Layout.SINGLE, divider: float = 0.5
    ) -> None:
        self.mirror = mirror
        self.layout = layout
        self.divider = divider

    def toggle_mirror(self) -> None:
        """Exchange left and right, or no longer."""
        self.mirror = not self.mirror

    def toggle_layout(self, layout: Layout) -> None:
        """Go to a layout, or from it to the stylized picture alone."""
        self.layout = Layout.SINGLE if self.layout is layout else layout

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """Return the frame as it is to be painted: mirrored or as it is."""
        return np.ascontiguousarray(pixels[:, ::-1]) if self.mirror else pixels

    def compose(
        self, original: np.ndarray, stylized: np.ndarray, layout: Layout | None = None
    ) -> np.ndarray:
        """Return the picture in a layout, or in that of the moment.

        Args:
            original: uint8 `(H, W, 3)` RGB.
            stylized: the same size.
        """
        layout = layout or self.layout
        if layout is Layout.BESIDE:
            return side_by_side(original, stylized)
        if layout is Layout.SPLIT:
            return split(original, stylized, round(self.divider * original.shape[1]))
        return stylized

    def at_divider(self, x: int, width: int) -> bool:
        """Return whether column `x` of a picture `width` pixels wide is the divider's."""
        return self.layout is Layout.SPLIT and abs(x / width - self.divider) <= GRIP

    def move_divider(self, x: int, width: int) -> None:
        """Put the divider at column `x` of a picture `width` pixels wide."""
        self.divider = min(max(x / width, 0.0), 1.0)

    def settings(self) -> dict[str, object]:
        """Return the command line's options that bring this view back."""
        return {
            "mirror": self.mirror,
            "layout": str(self.layout),
            "divider": round(self.divider, 3),
        }
