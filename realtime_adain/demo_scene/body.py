"""The figure's body in its knitted jumper."""

from __future__ import annotations

import math

import numpy as np

from .head import light_up
from .layer import Layer, blend, noise, rise


def paint_body(rng: np.random.Generator, radius: float, below: float) -> Layer:
    """Return neck and shoulders; the layer's top lies 0.6 head radii below the head's middle."""
    half = 2.35
    width = round(2 * half * radius)
    height = max(4, math.ceil(below - 0.55 * radius))
    u, v = np.meshgrid(
        np.linspace(-half, half, width, dtype=np.float32),
        0.6 + np.arange(height, dtype=np.float32) / np.float32(radius),
    )
    side = np.abs(u)
    collar = 1.43 - 0.75 * np.clip(u, -0.6, 0.6) ** 2
    top = 1.19 + 0.13 * side**1.6 + 2.4 * np.clip(side - 1.2, 0, None) ** 2
    wool = rise(-0.012, 0.012, v - top) * rise(-0.01, 0.01, v - collar)
    neck = rise(0.012, -0.012, side - 0.37 - 0.55 * np.clip(v - 1.0, 0, 1) ** 2)
    neck *= rise(0.02, -0.02, v - collar - 0.05)
    pillar = 0.36 * np.sqrt(np.clip(1 - (u / 0.50) ** 2, 0.01, 1))
    skin = light_up(np.float32((226, 172, 142)) * np.ones_like(u)[..., None], pillar, radius, 0.03)
    skin *= (0.42 + 0.58 * rise(0.86, 1.36, v + 0.16 * u))[..., None]
    chest = 1.3 * np.sqrt(np.clip(1 - (u / 2.5) ** 2 - ((v - 2.8) / 2.6) ** 2, 0.01, 1))
    relief = chest + 0.06 * noise(rng, u.shape, 5, 3)
    return Layer.of(
        blend(skin, _knit(rng, u, v, v - collar, relief, radius), wool), np.maximum(neck, wool)
    )


def _knit(
    rng: np.random.Generator,
    u: np.ndarray,
    v: np.ndarray,
    below_collar: np.ndarray,
    relief: np.ndarray,
    radius: float,
) -> np.ndarray:
    """Return a striped, knitted jumper over the relief of the chest, in RGB 0..255."""
    side = np.abs(u)
    cream = np.float32((226, 196, 140))
    stitch = np.sin(2 * np.pi * (v * 15 + 0.9 * np.abs((u * 9) % 1 - 0.5)))
    fluff = 0.88 + 0.10 * stitch + 0.12 * noise(rng, u.shape, 30, 2)
    yarn = np.float32((44, 118, 124)) * fluff[..., None]
    rib = rise(0.17, 0.15, below_collar) * rise(0.64, 0.56, side)
    yarn = blend(yarn, cream, 0.9 * rib * (0.7 + 0.3 * np.sin(u * 70)))
    hem = v - 0.06 * u * u
    stripe = rise(0.05, 0.04, np.abs(hem - 2.25)) + rise(0.03, 0.02, np.abs(hem - 2.42))
    yarn = blend(yarn, cream * (0.85 + 0.12 * stitch)[..., None], 0.9 * stripe)
    crease = np.exp(-(((side - 1.26 - 0.1 * (v - 2)) / 0.07) ** 2)) * rise(1.6, 2.2, v)
    return light_up(yarn, relief, radius, 0.0) * (1 - 0.3 * crease)[..., None]
