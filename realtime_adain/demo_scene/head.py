"""The figure's head: painted once from a relief of its face, then turned by its depth."""

from __future__ import annotations

import math

import cv2
import numpy as np

from .layer import blend, noise, rise, to_pixels, unpack

_MOUTHS = 14  # pictures of the mouth from closed to open
_LIDS = 6  # pictures of the eyes from open to closed
_HEAD = 1.62  # half the side of the head's picture, in head radii


class Head:
    """A head that turns, nods, blinks and talks, painted once from a relief of its face."""

    def __init__(self, rng: np.random.Generator, radius: float) -> None:
        self.radius = radius
        side = max(8, round(2 * _HEAD * radius))
        axis = (np.arange(side, dtype=np.float32) - (side - 1) / 2) / np.float32(radius)
        u, v = np.meshgrid(axis, axis + 0.12)
        relief = _face_relief(u, v)
        skin = _shade_skin(rng, u, v, relief)
        skin, opacity, depth = _add_hair(rng, u, v, skin, relief)
        self.picture = np.dstack(
            [to_pixels(skin * opacity[..., None]), np.rint(opacity * 255).astype(np.uint8)]
        )
        mouth = _part(u, v, 0.36, 0.40, 0.86)
        eyes = _part(u, v, 0.54, -0.30, 0.06)
        self.mouth_window, self.eyes_window = mouth, eyes
        self.mouths = [
            to_pixels(_draw_mouth(u[mouth], v[mouth], skin[mouth], k / (_MOUTHS - 1)))
            for k in range(_MOUTHS)
        ]
        self.eyes = [
            to_pixels(_draw_eyes(u[eyes], v[eyes], skin[eyes], k / (_LIDS - 1)))
            for k in range(_LIDS)
        ]
        self.column = np.arange(side, dtype=np.float32)[None]
        self.row = np.arange(side, dtype=np.float32)[:, None]
        self.depth = depth * np.float32(radius)
        self.jaw = rise(0.52, 0.80, v) * rise(0.85, 0.45, np.abs(u)) * rise(1.3, 0.95, v)
        self.jaw *= np.float32(0.10 * radius)

    def lay_on(self, frame: np.ndarray, time: float, x: float, y: float) -> None:
        """Compose the head at `time` over the frame, its middle at `x`, `y` when at rest."""
        talk, lid = _talk(time), _blink(time)
        picture = self.picture.copy()
        picture[self.mouth_window][..., :3] = self.mouths[round(talk * (_MOUTHS - 1))]
        picture[self.eyes_window][..., :3] = self.eyes[round(lid * (_LIDS - 1))]
        yaw = 0.16 * math.sin(time * 0.63) + 0.05 * math.sin(time * 1.9)
        pitch = 0.07 * math.sin(time * 1.27 + 1) + 0.05 * math.sin(time * 2.9) * (0.4 + talk)
        roll = 0.045 * math.sin(time * 0.9 + 2)
        middle = (picture.shape[0] - 1) / 2
        left, top = math.floor(x - middle), math.floor(y - middle)
        # Where each pixel comes from: turned about the neck, then moved by its depth.
        cos, sin = math.cos(roll), math.sin(roll)
        neck = middle + self.radius
        dx, dy = x - middle - left, y - middle - top
        column, row = self.column - middle - dx, self.row - neck - dy
        from_x = (cos * column + middle) + sin * row
        from_y = (cos * row + neck) - sin * column
        cv2.scaleAdd(self.depth, -yaw, from_x, dst=from_x)
        cv2.scaleAdd(self.depth, -pitch, from_y, dst=from_y)
        cv2.scaleAdd(self.jaw, -talk, from_y, dst=from_y)
        unpack(cv2.remap(picture, from_x, from_y, cv2.INTER_LINEAR)).lay_on(frame, left, top)


