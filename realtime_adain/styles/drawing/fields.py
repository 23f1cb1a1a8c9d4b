"""Numbers on a grid: coordinates, noise, colour ramps, soft shapes and flow.

A field is a float32 `(WORK, WORK)` array. Positions are in units of the picture's side: x goes
from 0 at the left to 1 at the right, y from 0 at the top to 1 at the bottom. Colours are RGB in
0..255 as floats, or in 0..1 where a function says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

SIDE = 512
WORK = 2 * SIDE  # pictures are drawn at twice their size and shrunk, which smooths every edge
SHIFT = 4  # fractional bits of the points that OpenCV draws


def grid() -> tuple[np.ndarray, np.ndarray]:
    """Return the fields of x and of y."""
    axis = (np.arange(WORK, dtype=np.float32) + 0.5) / WORK
    x, y = np.meshgrid(axis, axis)
    return x, y


def noise(
    rng: np.random.Generator, cells: float, octaves: int = 4, stretch: tuple[float, float] = (1, 1)
) -> np.ndarray:
    """Return fractal noise in 0..1 with about `cells` bumps along the side.

    Args:
        rng: where the numbers come from.
        cells: bumps along a side in the coarsest octave; each further octave doubles them.
        octaves: how many there are; each has half the strength of the one before.
        stretch: factors by which bumps are longer along x and along y.
    """
    total = np.zeros((WORK, WORK), np.float32)
    for octave in range(octaves):
        count = cells * 2**octave
        columns, rows = (max(2, min(WORK, round(count / s)) + 1) for s in stretch)
        coarse = rng.random((rows + 2, columns + 2), np.float32)
        fine = cv2.resize(coarse, (WORK, WORK), interpolation=cv2.INTER_CUBIC)
        total += fine * 0.5**octave
    low, high = map(float, np.percentile(total[::8, ::8], (0.5, 99.5)))
    return np.clip((total - low) / (high - low), 0, 1)


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """Return 0 below `low`, 1 above `high` and a smooth rise between; `high` may be the lower."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def ramp(value: np.ndarray, *stops: Sequence[float]) -> np.ndarray:
    """Return the colour `(..., 3)` at `value` in 0..1 between equally spaced RGB stops."""
    at = np.linspace(0, 1, len(stops))
    table = np.asarray(stops, np.float32)
    return np.stack([np.interp(value, at, table[:, c]) for c in range(3)], -1).astype(np.float32)


def mix(below: np.ndarray, above: np.ndarray | Sequence[float], amount: np.ndarray) -> np.ndarray:
    """Return `below` where `amount` is 0 and `above` where it is 1; colours are `(..., 3)`."""
    above = np.asarray(above, np.float32)
    return below + (above - below) * amount[..., None]


def ridge_line(
    rng: np.random.Generator, base: float, height: float, bumps: float, octaves: int = 4
) -> np.ndarray:
    """Return the y of a skyline for each column, float32 `(WORK,)`."""
    heights = np.zeros(WORK, np.float32)
    for octave in range(octaves):
        knots = rng.random(max(3, round(bumps * 2**octave)) + 3).astype(np.float32)
        curve = cv2.resize(knots[None], (WORK, 1), interpolation=cv2.INTER_CUBIC)[0]
        heights += (curve - 0.5) * 0.5**octave
    return base - height * heights


def sample(field: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the field's nearest values at positions `(..., 2)`; outside, those of the border."""
    index = np.clip((points * WORK).astype(np.int32), 0, WORK - 1)
    return field[index[..., 1], index[..., 0]]


def fixed_point(points: np.ndarray) -> np.ndarray:
    """Return positions, or lengths, as the fixed-point working pixels that OpenCV draws, int32."""
    return np.rint(np.asarray(points) * WORK * 2**SHIFT).astype(np.int32)


def curl(potential: np.ndarray) -> np.ndarray:
    """Return the unit directions `(WORK, WORK, 2)` that run along the potential's level lines."""
    smooth = cv2.GaussianBlur(potential, (0, 0), 3)
    flow = np.stack([cv2.Sobel(smooth, cv2.CV_32F, 0, 1), -cv2.Sobel(smooth, cv2.CV_32F, 1, 0)], -1)
    return flow / (np.linalg.norm(flow, axis=-1, keepdims=True) + 1e-9)


def scatter(rng: np.random.Generator, spacing: float, margin: float = 0.02) -> np.ndarray:
    """Return positions `(N, 2)` on a jittered grid with about `spacing` between them, shuffled.

    They reach `margin` beyond the picture, so that its borders are as full as its middle.
    """
    axis = np.arange(-margin, 1 + margin, spacing)
    points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    points = points + rng.uniform(0, spacing, points.shape)
    return rng.permutation(points).astype(np.float32)


def shrink(picture: np.ndarray) -> np.ndarray:
    """Return the finished picture, uint8 `(SIDE, SIDE, 3)`, of a working one in 0..255."""
    small = cv2.resize(picture[..., :3], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)
