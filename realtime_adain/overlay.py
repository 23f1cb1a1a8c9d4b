"""Text over the picture, and two pictures in one. Every function returns a new picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .timing import GRAPH_FRAMES

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_REFERENCE_SIDE = 720  # short side of the picture on which text has the size below
_SMALLEST_SCALE = 0.72
_FONT_SCALE = 0.62
_LINE_PIXELS = 27
_WHITE = (255, 255, 255)
_SOFT = (206, 210, 216)
_RED = (236, 48, 48)
_GREEN = (108, 214, 142)
_PANEL_RGB = (14, 16, 20)
_PANEL_OPACITY = 0.7
_GRAPH_CEILINGS = (50, 100, 200, 500, 1000, 2000, 5000)  # milliseconds

Line = tuple[str, ...]
"""One line of text: its cells."""


@dataclass(frozen=True)
class Overlay:
    """What is written over a picture.

    Attributes:
        status: one line at the top left, such as `("starry", "80 %", "31 fps")`; the first cell is
            bright and the others softer.
        message: one line at the bottom, for what has just happened.
        help: lines of two or four cells in the middle: keys, bright, and what they do.
        recording: text beside a red dot at the top right, such as "0:12"; None for no dot.
        problem: one line beside a red dot in the middle, for what is wrong at the moment; None for
            none.
        graph: milliseconds of the last frames, drawn as a line below the status; empty for none.
        grip: column of a divider that can be dragged; None for none.
        selection: left, top, right and bottom of a rectangle that is being drawn; None for none.
        below: rows at the bottom that are kept free.
    """

    status: Line = ()
    message: str = ""
    help: tuple[Line, ...] = ()
    recording: str | None = None
    problem: str | None = None
    graph: tuple[float, ...] = ()
    grip: int | None = None
    selection: tuple[int, int, int, int] | None = None
    below: int = 0


def draw_overlay(pixels: np.ndarray, overlay: Overlay) -> np.ndarray:
    """Return the picture with the overlay on it.

    Text grows with the picture, and shrinks where a panel would not fit.

    Args:
        pixels: uint8 `(H, W, 3)` RGB; left as it is.
    """
    pixels = pixels.copy()
    scale = max(_SMALLEST_SCALE, min(pixels.shape[:2]) / _REFERENCE_SIDE)
    free = pixels[: pixels.shape[0] - overlay.below]
    if overlay.grip is not None:
        _draw_grip(pixels, overlay.grip, scale)
    if overlay.selection is not None:
        left, top, right, bottom = overlay.selection
        cv2.rectangle(pixels, (left, top), (right, bottom), _PANEL_RGB, 3)
        cv2.rectangle(pixels, (left, top), (right, bottom), _WHITE, 1)
    beside_clock = free
    if overlay.recording is not None:
        _, left = _paste(free, _Panel(((overlay.recording,),), dot=True), scale, (1.0, 0.0))
        beside_clock = free[:, :left]
    status_high = 0
    if overlay.status:
        status_high, _ = _paste(beside_clock, _Panel((overlay.status,)), scale, (0.0, 0.0))
    if overlay.graph and not overlay.help:
        _draw_graph(free, overlay.graph, scale, status_high)
    if overlay.message:
        _paste(free, _Panel(((overlay.message,),)), scale, (0.5, 1.0))
    if overlay.problem is not None and not overlay.help:
        _paste(free, _Panel(((overlay.problem,),), dot=True), scale, (0.5, 0.5))
    if overlay.help:
        _paste(free, _Panel(overlay.help, pairs=True), scale, (0.5, 0.5))
    return pixels


def side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return two pictures of the same size, uint8 `(H, W, 3)`, as one of `(H, 2 W, 3)`."""
    return np.concatenate([left, right], axis=1)


def split(left: np.ndarray, right: np.ndarray, column: int) -> np.ndarray:
    """Return two pictures of the same size in one: `left` up to a column, with a line there.

    Args:
        left: uint8 `(H, W, 3)`.
        right: of the same size.
        column: 0 (nothing of the left picture) to W (nothing of the right one).
    """
    both = right.copy()
    both[:, :column] = left[:, :column]
    both[:, max(0, column - 1) : column + 1] = 255
    return both


@dataclass(frozen=True)
class _Panel:
    lines: tuple[Line, ...]
    dot: bool = False
    pairs: bool = False


def _paste(
    pixels: np.ndarray, panel: _Panel, scale: float, place: tuple[float, float]
) -> tuple[int, int]:
    """Blend a panel into the picture; `place` is 0 (left, top) to 1 (right, bottom).

    Returns:
        The row below the panel, and its first column.
    """
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
    return top + high, left


def _draw_grip(pixels: np.ndarray, column: int, scale: float) -> None:
    """Draw the knob by which a divider is dragged, half way down the picture."""
    centre = (column, pixels.shape[0] // 2)
    radius = round(14 * scale)
    cv2.circle(pixels, centre, radius + 1, _PANEL_RGB, -1, cv2.LINE_AA)
    cv2.circle(pixels, centre, radius, _WHITE, -1, cv2.LINE_AA)
    for side in (-1, 1):
        tip, foot = column + side * round(9 * scale), column + side * round(4 * scale)
        rows = centre[1] - round(4 * scale), centre[1], centre[1] + round(4 * scale)
        arrow = np.array([(foot, rows[0]), (tip, rows[1]), (foot, rows[2])], np.int32)
        cv2.polylines(pixels, [arrow], False, _PANEL_RGB, 1, cv2.LINE_AA)


def _draw_graph(pixels: np.ndarray, values_ms: tuple[float, ...], scale: float, top: int) -> None:
    """Draw the last values, the newest at the right, from 0 to a round number above nearly all of
    them, which is written beside; leave it out where the picture is too small."""
    margin, high = round(12 * scale), round(64 * scale)
    wide = min(round(220 * scale), pixels.shape[1] - 2 * margin)
    top += margin // 2
    if top + high > pixels.shape[0] or wide < high:
        return
    part = pixels[top : top + high, margin : margin + wide]
    opacity = _PANEL_OPACITY * _rounded(high, wide, radius=round(9 * scale))[:, :, None]
    part[:] = part * (1 - opacity) + np.float32(_PANEL_RGB) * opacity
    large = np.percentile(values_ms, 95)
    ceiling = next((c for c in _GRAPH_CEILINGS if c >= large), _GRAPH_CEILINGS[-1])
    inner = round(6 * scale)
    columns = np.linspace(inner, wide - inner, GRAPH_FRAMES)
    shown = np.clip(values_ms[-GRAPH_FRAMES:], 0, ceiling)
    rows = high - inner - (high - 2 * inner) * shown / ceiling
    line = np.stack([columns[-len(shown) :], rows], 1).round().astype(np.int32)
    cv2.polylines(part, [line], False, _GREEN, 1, cv2.LINE_AA)
    font = 0.72 * _FONT_SCALE * scale
    origin = (inner, inner + round(12 * scale))
    cv2.putText(part, f"{ceiling} ms", origin, _FONT, font, _SOFT, 1, cv2.LINE_AA)


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
            soft = cell % 2 == 1 if panel.pairs else cell > 0
            _write(colour, opacity, text, (left, baseline + row * line_high), font, soft)
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


@lru_cache(maxsize=32)
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
