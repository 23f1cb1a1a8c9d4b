"""A lake at evening in dots of pure colour, which the eye mixes."""

from __future__ import annotations

import cv2
import numpy as np

from .fields import (
    SHIFT,
    WORK,
    fixed_point,
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


def draw_pointillism() -> np.ndarray:
    """Return a lake at evening with trees and sails, in dots of neighbouring pure colours."""
    rng = np.random.default_rng(97)
    scene = _evening_lake(rng)
    ground = ramp(noise(rng, 8, 3), (214, 170, 150), (238, 206, 160))
    canvas = np.clip(ground, 0, 255).astype(np.uint8)
    for spacing, radius, spread in (
        (0.0125, 0.0085, 26),
        (0.0088, 0.0056, 34),
        (0.0085, 0.0040, 44),
    ):
        dots = scatter(rng, spacing)
        colours = _divide(rng, sample(scene, dots), spread)
        radii = radius * rng.uniform(0.75, 1.2, len(dots)) * WORK * 2**SHIFT
        places = fixed_point(dots).tolist()
        for place, size, ink in zip(places, radii.astype(int).tolist(), colours, strict=True):
            cv2.circle(canvas, place, size, ink, -1, cv2.LINE_AA, SHIFT)
    height = cv2.GaussianBlur(canvas.astype(np.float32).sum(-1) / 3, (0, 0), 1.5)
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0) + cv2.Sobel(height, cv2.CV_32F, 0, 1)
    return shrink(canvas * (1 + np.clip(slope / 900, -0.12, 0.12))[..., None])


def _divide(rng: np.random.Generator, colours: np.ndarray, spread: float) -> list[list[float]]:
    """Return the colours broken up into purer ones that average to about the same.

    Most dots are pushed from the grey axis and turned a little in hue; one in nine takes the
    complementary hue at the same brightness, which makes its neighbours glow.
    """
    grey = colours.mean(-1, keepdims=True)
    chroma = (colours - grey) * 1.45
    turned = np.roll(chroma, 1, axis=-1)
    swing = rng.normal(0, 0.22, (len(colours), 1))
    chroma = chroma * (1 - np.abs(swing)) + turned * swing
    chroma = np.where(rng.random((len(colours), 1)) < 0.11, -0.85 * chroma, chroma)
    divided = grey + chroma + rng.normal(0, spread * 0.45, colours.shape)
    return np.clip(divided + rng.normal(0, spread * 0.4, grey.shape), 0, 255).tolist()


def _evening_lake(rng: np.random.Generator) -> np.ndarray:
    """Return the colours of the scene below the dots."""
    x, y = grid()
    shore, sun_x, sun_y = 0.50, 0.36, 0.36
    above = ramp(
        np.clip(y / shore, 0, 1),
        (62, 112, 196),
        (128, 160, 214),
        (230, 184, 196),
        (255, 206, 120),
        (255, 158, 84),
    )
    clouds = smoothstep(0.52, 0.8, noise(rng, 4, 4, (2.6, 1))) * smoothstep(0.5, 0.2, y)
    above = mix(above, (255, 232, 206), 0.8 * clouds)
    glow = np.exp(-(((x - sun_x) ** 2 + (y - sun_y) ** 2) / 0.03))
    above = mix(above, (255, 222, 110), 0.85 * glow)
    above = mix(above, (255, 246, 190), smoothstep(0.062, 0.05, np.hypot(x - sun_x, y - sun_y)))
    for base, height, tone in ((0.47, 0.12, (126, 118, 186)), (0.50, 0.08, (84, 104, 150))):
        above = mix(above, tone, smoothstep(0, 0.004, y - ridge_line(rng, base, height, 3)[None]))
    scene = _mirrored(rng, above, shore)
    for sail_x, foot, size in ((0.62, 0.565, 0.13), (0.80, 0.535, 0.08), (0.50, 0.53, 0.06)):
        scene = _sail(scene, sail_x, foot, size)
    return _near_shore(rng, scene)


