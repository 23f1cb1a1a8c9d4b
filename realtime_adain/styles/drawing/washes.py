"""Two pictures in water on paper: a meadow in watercolour, and mountains in black ink."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .fields import WORK, grid, mix, noise, ramp, ridge_line, shrink, smoothstep

_PETALS = (
    (226, 74, 104),
    (240, 128, 92),
    (164, 96, 188),
    (246, 178, 70),
    (92, 122, 206),
    (232, 112, 166),
)
_LEAVES = ((62, 142, 98), (112, 160, 66), (38, 112, 122))


def draw_watercolour() -> np.ndarray:
    """Return a meadow of loose flowers in wet washes that bleed, rim and granulate."""
    rng = np.random.default_rng(71)
    grain = _paper(rng)
    bleed = [noise(rng, 7, 5) - 0.5 for _ in range(6)]
    light = _wet_ground(rng)
    for index in range(54):
        _lay_leaf(light, rng, bleed[index % 6], _LEAVES[index % 3])
    for index, (x, y, radius) in enumerate(_flower_places(rng)):
        _lay_flower(light, rng, bleed[index % 6], (x, y), radius, _PETALS[index % len(_PETALS)])
    _splash(light, rng)
    # Pigment settles in the hollows of the paper, most where there is much of it.
    density = -np.log(np.clip(light, 0.02, 1))
    density *= (0.70 + 0.60 * grain)[..., None]
    paper = np.float32((253, 250, 242)) * (1 - 0.05 * grain[..., None])
    return shrink(paper * np.exp(-density))


def _paper(rng: np.random.Generator) -> np.ndarray:
    """Return the depth of rough paper, 0..1."""
    return 0.5 * noise(rng, 130, 2) + 0.5 * noise(rng, 260, 1)


def _wet_ground(rng: np.random.Generator) -> np.ndarray:
    """Return the light, 0..1 `(WORK, WORK, 3)`, that a first wet wash lets through."""
    _, y = grid()
    flow = noise(rng, 3, 5)
    wash = ramp(
        np.clip(y * 0.9 + 0.6 * (flow - 0.5), 0, 1),
        (150, 196, 232),
        (214, 214, 240),
        (252, 226, 206),
        (206, 228, 172),
        (126, 186, 140),
    )
    wash = mix(wash, (255, 236, 150), 0.8 * smoothstep(0.55, 0.9, noise(rng, 3, 4)))
    wash = mix(wash, (236, 170, 196), 0.6 * smoothstep(0.6, 0.9, noise(rng, 4, 4)))
    # Blooms: where a drop ran into the drying wash it pushed the pigment into a ragged rim.
    front = noise(rng, 4, 6)
    rim = np.exp(-(((front - 0.60) / 0.012) ** 2)) + np.exp(-(((front - 0.34) / 0.009) ** 2))
    return np.clip(mix(wash, np.float32((84, 128, 170)), 0.30 * rim) / 255, 0.05, 1)


def _lay(
    light: np.ndarray,
    window: tuple[slice, slice],
    distance: np.ndarray,
    colour: Sequence[float],
    strength: float,
) -> None:
    """Lay a wash over a window of the light: inside where `distance` (working pixels) is below 0.

    Pigment is drawn to the rim of the wet shape and thins out in its middle.
    """
    inside = smoothstep(1.2, -1.2, distance)
    rim = np.exp(-((distance + 2.2) ** 2) / 7.0)
    body = 0.50 + 0.35 * np.exp(distance / 16.0)
    amount = strength * inside * (body + 0.55 * rim)
    tint = np.log(np.clip(np.float32(colour) / 255, 0.03, 1))
    light[window] *= np.exp(amount[..., None] * tint)


def _window(x: float, y: float, reach: float) -> tuple[tuple, np.ndarray, np.ndarray]:
    """Return the slices around a position, and the x and y of their pixels relative to it."""
    px, py, r = int(x * WORK), int(y * WORK), int(reach * WORK)
    rows = slice(max(0, py - r), max(0, min(WORK, py + r)))
    columns = slice(max(0, px - r), max(0, min(WORK, px + r)))
    dy, dx = np.mgrid[rows, columns].astype(np.float32)
    return (rows, columns), dx - x * WORK, dy - y * WORK


def _flower_places(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Return x, y and radius of flowers that keep some distance, small ones at the top."""
    places: list[tuple[float, float, float]] = []
    for _ in range(900):
        x, y = rng.uniform(-0.02, 1.02), rng.uniform(0.04, 1.0)
        radius = (0.045 + 0.075 * y) * rng.uniform(0.7, 1.25)
        if all(np.hypot(x - px, y - py) > 0.78 * (radius + pr) for px, py, pr in places):
            places.append((x, y, radius))
    return places


