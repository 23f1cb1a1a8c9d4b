"""Two pictures made of pieces: a mosaic of stones and a leaded window."""

from __future__ import annotations

import cv2
import numpy as np

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


def draw_mosaic() -> np.ndarray:
    """Return a fish under a golden sun, laid of stones that follow the shapes."""
    rng = np.random.default_rng(31)
    colours, potential = _fish_and_sun(rng)
    flow = curl(potential)
    seeds = np.clip(scatter(rng, 0.0185, 0.0), 0, 0.9999)
    for _ in range(7):
        seeds = _middles(_lay_stones(seeds, flow, 0.034), seeds)
    labels = _lay_stones(seeds, flow, 0.034)
    stones = sample(colours, seeds)
    grey = stones.mean(-1, keepdims=True)
    stones = 1.08 * (grey + 1.28 * (stones - grey))  # glazed stones are purer than paint
    bright = rng.normal(0, 15, (len(seeds), 1)) + rng.normal(0, 8, (len(seeds), 3))
    picture = (stones + bright)[labels]
    picture *= (0.9 + 0.2 * noise(rng, 70, 3))[..., None]
    picture *= _tilt(rng, labels, seeds)[..., None]
    inside = _distance_to_joint(labels)
    picture *= (0.88 + 0.12 * smoothstep(2, 6, inside))[..., None]
    grout = ramp(noise(rng, 120, 2), (70, 58, 52), (116, 100, 88))
    picture = mix(grout, picture, smoothstep(1.6, 3.0, inside))
    return shrink(_emboss(picture, smoothstep(0.5, 5.0, inside), 0.35))


