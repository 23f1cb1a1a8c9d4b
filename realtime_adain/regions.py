"""Where each style goes: masks from a picture, or from the live picture of a person in a room.

A mask is float32 `(H, W)` in 0..1. Several of them, `(R, H, W)`, one per region, sum to one at
every position, or to less where the original is kept.
"""

from __future__ import annotations

import cv2
import numpy as np

from .colour import LUMA
from .frame import check_pixels, scaled
from .pictures import shrink

MAX_REGIONS = 16

_LUMA = LUMA.astype(np.float32)
_COLOUR_BITS = 5  # per channel, in which the colours of a painted mask are counted
_LLOYD_STEPS = 20
_SAME_COLOUR = 3.0  # distance in these levels up to which two colours are one
_LEAST_SHARE = 0.02  # of a mask's pixels that make a colour one of its own
_VOTE_SIDE = 5  # pixels: the thin edge between two colours is not a region of a third one
_REDUCED_SIDE = 180  # short side in pixels at which what stands in front is found
_SHADOW = 5 / 6  # of a difference in brightness alone that is forgiven
_SAFE_SIDE = 17  # reduced pixels: nothing is learnt so near to what stands in front
_DAYLIGHT_RATE = 0.02  # of the background, per frame
_EDGE_CONTRAST = 1.6  # makes up for the softness of the guided filter's edges