def _lay_flower(
    light: np.ndarray,
    rng: np.random.Generator,
    bleed: np.ndarray,
    place: tuple[float, float],
    radius: float,
    colour: Sequence[float],
) -> None:
    """Lay the petals of one flower, each a wash of its own, and a dark wet heart."""
    window, dx, dy = _window(*place, radius * 1.6)
    if dx.size == 0:
        return
    size = radius * WORK
    distance, angle = np.hypot(dx, dy * 1.12), np.arctan2(dy, dx)
    ragged = bleed[window] * size * 0.75
    turn = rng.uniform(0, 2 * np.pi)
    petals = int(rng.integers(4, 7))
    # The wet flower lifts what lies below it, and lets its own colour run out a little.
    lift = 0.75 * smoothstep(1.05, 0.55, (distance + ragged) / size)
    light[window] **= 1 - lift[..., None]
    run = 0.22 * smoothstep(1.45, 0.5, (distance + 1.6 * ragged) / size)
    light[window] *= np.exp(run[..., None] * np.log(np.float32(colour) / 255))
    for petal in range(petals):
        middle = turn + petal * 2 * np.pi / petals
        away = np.angle(np.exp(1j * (angle - middle)))
        edge = size * rng.uniform(0.85, 1.1) * np.sqrt(np.clip(np.cos(away * petals / 2.9), 0, 1))
        tint = np.clip(np.float32(colour) + rng.normal(0, 16, 3), 20, 250)
        _lay(light, window, distance + ragged - edge, tint, rng.uniform(0.62, 1.0))
    heart = np.clip(np.float32(colour) * 0.42, 12, 255)
    _lay(light, window, distance + ragged * 0.5 - size * 0.24, heart, 1.0)
    soft = np.exp(-(((distance + ragged) / (size * 0.5)) ** 2))
    light[window] *= 1 - 0.30 * soft[..., None]


def _lay_leaf(
    light: np.ndarray, rng: np.random.Generator, bleed: np.ndarray, colour: Sequence[float]
) -> None:
    """Lay one bent leaf or blade of grass, longer and darker towards the bottom."""
    x, y = rng.uniform(0, 1), rng.uniform(0.15, 1.05)
    length = (0.06 + 0.12 * y) * rng.uniform(0.7, 1.4)
    window, dx, dy = _window(x, y, length * 1.15)
    if dx.size == 0:
        return
    size, turn = length * WORK, rng.normal(-np.pi / 2, 0.7)
    along = (dx * np.cos(turn) + dy * np.sin(turn)) / size
    across = (dy * np.cos(turn) - dx * np.sin(turn)) / size
    across = across + rng.normal(0, 0.25) * along**2 + 0.10 * bleed[window]
    width = rng.uniform(0.10, 0.22) * np.clip(1 - along**2, 0, 1) * (1 - 0.4 * along)
    tint = np.clip(np.float32(colour) + rng.normal(0, 18, 3), 10, 240)
    _lay(light, window, (np.abs(across) - width) * size, tint, rng.uniform(0.5, 0.95))


def _splash(light: np.ndarray, rng: np.random.Generator) -> None:
    """Lay drops that fell from the brush."""
    for _ in range(150):
        x, y = rng.random(2)
        radius = 0.0015 + 0.006 * rng.random() ** 3
        window, dx, dy = _window(x, y, radius * 2 + 0.004)
        colour = _PETALS[rng.integers(len(_PETALS))]
        _lay(light, window, np.hypot(dx, dy) - radius * WORK, colour, 0.8)


def draw_ink() -> np.ndarray:
    """Return mountains in mist, pines on a cliff and a red sun, in ink on warm paper."""
    rng = np.random.default_rng(83)
    x, y = grid()
    fibre = noise(rng, 30, 5, (5, 1)) * 0.75 + noise(rng, 200, 2) * 0.25
    paper = ramp(fibre, (210, 186, 142), (238, 220, 182), (246, 234, 206))
    wash = 0.08 + 0.42 * noise(rng, 3, 5) * smoothstep(0.6, 0.0, y)
    sun = np.hypot(x - 0.70, y - 0.20) - 0.074 + 0.006 * (noise(rng, 12, 3) - 0.5)
    red = smoothstep(0.003, -0.003, sun) * (0.78 + 0.3 * noise(rng, 25, 4))
    ink = wash * (1 - red)
    ranges = (
        (0.46, 0.40, 3, 0.40),
        (0.58, 0.42, 3.5, 0.62),
        (0.72, 0.36, 3, 0.82),
        (0.90, 0.30, 2.5, 0.95),
    )
    for base, height, bumps, tone in ranges:
        ink, hidden = _ink_range(rng, ink, base, height, bumps, tone)
        red *= 1 - hidden
    ink = np.maximum(ink, _ink_pines(rng))
    ink = np.maximum(ink, _birds(rng))
    # A brush that runs dry leaves the paper's hollows white.
    dry = smoothstep(0.10, 0.80, noise(rng, 150, 2) + ink * 0.9)
    amount = np.clip(ink * (0.55 + 0.5 * dry), 0, 0.97)
    picture = mix(paper, (196, 48, 34), np.clip(red, 0, 0.95))
    return shrink(mix(picture, ramp(amount, (96, 92, 92), (40, 38, 42), (16, 15, 18)), amount))


