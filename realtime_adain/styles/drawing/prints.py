"""Two prints from wooden blocks: breaking waves in indigo, and a valley cut in black lines."""

from __future__ import annotations

import cv2
import numpy as np

from .fields import SHIFT, WORK, fixed_point, grid, mix, noise, ramp, ridge_line, shrink, smoothstep

_INDIGO = (24, 42, 92)
_CREAM = (246, 236, 212)
_BLUES = ((34, 66, 128), (62, 108, 160), (128, 170, 190), (206, 220, 208))
_OUTLINE = 1.3  # a darkness beyond black, which no swelling of the cuts opens

# The back of a breaking wave from its foot to its tip, and its hollow side from the trough to the
# tip, in units of the wave's height; y grows upwards from the water.
_BACK = (
    (-1.7, -0.9),
    (-1.25, -0.1),
    (-0.75, 0.42),
    (-0.2, 0.86),
    (0.3, 1.0),
    (0.68, 0.86),
    (0.84, 0.58),
)
_HOLLOW = (
    (2.0, -0.9),
    (1.3, -0.22),
    (0.75, -0.08),
    (0.34, 0.12),
    (0.16, 0.44),
    (0.30, 0.70),
    (0.58, 0.76),
    (0.84, 0.58),
)


def draw_waves() -> np.ndarray:
    """Return ranks of curling waves with outlined bands and foam before a red sun."""
    rng = np.random.default_rng(59)
    canvas = np.clip(_printed_sky(rng), 0, 255).astype(np.uint8)
    ranks = (
        (0.16, 0.53, 0.13, 1),
        (0.52, 0.54, 0.12, 1),
        (0.93, 0.52, 0.14, -1),
        (0.30, 0.68, 0.22, 1),
        (0.86, 0.69, 0.20, -1),
        (0.02, 0.80, 0.20, 1),
        (0.60, 0.82, 0.25, 1),
        (0.22, 0.98, 0.26, 1),
        (0.88, 1.02, 0.27, -1),
    )
    for x, y, height, facing in ranks:
        _draw_wave(canvas, rng, (x, y), height, facing)
    grain = 0.93 + 0.09 * noise(rng, 60, 3, (14, 1)) + 0.05 * noise(rng, 220, 2)
    worn = smoothstep(0.80, 0.95, noise(rng, 160, 2)) * 0.35
    return shrink(mix(canvas * grain[..., None], _CREAM, worn))


def _printed_sky(rng: np.random.Generator) -> np.ndarray:
    """Return the sky in wiped gradients with a sun and bands of haze."""
    x, y = grid()
    sky = ramp(
        np.clip(y * 1.7, 0, 1),
        (62, 92, 146),
        (170, 186, 184),
        (246, 226, 184),
        (244, 186, 140),
        (226, 140, 110),
    )
    sun = np.hypot(x - 0.66, y - 0.26)
    disc = ramp(np.clip((y - 0.1) / 0.32, 0, 1), (196, 44, 40), (222, 84, 52), (240, 150, 90))
    sky = mix(sky, disc, smoothstep(0.152, 0.150, sun))
    for base, left, right in (
        (0.13, -0.1, 0.42),
        (0.20, 0.18, 0.75),
        (0.33, 0.50, 1.1),
        (0.37, -0.1, 0.30),
        (0.06, 0.55, 1.1),
    ):
        inside = np.maximum(np.maximum(left + 0.02 - x, x - right + 0.02), 0)
        thick = 0.017 + 0.004 * np.sin(x * 23 + base * 90)
        band = np.hypot(inside, y - base) - thick
        sky = mix(
            sky,
            ramp(np.clip((y - base) / 0.03 + 0.5, 0, 1), _CREAM, (250, 218, 178)),
            smoothstep(0.002, 0, band),
        )
        sky = mix(sky, (96, 92, 120), 0.8 * smoothstep(0.0022, 0.0008, np.abs(band)))
    lines = smoothstep(0.86, 0.97, np.cos(y * 300 + 3 * np.sin(x * 5) + 4 * noise(rng, 3, 2)))
    return mix(sky, (120, 104, 120), 0.22 * lines)


def _draw_wave(
    canvas: np.ndarray,
    rng: np.random.Generator,
    foot: tuple[float, float],
    height: float,
    facing: int,
) -> None:
    """Draw one wave that breaks to the right (`facing` 1) or to the left (-1) of its foot."""
    scale = np.float32((facing * height, -height))
    jitter = rng.normal(0, 0.03, 2)
    back = _spline(np.float32(_BACK) + jitter, 90) * scale + foot
    hollow = _spline(np.float32(_HOLLOW) + jitter, 90) * scale + foot
    bands = 15
    shares = np.linspace(0, 1, bands + 1) + rng.normal(0, 0.010, bands + 1)
    shares[[0, -1]] = 0, 1
    curves = [back * (1 - share) + hollow * share for share in shares]
    floor = [(hollow[0, 0], 1.3), (back[0, 0], 1.3)]
    _fill(canvas, np.concatenate([back, hollow[::-1], floor]), _INDIGO)
    order = (0, 1, 0, 2, 1, 3, 0, 1, 2, 0, 3, 1, 0, 2, 3)
    for index, (upper, lower) in enumerate(zip(curves, curves[1:], strict=False)):
        colour = np.float32(_BLUES[order[index]]) + rng.normal(0, 5, 3)
        _fill(canvas, np.concatenate([upper, lower[::-1]]), np.clip(colour, 0, 255))
    for index, curve in enumerate(curves):
        outer = index in (0, bands)
        _line(canvas, curve, _INDIGO, height * (0.020 if outer else 0.011))
    _draw_foam(canvas, rng, back, hollow, height)


