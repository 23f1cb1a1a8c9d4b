"""The room, the town behind its window, the plant: the layers that do not change."""

from __future__ import annotations

import math

import cv2
import numpy as np

from .layer import Layer, blend, noise, ramp, rise, to_pixels

WINDOW = (0.52, 0.07, 0.97, 0.66)  # left, top, right, bottom, in units of the room's sides
LAMP = (0.235, 0.27)  # x and y of the lamp, in the same units


def paint_sky(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Return a sky at dusk with clouds lit from below, uint8 RGB."""
    small = (max(2, height // 2), max(2, width // 2))  # it is soft: half the size is enough
    y = np.linspace(0, 1, small[0], dtype=np.float32)[:, None] * np.ones((1, small[1]), np.float32)
    sky = ramp(y, (44, 74, 140), (112, 138, 186), (226, 176, 168), (255, 206, 140))
    cloud = noise(rng, small, 3, 5, bumps_yx=(2.2, 0.7))
    veil = rise(0.48, 0.85, cloud) * rise(0.95, 0.55, y)
    lit = np.clip(0.5 + 6 * cv2.Sobel(cv2.GaussianBlur(cloud, (0, 0), 1), cv2.CV_32F, 0, 1), 0, 1)
    clouds = ramp(lit, (112, 110, 150), (250, 190, 160), (255, 236, 206))
    sky = blend(sky, clouds, 0.85 * veil)
    return to_pixels(cv2.resize(sky, (width, height), interpolation=cv2.INTER_LINEAR))


def paint_town(
    rng: np.random.Generator, height: int, width: int
) -> tuple[Layer, list[tuple[float, float]]]:
    """Return hills and a town, and the places in it of windows that go on and off.

    The layer covers the lower half of a view of the given size; the places count from its top.
    """
    view, height = height, height - height // 2
    picture = np.zeros((height, width, 3), np.float32)
    solid = np.zeros((height, width), np.float32)
    x = np.linspace(0, 7, width, dtype=np.float32)
    y = np.linspace(0.5, 1, height, dtype=np.float32)[:, None]
    for level, swing, tone in ((0.62, 0.06, (124, 116, 158)), (0.68, 0.05, (84, 92, 132))):
        ridge = level - swing * (np.sin(x + level * 40) + 0.4 * np.sin(2.7 * x + level * 9))[None]
        hill = rise(-0.004, 0.004, y - ridge)
        haze = blend(np.float32(tone), (214, 168, 160), 0.5 * rise(0.0, 0.35, y - ridge))
        picture, solid = blend(picture, haze, hill), np.maximum(solid, hill)
    lights: list[tuple[float, float]] = []
    for row in range(3):
        left = 0.0
        while left < width:
            wide = view * rng.uniform(0.045, 0.10)
            top = view * (0.10 + 0.10 * row + rng.uniform(-0.08, 0.09))
            _raise_house(rng, picture, solid, (left, top, left + wide), row, lights)
            left += wide * rng.uniform(0.9, 1.4)
    trees = noise(rng, (height, width), 13, 3)
    ground = rise(-0.01, 0.01, y - 0.86 - 0.05 * (trees - 0.5))
    leaves = ramp(trees, (16, 28, 34), (40, 66, 50), (92, 104, 66))
    picture, solid = blend(picture, leaves, ground), np.maximum(solid, ground)
    river = rise(-0.004, 0.004, y - 0.93) * np.ones((1, width), np.float32)
    ripples = noise(rng, (height, width), 13, 3, bumps_yx=(3, 0.25))
    water = ramp(ripples, (46, 60, 100), (150, 130, 150), (250, 196, 150))
    picture = blend(picture, water, river)
    chosen = rng.permutation(len(lights))[:22]
    places = [(lights[index][0], lights[index][1] + view - height) for index in chosen]
    return Layer.of(picture, solid), places


def _raise_house(
    rng: np.random.Generator,
    picture: np.ndarray,
    solid: np.ndarray,
    box: tuple[float, float, float],
    row: int,
    lights: list[tuple[float, float]],
) -> None:
    """Paint one house with windows into the town, in place, and note where windows are.

    `box` is its left, top and right; `row` is 0 for the farthest and 2 for the nearest.
    """
    left, top, right = (round(edge) for edge in box)
    tone = np.float32([(104, 98, 134), (78, 74, 104), (52, 50, 72)][row]) * rng.uniform(0.85, 1.15)
    width = min(right, picture.shape[1]) - left
    if width < 1:
        return
    face = np.linspace(0.82, 1.2, width, dtype=np.float32)[None, :, None]
    picture[top:, left:right] = tone * face
    solid[top:, left:right] = 1
    step = max(2, round(picture.shape[0] * 0.040))
    for y in range(top + step, round(picture.shape[0] * 0.76), step):
        for x in range(left + step // 2, right - step // 2, step):
            if rng.random() < 0.4:
                warm = np.float32((255, 208, 130)) * rng.uniform(0.5, 1.0)
                picture[y : y + max(1, step // 2), x : x + max(1, step // 2)] = warm
                lights.append((x + step / 4, y + step / 4))


def paint_room(
    rng: np.random.Generator, height: int, width: int, pane: tuple[int, int, int, int]
) -> Layer:
    """Return the wall with shelves of books, the window's frame, and a curtain."""
    x = np.linspace(0, 1, width, dtype=np.float32)[None]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    plaster = 0.90 + 0.14 * noise(rng, (height, width), 9, 5)
    room = np.float32((206, 184, 158)) * plaster[..., None]
    _fill_shelves(rng, room)
    aspect = width / height
    lamp = np.exp(-np.hypot((x - LAMP[0]) * aspect, y - LAMP[1]) / 0.42)
    dim = 0.36 + 0.10 * x + 0.62 * lamp
    room *= dim[..., None] * np.float32((1.10, 0.98, 0.86)) + (0.10 * x * (1 - y))[..., None]
    _hang_lamp(room)
    clear = np.zeros((height, width), np.float32)
    _cut_window(room, clear, pane)
    _hang_curtain(rng, room, clear, pane)
    string = [np.rint(np.float32(bulb_places()) * (width, height)).astype(np.int32)]
    for picture, ink in ((room, (48, 42, 38)), (clear, 0)):
        cv2.polylines(picture, string, False, ink, max(1, min(height, width) // 400), cv2.LINE_8)
    return Layer.of(room, 1 - clear)


def _fill_shelves(rng: np.random.Generator, room: np.ndarray) -> None:
    """Paint a bookcase onto the left of the wall, in place."""
    height, width = room.shape[:2]
    right = round(0.375 * width)
    unit = min(height, width)
    board = max(1, round(0.016 * unit))
    room[:, :right] = np.float32((70, 46, 34))
    covers = np.float32(
        [
            (168, 58, 44),
            (42, 88, 116),
            (206, 158, 74),
            (58, 98, 70),
            (122, 66, 96),
            (224, 208, 178),
            (52, 56, 84),
            (196, 108, 62),
        ]
    )
    tall = 0.205 * height
    for shelf in range(5):
        floor = round((0.06 + 0.20 * (shelf + 0.75)) * height)
        x = 0.004 * unit
        while x < right:
            wide = unit * rng.uniform(0.016, 0.044)
            top = floor - tall * rng.uniform(0.58, 0.86)
            if rng.random() < 0.93:
                colour = covers[rng.integers(len(covers))] * rng.uniform(0.75, 1.1)
                _put_book(rng, room[:, :right], (x, top, x + wide, floor), colour)
            x += wide + 1
        depth = np.linspace(0.35, 1.0, max(2, round(0.5 * tall)), dtype=np.float32)
        start = max(0, floor - round(0.97 * tall))
        shaded = room[start : start + len(depth), :right]
        shaded *= depth[: len(shaded), None, None]
        room[floor : floor + board, :right] = np.float32((150, 104, 68))
        room[floor : floor + 1, :right] *= 1.25
    room[:, right - board : right] = np.float32((132, 90, 58))


def _put_book(
    rng: np.random.Generator, shelf: np.ndarray, box: tuple[float, ...], colour: np.ndarray
) -> None:
    """Paint the spine of a book, rounded, with bands, in place."""
    left, top, right, floor = (max(0, round(edge)) for edge in box)
    spine = shelf[top:floor, left:right]
    if spine.size == 0:
        return
    round_ = np.sin(np.linspace(0.35, np.pi - 0.2, spine.shape[1], dtype=np.float32))
    spine[:] = colour * (0.45 + 0.6 * round_)[None, :, None]
    tall = spine.shape[0]
    for share in rng.uniform(0.08, 0.9, 3):
        band = spine[round(share * tall) : round(share * tall) + max(1, tall // 28)]
        band[:] = band * 0.35 + np.float32((206, 172, 104)) * (0.6 * round_)[None, :, None]


def _hang_lamp(room: np.ndarray) -> None:
    """Paint a lamp with a glowing shade, in place."""
    height, width = room.shape[:2]
    x, y, size = LAMP[0] * width, LAMP[1] * height, 0.055 * min(height, width)
    cord = np.rint([(x, 0), (x, y - size)]).astype(int).tolist()
    cv2.line(room, *cord, (40, 30, 26), max(1, round(size / 16)), cv2.LINE_AA)
    for share in np.linspace(1, 0, 12):
        wide = size * (0.55 + 0.55 * share)
        shade = np.float32(
            [
                (x - 0.45 * wide, y - size),
                (x + 0.45 * wide, y - size),
                (x + wide * 1.1, y + 0.6 * size),
                (x - wide * 1.1, y + 0.6 * size),
            ]
        )
        tone = (255, 170 + 60 * (1 - share), 90 + 110 * (1 - share))
        cv2.fillConvexPoly(room, np.rint(shade).astype(np.int32), tone, cv2.LINE_AA)


def _cut_window(room: np.ndarray, clear: np.ndarray, pane: tuple[int, int, int, int]) -> None:
    """Cut the window into the wall: panes in `clear`, frame and sill in `room`, in place."""
    left, top, right, bottom = pane
    bar = max(1, round(0.012 * min(room.shape[:2])))
    outer = 2 * bar
    for rim, tone in ((outer, (150, 132, 116)), (bar, (206, 190, 172))):
        room[max(0, top - rim) : bottom + rim, max(0, left - rim) : right + rim] = tone
    clear[top:bottom, left:right] = 1
    middle = (left + right) // 2
    for x in (left + (middle - left) // 2, middle, middle + (right - middle) // 2):
        wide = bar if x == middle else max(1, bar // 2)
        clear[top:bottom, x - wide : x + wide] = 0
        room[top:bottom, x - wide : x + wide] = np.linspace(214, 120, 2 * wide)[None, :, None]
    cross = top + (bottom - top) // 3
    clear[cross : cross + bar, left:right] = 0
    room[cross : cross + bar, left:right] = np.linspace(220, 130, bar)[:, None, None]
    sill = room[bottom + outer : bottom + 2 * outer, max(0, left - 2 * outer) : right + 2 * outer]
    sill[:] = (226, 212, 192)
    shadow = room[bottom + 2 * outer : bottom + 5 * outer, max(0, left - outer) : right + outer]
    shadow *= np.linspace(0.55, 1, len(shadow), dtype=np.float32)[:, None, None]


def _hang_curtain(
    rng: np.random.Generator, room: np.ndarray, clear: np.ndarray, pane: tuple[int, ...]
) -> None:
    """Hang a folded curtain over the window's right edge, in place."""
    height, width = clear.shape
    left = round(pane[2] - 0.05 * width)
    part = np.s_[round(0.02 * height) : round(0.93 * height), left:width]
    v, u = np.mgrid[0 : 1 : clear[part].shape[0] * 1j, 0 : 1 : clear[part].shape[1] * 1j]
    u, v = u.astype(np.float32), v.astype(np.float32)
    fold = u * 30 + 1.6 * np.sin(v * 2 + u * 5)
    silk = ramp(0.5 + 0.5 * np.sin(fold), (88, 30, 36), (176, 66, 56), (226, 128, 92))
    weave = 0.85 + 0.2 * noise(rng, u.shape, 60, 2)
    edge = rise(-0.02, 0.02, u - 0.10 - 0.10 * np.sin(v * 2.2) - 0.02 * np.sin(fold))
    room[part] = blend(room[part], silk * (weave * (1.0 - 0.35 * v))[..., None], edge)
    clear[part] *= 1 - edge


def paint_plant(rng: np.random.Generator, side: int) -> np.ndarray:
    """Return a leafy plant, uint8 `(side, side, 4)`: premultiplied RGB and opacity."""
    plant = np.zeros((side, side, 4), np.uint8)
    root = np.float32((0.5, 1.05))
    t = np.linspace(0, 1, 9, dtype=np.float32)[:, None]
    for index in range(46):
        turn = rng.uniform(-1.35, 1.35)
        length = rng.uniform(0.5, 0.98) * (1 - 0.42 * abs(turn))
        tip = root + length * np.float32((np.sin(turn), -np.cos(turn)))
        sag = np.float32((0.03 * np.sin(turn), 0.22 * abs(np.sin(turn))))
        rib = root + (tip - root) * t + sag * t**2
        across = np.gradient(rib, axis=0)[:, ::-1] * np.float32((-1, 1))
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        swell = 0.052 * np.sin(3.1 * np.clip((t - 0.35) / 0.65, 0, 1)) + 0.004
        tone = np.float32((44, 96, 52)) * (0.45 + 0.85 * index / 46) + rng.normal(0, 7, 3)
        for sign, bright in ((-1, 0.78), (1, 1.12)):
            blade = np.concatenate([rib, (rib + sign * swell * across)[::-1]])
            ink = (*np.clip(tone * bright, 0, 255).tolist(), 255)
            cv2.fillPoly(plant, [np.rint(blade * side * 16).astype(np.int32)], ink, cv2.LINE_AA, 4)
        vein = (*np.clip(tone * 1.5 + 16, 0, 255).tolist(), 255)
        cv2.polylines(
            plant, [np.rint(rib * side * 16).astype(np.int32)], False, vein, 1, cv2.LINE_AA, 4
        )
    return plant


def bulb_places() -> list[tuple[float, float]]:
    """Return the bulbs' positions on a string over the window, in units of the room's sides."""
    places = []
    for index in range(12):
        t = index / 11
        places.append((WINDOW[0] + (0.90 - WINDOW[0]) * t, 0.055 + 0.11 * math.sin(math.pi * t)))
    return places
