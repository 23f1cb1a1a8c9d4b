"""Pictures with transparency, and the small tools with which the scene is painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True, eq=False)
class Layer:
    """A picture with transparency.

    Attributes:
        colour: uint8 `(h, w, 3)` RGB, already multiplied by the opacity.
        clear: uint8 `(h, w, 3)`, 255 where what lies behind shows.
    """

    colour: np.ndarray
    clear: np.ndarray

    @classmethod
    def of(cls, colour: np.ndarray, opacity: np.ndarray) -> Layer:
        """Make a layer of RGB in 0..255 and opacity `(h, w)` in 0..1."""
        clear = np.rint(255 * (1 - opacity)).astype(np.uint8)
        return cls(to_pixels(colour * opacity[..., None]), np.repeat(clear[..., None], 3, -1))

    def slid(self, x: float, width: int) -> Layer:
        """Return `width` columns from the fractional column `x` on."""
        return Layer(slide(self.colour, x, width), slide(self.clear, x, width))

    def lowered(self, share: float) -> Layer:
        """Return the rows but the first, moved down by a fraction of a row."""
        pictures = (self.colour, self.clear)
        return Layer(*(cv2.addWeighted(p[1:], 1 - share, p[:-1], share, 0) for p in pictures))

    def lay_on(self, frame: np.ndarray, left: int, top: int) -> None:
        """Compose this layer over the frame, in place, clipped to it."""
        height, width = self.colour.shape[:2]
        x0, x1 = max(0, left), min(frame.shape[1], left + width)
        y0, y1 = max(0, top), min(frame.shape[0], top + height)
        if x0 < x1 and y0 < y1:
            part, own = frame[y0:y1, x0:x1], np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
            cv2.multiply(part, self.clear[own], dst=part, scale=1 / 255)
            cv2.add(part, self.colour[own], dst=part)


def glow(radius: int, colour: tuple[int, int, int]) -> np.ndarray:
    """Return a round glow that fades to nothing, uint8 `(2 * radius + 1, ..., 3)` RGB."""
    axis = np.arange(-radius, radius + 1, dtype=np.float32) / radius
    distance = np.hypot(axis[None], axis[:, None])
    fall = np.clip(1 - distance, 0, 1) ** 2 * (0.35 + 0.65 * np.exp(-((distance * 4) ** 2)))
    return to_pixels(fall[..., None] * np.float32(colour))


def add_light(frame: np.ndarray, glow: np.ndarray, x: float, y: float, bright: float) -> None:
    """Add a glow with its middle at `x`, `y`, in place, clipped to the frame."""
    radius = glow.shape[0] // 2
    left, top = round(x) - radius, round(y) - radius
    x0, x1 = max(0, left), min(frame.shape[1], left + glow.shape[1])
    y0, y1 = max(0, top), min(frame.shape[0], top + glow.shape[0])
    if x0 < x1 and y0 < y1:
        part = frame[y0:y1, x0:x1]
        own = glow[y0 - top : y1 - top, x0 - left : x1 - left]
        cv2.scaleAdd(own, bright, part, dst=part)


def unpack(picture: np.ndarray) -> Layer:
    """Return the layer of uint8 `(h, w, 4)`: premultiplied RGB and opacity."""
    clear = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(picture, 3)), cv2.COLOR_GRAY2RGB)
    return Layer(cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB), clear)


def slide(picture: np.ndarray, x: float, width: int) -> np.ndarray:
    """Return `width` columns from the fractional column `x` on, interpolated."""
    x = min(max(x, 0.0), picture.shape[1] - width - 1.0)
    start = int(x)
    share = x - start
    first, second = picture[:, start : start + width], picture[:, start + 1 : start + 1 + width]
    return cv2.addWeighted(first, 1 - share, second, share, 0)


def noise(
    rng: np.random.Generator,
    shape_hw: tuple[int, int],
    cells: float,
    octaves: int,
    bumps_yx: tuple[float, float] = (1.0, 1.0),
) -> np.ndarray:
    """Return fractal noise in about 0..1, float32, with `cells` bumps along the height.

    `bumps_yx` multiplies the number of bumps along y and along x.
    """
    height, width = shape_hw
    total = np.zeros(shape_hw, np.float32)
    for octave in range(octaves):
        rows = min(height, round(cells * 2**octave * bumps_yx[0])) + 2
        columns = min(width, round(cells * 2**octave * bumps_yx[1] * width / height)) + 2
        bumps = rng.random((rows, columns), np.float32)
        total += cv2.resize(bumps, (width, height), interpolation=cv2.INTER_LINEAR) * 0.5**octave
    middle = 1 - 0.5**octaves
    return np.clip(0.5 + (total - middle) / 1.5, 0, 1)


def rise(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """Return 0 at `low`, 1 at `high` and a smooth rise between; `high` may be the lower."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def blend(below: np.ndarray, above: np.ndarray | Sequence[float], amount: np.ndarray) -> np.ndarray:
    """Return colours `below` where `amount` is 0 and `above` where it is 1."""
    return below + (np.asarray(above, np.float32) - below) * amount[..., None]


def ramp(value: np.ndarray, *stops: Sequence[float]) -> np.ndarray:
    """Return the colours at `value` in 0..1 between equally spaced RGB stops."""
    at, steps = np.linspace(0, 1, len(stops)), np.linspace(0, 1, 1024)
    table = np.stack([np.interp(steps, at, channel) for channel in np.transpose(stops)], -1)
    return table.astype(np.float32)[(np.clip(value, 0, 1) * 1023).astype(np.int16)]


def to_pixels(colour: np.ndarray) -> np.ndarray:
    """Return RGB in 0..255 as uint8."""
    return np.clip(np.rint(colour), 0, 255).astype(np.uint8)
