"""Two pictures of the city's age: planes of earth colours, and a street of neon in the rain."""

from __future__ import annotations

import cv2
import numpy as np

from .brushes import Brush, light, new_canvas, paint
from .fields import SHIFT, WORK, fixed_point, grid, mix, noise, ramp, scatter, shrink, smoothstep

_EARTHS = (
    (228, 208, 166),
    (198, 154, 96),
    (150, 104, 62),
    (94, 66, 48),
    (58, 50, 50),
    (112, 120, 118),
    (160, 158, 140),
    (186, 112, 68),
    (70, 84, 92),
)
_TUBES = ((255, 40, 150), (40, 220, 255), (150, 80, 255), (255, 150, 40), (60, 255, 170))


def draw_cubist() -> np.ndarray:
    """Return a still life seen from several sides at once, in facets of ochre, umber and slate."""
    rng = np.random.default_rng(109)
    colours = ramp(noise(rng, 3, 3), _EARTHS[2], _EARTHS[6], _EARTHS[0])
    edges = np.zeros((WORK, WORK), np.float32)
    heading = np.full((WORK, WORK), 0.8, np.float32)
    for index in range(54):
        size = 0.40 * (1 - index / 54) ** 0.8 + 0.09
        mask, side = _facet(rng, size)
        _lay_plane(rng, colours, heading, edges, mask, side)
    for mask, side in _still_life_arcs(rng):
        _lay_plane(rng, colours, heading, edges, mask, side)
    tone = 0.90 + 0.2 * noise(rng, 20, 3)
    flow = np.stack([np.cos(heading), np.sin(heading)], -1)
    canvas = new_canvas(colours)
    target = colours * tone[..., None]
    for brush, spacing in (
        (Brush(0.030, 0.015, 9, 7, 8), 0.0115),
        (Brush(0.020, 0.008, 6, 10, 8), 0.0085),
    ):
        paint(canvas, rng, brush, target, flow, scatter(rng, spacing))
    broken = np.clip(edges * (0.35 + 0.9 * noise(rng, 16, 3)), 0, 1)
    return shrink(mix(light(canvas, 0.9), (32, 26, 26), 0.9 * broken))


