"""A still life in graphite: tones made of hatching that follows the things' forms."""

from __future__ import annotations

import cv2
import numpy as np

from .fields import (
    SHIFT,
    WORK,
    curl,
    fixed_point,
    grid,
    mix,
    noise,
    ramp,
    sample,
    scatter,
    shrink,
    smoothstep,
)


def draw_pencil() -> np.ndarray:
    """Return a still life of a jug and fruit on a cloth, cross-hatched in graphite."""
    rng = np.random.default_rng(101)
    tone, form = _still_life(rng)
    tone = tone**0.62  # graphite never gets as dark as shadows are
    around = curl(form)
    straight = [_direction(angle) for angle in (0.75, -0.72, 0.1, 1.45)]
    layers = (
        (around, 1.00, 0.0125, 0.050),
        (straight[0], 0.80, 0.0105, 0.055),
        (straight[1], 0.60, 0.0100, 0.050),
        (around, 0.46, 0.0085, 0.030),
        (straight[2], 0.34, 0.0085, 0.036),
        (straight[3], 0.24, 0.0080, 0.030),
    )
    paper_left = np.ones((WORK, WORK), np.float32)
    for flow, lightest, spacing, length in layers:
        paper_left *= 1 - _hatch(rng, tone, flow, lightest, spacing, length)
    edges = _contours(rng, form)
    tooth = 0.55 * noise(rng, 200, 2) + 0.45 * noise(rng, 420, 1)
    lead = (1 - paper_left) * (0.62 + 0.7 * tooth)
    lead = 1 - (1 - np.clip(lead, 0, 1)) * (1 - 0.8 * edges * (0.5 + tooth))
    smudge = cv2.GaussianBlur(lead, (0, 0), 9) * 0.25
    dark = np.clip(lead * 0.95 + smudge * (0.6 + 0.4 * tooth), 0, 1)
    paper = ramp(noise(rng, 60, 3), (232, 228, 218), (250, 248, 242))
    return shrink(mix(paper, (48, 48, 54), dark))


def _direction(angle: float) -> np.ndarray:
    """Return the same unit direction everywhere, `(WORK, WORK, 2)`."""
    one = np.float32((np.cos(angle), np.sin(angle)))
    return np.broadcast_to(one, (WORK, WORK, 2))


def _hatch(
    rng: np.random.Generator,
    tone: np.ndarray,
    flow: np.ndarray,
    lightest: float,
    spacing: float,
    length: float,
) -> np.ndarray:
    """Return the lead, 0..1, of strokes along the flow where the tone is below `lightest`.

    The further below, the harder the pencil presses; strokes stop where the tone grows light.
    """
    starts = scatter(rng, spacing)
    steps = 12
    position = starts - sample(flow, starts) * length / 2
    path = [position]
    for _ in range(steps):
        position = position + sample(flow, position) * length / steps
        path.append(position)
    lines = np.stack(path, 1) + rng.normal(0, 0.0006, (len(starts), steps + 1, 2))
    press = np.clip((lightest - sample(tone, lines)) * 2.0, 0, 1).mean(1)
    points = fixed_point(lines)
    sheet = np.zeros((WORK, WORK), np.uint8)
    for index in np.argsort(press, kind="stable"):  # hard strokes last: they are not covered
        strength = press[index] + rng.normal(0, 0.06)
        if strength > 0.05:
            lead = 55 + 140 * min(1.0, float(strength))
            width = 2 if strength > 0.3 else 1
            cv2.polylines(sheet, [points[index]], False, lead, width, cv2.LINE_AA, SHIFT)
    return sheet.astype(np.float32) / 255


def _contours(rng: np.random.Generator, form: np.ndarray) -> np.ndarray:
    """Return where things end, 0..1, as a line that is pressed unevenly."""
    smooth = cv2.GaussianBlur(form, (0, 0), 1.5)
    slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    return smoothstep(0.10, 0.40, slope) * (0.35 + 0.65 * noise(rng, 12, 3))