def _part(u: np.ndarray, v: np.ndarray, half: float, top: float, bottom: float) -> tuple:
    """Return the slices of the head's picture with `|u|` up to `half`, `v` from top to bottom."""
    rows = np.flatnonzero((v[:, 0] >= top) & (v[:, 0] <= bottom))
    columns = np.flatnonzero(np.abs(u[0]) <= half)
    return np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _talk(time: float) -> float:
    """Return how far the mouth is open, 0..1: syllables in phrases with pauses."""
    syllables = max(0.0, math.sin(time * 17 + 2.2 * math.sin(time * 4.1)))
    stress = 0.62 + 0.38 * math.sin(time * 5.3 + 1)
    phrase = min(1.0, max(0.0, 1.6 * math.sin(time * 0.85 + 0.6) + 1.1))
    return syllables * stress * phrase


def _blink(time: float) -> float:
    """Return how far the eyes are closed, 0..1."""
    lid = 0.0
    for period, offset in ((3.7, 2.9), (5.9, 1.2)):
        lid = max(lid, 1 - abs((time + offset) % period - 0.11) / 0.11)
    return min(1.0, 1.4 * lid)


def _face_relief(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return how far each point of the face stands out, in head radii."""
    side = np.abs(u)

    def bump(x: np.ndarray, x0: float, wide: float, y0: float, tall: float) -> np.ndarray:
        return np.exp(-(((x - x0) / wide) ** 2) - ((v - y0) / tall) ** 2)

    relief = 0.80 * np.sqrt(np.clip(1 - (u / 0.84) ** 2 - (v / 1.12) ** 2, 0.004, 1))
    relief += 0.08 * bump(u, 0, 0.085, 0.10, 0.22) + 0.075 * bump(u, 0, 0.11, 0.28, 0.10)
    relief += 0.035 * bump(side, 0.125, 0.05, 0.32, 0.05)
    relief += 0.045 * bump(side, 0.30, 0.20, -0.28, 0.09)
    relief -= 0.075 * bump(side, 0.30, 0.15, -0.10, 0.11)
    relief += 0.050 * bump(side, 0.40, 0.17, 0.22, 0.17) + 0.045 * bump(u, 0, 0.26, 0.58, 0.11)
    relief += 0.050 * bump(u, 0, 0.17, 0.88, 0.09) - 0.030 * bump(u, 0, 0.17, 0.735, 0.05)
    return relief - 0.012 * bump(u, 0, 0.03, 0.43, 0.06)


def _lit(relief: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the light from the window, from the lamp, and the gloss on a relief in pixels."""
    dx = cv2.Sobel(relief, cv2.CV_32F, 1, 0, scale=radius / 8)
    dy = cv2.Sobel(relief, cv2.CV_32F, 0, 1, scale=radius / 8)
    nz = 1 / np.sqrt(1 + dx * dx + dy * dy)
    window = np.clip((-0.62 * dx + 0.36 * dy + 0.70) * nz, 0, 1)
    lamp = np.clip((0.84 * dx + 0.15 * dy + 0.45) * nz, 0, 1)
    gloss = np.clip((-0.36 * dx + 0.26 * dy + 0.90) * nz, 0, 1) ** 22
    return window, lamp, gloss


def light_up(colour: np.ndarray, relief: np.ndarray, radius: float, shine: float) -> np.ndarray:
    """Return colours 0..255 under the room's light; `shine` is the strength of the gloss."""
    window, lamp, gloss = _lit(relief, radius)
    light = (
        np.float32((0.36, 0.33, 0.32))
        + window[..., None] * np.float32((0.74, 0.71, 0.70))
        + lamp[..., None] * np.float32((0.44, 0.28, 0.14))
    )
    return colour * light + (255 * shine * gloss)[..., None]


def _shade_skin(
    rng: np.random.Generator, u: np.ndarray, v: np.ndarray, relief: np.ndarray
) -> np.ndarray:
    """Return the face in RGB 0..255 with brows, without eyes and mouth."""
    side = np.abs(u)
    blush = np.exp(-(((side - 0.40) / 0.17) ** 2) - ((v - 0.26) / 0.15) ** 2)
    blush += 0.6 * np.exp(-((u / 0.12) ** 2) - ((v - 0.28) / 0.1) ** 2)
    colour = blend(np.float32((238, 188, 156)), (226, 126, 108), 0.42 * blush)
    pores = 0.97 + 0.06 * noise(rng, u.shape, u.shape[0] / 4, 1)
    skin = light_up(colour * pores[..., None], relief, 1 / (u[0, 1] - u[0, 0]), 0.07)
    nostril = np.exp(-(((side - 0.062) / 0.032) ** 2) - ((v - 0.365) / 0.020) ** 2)
    skin = blend(skin, (96, 44, 38), 0.75 * nostril)
    along = np.clip((side - 0.13) / 0.38, 0, 1)
    arch = -0.262 - 0.065 * np.sin(2.3 * along)
    thick = 0.032 * np.sqrt(np.clip(np.sin(np.pi * (0.22 + 0.78 * along)), 0, 1))
    brow = rise(0.008, -0.012, np.abs(v - arch) - thick) * rise(0.11, 0.15, side)
    hairs = 0.86 + 0.14 * np.sin((side * 0.8 - 0.6 * v) * 190)
    return blend(skin, (78, 42, 28), 0.8 * hairs * brow * rise(0.52, 0.48, side))


def _add_hair(
    rng: np.random.Generator, u: np.ndarray, v: np.ndarray, skin: np.ndarray, relief: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the head's colours with hair, its opacity 0..1, and its depth in head radii."""
    radius = 1 / float(u[0, 1] - u[0, 0])
    side = np.abs(u)
    # Strands start at the parting and fall around the head.
    turn, far = np.arctan2(u + 0.22, v + 1.42), np.hypot(u + 0.22, v + 1.42)
    strand = _strands(rng, turn, far)
    fringe = -0.50 - 0.30 * (u + 0.22) * np.where(u > -0.22, -0.55, 1.0) + 0.05 * (strand - 0.5)
    fringe += 0.42 * np.clip(u + 0.22, 0, 1) ** 2
    half = 0.77 * np.sqrt(np.clip(1 - (v / 1.04) ** 2, 0, 1)) * (1 - 0.17 * rise(0.15, 1.0, v))
    face = rise(0.014, -0.014, side - half) * (v < 1.04)
    face *= rise(-0.02, 0.02, v - fringe) * rise(0.02, -0.02, side - 0.66 - 0.05 * strand)
    outer = np.hypot(u / 0.98, (v + 0.16) / 1.20) + 0.05 * (strand - 0.5)
    cap = rise(1.02, 0.98, outer) * (v < 0.30)
    bob = (side / 0.99) ** 5 + np.clip((v + 0.4) / 1.52, 0, 2) ** 9 + 0.5 * (strand - 0.5)
    curtain = rise(0.50, 0.56, side + 0.08 * strand) * rise(1.0, 0.82, bob) * (v > -0.1)
    dome = 0.9 * np.sqrt(np.clip(1 - (u / 1.06) ** 2 - ((v + 0.1) / 1.5) ** 2, 0.004, 1))
    brown = np.float32((138, 74, 42)) * (0.35 + 0.75 * strand)[..., None]
    band = np.exp(-(((far - 0.80 - 0.12 * np.sin(turn * 3)) / 0.16) ** 2)) * strand**2
    gloss = (95 * band)[..., None] * np.float32((1.0, 0.78, 0.56))
    hair = 0.88 * light_up(brown, dome, radius, 0) + gloss
    shadow = rise(0.16, 0.0, v - fringe) + 0.7 * rise(0.16, 0.0, 0.66 - side)
    skin = skin * (1 - 0.45 * np.clip(shadow, 0, 1))[..., None]
    depth = np.where(face > 0.5, relief, 0.8 * dome).astype(np.float32)
    opacity = np.maximum(face, np.maximum(cap, curtain))
    return blend(hair, skin, face), opacity, cv2.GaussianBlur(depth, (0, 0), 2)


def _strands(rng: np.random.Generator, turn: np.ndarray, far: np.ndarray) -> np.ndarray:
    """Return the brightness, 0..1, of hairs that run away from where `far` is 0."""
    grain = noise(rng, (256, 1024), 6, 5, bumps_yx=(0.05, 1.0))
    column = ((turn / (2 * np.pi) + 0.5) * 1023).astype(np.float32)
    row = (np.clip(far / 3.2, 0, 1) * 255).astype(np.float32)
    return cv2.remap(grain, column, row, cv2.INTER_LINEAR)


def _draw_mouth(u: np.ndarray, v: np.ndarray, skin: np.ndarray, opening: float) -> np.ndarray:
    """Return the window of the mouth in RGB 0..255, from closed (0) to open (1)."""
    half = 0.265 - 0.05 * opening
    arch = np.clip(1 - (u / half) ** 2, 0, 1)
    line = 0.595 - 0.070 * (1 - arch)
    gap = 0.150 * opening * arch
    upper, lower = line - 0.25 * gap, line + 0.75 * gap + 0.002
    bow = 0.052 * arch**0.7 * (1 - 0.30 * np.exp(-((u / 0.05) ** 2)))
    soft = 0.012
    lips = rise(-soft, soft, v - upper + bow) * rise(soft, -soft, v - lower - 0.074 * arch)
    lips *= rise(0.0, 0.10, arch)
    colour = skin * np.float32((0.92, 0.60, 0.60))
    gleam = np.exp(-(((v - lower - 0.032) / 0.015) ** 2) - ((u - 0.05) / 0.10) ** 2)
    out = blend(skin, colour, lips) + (48 * gleam * lips)[..., None]
    inside = rise(-0.006, 0.006, v - upper) * rise(0.006, -0.006, v - lower) * (gap > 0.004)
    hollow = blend(np.float32((66, 22, 26)), (176, 78, 80), rise(0.03, 0.09, v - upper) * 0.8)
    teeth = rise(0.052, 0.040, v - upper) * rise(0.95, 0.75, np.abs(u) / half)
    hollow = blend(hollow, (232, 222, 208), teeth)
    seam = np.exp(-(((v - (upper + lower) / 2) / 0.010) ** 2)) * rise(0.0, 0.12, arch + 0.06)
    seam = seam * (1 - opening) * rise(1.12, 1.0, np.abs(u) / half)
    return blend(blend(out, hollow, inside), (104, 40, 40), 0.8 * seam)


def _draw_eyes(u: np.ndarray, v: np.ndarray, skin: np.ndarray, lid: float) -> np.ndarray:
    """Return the window of the eyes in RGB 0..255, from open (`lid` 0) to closed (1)."""
    x, y = np.abs(u) - 0.305, v + 0.085
    arch = np.clip(1 - (x / 0.155) ** 2, 0, 1)
    upper = (-0.084 + 0.120 * lid) * arch**0.8
    lower = 0.046 * arch
    open_ = rise(-0.006, 0.006, y - upper) * rise(0.006, -0.006, y - lower) * (arch > 0.02)
    away = np.hypot(u - np.sign(u) * 0.300, y + 0.012)
    ball = np.float32((240, 234, 228)) * (0.72 + 0.28 * arch)[..., None]
    iris = blend(np.float32((54, 92, 84)), (128, 150, 104), rise(0.066, 0.028, away))
    ball = blend(ball, iris, rise(0.080, 0.072, away))
    ball = blend(ball, (22, 30, 30), 0.7 * np.exp(-(((away - 0.077) / 0.008) ** 2)))
    ball = blend(ball, (14, 12, 14), rise(0.036, 0.029, away))
    ball *= (0.55 + 0.45 * rise(0.0, 0.045, y - upper))[..., None]
    spot = np.hypot(u - np.sign(u) * 0.300 - 0.026, y + 0.038)
    ball = blend(ball, (255, 255, 255), 0.95 * rise(0.017, 0.010, spot))
    crease = np.exp(-(((y - upper + 0.040) / 0.012) ** 2)) * arch * (1 - 0.6 * lid)
    out = blend(blend(skin, (150, 92, 76), 0.55 * crease), ball, open_)
    lash = np.exp(-(((y - upper) / 0.013) ** 2)) * rise(0.0, 0.10, arch)
    below = np.exp(-(((y - lower) / 0.008) ** 2)) * rise(0, 0.2, arch)
    return blend(blend(out, (128, 76, 64), 0.5 * below), (38, 22, 20), 0.92 * lash)