def _mirrored(rng: np.random.Generator, above: np.ndarray, shore: float) -> np.ndarray:
    """Return the upper part with its broken reflection below the shore."""
    x, y = grid()
    ripple = np.sin(y * 190 + 5 * noise(rng, 6, 3)) * 0.012 * (y - shore) / 0.5
    source = np.stack([x + ripple * 2, 2 * shore - y + ripple], -1)
    image = sample(above, np.where(y[..., None] > shore, source, np.stack([x, y], -1)))
    water = image * np.float32((0.78, 0.86, 0.98)) + np.float32((0, 6, 20))
    bands = smoothstep(0.62, 0.85, noise(rng, 8, 4, (7, 1)))
    water = mix(water, (40, 86, 150), 0.55 * bands)
    streak = np.exp(-(((x - 0.36) / (0.03 + 0.10 * (y - shore))) ** 2))
    water = mix(water, (255, 226, 130), 0.8 * streak * (1 - bands))
    return mix(image, water, (y > shore).astype(np.float32))


def _sail(scene: np.ndarray, x0: float, foot: float, size: float) -> np.ndarray:
    """Return the scene with a boat: two sails, a hull and their reflection."""
    x, y = grid()
    for direction, strength in ((1, 1.0), (-1, 0.5)):
        up = direction * (foot - y) / size
        out = (x - x0) / size
        main = (up > 0.12) & (up < 1) & (out > 0.02) & (out < 0.50 * (1 - up))
        fore = (up > 0.12) & (up < 0.85) & (out < -0.02) & (out > -0.34 * (0.85 - up))
        hull = (up > 0) & (up < 0.10) & (np.abs(out) < 0.36 + 0.8 * up)
        scene = mix(scene, (255, 246, 226), strength * main)
        scene = mix(scene, (240, 146, 96), strength * fore)
        scene = mix(scene, (110, 40, 60), strength * hull)
    return scene


def _near_shore(rng: np.random.Generator, scene: np.ndarray) -> np.ndarray:
    """Return the scene with a flowering bank and trees that frame it."""
    x, y = grid()
    bank = smoothstep(0, 0.01, y - ridge_line(rng, 0.86, 0.09, 2)[None] + 0.10 * (x - 0.5) ** 2)
    grass = ramp(noise(rng, 16, 3), (26, 92, 96), (70, 150, 70), (170, 200, 70))
    blossoms = smoothstep(0.72, 0.80, noise(rng, 34, 2))
    grass = mix(grass, ramp(noise(rng, 5, 2), (240, 84, 110), (255, 210, 80)), blossoms)
    scene = mix(scene, grass, bank)
    for tree_x, foot, width in ((0.90, 0.95, 0.030), (0.05, 0.92, 0.020)):
        sway = tree_x + 0.025 * np.sin(5 * y)
        trunk = smoothstep(width, width * 0.6, np.abs(x - sway)) * (y < foot)
        scene = mix(
            scene,
            ramp(
                np.clip((x - sway) / width + 0.5, 0, 1), (214, 120, 80), (92, 50, 104), (40, 34, 92)
            ),
            trunk,
        )
    leaves = noise(rng, 11, 4)
    for cx, cy, radius in ((0.95, 0.10, 0.34), (0.82, 0.24, 0.15), (0.0, 0.16, 0.20)):
        edge = np.hypot(x - cx, (y - cy) * 1.2) + 0.16 * (leaves - 0.5)
        crown = smoothstep(radius, radius * 0.93, edge) * smoothstep(0.30, 0.42, leaves + 0.2)
        tone = np.clip(0.9 - (y - cy) / radius * 0.5 - 0.4 * noise(rng, 9, 2), 0, 1)
        scene = mix(
            scene, ramp(tone, (20, 52, 110), (24, 120, 104), (128, 190, 74), (246, 214, 90)), crown
        )
    return scene
