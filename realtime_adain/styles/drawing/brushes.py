"""Brush strokes made of bristles, and the light that falls on thick paint."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .fields import SHIFT, WORK, fixed_point, sample

_POINTS = 9  # points along a stroke


@dataclass(frozen=True)
class Brush:
    """How strokes look; lengths are in units of the picture's side.

    Attributes:
        length: length of a stroke, varied by half from stroke to stroke.
        width: width of a stroke, varied by a third.
        bristles: parallel lines that make up a stroke.
        colour_jitter: standard deviation of a whole stroke's colour, of 255.
        bristle_jitter: standard deviation of brightness among a stroke's bristles, of 255.
        load: thickness of the paint, 0..1; it is what the light shows.
    """

    length: float
    width: float
    bristles: int = 7
    colour_jitter: float = 10.0
    bristle_jitter: float = 12.0
    load: float = 1.0


def new_canvas(ground: np.ndarray) -> np.ndarray:
    """Return a canvas, uint8 `(WORK, WORK, 4)`: the ground's RGB and the height of the paint."""
    canvas = np.zeros((WORK, WORK, 4), np.uint8)
    canvas[..., :3] = np.clip(ground, 0, 255)
    canvas[..., 3] = 90
    return canvas


def trace(flow: np.ndarray, starts: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Return the paths `(N, points, 2)` of strokes that follow the flow through their middles.

    Args:
        flow: unit directions `(WORK, WORK, 2)`.
        starts: middles of the strokes `(N, 2)`.
        length: length of each stroke `(N,)`.
    """
    half = _POINTS // 2
    step = (length / (_POINTS - 1))[:, None]
    path = np.empty((len(starts), _POINTS, 2), np.float32)
    path[:, half] = starts
    for sign in (-1, 1):
        position = starts
        for index in range(1, half + 1):
            position = position + sign * step * sample(flow, position)
            path[:, half + sign * index] = position
    return path


def paint(
    canvas: np.ndarray,
    rng: np.random.Generator,
    brush: Brush,
    target: np.ndarray,
    flow: np.ndarray,
    middles: np.ndarray,
) -> None:
    """Paint one stroke through each of the middles, in their order, onto the canvas.

    Args:
        canvas: what `new_canvas` made; changed in place.
        rng: where the variation comes from.
        brush: how the strokes look.
        target: colours `(WORK, WORK, 3)` in 0..255 that strokes take at their middles.
        flow: unit directions `(WORK, WORK, 2)` that strokes follow.
        middles: positions `(N, 2)`.
    """
    count = len(middles)
    paths = trace(flow, middles, brush.length * rng.uniform(0.5, 1.5, count))
    widths = brush.width * rng.uniform(0.67, 1.33, count)
    # Mostly lighter and darker, and a little to other hues.
    jitter = rng.normal(0, 1.0, (count, 1)) + rng.normal(0, 0.55, (count, 3))
    colours = sample(target, middles) + brush.colour_jitter * jitter
    draw_strokes(canvas, rng, brush, paths, widths, colours)


def draw_strokes(
    canvas: np.ndarray,
    rng: np.random.Generator,
    brush: Brush,
    paths: np.ndarray,
    widths: np.ndarray,
    colours: np.ndarray,
) -> None:
    """Draw strokes along paths `(N, P, 2)` with widths `(N,)` and RGB colours `(N, 3)`."""
    count = len(paths)
    lines = _bristle_lines(rng, paths, widths, brush.bristles)
    paint_height = rng.uniform(60, 200, (count, brush.bristles)) * brush.load + 55
    shade = rng.normal(0, brush.bristle_jitter, (count, brush.bristles, 1))
    inks = np.concatenate([colours[:, None] + shade, paint_height[..., None]], -1)
    inks = np.clip(inks, 0, 255).round().tolist()
    thickness = np.maximum(1, np.ceil(widths * WORK / brush.bristles * 1.5)).astype(int).tolist()
    for stroke in range(count):
        for line, ink in zip(lines[stroke], inks[stroke], strict=True):
            cv2.polylines(canvas, [line], False, ink, thickness[stroke], cv2.LINE_AA, SHIFT)


def _bristle_lines(
    rng: np.random.Generator, paths: np.ndarray, widths: np.ndarray, bristles: int
) -> np.ndarray:
    """Return the points `(N, bristles, P, 2)` of every bristle, int32 for OpenCV.

    Bristles lie side by side, close up towards the stroke's ends, and start and end at slightly
    different places, which is what frays a stroke.
    """
    count, points = paths.shape[:2]
    along = np.gradient(paths, axis=1)
    along /= np.linalg.norm(along, axis=-1, keepdims=True) + 1e-9
    across = np.stack([-along[..., 1], along[..., 0]], -1)
    offsets = np.linspace(-0.5, 0.5, bristles)[None] * widths[:, None]
    belly = 0.55 + 0.45 * np.sin(np.linspace(0.25, np.pi - 0.25, points))
    lines = paths[:, None] + across[:, None] * (offsets[:, :, None] * belly)[..., None]
    fray = rng.normal(0, 0.5, (count, bristles, 1, 1)) * widths[:, None, None, None]
    lines = lines + fray * along[:, None]
    return fixed_point(lines)


def light(canvas: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """Return the canvas's RGB, float32 in 0..255, lit from the upper left over its height."""
    height = cv2.GaussianBlur(canvas[..., 3].astype(np.float32), (0, 0), 1.2)
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0) + cv2.Sobel(height, cv2.CV_32F, 0, 1)
    shade = np.clip(slope / 255 * strength * 0.28, -0.3, 0.3)
    lit = canvas[..., :3].astype(np.float32) * (1 + shade[..., None])
    return lit + 60 * np.clip(shade, 0, None)[..., None]  # wet paint shines a little