def _facet(rng: np.random.Generator, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a random sharp plane: its mask, and the distance, 0 at one side, across it."""
    x, y = grid()
    cx, cy = rng.uniform(-0.05, 1.05, 2).tolist()
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 5)))
    reach = size * rng.uniform(0.6, 1.3, len(angles))
    corners = np.stack([cx + reach * np.cos(angles), cy + reach * np.sin(angles)], -1)
    mask = np.zeros((WORK, WORK), np.uint8)
    cv2.fillPoly(mask, [fixed_point(corners)], 255, cv2.LINE_AA, SHIFT)
    turn = rng.choice((-0.9, 0.65, 1.57, 0.1, 2.5)) + rng.normal(0, 0.12)
    side = ((x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)) / (2 * size) + 0.5
    return mask.astype(np.float32) / 255, side


def _still_life_arcs(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the masks and shadings of a lute, broken along three shifted lines, of two bottles
    and of half discs."""
    x, y = grid()
    shapes = []
    for dx, low, high in ((0.0, -1.0, -0.03), (0.035, -0.03, 0.16), (-0.02, 0.16, 1.0)):
        u, v = x - 0.42 - dx, y - 0.60
        cut = (u * 0.8 + v * 0.6 > low) & (u * 0.8 + v * 0.6 < high)
        r, s = u * 0.82 - v * 0.57, u * 0.57 + v * 0.82
        body = np.hypot(r / 0.20, (s - 0.06) / 0.25) - 0.18 * np.cos(s * 19)
        shapes.append((smoothstep(1, 0.985, body) * cut, body))
        neck = (np.abs(r + 0.01) < 0.028) & (s < -0.12) & (s > -0.60)
        shapes.append(((neck & cut).astype(np.float32), r * 14 + 0.5))
        hole = np.hypot(r, s - 0.02) / 0.07
        shapes.append((smoothstep(1, 0.96, hole) * cut, hole))
    for cx, foot, tall, wide in ((0.80, 0.86, 0.62, 0.085), (0.18, 0.52, 0.40, 0.075)):
        up = (foot - y) / tall
        half = wide * (1 - 0.66 * smoothstep(0.52, 0.70, up))
        for lean in (-1, 1):
            part = (up > 0) & (up < 1) & ((x - cx) * lean < half) & ((x - cx) * lean > -0.01)
            shapes.append((part.astype(np.float32), np.abs(x - cx) / wide))
    for count in range(6):
        cx, cy = rng.uniform(0.1, 0.9, 2).tolist()
        radius = rng.uniform(0.05, 0.11)
        disc = np.hypot(x - cx, y - cy) / radius
        half = np.cos(count * 1.1) * (x - cx) + np.sin(count * 1.1) * (y - cy) > 0
        shapes.append((smoothstep(1, 0.97, disc) * half, disc))
    return shapes


def _lay_plane(
    rng: np.random.Generator,
    colours: np.ndarray,
    heading: np.ndarray,
    edges: np.ndarray,
    mask: np.ndarray,
    side: np.ndarray,
) -> None:
    """Lay one shaded plane over colours, stroke headings and outlines, in place."""
    first, second = rng.choice(len(_EARTHS), 2, replace=False)
    shade = np.clip(side, 0, 1)
    plane = ramp(shade, _EARTHS[first], np.float32(_EARTHS[first]) * 0.9, _EARTHS[second])
    colours[:] = mix(colours, plane, mask * rng.uniform(0.80, 1.0))
    turn = rng.choice((0.2, 0.8, 1.4, 2.2, 2.8)) + rng.normal(0, 0.1)
    heading[mask > 0.5] = turn
    rim = np.hypot(cv2.Sobel(mask, cv2.CV_32F, 1, 0), cv2.Sobel(mask, cv2.CV_32F, 0, 1))
    rim = cv2.dilate(np.clip(rim, 0, 1), np.ones((2, 2), np.uint8))
    edges[:] = np.maximum(edges * (1 - 0.8 * mask), rim * rng.uniform(0.6, 1.0))


def draw_neon() -> np.ndarray:
    """Return a street between towers in the rain, neon tubes, and all of it in wet asphalt."""
    rng = np.random.default_rng(127)
    lamps = np.zeros((WORK, WORK, 3), np.uint8)
    wall = _towers(rng, lamps)
    _signs(rng, lamps)
    glow = _glow(lamps)
    air = _night_air(rng)
    above = air * (1 - 0.85 * wall[..., None]) + 14 * wall[..., None] * np.float32((0.7, 0.5, 1.2))
    above = above + glow
    picture = _wet_street(rng, above)
    _rain(rng, picture)
    picture = 255 * (1 - np.exp(-np.clip(picture, 0, None) / 150))  # lamps burn out to white
    return shrink(picture * (0.97 + 0.06 * noise(rng, 250, 1))[..., None])


def _night_air(rng: np.random.Generator) -> np.ndarray:
    """Return the glow of the haze over the city, brightest where the street ends."""
    x, y = grid()
    far = np.exp(-(np.hypot((x - 0.52) * 1.3, y - 0.60) / 0.26))
    haze = np.clip(far * 0.9 + 0.36 * noise(rng, 4, 5) * (0.3 + far) + 0.1, 0, 1)
    return ramp(haze, (10, 8, 40), (50, 20, 110), (170, 40, 150), (255, 120, 130), (255, 210, 150))


def _towers(rng: np.random.Generator, lamps: np.ndarray) -> np.ndarray:
    """Light the towers' windows in `lamps`; return where towers stand, 0..1.

    Towers step back towards the vanishing point in the picture's lower middle; windows shrink
    with them.
    """
    wall = np.zeros((WORK, WORK), np.float32)
    for near in np.linspace(0.12, 1.0, 9):
        for side in (-1, 1):
            inner = 0.52 + side * 0.46 * near
            outer = inner + side * 0.34 * near
            left, right = (int(WORK * e) for e in sorted((inner, outer)))
            top = int(WORK * (0.62 - near * rng.uniform(0.38, 0.80)))
            bottom = int(WORK * (0.62 + 0.14 * near))
            left, right = max(0, left), min(WORK, right)
            if right <= left:
                continue
            wall[max(0, top) : bottom, left:right] = 0.45 + 0.55 * near
            lamps[max(0, top) : bottom, left:right] //= 6
            _windows(rng, lamps, (left, max(0, top), right, bottom), near)
            edge = left if side > 0 else right - 1
            tube = _TUBES[rng.integers(len(_TUBES))]
            if rng.random() < 0.75:
                cv2.line(lamps, (edge, max(0, top)), (edge, bottom), tube, max(2, int(6 * near)))
            cv2.line(lamps, (left, top), (right, top), tube, max(2, int(5 * near)))
    return wall


def _windows(
    rng: np.random.Generator, lamps: np.ndarray, box: tuple[int, int, int, int], near: float
) -> None:
    """Light some of the windows of the tower in `box` (left, top, right, bottom)."""
    left, top, right, bottom = box
    step_x, step_y = max(6, int(22 * near)), max(8, int(30 * near))
    warm = np.float32([(255, 190, 110), (120, 200, 255), (255, 120, 190), (190, 150, 255)])
    tint = warm[rng.integers(4)]
    for y in range(top + step_y // 2, bottom - step_y, step_y):
        for x in range(left + step_x // 3, right - step_x // 2, step_x):
            if rng.random() < 0.62:
                ink = tint * rng.uniform(0.12, 0.75)
                far = (x + int(step_x * 0.55), y + int(step_y * 0.5))
                cv2.rectangle(lamps, (x, y), far, ink.tolist(), -1)


def _signs(rng: np.random.Generator, lamps: np.ndarray) -> None:
    """Draw neon tubes bent to shapes that mean nothing: rings, arrows, zigzags, frames."""
    for index in range(26):
        near = rng.uniform(0.22, 1.0)
        side = -1 if index % 2 else 1
        x = 0.52 + side * (0.46 * near + rng.uniform(-0.05, 0.12) * near)
        y = 0.62 - near * rng.uniform(0.02, 0.58)
        size = 0.085 * near * rng.uniform(0.7, 1.3)
        tube = _TUBES[rng.integers(len(_TUBES))]
        width = max(2, int(9 * near))
        middle = np.float32((x, y)) * WORK
        for shape in _tube_shapes(rng, index % 5):
            points = np.rint(middle + shape * size * WORK).astype(np.int32)
            cv2.polylines(lamps, [points], False, tube, width, cv2.LINE_AA)
            white = (0.6 * np.float32(tube) + 102).tolist()
            cv2.polylines(lamps, [points], False, white, max(1, width // 3), cv2.LINE_AA)


def _tube_shapes(rng: np.random.Generator, kind: int) -> list[np.ndarray]:
    """Return the lines `(N, 2)`, about -1..1, of one sign."""
    turn = np.linspace(0, 2 * np.pi, 40)
    ring = np.stack([np.cos(turn), np.sin(turn)], -1)
    frame = np.float32([(-0.6, -1.3), (0.6, -1.3), (0.6, 1.3), (-0.6, 1.3), (-0.6, -1.3)])
    if kind == 0:
        return [ring, 0.6 * ring, 0.25 * ring]
    if kind == 1:
        heights = np.linspace(-1, 1, 7)
        return [frame, np.stack([0.35 * (-1.0) ** np.arange(7), heights], -1)]
    if kind == 2:
        return [np.float32([(-1, -0.5 + s), (0, 0.2 + s), (1, -0.5 + s)]) for s in (-0.5, 0, 0.5)]
    if kind == 3:
        petals = (0.55 + 0.4 * np.cos(5 * turn + rng.uniform(0, 6)))[:, None] * ring
        return [petals, 0.2 * ring]
    rows = [np.float32([(-0.4, v), (rng.uniform(0.0, 0.4), v)]) for v in np.linspace(-1, 1, 6)]
    return [frame, *rows]


def _glow(lamps: np.ndarray) -> np.ndarray:
    """Return the lamps with the light that they throw into the damp air around them."""
    bright = lamps.astype(np.float32)
    total = bright * 0.8
    for sigma, share in ((4, 0.55), (16, 0.6), (60, 0.8)):
        total += share * cv2.GaussianBlur(bright, (0, 0), sigma)
    return total


def _wet_street(rng: np.random.Generator, above: np.ndarray) -> np.ndarray:
    """Return the picture with, in its lower part, a wet street that mirrors the upper one."""
    x, y = grid()
    edge = 0.66 + 0.24 * np.clip(np.abs(x - 0.52) - 0.05, 0, 1)
    depth = y - edge
    ripple = noise(rng, 40, 3, (3, 1)) - 0.5
    rows = np.clip((edge - depth * 1.5 + 0.10 * ripple * (0.2 + depth * 3)) * WORK, 0, WORK - 1)
    columns = (x + 0.05 * ripple * (0.2 + depth * 3)) * WORK
    mirror = cv2.remap(
        above, columns, rows.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    mirror = cv2.blur(mirror, (3, 31))
    puddle = 0.35 + 0.75 * smoothstep(0.30, 0.62, noise(rng, 6, 4, (2.4, 1)))
    asphalt = np.float32((10, 9, 20)) * (0.5 + noise(rng, 200, 2))[..., None]
    street = mirror * (0.85 * puddle)[..., None] + asphalt
    return mix(above, street, smoothstep(0, 0.004, depth))


def _rain(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Add slanted streaks of rain that catch the colours behind them, in place."""
    streaks = np.zeros((WORK, WORK), np.uint8)
    starts = rng.uniform(-0.05, 1.0, (900, 2))
    lengths = rng.uniform(0.02, 0.06, 900)
    for (x, y), length in zip(starts, lengths, strict=True):
        ends = np.rint(np.float32([(x, y), (x - 0.22 * length, y + length)]) * WORK).astype(int)
        shade = int(rng.uniform(30, 120))
        cv2.line(streaks, ends[0].tolist(), ends[1].tolist(), shade, 1, cv2.LINE_AA)
    behind = cv2.GaussianBlur(picture, (0, 0), 14) + 30
    picture += behind * (streaks.astype(np.float32) / 255)[..., None]
