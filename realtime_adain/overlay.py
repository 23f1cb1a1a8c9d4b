"""Text over the picture, and two pictures side by side. Every function returns a new picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_REFERENCE_SIDE = 720  # short side of the picture on which text has the size below
_SMALLEST_SCALE = 0.72
_FONT_SCALE = 0.62
_LINE_PIXELS = 27
_WHITE = (255, 255, 255)
_SOFT = (206, 210, 216)
_RED = (236, 48, 48)
_PANEL_RGB = (14, 16, 20)
_PANEL_OPACITY = 0.7

Line = tuple[str, ...]
"""One line of text: its cells, the first one bright and the others softer."""


@dataclass(frozen=True)
class Overlay:
    """What is written over a picture.

    Attributes:
        status: one line at the top left, such as `("starry", "80 %", "31 fps")`.
        message: one line at the bottom, for what has just happened.
        help: lines of two cells, a key and what it does, in the middle.
        recording: text beside a red dot at the top right, such as "0:12"; None for no dot.
    """

    status: Line = ()
    message: str = ""
    help: tuple[Line, ...] = ()
    recording: str | None = None


def draw_overlay(pixels: np.ndarray, overlay: Overlay) -> np.ndarray:
    """Return the picture with the overlay on it.

    Text grows with the picture, and shrinks where a panel would not fit.

    Args:
        pixels: uint8 `(H, W, 3)` RGB; left as it is.
    """
    pixels = pixels.copy()
    scale = max(_SMALLEST_SCALE, min(pixels.shape[:2]) / _REFERENCE_SIDE)
    if overlay.status:
        _paste(pixels, _Panel((overlay.status,)), scale, (0.0, 0.0))
    if overlay.recording is not None:
        _paste(pixels, _Panel(((overlay.recording,),), dot=True), scale, (1.0, 0.0))
    if overlay.message:
        _paste(pixels, _Panel(((overlay.message,),)), scale, (0.5, 1.0))
    if overlay.help:
        _paste(pixels, _Panel(overlay.help), scale, (0.5, 0.5))
    return pixels


def side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return two pictures of the same size, uint8 `(H, W, 3)`, as one of `(H, 2 W, 3)`."""
    return np.concatenate([left, right], axis=1)


@dataclass(frozen=True)
class _Panel:
    lines: tuple[Line, ...]
    dot: bool = False


def _paste(pixels: np.ndarray, panel: _Panel, scale: float, place: tuple[float, float]) -> None:
    """Blend a panel into the picture; `place` is 0 (left, top) to 1 (right, bottom)."""
    height, width = pixels.shape[:2]
    margin = round(12 * scale)
    light, veil = _render(panel, round(scale, 3))
    fit = min((width - 2 * margin) / light.shape[1], (height - 2 * margin) / light.shape[0])
    if fit < 1:
        size_wh = (max(1, int(light.shape[1] * fit)), max(1, int(light.shape[0] * fit)))
        light = cv2.resize(light, size_wh, interpolation=cv2.INTER_AREA)
        veil = cv2.resize(veil, size_wh, interpolation=cv2.INTER_AREA)[:, :, None]
    high, wide = light.shape[:2]
    left = round(margin + place[0] * (width - 2 * margin - wide))
    top = round(margin + place[1] * (height - 2 * margin - high))
    part = pixels[top : top + high, left : left + wide]
    part[:] = part * veil + light


@lru_cache(maxsize=32)
def _render(panel: _Panel, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return what a panel adds, float32 `(H, W, 3)`, and the part of the picture that shows
    through, float32 `(H, W, 1)`."""
    pad, gap, line_high = round(11 * scale), round(16 * scale), round(_LINE_PIXELS * scale)
    font = _FONT_SCALE * scale
    columns = _column_widths(panel, font)
    dot = line_high if panel.dot else 0
    wide = 2 * pad + dot + sum(columns) + gap * (len(columns) - 1)
    high = round(0.7 * pad) * 2 + line_high * len(panel.lines)
    shape = _rounded(high, wide, radius=round(9 * scale))
    colour = np.empty((high, wide, 3), np.float32)
    colour[:] = _PANEL_RGB
    opacity = shape * np.float32(_PANEL_OPACITY)
    baseline = round(0.7 * pad) + round(0.7 * line_high)
    for row, line in enumerate(panel.lines):
        left = pad + dot
        for cell, (text, column) in enumerate(zip(line, columns, strict=False)):
            _write(colour, opacity, text, (left, baseline + row * line_high), font, cell > 0)
            left += column + gap
    if panel.dot:
        centre = (pad + dot // 3, round(0.7 * pad) + line_high // 2)
        ink = np.zeros((high, wide), np.uint8)
        cv2.circle(ink, centre, round(6.5 * scale), 255, -1, cv2.LINE_AA)
        _lay(colour, opacity, ink, _RED)
    return colour * opacity[:, :, None], 1 - opacity[:, :, None]


def _write(
    colour: np.ndarray,
    opacity: np.ndarray,
    text: str,
    origin: tuple[int, int],
    font: float,
    soft: bool,
) -> None:
    ink = np.zeros(opacity.shape, np.uint8)
    cv2.putText(ink, text, origin, _FONT, font, 255, 1, cv2.LINE_AA)
    _lay(colour, opacity, ink, _SOFT if soft else _WHITE)


def _lay(
    colour: np.ndarray, opacity: np.ndarray, ink: np.ndarray, rgb: tuple[int, int, int]
) -> None:
    """Lay ink, uint8 `(H, W)`, of one colour on a panel."""
    cover = ink.astype(np.float32) / 255
    colour += (np.array(rgb, np.float32) - colour) * cover[:, :, None]
    np.maximum(opacity, cover, out=opacity)


def _column_widths(panel: _Panel, font: float) -> list[int]:
    """Return the pixels across of each column of cells."""
    cells = max(len(line) for line in panel.lines)
    return [
        max(_text_width(line[cell], font) for line in panel.lines if cell < len(line))
        for cell in range(cells)
    ]


def _text_width(text: str, font: float) -> int:
    return cv2.getTextSize(text, _FONT, font, 1)[0][0]


def _rounded(height: int, width: int, radius: int) -> np.ndarray:
    """Return a filled rectangle with round corners, float32 `(H, W)` in 0..1."""
    radius = max(1, min(radius, height // 2 - 1, width // 2 - 1))
    big = np.zeros((4 * height, 4 * width), np.uint8)  # drawn large, for smooth corners
    r, bottom, right = 4 * radius, 4 * height - 1, 4 * width - 1
    cv2.rectangle(big, (r, 0), (right - r, bottom), 255, -1)
    cv2.rectangle(big, (0, r), (right, bottom - r), 255, -1)
    for centre in ((r, r), (right - r, r), (r, bottom - r), (right - r, bottom - r)):
        cv2.circle(big, centre, r, 255, -1)
    small = cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255
