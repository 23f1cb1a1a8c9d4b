"""Two oil paintings: a swirling night sky and a valley in unmixed warm colours."""

from __future__ import annotations

import cv2
import numpy as np

from .brushes import Brush, light, new_canvas, paint
from .fields import (
    WORK,
    curl,
    grid,
    mix,
    noise,
    ramp,
    ridge_line,
    sample,
    scatter,
    shrink,
    smoothstep,
)

# x, y, radius of the core, and the sense in which the sky turns around it
_STARS = (
    (0.22, 0.20, 0.030, 1),
    (0.47, 0.11, 0.018, -1),
    (0.62, 0.37, 0.036, 1),
    (0.36, 0.46, 0.020, 1),
    (0.11, 0.50, 0.022, -1),
    (0.90, 0.44, 0.020, 1),
    (0.67, 0.06, 0.014, 1),
    (0.06, 0.08, 0.014, 1),
)
_MOON = (0.84, 0.17, 0.062, 1)


def draw_starry() -> np.ndarray:
    """Return a night sky that whirls around its stars, over dark hills and fields."""
    rng = np.random.default_rng(11)
    target, sky = _starry_colours(rng)
    flow = curl(_starry_potential(rng, sky))
    canvas = new_canvas(target)
    for brush, spacing in (
        (Brush(0.11, 0.020, 8, 12, 13), 0.017),
        (Brush(0.075, 0.012, 6, 16, 15), 0.0125),
        (Brush(0.05, 0.007, 4, 20, 14), 0.0135),
    ):
        paint(canvas, rng, brush, target, flow, scatter(rng, spacing))
    _paint_star_hearts(canvas, rng, target, flow)
    return shrink(light(canvas, 1.15))


def _starry_colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the colours of the underpainting and where the sky is (1) or the land (0)."""
    x, y = grid()
    bands = noise(rng, 4, 4)
    colours = ramp(
        np.clip(y * 1.15 + (bands - 0.5) * 0.75, 0, 1),
        (14, 22, 74),
        (24, 58, 142),
        (40, 102, 182),
        (86, 160, 200),
        (168, 204, 188),
    )
    for star in (*_STARS, _MOON):
        distance = np.hypot(x - star[0], y - star[1]) / star[2]
        rings = 0.72 + 0.28 * np.cos(distance * 3.4)
        colours = mix(colours, (255, 200, 24), 1.0 * rings * np.exp(-((distance / 2.6) ** 2)))
        colours = mix(colours, (255, 236, 150), np.exp(-((distance / 1.1) ** 4)))
    far = ridge_line(rng, 0.72, 0.16, 3)[None]
    near = ridge_line(rng, 0.86, 0.14, 2)[None]
    sky = smoothstep(0.004, -0.004, y - far)
    hills = ramp(noise(rng, 9, 3), (18, 42, 78), (30, 84, 104), (70, 122, 96))
    colours = mix(colours, hills, 1 - sky)
    meadow = ramp(noise(rng, 14, 3), (10, 22, 48), (24, 62, 66), (96, 116, 56), (206, 158, 50))
    return mix(colours, meadow, smoothstep(-0.004, 0.004, y - near)), sky


def _starry_potential(rng: np.random.Generator, sky: np.ndarray) -> np.ndarray:
    """Return the potential of the flow: drifting air, a vortex per star, rolling land."""
    x, y = grid()
    air = y * 0.9 + 0.22 * noise(rng, 3, 2)
    for cx, cy, radius, sense in (*_STARS, _MOON):
        reach = radius * 3.4 + 0.02
        distance = np.hypot(x - cx, y - cy)
        # The air's own slope would push the eye of the whirl off its star, so it is levelled there.
        calm = np.exp(-((distance / reach) ** 4))
        level = air[int(cy * WORK), int(cx * WORK)]
        whirl = sense * 3.0 * reach * np.exp(-0.5 * (distance / reach) ** 2)
        air += (level - air) * calm + whirl
    land = y + 0.12 * np.sin(x * 7 + 1) + 0.1 * noise(rng, 4, 2)
    soft = cv2.GaussianBlur(sky, (0, 0), 10)
    return (air * soft + land * (1 - soft)).astype(np.float32)


def _paint_star_hearts(
    canvas: np.ndarray, rng: np.random.Generator, target: np.ndarray, flow: np.ndarray
) -> None:
    """Paint thick light strokes in the stars, where the eye goes first."""
    hearts = []
    for x, y, radius, _ in (*_STARS, _MOON):
        count = int(26 + 900 * radius)
        turn = rng.uniform(0, 2 * np.pi, count)
        out = radius * 2.2 * np.sqrt(rng.random(count))
        hearts.append(np.stack([x + out * np.cos(turn), y + out * np.sin(turn)], -1))
    middles = rng.permutation(np.concatenate(hearts)).astype(np.float32)
    paint(canvas, rng, Brush(0.036, 0.0075, 5, 14, 12), target * 1.04, flow, middles)


def draw_fauve() -> np.ndarray:
    """Return a southern valley in unmixed reds, oranges, greens and blues, boldly brushed."""
    rng = np.random.default_rng(23)
    target, potential = _valley(rng)
    trunks, crowns = _grove(rng, target, potential)
    flow = curl(potential)
    canvas = new_canvas(ramp(noise(rng, 6, 2), (196, 60, 46), (228, 120, 60)))
    for brush, spacing in (
        (Brush(0.10, 0.034, 10, 16, 10), 0.026),
        (Brush(0.065, 0.022, 8, 20, 11), 0.020),
        (Brush(0.04, 0.012, 5, 22, 12), 0.020),
    ):
        paint(canvas, rng, brush, target, flow, scatter(rng, spacing))
    edges = scatter(rng, 0.008)
    outline = np.clip(_outline(target) + trunks, 0, 1)
    edges = edges[sample(outline, edges) > 0.45]
    blue = np.broadcast_to(np.float32((26, 34, 110)), target.shape)
    paint(canvas, rng, Brush(0.045, 0.007, 4, 9, 10), blue, _along_edges(target), edges)
    lights = scatter(rng, 0.016)
    lights = lights[sample(crowns, lights) > 0.55]
    paint(canvas, rng, Brush(0.03, 0.011, 5, 30, 12), target * 1.25 + 10, flow, lights)
    return shrink(light(canvas, 1.0))


def _valley(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the colours of sky, sun and five folds of land, and the potential of the strokes."""
    x, y = grid()
    glow = np.exp(-(((x - 0.68) ** 2 + (y - 0.20) ** 2) / 0.06))
    colours = ramp(
        np.clip(y * 2.1 + 0.5 * (noise(rng, 4, 2) - 0.5), 0, 1),
        (36, 142, 168),
        (120, 196, 178),
        (250, 196, 96),
        (246, 140, 120),
    )
    colours = mix(colours, (255, 214, 60), glow)
    distance = np.hypot(x - 0.68, y - 0.20)
    colours = mix(colours, (238, 70, 34), smoothstep(0.088, 0.082, distance))
    potential = y + 0.06 * np.sin(5 * x) + 0.08 * noise(rng, 3, 2)
    potential += (distance - potential) * np.exp(-((distance / 0.22) ** 4))
    folds = (
        ((112, 84, 176), (70, 60, 160), 0.44, 0.16, 4),
        ((232, 96, 138), (206, 54, 92), 0.52, 0.12, 3),
        ((250, 172, 46), (236, 108, 34), 0.61, 0.12, 2.5),
        ((60, 160, 92), (24, 116, 110), 0.73, 0.14, 2),
        ((226, 60, 44), (246, 150, 40), 0.87, 0.13, 2),
    )
    for high, low, base, height, bumps in folds:
        line = ridge_line(rng, base, height, bumps, 3)[None]
        depth = np.clip((y - line) / 0.16, 0, 1)
        patch = smoothstep(0.45, 0.6, noise(rng, 6, 2, (2.5, 1)))
        land = mix(ramp(depth, high, low), np.float32(high)[::-1] * 0.9 + 20, 0.75 * patch)
        inside = smoothstep(-0.002, 0.002, y - line)
        colours = mix(colours, land, inside)
        slope = y - line * (1 - depth * 0.6) + 0.05 * np.sin(x * 9 + base * 40)
        potential = potential * (1 - inside) + slope * inside
    return colours, potential.astype(np.float32)


