"""A steady picture: the network's flicker is averaged away where the camera sees nothing new.

A network repaints every frame afresh, and what is only noise to the camera moves whole brush
strokes. The filter blends every stylized frame with the one shown before, pixel by pixel, by how
much the *original* changed there, with no motion estimate: what stands still becomes steady and
what moves stays sharp, without a trail.
"""

from __future__ import annotations

import cv2
import numpy as np

from .pictures import shrink

DEFAULT_SMOOTHING = 0.6
MAX_SMOOTHING = 0.9
"""More would never let go of the last differences: results are rounded to whole numbers."""

_REDUCTION = 4  # of the size at which changes are looked for: averages most of the noise away
_NEAR_SIDE = 5  # reduced pixels: a network repaints also what is near to a change
_TOLERANCE = 2.0  # noise deviations of change at which the former picture counts a third as much
_NOISE_RANGE = (0.25, 1.5)  # deviations, of 255 and reduced, that can be noise
_NOISE_RATE = 0.1  # per frame, at which the noise level is followed
_MEDIAN_OF_NOISE = 0.954  # median absolute difference of two noises of deviation 1
_CUT = 0.75  # part of the picture that changes when the scene becomes another one
_CHANNEL_MEAN = np.full((1, 3), 1 / 3, np.float32)


class SteadyFilter:
    """Blends stylized frames with the former result where the original stood still.

    Args:
        smoothing: share of the former picture where nothing changed, 0 (off) to 0.9.

    Raises:
        ValueError: `smoothing` is outside its range.
    """

    def __init__(self, smoothing: float = DEFAULT_SMOOTHING) -> None:
        if not 0.0 <= smoothing <= MAX_SMOOTHING:
            raise ValueError(f"smoothing must be in 0..{MAX_SMOOTHING}, got {smoothing}")
        self._smoothing = smoothing
        self._noise = _NOISE_RANGE[0]
        self.reset()

    def reset(self) -> None:
        """Forget the former picture, as after a change of the style; the noise stays known."""
        self._shown: np.ndarray | None = None
        self._seen: np.ndarray | None = None
        self._former: np.ndarray | None = None

    def __call__(
        self, stylized: np.ndarray, original: np.ndarray, *, reset: bool = False
    ) -> np.ndarray:
        """Return the next frame, made steady, uint8 `(H, W, 3)`; not to be written into.

        Args:
            stylized: uint8 `(H, W, 3)` RGB.
            original: uint8 `(H, W, 3)` RGB of the same size, what the stylized frame was made of.
            reset: whether the former picture does not count, as in the first frame of a new style;
                a cut of the scene and a new size are found out.

        Raises:
            ValueError: the sizes differ.
        """
        if stylized.shape != original.shape:
            raise ValueError(f"sizes must be equal, got {stylized.shape} and {original.shape}")
        small = _reduced(original)
        if reset or self._shown is None or self._shown.shape != stylized.shape:
            self.reset()
            self._shown, self._seen, self._former = stylized, small, small
            return stylized
        self._follow_noise(cv2.absdiff(small, self._former))
        self._former = small
        # What is compared with is the original *of the picture shown*, blended as that was: a
        # change too slow for two neighbouring frames to show adds up and is seen in time.
        change = cv2.blur(cv2.subtract(small, self._seen), (3, 3))
        change = cv2.transform(np.abs(change, out=change), _CHANNEL_MEAN)
        change = cv2.dilate(change, np.ones((_NEAR_SIDE, _NEAR_SIDE), np.uint8))
        change = cv2.blur(change, (_NEAR_SIDE, _NEAR_SIDE))
        keep = self._smoothing * np.exp(-np.square(change / (_TOLERANCE * self._noise)))
        if (keep < 0.1 * self._smoothing).mean() > _CUT:
            keep[:] = 0.0
        self._seen = small + keep[:, :, None] * (self._seen - small)
        keep = cv2.resize(keep, stylized.shape[1::-1])
        self._shown = cv2.blendLinear(self._shown, stylized, keep, 1 - keep)
        return self._shown

    def _follow_noise(self, change: np.ndarray) -> None:
        """Learn the camera's noise from the median change, in which motion hardly counts."""
        deviation = np.median(change[::3, ::3]) / _MEDIAN_OF_NOISE
        self._noise += _NOISE_RATE * (np.clip(deviation, *_NOISE_RANGE) - self._noise)


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """Return the picture at a quarter of the size, float32 `(H / 4, W / 4, 3)`."""
    height, width = pixels.shape[:2]
    size_hw = max(1, height // _REDUCTION), max(1, width // _REDUCTION)
    return shrink(pixels, size_hw).astype(np.float32)
