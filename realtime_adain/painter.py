"""From the pixels of a picture or a film to the painted ones: style or regions, then colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .colour import ColourFollower, ColourMode, ColourMoments, finish_colours, recolour
from .command import warn
from .faint import keep_faint
from .pictures import read_picture
from .reduced import paint_reduced, unless_memory_is_short
from .regions import ResizedMasks
from .steady import SteadyFilter
from .stylebook import STYLE_SIZE, is_saved_style

if TYPE_CHECKING:
    from .style import Style
    from .stylizer import Stylizer

_FEWER_PIXELS = 0.5
"""Part of the pixels for which memory was short that is tried next."""

_FEWEST_PIXELS = 2**16
"""For which memory must not be short."""


@dataclass(frozen=True, eq=False)
class PaintingOptions:
    """How pictures are painted."""

    styles: Sequence[Path]
    """Their files: with masks one for each, else mixed."""
    weights: Sequence[float] | None = None
    """Of the styles in the mix, summing to one; None for equal parts."""
    masks: np.ndarray | None = None
    """Float32 `(R, H, W)` of any size that sum to one: the styles' regions; None for a mix."""
    style_size: int = STYLE_SIZE
    """Short side in pixels at which styles are encoded."""
    alpha: float = 1.0
    """Style strength, 0..1."""
    colour: ColourMode = ColourMode.STYLE
    saturation: float = 1.0
    """From 0 (grey) to `colour.MAX_SATURATION`."""
    steady: float = 0.0
    """How much flicker is averaged away, from 0 to `steady.MAX_SMOOTHING`."""


class Painter:
    """Paints one picture after the other.

    With masks, every style has a region of its own (spatial control of the paper); without,
    several styles are mixed. Pictures for which memory is short are painted smaller
    and brought back to their size; the user is told so on standard error.

    Args:
        stylizer: what repaints.
        options: how, and in which styles.
        frame_seconds: time from picture to picture of a film; None where each stands for itself.

    Raises:
        PictureError, StyleError: a style cannot be read.
    """

    def __init__(
        self,
        stylizer: Stylizer,
        options: PaintingOptions,
        frame_seconds: float | None = None,
    ) -> None:
        self._stylizer = stylizer
        self._options = options
        self._steady = SteadyFilter(options.steady) if options.steady else None
        self._frame_seconds = frame_seconds
        self._time = 0.0
        self._most_pixels = math.inf  # for which there is memory, as far as is known
        self._follower = ColourFollower()
        self._masks = None if options.masks is None else ResizedMasks(options.masks)
        self._styles: list[Style] = []
        if options.colour is not ColourMode.MATCHED:
            self._styles = self._encode(None)
        elif saved := [path.name for path in options.styles if is_saved_style(path)]:
            warn(
                f"{', '.join(saved)}: a saved style has no picture whose colours could be matched, "
                "it keeps its own"
            )

    def paint_all(self, pictures: Iterable[np.ndarray]) -> Generator[np.ndarray, None, None]:
        """Yield the pictures painted, in their order; a few more are taken than are yielded.

        Args:
            pictures: uint8 `(H, W, 3)` RGB each; of a film all of one size.
        """
        for painted, pixels in self._stylizer.run_all(map(self._begin, pictures)):
            yield self._finish(painted, pixels)

    def skip(self, pixels: np.ndarray) -> None:
        """Take a picture, uint8 `(H, W, 3)` RGB, for one that was painted at an earlier time: the
        colours of a film are followed from its beginning."""
        if self._options.colour is ColourMode.MATCHED:
            self._follow_colours(pixels)

    def _begin(self, pixels: np.ndarray) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
        """Return a task that paints one picture, independently of those before it, and returns it
        with the original."""
        if self._options.colour is ColourMode.MATCHED:
            self._follow_colours(pixels)
        styles, alpha = self._styles, self._options.alpha

        def paint(content: np.ndarray) -> np.ndarray:
            if self._masks is None:
                return self._stylizer.stylize(content, styles[0], alpha)
            masks = self._masks.at(content.shape[:2])
            return self._stylizer.stylize_regions(content, styles, masks, alpha)

        return lambda: (self._paint_what_fits(paint, pixels), pixels)

    def _paint_what_fits(
        self, paint: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray
    ) -> np.ndarray:
        """Return a picture painted at the largest size for which there is memory."""
        count = pixels.shape[0] * pixels.shape[1]
        known, painted = self._most_pixels, None
        while painted is None:
            tried = min(count, self._most_pixels)
            painted = unless_memory_is_short(
                partial(paint_reduced, paint, pixels, math.sqrt(tried / count)),
                last=tried < _FEWEST_PIXELS,
            )
            if painted is None:
                self._most_pixels = tried * _FEWER_PIXELS
        if tried < min(count, known):
            warn(
                f"memory is short for {min(count, known) / 1e6:.1f} megapixels: {tried / 1e6:.1f} "
                "at most are painted from now on and brought back to full size"
            )
        return painted

    def _finish(self, painted: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        painted = keep_faint(painted, pixels)
        if self._steady is not None:
            painted = self._steady(painted, pixels, reset=self._frame_seconds is None)
        return finish_colours(painted, pixels, self._options.colour, self._options.saturation)

    def _follow_colours(self, pixels: np.ndarray) -> None:
        """Encode the styles anew where the colours of the content have moved."""
        if self._frame_seconds is None:
            self._follower.reset()
        moments = self._follower.update(pixels, self._time)
        self._time += self._frame_seconds or 0.0
        if moments is not None:
            self._styles = self._encode(moments)

    def _encode(self, colours: ColourMoments | None) -> list[Style]:
        """Return one style per region: one in all where there is no mask."""
        from .style import Style

        styles = []
        for path in self._options.styles:
            as_it_is = colours is None or is_saved_style(path)
            image = path if as_it_is else recolour(read_picture(path), colours)
            style = self._stylizer.encode_style(
                image, size=self._options.style_size, name=path.stem
            )
            styles.append(style)
        if self._masks is not None:
            return styles
        weights = self._options.weights or [1 / len(styles)] * len(styles)
        return [Style.mix(styles, weights) if styles[1:] else styles[0]]
