"""From the pixels of a picture or a film to the painted ones: style or regions, then colours."""

from __future__ import annotations

import argparse
import math
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .colour import ColourFollower, ColourMode, ColourMoments, finish_colours, recolour
from .command import warn
from .errors import StyleError, is_out_of_memory
from .pictures import read_picture
from .reduced import paint_reduced
from .regions import FittingMasks, masks_from_picture
from .steady import SteadyFilter
from .stylebook import is_saved_style

if TYPE_CHECKING:
    from .style import Style
    from .stylizer import Stylizer

_FEWER_PIXELS = 0.5
"""Part of the pixels for which memory was short that is tried next."""

_FEWEST_PIXELS = 2**16
"""For which memory must not be short."""


class Painter:
    """Paints one picture after the other as the options of a program say.

    With a mask, every style has a region of its own (spatial control of the paper); without,
    several styles are mixed in equal parts. Pictures for which memory is short are painted smaller
    and brought back to their size; the user is told so on standard error.

    Args:
        stylizer: what repaints.
        style_paths: the styles; with a mask in the order of its colours from dark to light.
        args: options of `cli.add_stylizer_arguments` and `cli.add_painting_arguments`.
        frame_seconds: time from picture to picture of a film; None where each stands for itself.

    Raises:
        PictureError, StyleError: a style or the mask cannot be read.
        ValueError: the mask has fewer colours than there are styles.
    """

    def __init__(
        self,
        stylizer: Stylizer,
        style_paths: Sequence[Path],
        args: argparse.Namespace,
        frame_seconds: float | None = None,
    ) -> None:
        self._stylizer = stylizer
        self._paths = style_paths
        self._style_size = args.style_size
        self._alpha = args.alpha
        self._mode = ColourMode(args.colour)
        self._saturation = args.saturation
        self._steady = SteadyFilter(args.steady) if args.steady else None
        self._frame_seconds = frame_seconds
        self._time = 0.0
        self._most_pixels = math.inf  # for which there is memory, as far as is known
        self._follower = ColourFollower()
        self._masks: FittingMasks | None = None
        if args.mask is not None:
            self._masks = FittingMasks(masks_from_picture(args.mask, len(style_paths)))
        self._styles: list[Style] = []
        if self._mode is not ColourMode.MATCHED:
            self._styles = self._encode(None)
        elif any(map(is_saved_style, style_paths)):
            raise StyleError("a saved style has no picture whose colours could be matched")

    def paint_all(self, pictures: Iterable[np.ndarray]) -> Generator[np.ndarray, None, None]:
        """Yield the pictures painted, in their order; a few more are taken than are yielded.

        Args:
            pictures: uint8 `(H, W, 3)` RGB each; of a film all of one size.
        """
        taken: deque[np.ndarray] = deque()

        def tasks() -> Iterator[Callable[[], np.ndarray]]:
            for pixels in pictures:
                taken.append(pixels)
                yield self._begin(pixels)

        for painted in self._stylizer.run_all(tasks()):
            yield self._finish(painted, taken.popleft())

    def _begin(self, pixels: np.ndarray) -> Callable[[], np.ndarray]:
        """Return what paints a picture and needs nothing of those before it."""
        if self._mode is ColourMode.MATCHED:
            self._follow_colours(pixels)
        styles, alpha = self._styles, self._alpha

        def paint(content: np.ndarray) -> np.ndarray:
            if self._masks is None:
                return self._stylizer.stylize(content, styles[0], alpha)
            masks = self._masks.at(content.shape[:2])
            return self._stylizer.stylize_regions(content, styles, masks, alpha)

        return lambda: self._paint_what_fits(paint, pixels)

    def _paint_what_fits(
        self, paint: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray
    ) -> np.ndarray:
        """Return a picture painted at the largest size for which there is memory."""
        count = pixels.shape[0] * pixels.shape[1]
        known = self._most_pixels
        while True:
            tried = min(count, self._most_pixels)
            try:
                painted = paint_reduced(paint, pixels, math.sqrt(tried / count))
            except Exception as error:
                if not is_out_of_memory(error) or tried < _FEWEST_PIXELS:
                    raise
            else:
                break
            # Outside the handler, because the exception's traceback keeps the failed frame's memory
            # alive.
            self._most_pixels = tried * _FEWER_PIXELS
        if tried < min(count, known):
            warn(
                f"memory is short for {min(count, known) / 1e6:.1f} megapixels: {tried / 1e6:.1f} "
                "at most are painted from now on and brought back to full size"
            )
        return painted

    def _finish(self, painted: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        if self._steady is not None:
            painted = self._steady(painted, pixels, reset=self._frame_seconds is None)
        return finish_colours(painted, pixels, self._mode, self._saturation)

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
        for path in self._paths:
            image = path if colours is None else recolour(read_picture(path), colours)
            styles.append(self._stylizer.encode_style(image, size=self._style_size, name=path.stem))
        if self._masks is not None:
            return styles
        return [Style.mix(styles, [1 / len(styles)] * len(styles)) if styles[1:] else styles[0]]