def _draw_foam(
    canvas: np.ndarray,
    rng: np.random.Generator,
    back: np.ndarray,
    hollow: np.ndarray,
    height: float,
) -> None:
    """Draw foam along the crest: lobes that share one outline."""
    crest = np.concatenate([back[52:], hollow[:54:-1]])
    along = np.linspace(0, 1, len(crest))
    thick = height * (0.05 + 0.055 * np.sin(along * np.pi))
    picks = rng.integers(0, len(crest), 46)
    middles = crest[picks] + rng.normal(0, 0.04 * height, (46, 2))
    radii = thick[picks] * rng.uniform(0.45, 1.05, 46)
    rim = height * 0.016
    for grow, colour in ((rim, _INDIGO), (0.0, _CREAM)):
        for middle, radius in zip(middles, radii, strict=True):
            _disc(canvas, middle, radius + grow, colour)
    for middle, radius in zip(middles[::2], radii[::2], strict=True):
        turn = rng.uniform(0, 2 * np.pi) + np.linspace(0, 2.4, 12)
        arc = middle + 0.55 * radius * np.stack([np.cos(turn), np.sin(turn)], -1)
        _line(canvas, arc, _BLUES[1], height * 0.009)
    _draw_claws_and_spray(canvas, rng, back, hollow, height)


def _draw_claws_and_spray(
    canvas: np.ndarray,
    rng: np.random.Generator,
    back: np.ndarray,
    hollow: np.ndarray,
    height: float,
) -> None:
    """Draw the hooks that hang from the crest's lip, and the drops that fly ahead of it."""
    facing = np.sign(hollow[0, 0] - back[0, 0])
    for root in hollow[58:86:3]:
        drop = np.float32([(0, 0), (0.03, 0.07), (0.0, 0.14), (-0.05, 0.15)]) * height
        drop[:, 0] *= facing
        claw = root + _spline(drop * rng.uniform(0.6, 1.2), 12)
        _line(canvas, claw, _INDIGO, height * 0.060)
        _line(canvas, claw, _CREAM, height * 0.036)
    ahead = np.float32((facing, -0.2)) * height
    for reach in rng.uniform(0.05, 1.0, 34):
        spot = back[80] + ahead * (reach - 0.35) + rng.normal(0, 0.16, 2) * height
        _disc(canvas, spot, height * rng.uniform(0.008, 0.022), _CREAM)


def _spline(points: np.ndarray, count: int) -> np.ndarray:
    """Return `count` points `(count, 2)` of a Catmull-Rom spline through the given ones."""
    ends = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, len(points) - 1 - 1e-4, count)
    start = t.astype(int)
    u = (t - start)[:, None]
    a, b, c, d = (ends[start + k] for k in range(4))
    return 0.5 * (
        2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3
    )


def _fill(canvas: np.ndarray, outline: np.ndarray, colour: np.ndarray | tuple) -> None:
    """Fill a closed outline `(N, 2)` with RGB in 0..255."""
    ink = tuple(float(c) for c in colour)
    cv2.fillPoly(canvas, [fixed_point(outline)], ink, cv2.LINE_AA, SHIFT)


def _line(canvas: np.ndarray, points: np.ndarray, colour: tuple, width: float) -> None:
    """Draw a line through points `(N, 2)`."""
    thickness = max(1, round(width * WORK))
    cv2.polylines(canvas, [fixed_point(points)], False, colour, thickness, cv2.LINE_AA, SHIFT)


def _disc(canvas: np.ndarray, middle: np.ndarray, radius: float, colour: tuple) -> None:
    """Fill a disc."""
    x, y = fixed_point(middle).tolist()
    size = int(radius * WORK * 2**SHIFT)
    cv2.circle(canvas, (x, y), size, colour, -1, cv2.LINE_AA, SHIFT)


def draw_woodcut() -> np.ndarray:
    """Return sun, mountains, pines and fields cut in lines that swell with the shade."""
    rng = np.random.default_rng(67)
    phase, dark = _cut_sky()
    for cut in (_cut_mountains, _cut_fields, _cut_pines):
        phase, dark = cut(rng, phase, dark)
    wobble = 0.35 * noise(rng, 14, 3) + 0.22 * noise(rng, 60, 2)
    swell = 0.20 * (noise(rng, 45, 2) - 0.5)
    ridge = 0.5 + 0.5 * np.cos(2 * np.pi * (phase + wobble))
    dark = np.clip(dark + swell, 0.0, 1.0)
    black = smoothstep(-0.07, 0.07, dark * 1.08 - 0.04 - ridge)
    black *= 1 - 0.8 * smoothstep(0.86, 0.97, noise(rng, 200, 2))
    grain = noise(rng, 40, 3, (10, 1))
    paper = ramp(noise(rng, 80, 3), (228, 212, 176), (250, 240, 214))
    ink = ramp(grain, (20, 18, 20), (52, 46, 44))
    return shrink(mix(paper, ink, black))