def keep_original(stylized: np.ndarray, original: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the stylized picture where the mask is 1 and the original where it is 0.

    Args:
        stylized: uint8 `(H, W, 3)` RGB.
        original: uint8 `(H, W, 3)` RGB.
        mask: float32 `(H, W)` in 0..1; of several regions the sum of their masks.

    Raises:
        ValueError: the sizes differ.
    """
    if not stylized.shape == original.shape == (*mask.shape, 3):
        raise ValueError(
            f"sizes must be equal, got {stylized.shape}, {original.shape} and {mask.shape}"
        )
    return cv2.blendLinear(stylized, original, mask, 1.0 - mask)


def masks_from_picture(picture: np.ndarray, count: int, softness: float = 0.01) -> np.ndarray:
    """Return one mask for each of the main colours of a painted picture, from dark to light.

    Paint every region in a colour or grey of its own. The colours are found by k-means, started at
    the colours that are most frequent and farthest from one another, so that the same picture
    always gives the same masks.

    Args:
        picture: uint8 `(H, W, 3)` RGB.
        count: number of regions, which is that of the styles: 2 to 16.
        softness: deviation of the soft edges, of the short side; 0 for hard edges.

    Returns:
        float32 `(count, H, W)` that sums to one at every position.

    Raises:
        TypeError, ValueError: the array is no picture, `count` or `softness` is outside its range,
            or the picture has fewer colours.
    """
    if not 2 <= count <= MAX_REGIONS:
        raise ValueError(
            f"a mask needs 2 to {MAX_REGIONS} styles, one for each colour; got {count}"
        )
    if not 0.0 <= softness <= 1.0:
        raise ValueError(f"softness must be in 0..1, got {softness}")
    check_pixels(picture)
    labels = _main_colours(picture, count)
    masks = np.stack([(labels == label).astype(np.float32) for label in range(count)])
    votes = np.stack([cv2.blur(mask, (_VOTE_SIDE, _VOTE_SIDE)) for mask in masks])
    elected = votes.argmax(0)
    masks = np.stack([(elected == label).astype(np.float32) for label in range(count)])
    sigma = softness * min(picture.shape[:2])
    if sigma > 0:
        masks = np.stack([cv2.GaussianBlur(mask, (0, 0), sigma) for mask in masks])
    return masks / masks.sum(0)


def count_colours(picture: np.ndarray) -> int:
    """Return how many clearly different colours a painted mask has; at most `MAX_REGIONS`.

    Args:
        picture: uint8 `(H, W, 3)` RGB.

    Raises:
        TypeError, ValueError: the array is no picture.
    """
    check_pixels(picture)
    colours, shares, _ = _histogram(picture)
    count = 0
    while count < MAX_REGIONS and len(shares):
        near = ((colours - colours[shares.argmax()]) ** 2).sum(1) <= _SAME_COLOUR**2
        if shares[near].sum() < _LEAST_SHARE:
            break
        count += 1
        colours, shares = colours[~near], shares[~near]
    return count


class ResizedMasks:
    """Masks at the size of every frame.

    Args:
        masks: float32 `(R, H, W)` of any size.
    """

    def __init__(self, masks: np.ndarray) -> None:
        self._masks = self._fitted = masks

    def at(self, size_hw: tuple[int, int]) -> np.ndarray:
        """Return the masks, float32 `(R, *size_hw)`; those of the last size are remembered.

        Any number of threads may ask.
        """
        fitted = self._fitted
        if fitted.shape[1:] != tuple(size_hw):
            height, width = size_hw
            fitted = np.stack([cv2.resize(mask, (width, height)) for mask in self._masks])
            self._fitted = fitted
        return fitted


def _main_colours(picture: np.ndarray, count: int) -> np.ndarray:
    """Return the number of the nearest of `count` main colours, dark to light, `(H, W)`."""
    colours, shares, colour_of_pixel = _histogram(picture)
    if len(colours) < count:
        raise ValueError(f"{count} regions need as many colours, there are {len(colours)}")

    centres = colours[[shares.argmax()]]
    while len(centres) < count:
        distance = ((colours[:, None] - centres) ** 2).sum(2).min(1)
        centres = np.vstack([centres, colours[(shares * distance).argmax()]])
    for _ in range(_LLOYD_STEPS):
        nearest = ((colours[:, None] - centres) ** 2).sum(2).argmin(1)
        for index in range(count):
            mine = nearest == index
            if mine.any():
                centres[index] = np.average(colours[mine], axis=0, weights=shares[mine])
    centres = centres[np.argsort(centres @ _LUMA, kind="stable")]
    labels = ((colours[:, None] - centres) ** 2).sum(2).argmin(1).astype(np.uint8)
    return labels[colour_of_pixel]


def _histogram(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the colours of a picture, rounded, `(K, 3)`; their shares of it, `(K,)`; and the
    number of every pixel's, `(H, W)`."""
    levels = (picture >> (8 - _COLOUR_BITS)).astype(np.int32)
    shifts = np.array([2 * _COLOUR_BITS, _COLOUR_BITS, 0])
    cells = (levels << shifts).sum(2)
    pixels = np.bincount(cells.ravel(), minlength=1 << 3 * _COLOUR_BITS)
    used = pixels.nonzero()[0]
    number = np.zeros(len(pixels), np.int32)
    number[used] = np.arange(len(used))
    colours = (used[:, None] >> shifts & (1 << _COLOUR_BITS) - 1).astype(np.float64)
    return colours, pixels[used] / cells.size, number[cells]


class BackgroundModel:
    """What stands before a background that was seen empty, for a camera that does not move.

    At a reduced size, a pixel stands in front when it differs from the background, brought to the
    frame's exposure, by more than the camera's noise; holes and specks are filled and dropped, the
    mask follows in time at once where much changes and slowly where it only trembles, and its edge
    is laid along the edges of the frame by a guided filter (He & Sun, "Fast guided filter", 2015).
    Where nothing stands, the background keeps learning, so that daylight may change.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the background."""
        self._background: np.ndarray | None = None
        self._size_hw = (0, 0)
        self._frames_learnt = 0
        self._mask: np.ndarray | None = None

    @property
    def learnt(self) -> bool:
        """Whether a background is known."""
        return self._background is not None

    def learn(self, frame: np.ndarray) -> None:
        """Take a frame without the person for the background; several give a cleaner one.

        After `mask` was called, learning begins anew.

        Args:
            frame: uint8 `(H, W, 3)` RGB; of another size than before, it begins anew as well.
        """
        if frame.shape[:2] != self._size_hw:
            self.reset()
            self._size_hw = frame.shape[:2]
        small = self._reduced(frame)
        self._frames_learnt += 1
        if self._background is None:
            self._background = small
        else:
            self._background += (small - self._background) / self._frames_learnt
        self._mask = np.zeros(small.shape[:2], np.float32)

    def mask(self, frame: np.ndarray) -> np.ndarray:
        """Return float32 `(H, W)` in 0..1: 1 where something stands in front.

        Args:
            frame: uint8 `(H, W, 3)` RGB of the background's size, the next of the stream.

        Raises:
            RuntimeError: no background is learnt.
            ValueError: the frame has another size than the background.
        """
        if self._background is None:
            raise RuntimeError("no background is known: call learn() with an empty frame first")
        if frame.shape[:2] != self._size_hw:
            raise ValueError(f"the background has size {self._size_hw}, got {frame.shape[:2]}")
        self._frames_learnt = 0  # the next time, learning begins anew
        small = self._reduced(frame)
        empty = self._mask < 0.1
        exposure = _exposure(small, self._background, empty)
        seen = _clean(_in_front(small, self._background * exposure, empty))
        self._mask += np.maximum(0.2, np.abs(seen - self._mask)) * (seen - self._mask)
        behind = cv2.blur(self._mask, (_SAFE_SIDE, _SAFE_SIDE)) < 0.02
        rate = _DAYLIGHT_RATE * behind[:, :, None].astype(np.float32)
        self._background += rate * (small / exposure - self._background)
        return _along_edges(self._mask, small, frame)

    def _reduced(self, frame: np.ndarray) -> np.ndarray:
        """Return the frame as float32 at the reduced size."""
        scale = min(1.0, _REDUCED_SIDE / min(frame.shape[:2]))
        return shrink(frame, scaled(frame.shape[:2], scale)).astype(np.float32)


def _exposure(small: np.ndarray, background: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Return the factor of each channel, `(3,)`, from the background to the frame: the median."""
    sampled = empty[::3, ::3]
    if sampled.mean() < 0.05:
        return np.ones(3, np.float32)
    ratio = (small[::3, ::3][sampled] + 4.0) / (background[::3, ::3][sampled] + 4.0)
    return np.median(ratio, 0).astype(np.float32)


def _in_front(small: np.ndarray, background: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Return how surely every pixel differs from the background, float32 `(h, w)` in 0..1.

    A pixel that is only darker, as in a shadow, counts a sixth of one of another colour.
    """
    difference = cv2.blur(small - background, (3, 3))
    darker = difference @ _LUMA
    level = background @ _LUMA
    factor = np.clip(darker / np.maximum(level, 1.0), -0.4, 0.0)
    shadow = _SHADOW * factor[:, :, None] * background
    distance = np.sqrt(np.square(difference - shadow).mean(2))
    noise = 1.2 * np.median(distance[empty]) if empty.any() else 0.0
    low = 5.0 + 2.0 * min(noise, 8.0)
    return np.clip((distance - low) / low, 0.0, 1.0)


def _clean(mask: np.ndarray) -> np.ndarray:
    """Return the mask without specks and small holes."""
    side = min(mask.shape)
    mask = cv2.convertScaleAbs(mask, alpha=255)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _disc(0.02 * side))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _disc(0.05 * side))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats((mask > 80).astype(np.uint8))
    large = boxes[:, cv2.CC_STAT_AREA] > 0.004 * mask.size
    large[0] = False  # the background itself
    mask *= cv2.dilate(large.astype(np.uint8)[labels], _disc(0.02 * side))
    mask = cv2.erode(mask, _disc(1))  # by as much as the blur of the difference made it wider
    return mask.astype(np.float32) / 255


def _along_edges(mask: np.ndarray, small: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Return the mask at the frame's size, `a luma + b` with a and b fitted in every window."""
    side = 2 * max(2, round(0.02 * min(mask.shape))) + 1
    guide = small @ _LUMA / 255

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (side, side))

    guide_mean, mask_mean = mean(guide), mean(mask)
    variance = mean(guide * guide) - guide_mean**2
    slope = (mean(guide * mask) - guide_mean * mask_mean) / (variance + 1e-3)
    offset = mask_mean - slope * guide_mean
    size_wh = (frame.shape[1], frame.shape[0])
    slope, offset = (cv2.resize(mean(values), size_wh) for values in (slope, offset))
    luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    refined = cv2.multiply(luma, slope, scale=_EDGE_CONTRAST / 255, dtype=cv2.CV_32F)
    refined = cv2.scaleAdd(offset, _EDGE_CONTRAST, refined)
    refined += 0.5 - 0.5 * _EDGE_CONTRAST
    return np.clip(refined, 0.0, 1.0, out=refined)


def _disc(radius: float) -> np.ndarray:
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