def _fish_and_sun(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the mosaic's colours and the potential whose level lines its rows follow."""
    x, y = grid()
    sun = np.hypot(x - 0.73, y - 0.22)
    rays = np.cos(np.arctan2(y - 0.22, x - 0.73) * 14) * 0.5 + 0.5
    sky = ramp(
        np.clip(sun / 0.75 - 0.16 * rays, 0, 1),
        (250, 206, 96),
        (238, 170, 110),
        (222, 128, 96),
        (150, 70, 84),
    )
    colours = mix(sky, (252, 226, 140), smoothstep(0.135, 0.130, sun))
    colours = mix(colours, (226, 150, 40), smoothstep(0.02, 0.015, np.abs(sun - 0.135)))
    potential = sun.copy()
    sea_line = 0.40 + 0.028 * np.sin(x * 13)
    depth = y - sea_line - 0.022 * np.sin(x * 11 + y * 8)
    stripes = 0.5 + 0.5 * np.cos(depth * 62 + 2.0 * noise(rng, 3, 2))
    water = mix(
        ramp(np.clip(depth * 1.7, 0, 1), (92, 186, 178), (28, 122, 150), (18, 62, 112)),
        (196, 226, 206),
        0.62 * smoothstep(0.72, 0.95, stripes),
    )
    wet = smoothstep(0, 0.002, y - sea_line)
    colours = mix(colours, water, wet)
    potential = potential * (1 - wet) + depth * wet
    return _fish(colours, potential.astype(np.float32))


def _fish(colours: np.ndarray, potential: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return colours and potential with a large fish laid over them, head to the left."""
    x, y = grid()
    u = (x - 0.42) / 0.33
    v = (y - 0.675 - 0.03 * np.sin(3 * u + 0.5)) / 0.33
    half = 0.44 * np.sqrt(np.clip(1 - np.clip(u, -1, 1) ** 2, 0, 1)) * (1 - 0.28 * u)
    body = (np.abs(u) < 1) * smoothstep(0.0, 0.012, half - np.abs(v))
    tail = (u > 0.84) * (u < 1.5) * smoothstep(0, 0.02, 0.10 + 0.78 * (u - 0.84) - np.abs(v))
    tail *= smoothstep(0, 0.03, 1.36 + 0.16 * np.cos(np.abs(v) * 6 + 3) + np.abs(v) * 0.25 - u)
    fin = smoothstep(0, 0.02, 0.24 * np.sin(np.clip((u + 0.45) / 1.1, 0, 1) * np.pi) - (-v - half))
    fin *= (v < 0) * (np.abs(u - 0.1) < 0.55)
    rays = 0.5 + 0.5 * np.cos(u * 42 + v * 12)
    fin_colours = ramp(rays, (176, 40, 44), (244, 142, 52))
    scales = 0.5 + 0.5 * np.cos(np.hypot((u * 5.2) % 1 - 0.5, (v * 5.2) % 1 - 0.5) * 14)
    flank = ramp(
        np.clip(0.5 + v * 1.15, 0, 1), (150, 30, 52), (232, 84, 40), (250, 168, 60), (255, 232, 176)
    )
    flank = mix(flank, (255, 214, 110), 0.5 * scales * (u > -0.5))
    head = smoothstep(-0.50, -0.53, u + 0.35 * v * v)
    flank = mix(flank, (246, 196, 90), head)
    flank = mix(flank, (120, 24, 48), smoothstep(0.035, 0.02, np.abs(u + 0.50 + 0.35 * v * v)))
    eye = np.hypot(u + 0.70, v + 0.08)
    flank = mix(flank, (250, 244, 226), smoothstep(0.115, 0.105, eye))
    flank = mix(flank, (24, 26, 48), smoothstep(0.068, 0.058, eye))
    fins = np.maximum(tail, fin)
    colours = mix(mix(colours, fin_colours, fins), flank, body)
    potential = potential * (1 - fins) + (v - 0.4 * u) * fins
    across = np.abs(v) / (half + 0.05) * 0.4
    around = 1 - smoothstep(0.10, 0.22, eye)
    across = across * (1 - around) + eye * around
    return colours, (potential * (1 - body) + across * body).astype(np.float32)


def _lay_stones(seeds: np.ndarray, flow: np.ndarray, reach: float) -> np.ndarray:
    """Return which seed's square each pixel lies in, int32 `(WORK, WORK)`.

    The squares are turned into the flow: the distance is the largest of the offsets along and
    across it, so that neighbouring seeds share straight edges (Hausner, "Simulating decorative
    mosaics", 2001).
    """
    nearest = np.full((WORK, WORK), np.inf, np.float32)
    labels = np.zeros((WORK, WORK), np.int32)
    radius = int(reach * WORK)
    offset = np.arange(-radius, radius + 1, dtype=np.float32)
    along_seed = sample(flow, seeds)
    pixels = np.clip((seeds * WORK).astype(int), 0, WORK - 1)
    for index, ((px, py), (dx, dy)) in enumerate(zip(pixels, along_seed, strict=True)):
        left, top = max(0, px - radius), max(0, py - radius)
        window = np.s_[top : py + radius + 1, left : px + radius + 1]
        height, width = nearest[window].shape
        ox = offset[left - px + radius :][:width]
        oy = offset[top - py + radius :][:height, None]
        distance = np.maximum(np.abs(ox * dx + oy * dy), np.abs(oy * dx - ox * dy))
        closer = distance < nearest[window]
        nearest[window][closer] = distance[closer]
        labels[window][closer] = index
    return labels


def _middles(labels: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Return the centre of gravity of each stone; seeds that own no pixel stay."""
    x, y = grid()
    count = np.bincount(labels.ravel(), minlength=len(seeds))
    sums = [np.bincount(labels.ravel(), field.ravel(), len(seeds)) for field in (x, y)]
    middles = np.stack(sums, -1) / np.maximum(count, 1)[:, None]
    return np.where(count[:, None] > 0, middles, seeds).astype(np.float32)


def _tilt(rng: np.random.Generator, labels: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Return the brightness of stones that lean a little, each its own way, about 1."""
    x, y = grid()
    lean = rng.normal(0, 5.5, (len(seeds), 2)).astype(np.float32)
    offset = (x - seeds[labels, 0]) * lean[labels, 0] + (y - seeds[labels, 1]) * lean[labels, 1]
    return np.clip(1 + offset, 0.7, 1.3)


def _distance_to_joint(labels: np.ndarray) -> np.ndarray:
    """Return each pixel's distance, in working pixels, to the nearest change of label."""
    same = np.ones(labels.shape, np.uint8)
    same[:, 1:] &= labels[:, 1:] == labels[:, :-1]
    same[1:] &= labels[1:] == labels[:-1]
    return cv2.distanceTransform(same, cv2.DIST_L2, 5)


def _emboss(picture: np.ndarray, height: np.ndarray, strength: float) -> np.ndarray:
    """Return the picture lit from the upper left over a height of 0..1."""
    smooth = cv2.GaussianBlur(height.astype(np.float32), (0, 0), 1.0)
    slope = cv2.Sobel(smooth, cv2.CV_32F, 1, 0) + cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return picture * (1 + np.clip(strength * slope, -0.45, 0.45))[..., None]


def draw_stained_glass() -> np.ndarray:
    """Return a leaded window: a tree between sun and river, lit from behind."""
    rng = np.random.default_rng(47)
    colours, regions = _window(rng)
    seeds = scatter(rng, 0.082, 0.05)
    cells = _cells(rng, seeds)
    # A pane ends where its cell ends and where the drawing's own lines run.
    panes = regions * len(seeds) + cells
    _, panes = np.unique(panes, return_inverse=True)
    panes = panes.reshape(WORK, WORK).astype(np.int32)
    count = panes.max() + 1
    owned = np.bincount(panes.ravel(), minlength=count)[:, None]
    flat = colours.reshape(-1, 3)
    mean = np.stack([np.bincount(panes.ravel(), c, count) for c in flat.T], -1) / owned
    tone = 1 + rng.normal(0, 0.16, (count, 1)) + rng.normal(0, 0.06, (count, 3))
    glass = 0.72 * (mean * tone)[panes] + 0.28 * colours
    glass = _shine_through(rng, glass, panes, count)
    inside = _distance_to_joint(panes)
    lead_width = 3.6 + 1.8 * noise(rng, 12, 2)
    glass *= (0.55 + 0.45 * smoothstep(3, 26, inside))[..., None]
    lead = ramp(noise(rng, 90, 3), (16, 16, 22), (62, 62, 70))
    came = np.sqrt(np.clip(1 - (inside / lead_width) ** 2, 0, 1))
    lead = _emboss(lead, came, 1.4) + 26 * came[..., None]
    return shrink(mix(glass, lead, smoothstep(lead_width + 0.8, lead_width - 0.8, inside)))


def _window(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the window's colours and the number, int32, of the region each pixel lies in."""
    x, y = grid()
    sun = np.hypot(x - 0.30, y - 0.27)
    ring = np.digitize(sun, (0.10, 0.17, 0.26, 0.37, 0.50, 0.66)).astype(np.int32)
    ray = np.floor((np.arctan2(y - 0.27, x - 0.30) / (2 * np.pi) + ring * 0.03) * 14)
    table = np.float32(
        [
            (255, 236, 130),
            (255, 190, 44),
            (255, 128, 30),
            (236, 70, 60),
            (178, 44, 130),
            (74, 52, 176),
            (26, 76, 190),
        ]
    )
    colours = table[ring]
    regions = ring * 16 + np.where(ring == 0, 0, ray.astype(np.int32) + 8)
    lands = (
        ((36, 150, 96), 0.66, 0.18, 2.5, 200),
        ((20, 108, 84), 0.76, 0.14, 2, 201),
        ((40, 150, 200), 0.84, 0.09, 3, 202),
        ((20, 74, 160), 0.92, 0.07, 3, 203),
    )
    for colour, base, height, bumps, number in lands:
        below = y > ridge_line(rng, base, height, bumps, 2)[None]
        colours[below], regions[below] = colour, number
    return _glass_tree(rng, colours, regions)


def _glass_tree(
    rng: np.random.Generator, colours: np.ndarray, regions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return colours and regions with a tree and its many leaves in front."""
    wood = np.zeros((WORK, WORK), np.uint8)
    tips: list[tuple[float, float, float]] = []
    _grow(rng, wood, (0.70, 0.99), -np.pi / 2 - 0.06, 0.20, 0.052, tips)
    colours[wood > 0], regions[wood > 0] = (122, 58, 34), 300
    greens = np.float32(
        [(150, 200, 40), (60, 168, 60), (230, 186, 40), (20, 140, 100), (236, 96, 50)]
    )
    for index, (px, py, angle) in enumerate(tips):
        leaf = np.zeros((WORK, WORK), np.uint8)
        middle = (int(px * WORK), int(py * WORK))
        axes = (int(rng.uniform(34, 46)), int(rng.uniform(19, 25)))
        cv2.ellipse(leaf, middle, axes, np.degrees(angle), 0, 360, 1, -1)
        colours[leaf > 0], regions[leaf > 0] = greens[rng.integers(len(greens))], 400 + index
    return colours, regions


def _grow(
    rng: np.random.Generator,
    wood: np.ndarray,
    foot: tuple[float, float],
    angle: float,
    length: float,
    width: float,
    tips: list[tuple[float, float, float]],
) -> None:
    """Draw a branch and those that grow from it onto `wood`; collect leaves in `tips`."""
    end = (foot[0] + length * np.cos(angle), foot[1] + length * np.sin(angle))
    ends = [tuple(int(c * WORK) for c in point) for point in (foot, end)]
    cv2.line(wood, *ends, 1, max(6, int(width * WORK)), cv2.LINE_8)
    if length < 0.16:
        tips.append((*end, angle + rng.normal(0, 0.4)))
    if length < 0.075:
        return
    for turn in (-0.52, 0.50):
        bend = angle + turn * rng.uniform(0.75, 1.25)
        _grow(rng, wood, end, bend, length * rng.uniform(0.70, 0.82), width * 0.62, tips)


def _cells(rng: np.random.Generator, seeds: np.ndarray) -> np.ndarray:
    """Return the nearest seed of each pixel, int32, by distances that bend a little."""
    x, y = grid()
    x = x + 0.02 * (noise(rng, 4, 2) - 0.5)
    y = y + 0.02 * (noise(rng, 4, 2) - 0.5)
    nearest = np.full((WORK, WORK), np.inf, np.float32)
    labels = np.zeros((WORK, WORK), np.int32)
    for index, (sx, sy) in enumerate(seeds):
        distance = (x - sx) ** 2 + (y - sy) ** 2
        closer = distance < nearest
        nearest[closer] = distance[closer]
        labels[closer] = index
    return labels


def _shine_through(
    rng: np.random.Generator, glass: np.ndarray, panes: np.ndarray, count: int
) -> np.ndarray:
    """Return the glass with streaks and bubbles of its own and the light behind it."""
    x, y = grid()
    wavy, upright = noise(rng, 10, 4, (3.5, 1)), noise(rng, 10, 4, (1, 3.5))
    turned = rng.random(count)[panes]
    streaks = np.where(turned < 0.5, wavy, upright)
    seedy = smoothstep(0.72, 0.95, noise(rng, 90, 2))
    glow = 1.0 + 0.45 * np.exp(-(((x - 0.36) ** 2 + (y - 0.34) ** 2) / 0.2))
    brightness = glow * (0.70 + 0.55 * streaks) + 0.16 * seedy
    return glass * brightness[..., None] + 34 * (streaks * glow)[..., None] ** 3