def _cut_sky() -> tuple[np.ndarray, np.ndarray]:
    """Return phase and darkness of a sky with a sun, its rays and rolled clouds."""
    x, y = grid()
    sun = np.hypot(x - 0.36, y - 0.27)
    turn = np.arctan2(y - 0.27, x - 0.36) / (2 * np.pi)
    phase = turn * 72
    dark = 0.20 + 0.62 * smoothstep(0.12, 0.75, sun)
    ring = smoothstep(0.115, 0.110, sun)
    dark = dark * (1 - ring)
    rim = smoothstep(0.009, 0.006, np.abs(sun - 0.118))
    dark = np.maximum(dark * (1 - rim), _OUTLINE * rim)
    for cx, cy, radius in (
        (0.80, 0.16, 0.13),
        (0.66, 0.20, 0.09),
        (0.94, 0.24, 0.11),
        (0.06, 0.12, 0.12),
        (0.20, 0.07, 0.08),
        (0.03, 0.44, 0.09),
    ):
        distance = np.hypot(x - cx, (y - cy) * 1.25)
        puff = (distance < radius) & (y < cy + 0.06)
        phase = np.where(puff, distance * 46, phase)
        shade = 0.12 + 0.55 * smoothstep(-0.3, 1.2, (y - cy) / radius + 0.3)
        dark = np.where(puff, np.where(distance > radius - 0.006, _OUTLINE, shade), dark)
    return phase, dark.astype(np.float32)


def _cut_mountains(
    rng: np.random.Generator, phase: np.ndarray, dark: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lay two ranges over the sky; their cuts run down the slopes."""
    x, y = grid()
    for base, height, bumps, weight in ((0.50, 0.34, 4, 46), (0.60, 0.26, 5, 40)):
        line = ridge_line(rng, base, height, bumps, 5)
        slope = cv2.GaussianBlur(np.gradient(line)[None].astype(np.float32), (0, 0), 5)
        depth = y - line[None]
        inside = depth > 0
        fall = x + np.clip(slope, -0.6, 0.6) * depth * 1.1
        crag = noise(rng, 12, 4, (1, 2.2))
        lit = smoothstep(-0.35, 0.35, slope + 0.9 * (crag - 0.5))
        shade = np.where(depth < 0.007, _OUTLINE, 0.06 + 0.86 * lit - 0.5 * depth)
        phase, dark = np.where(inside, fall * weight, phase), np.where(inside, shade, dark)
    return phase, dark


def _cut_fields(
    rng: np.random.Generator, phase: np.ndarray, dark: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lay rolling fields in front; their cuts are furrows of alternating direction."""
    x, y = grid()
    for index, base in enumerate((0.66, 0.72, 0.79, 0.88)):
        line = ridge_line(rng, base, 0.09, 2.5, 2)[None]
        depth = y - line
        inside = depth > 0
        furrows = depth * 52 + 5 * x if index % 2 else (x - 0.5) / (depth + 0.10) * 4.2
        shade = 0.28 + 0.42 * noise(rng, 4, 2) + 0.10 * (index % 2)
        shade = np.where(depth < 0.006, _OUTLINE, shade + 0.4 * np.exp(-depth / 0.02))
        phase, dark = np.where(inside, furrows, phase), np.where(inside, shade, dark)
    return phase, dark


def _cut_pines(
    rng: np.random.Generator, phase: np.ndarray, dark: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lay pines over the land: almost black, with light cuts that hang from the trunk."""
    x, y = grid()
    pines = [(0.86, 0.97, 0.52), (0.70, 0.90, 0.30), (0.10, 0.93, 0.36), (0.97, 0.88, 0.30)]
    pines += [(px, 0.735 + 0.02 * np.sin(9 * px), 0.09) for px in np.linspace(0.22, 0.6, 8)]
    for cx, foot, height in pines:
        up = (foot - y) / height
        away = np.abs(x - cx - 0.006 * np.sin(up * 9))
        tiers = 1 - (up * 6.5 + rng.uniform(0, 0.4)) % 1
        width = height * 0.26 * (1 - up) * (0.45 + 0.55 * tiers)
        crown = (up > 0.10) & (up < 1) & (away < width)
        trunk = (up > 0) & (up <= 0.14) & (away < 0.035 * height)
        shade = 0.80 + 0.25 * np.sign(x - cx) * np.clip(away / (width + 1e-3), 0, 1)
        phase = np.where(crown, up * 40 * height / 0.3 + away * 60, phase)
        dark = np.where(crown, shade, np.where(trunk, _OUTLINE, dark))
    return phase, dark