def _still_life(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the tone (0 black, 1 white) and a form whose level lines run around the things."""
    x, y = grid()
    folds = noise(rng, 4, 3, (1, 1.6))
    slope = cv2.GaussianBlur(np.gradient(folds, axis=1).astype(np.float32), (0, 0), 5) * WORK
    cloth = np.clip(0.62 + 0.12 * slope, 0.12, 0.98)
    wall = 0.30 + 0.42 * x * (1 - y) + 0.22 * noise(rng, 3, 3)
    table = smoothstep(-0.003, 0.003, y - 0.56 - 0.02 * np.sin(x * 8))
    tone = wall * (1 - table) + cloth * table
    form = (0.9 * x + 0.6 * y) * (1 - table) + (folds * 0.6 + 3 * table) * table
    tone, form = _jug(tone, form.astype(np.float32))
    fruit = (
        (0.20, 0.71, 0.125),
        (0.74, 0.70, 0.115),
        (0.92, 0.60, 0.10),
        (0.44, 0.84, 0.13),
        (0.68, 0.88, 0.09),
    )
    for index, (cx, cy, radius) in enumerate(fruit):
        tone, form = _fruit(tone, form, cx, cy, radius, 5.0 + index)
    return np.clip(tone + 0.05 * (noise(rng, 30, 2) - 0.5), 0, 1), form


def _cast_shadow(tone: np.ndarray, cx: float, cy: float, width: float) -> np.ndarray:
    """Return the tone with a soft shadow on the cloth to the right of something."""
    x, y = grid()
    spot = np.hypot((x - cx - 0.6 * width) / (1.5 * width), (y - cy) / (0.42 * width))
    return tone * (1 - 0.80 * smoothstep(1.1, 0.35, spot))


def _fruit(
    tone: np.ndarray, form: np.ndarray, cx: float, cy: float, radius: float, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return tone and form with an apple in front: a dented ball with a stalk."""
    x, y = grid()
    tone = _cast_shadow(tone, cx, cy + 0.80 * radius, radius)
    u, v = (x - cx) / radius, (y - cy) / radius
    inside = smoothstep(1.0, 0.985, np.hypot(u, v))
    dent = np.exp(-((u + 0.1) ** 2 / 0.10 + (v + 0.62) ** 2 / 0.03))
    nz = np.sqrt(np.clip(1 - u * u - v * v, 0, 1))
    lit = np.clip(-0.55 * u - 0.55 * v + 0.62 * nz, 0, 1)
    shade = 0.13 + 0.85 * lit**0.9 - 0.40 * dent + 0.16 * np.clip(u + v - 0.9, 0, 1)
    shade += 0.9 * np.exp(-((u + 0.38) ** 2 + (v + 0.38) ** 2) / 0.02)
    stalk = (np.abs(u + 0.1 - 0.25 * (v + 0.7) ** 2) < 0.045) & (v < -0.58) & (v > -1.16)
    tone = tone * (1 - inside) + np.clip(shade, 0.05, 1) * inside
    tone = np.where(stalk, 0.08, tone)
    return tone, form * (1 - inside) + (level + np.hypot(u + 0.1, v + 0.62) * 0.35) * inside


def _jug(tone: np.ndarray, form: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return tone and form with a tall jug: a turned body with a neck, a lip and a handle."""
    x, y = grid()
    tone = _cast_shadow(tone, 0.46, 0.735, 0.17)
    up = np.clip((0.76 - y) / 0.64, 0, 1)
    knots = np.linspace(0, 1, 11)
    profile = (0.105, 0.150, 0.178, 0.185, 0.172, 0.140, 0.098, 0.072, 0.066, 0.074, 0.098)
    radius = np.interp(up, knots, profile).astype(np.float32)
    handle = np.abs(np.hypot((x - 0.555) * 1.15, (y - 0.34) * 0.85) - 0.115)
    ring = smoothstep(0.019, 0.016, handle) * (x > 0.50)
    tone = tone * (1 - ring) + (0.25 + 22 * handle) * ring
    form = form * (1 - ring) + (8 + handle * 9) * ring
    across = (x - 0.43) / radius
    body = smoothstep(1.0, 0.985, np.abs(across)) * (y > 0.12) * (y < 0.76)
    nz = np.sqrt(np.clip(1 - across**2, 0, 1))
    shade = 0.12 + 0.82 * np.clip(0.72 * nz - 0.62 * across, 0, 1)
    shade += 0.55 * np.exp(-(((across + 0.45) / 0.07) ** 2)) + 0.14 * smoothstep(0.7, 1, across)
    band = smoothstep(0.012, 0.008, np.abs(up - 0.52)) + smoothstep(0.012, 0.008, np.abs(up - 0.2))
    shade = shade * (1 - 0.45 * np.clip(band, 0, 1)) * (0.75 + 0.25 * smoothstep(0, 0.25, up))
    mouth = smoothstep(1.0, 0.9, np.hypot((x - 0.43) / 0.098, (y - 0.125) / 0.024))
    tone = tone * (1 - body) + shade * body
    tone = tone * (1 - mouth) + (0.10 + 0.25 * smoothstep(0.36, 0.5, x)) * mouth
    bowed = 10 + y * 3.5 + 0.10 * nz
    return tone, (form * (1 - body) + bowed * body + mouth * 0.5).astype(np.float32)
