"""What is done to a picture after the network: steadiness, colours, and what stays unpainted."""

from __future__ import annotations

import numpy as np

from ..colour import MAX_SATURATION, ColourFollower, ColourMode, ColourMoments, finish_colours
from ..faint import keep_faint
from ..steady import DEFAULT_SMOOTHING, SteadyFilter
from .cycling import following
from .person import PersonMask, Region

SATURATION_STEP = 0.1


class Finish:
    """The steps from the network's picture to the one that is shown.

    Args:
        colour: whose colours the picture has.
        saturation: 0 (grey) to 2, 1 as painted.
        steady: share of the former picture where nothing moves, 0 (off) to 0.9.
        region: what is painted at first.

    Attributes:
        person: the mask of the person.
    """

    def __init__(
        self,
        *,
        colour: ColourMode = ColourMode.STYLE,
        saturation: float = 1.0,
        steady: float = 0.0,
        region: Region = Region.ALL,
    ) -> None:
        self.person = PersonMask(region)
        self._colour = colour
        self._saturation = saturation
        self._smoothing = steady or DEFAULT_SMOOTHING
        self._steady = SteadyFilter(self._smoothing)
        self._is_steady = steady > 0
        self._follower = ColourFollower()
        self._colours: ColourMoments | None = None

    def style_colours(self, original: np.ndarray, time: float) -> ColourMoments | None:
        """Return the colours that the styles are to be given; None for their own.

        Args:
            original: the next frame, uint8 `(H, W, 3)` RGB.
            time: when it was captured, in seconds.
        """
        if self.matches_colours:
            self._colours = self._follower.update(original, time) or self._colours
            return self._colours
        return None

    def apply(
        self, stylized: np.ndarray, original: np.ndarray, *, moved: bool, repainted: bool
    ) -> np.ndarray:
        """Return the finished picture.

        Args:
            stylized: uint8 `(H, W, 3)` RGB.
            original: of the same size, what it was painted from.
            moved: whether this is another frame than the last time.
            repainted: whether it is painted with another style or strength than the last time.
        """
        stylized = keep_faint(stylized, original)
        if self._is_steady:
            stylized = self._steady(stylized, original, reset=repainted or not moved)
        stylized = finish_colours(stylized, original, self._colour, self._saturation)
        return self.person.apply(stylized, original, moved=moved)

    def reset(self) -> None:
        """Forget the frames before: the picture has changed as a whole."""
        self._steady.reset()
        self.person.learn()

    @property
    def facts(self) -> tuple[str, ...]:
        """What the status line tells about it."""
        colour = () if self._colour is ColourMode.STYLE else (f"{self._colour} colours",)
        saturation = () if self._saturation == 1 else (f"{self._saturation:.0%} colour",)
        return (*colour, *saturation)

    @property
    def matches_colours(self) -> bool:
        """Whether the styles are to be given the original's colours."""
        return self._colour is ColourMode.MATCHED

    def turn_colour(self) -> str:
        """Go from the style's colours to the content's, to matched ones; return what to say."""
        self._colour = following(self._colour)
        self._follower.reset()
        return {
            ColourMode.STYLE: "colours of the style",
            ColourMode.CONTENT: "colours of the original",
            ColourMode.MATCHED: "colours of the style, matched to the original",
        }[self._colour]

    def change_saturation(self, by: float) -> str:
        """Make the colours stronger or weaker; return what to say."""
        saturation = min(max(self._saturation + by, 0.0), MAX_SATURATION)
        self._saturation = round(saturation, 4)
        return f"saturation {self._saturation:.0%}"

    def toggle_steady(self) -> str:
        """Average the flicker away where nothing moves, or no longer; return what to say."""
        self._is_steady = not self._is_steady
        self._steady.reset()
        return "steady" if self._is_steady else "not steadied"

    def settings(self) -> dict[str, object]:
        """Return the command line's options that bring this back."""
        return {
            "colour": str(self._colour),
            "saturation": self._saturation,
            "steady": self._smoothing if self._is_steady else 0.0,
            "region": str(self.person.region),
        }
