"""Whose colours a stylized picture has: the style's, the content's, or the style's made like them.

Both ways to the content's colours are those of Gatys, Bethge, Hertzmann & Shechtman, "Preserving
color in neural artistic stylization" (2016): luminance transfer, a touch on the finished picture
(section 3.2), and linear colour matching, which recolours the style picture before it is encoded
(section 3.1). The first keeps every colour where it was; the second keeps the mood.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

MAX_SATURATION = 2.0
LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in the luma: BT.601, as everywhere in OpenCV."""

_GRAIN = 4.0  # deviation, of 255, below which a picture's colours vary by noise alone
_SAMPLED_SIDE = 160  # pixels sampled along the longer side for a mean and covariance
_CUT = 30.0  # distance, of 255, within one frame; a fade from black to white in 12 frames has 24


class ColourMode(StrEnum):
    """Whose colours the result has."""

    STYLE = "style"
    """The style's, as the network paints them."""
    CONTENT = "content"
    """The content's, at every place: only the brightness is repainted."""
    MATCHED = "matched"
    """The style's, made like the content's: for `ColourFollower` and `recolour`."""


def finish_colours(
    stylized: np.ndarray,
    content: np.ndarray,
    mode: ColourMode = ColourMode.STYLE,
    saturation: float = 1.0,
) -> np.ndarray:
    """Return the finished picture: what is left to do to its colours after the network.

    Args:
        stylized: uint8 `(H, W, 3)` RGB; returned as it is where there is nothing to do.
        content: uint8 `(H, W, 3)` RGB, what it was made of.
        mode: `CONTENT` brings the content's colours back; the others have been seen to before.
        saturation: 0 (grey) to 2, 1 as it is.

    Raises:
        ValueError: the sizes differ, or saturation is outside 0..2.
    """
    if mode is ColourMode.CONTENT:
        stylized = transfer_luminance(stylized, content)
    return saturate(stylized, saturation)


def transfer_luminance(stylized: np.ndarray, content: np.ndarray) -> np.ndarray:
    """Return the stylized picture's luma with the content's chroma.

    Args:
        stylized: uint8 `(H, W, 3)` RGB.
        content: uint8 `(H, W, 3)` RGB of the same size.

    Raises:
        ValueError: the sizes differ.
    """
    if stylized.shape != content.shape:
        raise ValueError(f"sizes must be equal, got {stylized.shape} and {content.shape}")
    luma = cv2.cvtColor(stylized, cv2.COLOR_RGB2GRAY)
    ycrcb = cv2.cvtColor(content, cv2.COLOR_RGB2YCrCb)
    return cv2.cvtColor(cv2.insertChannel(luma, ycrcb, 0), cv2.COLOR_YCrCb2RGB)


def saturate(pixels: np.ndarray, amount: float) -> np.ndarray:
    """Return uint8 `(H, W, 3)` RGB with weaker or stronger colours and the same luma.

    Args:
        pixels: uint8 `(H, W, 3)` RGB; returned as it is at 1.
        amount: 0 (grey) to 2; colours beyond 0..255 are cut off.

    Raises:
        ValueError: `amount` is outside 0..2.
    """
    if not 0.0 <= amount <= MAX_SATURATION:
        raise ValueError(f"saturation must be in 0..{MAX_SATURATION:g}, got {amount}")
    if amount == 1.0:
        return pixels
    grey = np.tile(LUMA, (3, 1))
    return cv2.transform(pixels, amount * np.eye(3) + (1.0 - amount) * grey)