def _ink_range(
    rng: np.random.Generator, ink: np.ndarray, base: float, height: float, bumps: float, tone: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ink with a range of mountains laid over it, and where the range hides the rest.

    A dark broken line runs along the ridge, dry strokes fall from it, and mist takes the foot.
    """
    x, y = grid()
    line = ridge_line(rng, base, height, bumps, 6)
    depth = y - line[None] + 0.02 * (noise(rng, 10, 4) - 0.5)
    inside = smoothstep(-0.0015, 0.0015, depth)
    slope = cv2.GaussianBlur(np.gradient(line)[None].astype(np.float32), (0, 0), 8)
    fold = noise(rng, 9, 5, (1, 1.6))
    shade = smoothstep(-0.5, 0.6, slope + 1.3 * (fold - 0.5))
    fall = x * 1.0 + 0.8 * np.clip(slope, -0.5, 0.5) * depth + 0.03 * fold
    strokes = smoothstep(0.35, 1.0, np.sin(fall * 330 + 9 * noise(rng, 20, 3, (1, 3))))
    strokes *= smoothstep(0.45, 0.75, noise(rng, 26, 3, (1, 2.5)))
    mist = np.exp(-np.clip(depth, 0, None) / (0.10 + 0.09 * noise(rng, 3, 3)))
    body = (0.20 + 0.75 * shade + 0.75 * strokes) * mist
    ridge = np.exp(-((depth / 0.0045) ** 2)) * smoothstep(0.3, 0.6, noise(rng, 14, 3) + shade * 0.4)
    laid = tone * np.clip(body + 0.9 * ridge, 0, 1) + 0.07
    return ink * (1 - inside) + laid * inside, inside * (0.4 + 0.6 * mist)


def _ink_pines(rng: np.random.Generator) -> np.ndarray:
    """Return the ink, 0..1, of old pines that lean from the rocks at the lower left."""
    layer = np.zeros((WORK, WORK), np.uint8)
    for x, y, size, lean in (
        (0.10, 1.0, 0.56, 0.26),
        (0.30, 1.02, 0.34, -0.12),
        (0.90, 0.98, 0.30, -0.22),
    ):
        up = np.linspace(0, 1, 40)
        trunk = np.stack([x + lean * size * up + 0.035 * size * np.sin(up * 9), y - size * up], -1)
        for index in range(39):
            width = max(2, int((1 - up[index]) * 0.075 * size * WORK * rng.uniform(0.85, 1.15)))
            ends = [tuple(int(c * WORK) for c in p) for p in trunk[index : index + 2]]
            cv2.line(layer, *ends, 235, width, cv2.LINE_AA)
        for index in range(12, 40, 2):
            side = 1 if index % 4 else -1
            reach = side * size * (1.1 - up[index]) * rng.uniform(0.25, 0.48)
            _ink_branch(layer, rng, trunk[index], reach, size)
    return layer.astype(np.float32) / 255


def _ink_branch(
    layer: np.ndarray, rng: np.random.Generator, root: np.ndarray, reach: float, size: float
) -> None:
    """Draw a branch that sags outward, with fans of needles above it."""
    out = np.linspace(0, 1, 9)
    path = np.stack([root[0] + reach * out, root[1] + 0.22 * abs(reach) * (out - out**2 * 1.6)], -1)
    points = np.rint(path * WORK).astype(np.int32)
    cv2.polylines(layer, [points], False, 225, max(2, int(size * 9)), cv2.LINE_AA)
    for middle in np.repeat(path[2:], 3, axis=0) + rng.normal(0, 0.014 * size, (21, 2)):
        count = 15
        angles = rng.uniform(np.pi * 1.05, np.pi * 1.95, count)
        lengths = size * rng.uniform(0.035, 0.075, count)
        tips = middle + lengths[:, None] * np.stack([np.cos(angles), np.sin(angles)], -1)
        start = tuple(np.rint(middle * WORK).astype(int).tolist())
        for tip in np.rint(tips * WORK).astype(int).tolist():
            cv2.line(layer, start, tuple(tip), int(rng.uniform(120, 250)), 1, cv2.LINE_AA)


def _birds(rng: np.random.Generator) -> np.ndarray:
    """Return the ink, 0..1, of a line of birds."""
    layer = np.zeros((WORK, WORK), np.uint8)
    for index in range(7):
        x, y = 0.24 + 0.045 * index, 0.15 + 0.018 * abs(index - 2) + rng.normal(0, 0.006)
        span = 0.014 + 0.002 * index
        wing = np.float32([(-1, -0.45), (-0.45, -0.55), (0, 0), (0.5, -0.62), (1.05, -0.35)])
        points = np.rint((np.float32((x, y)) + wing * span) * WORK).astype(np.int32)
        cv2.polylines(layer, [points], False, 220, 3, cv2.LINE_AA)
    return layer.astype(np.float32) / 255