def _grove(
    rng: np.random.Generator, colours: np.ndarray, potential: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add trees to colours and potential, in place; return where trunks and crowns are, 0..1."""
    x, y = grid()
    trunks, crowns = np.zeros_like(x), np.zeros_like(x)
    trees = (
        (0.17, 0.40, 0.145, 0.93, (34, 150, 84), (244, 214, 60)),
        (0.90, 0.55, 0.085, 0.86, (240, 84, 52), (252, 170, 60)),
        (0.40, 0.60, 0.055, 0.78, (20, 104, 126), (96, 200, 150)),
        (0.69, 0.63, 0.042, 0.76, (170, 48, 110), (250, 140, 150)),
    )
    for cx, cy, radius, foot, shade, sunny in trees:
        sway = cx + 0.02 * np.sin((y - cy) * 9) * radius / 0.1
        width = radius * 0.10 * (1 + 1.2 * smoothstep(foot - 0.1, foot, y))
        trunk = smoothstep(width, width * 0.7, np.abs(x - sway)) * (y > cy) * (y < foot)
        lumps = 0.35 * radius * (noise(rng, 9, 2) - 0.5)
        distance = np.hypot((x - cx) * 1.05, y - cy) + lumps
        crown = smoothstep(radius, radius * 0.93, distance)
        lit = np.clip(0.5 + ((x - cx) * 0.9 - (y - cy)) / radius * 0.55, 0, 1)
        colours[:] = mix(colours, (92, 34, 84), trunk)
        colours[:] = mix(colours, ramp(lit, np.float32(shade) * 0.55, shade, sunny), crown)
        potential += (distance * 1.6 - potential) * crown + (x - potential) * trunk * (1 - crown)
        trunks = np.maximum(trunks * (1 - crown), trunk * (1 - crown))
        crowns = np.maximum(crowns, crown * lit)
    return trunks, crowns


def _outline(colours: np.ndarray) -> np.ndarray:
    """Return where neighbouring colours differ most, in 0..1."""
    grey = cv2.GaussianBlur(colours, (0, 0), 2)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return smoothstep(30, 80, slope.max(-1))


def _along_edges(colours: np.ndarray) -> np.ndarray:
    """Return unit directions `(WORK, WORK, 2)` along the borders between colours."""
    red, green, blue = np.moveaxis(cv2.GaussianBlur(colours, (0, 0), 4), -1, 0)
    return curl(red * 0.5 + green * 0.8 - blue * 0.4)