@dataclass(frozen=True, eq=False)
class ColourMoments:
    """Mean `(3,)` and covariance `(3, 3)`, float64, of the RGB colours of a picture in 0..255."""

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, pixels: np.ndarray) -> ColourMoments:
        """Return the moments of uint8 `(H, W, 3)` RGB, sampled on a grid where it is large."""
        step = max(1, max(pixels.shape[:2]) // _SAMPLED_SIDE)
        colours = pixels[::step, ::step].reshape(-1, 3).astype(np.float64)
        mean = colours.mean(0)
        covariance = (colours - mean).T @ (colours - mean) / len(colours)
        return cls(mean, covariance)

    def towards(self, other: ColourMoments, rate: float) -> ColourMoments:
        """Return the moments on the way to others; `rate` is 0 (these) to 1 (the others)."""
        return ColourMoments(
            self.mean + rate * (other.mean - self.mean),
            self.covariance + rate * (other.covariance - self.covariance),
        )

    def distance(self, other: ColourMoments) -> float:
        """Return how far, of 255, a colour must move on average from one to the other.

        The root of the mean squared way along the axes: that of the means, and that of the roots
        of the covariances.
        """
        shift = self.mean - other.mean
        stretch = _root(self.covariance) - _root(other.covariance)
        return float(np.sqrt(((shift**2).sum() + (stretch**2).sum()) / 3))


def recolour(style: np.ndarray, moments: ColourMoments) -> np.ndarray:
    """Return the style picture with other colours: a content's mean and covariance.

    The linear map `x -> A (x - style mean) + content mean` with `A` the content covariance's
    symmetric root times the inverse of the style's (Gatys et al. 2016, section 3.1). Where a style
    varies less than its grain, as the hues of a drawing in ink, nothing is made up out of that.

    Args:
        style: uint8 `(H, W, 3)` RGB.
        moments: of the content.

    Returns:
        uint8 `(H, W, 3)` RGB; colours beyond 0..255 are cut off.
    """
    own = ColourMoments.of(style)
    matrix = _root(moments.covariance) @ np.linalg.inv(_root(own.covariance, floor=_GRAIN))
    offset = moments.mean - matrix @ own.mean
    return cv2.transform(style, np.column_stack([matrix, offset]))


class ColourFollower:
    """Follows the colours of a live content slowly, and tells when to encode the style anew.

    The content's moments are averaged over seconds, exponentially, so that neither noise nor
    somebody passing by is followed; and they are handed out only after they have moved visibly, so
    that the style keeps its colours, and does not flicker, while nothing much changes. At a cut
    the new frame's moments are taken at once: it is far from the average and from the frame before
    alike, whereas a fade or somebody near the camera gets far from the average only.

    Args:
        seconds: time constant of the average, above 0.
        threshold: drift, of 255, that is worth encoding the style anew, above 0.

    Raises:
        ValueError: an argument is outside its range.
    """

    def __init__(self, seconds: float = 2.0, threshold: float = 6.0) -> None:
        if seconds <= 0.0 or threshold <= 0.0:
            raise ValueError(
                f"seconds and threshold must be above 0, got {seconds} and {threshold}"
            )
        self._seconds = seconds
        self._threshold = threshold
        self.reset()

    def reset(self) -> None:
        """Forget what was seen: the next content is taken as it is."""
        self._current: ColourMoments | None = None
        self._given: ColourMoments | None = None
        self._last: ColourMoments | None = None
        self._time = 0.0

    def update(self, content: np.ndarray, time: float) -> ColourMoments | None:
        """Look at a frame; return the moments to recolour the style to, or None to leave it.

        The first frame always gives moments.

        Args:
            content: uint8 `(H, W, 3)` RGB.
            time: of the frame, in seconds, on any clock.
        """
        seen = ColourMoments.of(content)
        if self._current is None or self._is_cut(seen):
            self._current = seen
        else:
            elapsed = max(time - self._time, 0.0)
            self._current = self._current.towards(seen, 1.0 - np.exp(-elapsed / self._seconds))
        self._last, self._time = seen, time
        if self._given is not None and self._current.distance(self._given) < self._threshold:
            return None
        self._given = self._current
        return self._given

    def _is_cut(self, seen: ColourMoments) -> bool:
        """Return whether a frame's moments are far from the average and from the frame before."""
        return min(seen.distance(self._current), seen.distance(self._last)) >= _CUT


def _root(covariance: np.ndarray, floor: float = 0.0) -> np.ndarray:
    """Return the symmetric root of a covariance, its deviations at least `floor`."""
    variances, axes = np.linalg.eigh(covariance)
    deviations = np.sqrt(variances.clip(0.0)).clip(floor)
    return (axes * deviations) @ axes.T
