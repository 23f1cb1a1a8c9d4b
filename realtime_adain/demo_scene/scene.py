"""A moving scene of our own: someone talks to us in a room with a view, where no camera is.

Everything that does not change is painted once, on the first frame: sky, town, room, body, head
and plant, each a layer. A frame is put together from shifted copies of the layers (the camera
drifts, so near things move more than far ones), a head that turns by its own depth, and lights
that are added on top.
"""

from __future__ import annotations

import math
from functools import cached_property

import cv2
import numpy as np

from .body import paint_body
from .head import Head
from .layer import add_light, glow, slide, unpack
from .room import LAMP, WINDOW, bulb_places, paint_plant, paint_room, paint_sky, paint_town

_SEED = 7
_MIN_SIDE = 96  # smaller frames are drawn at this size and shrunk
_MAX_SIDE = 8192


class DemoScene:
    """A talking, blinking, nodding figure in a room above a town at dusk, seen by a slow camera."""

    def __init__(self, size_wh: tuple[int, int] = (1280, 720)) -> None:
        """Prepare frames of a width and height in pixels; the layers are painted when needed.

        Raises:
            ValueError: a side is not 1 to 8192 pixels.
        """
        if not all(1 <= side <= _MAX_SIDE for side in size_wh):
            raise ValueError(f"sides must be 1 to {_MAX_SIDE} pixels, got {size_wh}")
        self.size_wh = (int(size_wh[0]), int(size_wh[1]))

    def draw(self, time: float) -> np.ndarray:
        """Return the frame at `time` in seconds, uint8 `(H, W, 3)` RGB; always the same one."""
        frame = self._layers.compose(time)
        if frame.shape[1::-1] != self.size_wh:
            frame = cv2.resize(frame, self.size_wh, interpolation=cv2.INTER_AREA)
        return frame

    @cached_property
    def _layers(self) -> _Layers:
        """Paint the layers, at a size at which all of them are at least some pixels large."""
        enlarge = max(1.0, _MIN_SIDE / min(self.size_wh))
        width, height = (min(_MAX_SIDE, round(side * enlarge)) for side in self.size_wh)
        return _Layers(height, width)


class _Layers:
    """All layers of the scene for frames of one size, and how a frame is composed of them."""

    def __init__(self, height: int, width: int) -> None:
        rng = np.random.default_rng(_SEED)
        self.height, self.width = height, width
        self.figure = min(height, width)
        self.reach = max(2, round(0.022 * width))  # how far the camera moves to either side
        self.radius = 0.172 * self.figure  # of the head
        self.head_xy = (0.47 * width, height - 0.585 * self.figure)
        full = width + 2 * self.reach + 2
        left, top, right, bottom = WINDOW
        self.pane = (
            round(left * full),
            round(top * height),
            round(right * full),
            round(bottom * height),
        )
        pane_width, pane_height = self.pane[2] - self.pane[0], self.pane[3] - self.pane[1]
        self.sky = paint_sky(rng, pane_height, 2 * pane_width)
        self.town, self.windows = paint_town(rng, pane_height, pane_width + 2 * self.reach + 2)
        self.room = paint_room(rng, height, full, self.pane)
        self.body = paint_body(rng, self.radius, height - self.head_xy[1])
        self.head = Head(rng, self.radius)
        self.plant = paint_plant(rng, round(0.52 * self.figure))
        self.lamp = glow(round(0.30 * self.figure), (255, 176, 96))
        self.bulb = glow(max(2, round(0.022 * self.figure)), (255, 206, 130))
        self.spark = glow(max(2, round(0.008 * self.figure)), (255, 220, 160))

    def compose(self, time: float) -> np.ndarray:
        """Return the frame at `time`, uint8 `(height, width, 3)` RGB."""
        camera = self.reach * (0.7 * math.sin(time * 0.41) + 0.3 * math.sin(time * 0.97 + 1))
        at = self.reach + camera
        frame = slide(self.room.colour, at, self.width)
        self._show_view(frame, time, camera)
        self._shine(frame, time, camera)
        self._seat_figure(frame, time, camera)
        self._sway_plant(frame, time, camera)
        return frame

    def _show_view(self, frame: np.ndarray, time: float, camera: float) -> None:
        """Put sky, town and its lights behind the window's panes."""
        left, top, right, bottom = self.pane
        width = right - left
        start = round(self.reach + camera)
        rest = self.reach + camera - start  # the view lies on whole pixels, the room does not
        drift = 0.5 * width * (1 + math.sin(time * 0.05)) + 0.15 * camera + rest
        view = slide(self.sky, drift, width)
        shift = self.reach + 0.45 * camera + rest
        town = self.town.slid(shift, width)
        town.lay_on(view, 0, view.shape[0] - town.colour.shape[0])
        for index, (x, y) in enumerate(self.windows):
            bright = 0.5 + 0.5 * math.sin(time * (0.6 + 0.13 * (index % 7)) + index * 2.4)
            add_light(view, self.spark, x - shift, y, bright)
        for index in range(7):  # cars on the road by the river
            way = (time * (0.05 + 0.008 * index) + index * 0.37) % 1.2 - 0.1
            x = width * (way if index % 2 else 1 - way)
            add_light(view, self.spark, x, (0.905 + 0.02 * (index % 2)) * (bottom - top), 1.0)
        x0, x1 = max(0, left - start), min(self.width, right - start)
        if x0 < x1:
            clear = slide(self.room.clear[top:bottom], x0 + self.reach + camera, x1 - x0)
            view = view[:, x0 - (left - start) :][:, : x1 - x0]
            part = frame[top:bottom, x0:x1]
            cv2.add(part, cv2.multiply(view, clear, scale=1 / 255), dst=part)

    def _shine(self, frame: np.ndarray, time: float, camera: float) -> None:
        """Add the lamp, which flickers, and the string of bulbs over the window."""
        flicker = 0.80 + 0.08 * math.sin(time * 2.3) + 0.06 * math.sin(time * 13.7 + math.sin(time))
        full = self.room.colour.shape[1]
        x, y = LAMP[0] * full, LAMP[1] * self.height
        add_light(frame, self.lamp, x - self.reach - camera, y, flicker)
        for index, (x, y) in enumerate(bulb_places()):
            bright = 0.55 + 0.45 * math.sin(time * 1.7 + index * 1.9)
            add_light(frame, self.bulb, x * full - self.reach - camera, y * self.height, bright)

    def _seat_figure(self, frame: np.ndarray, time: float, camera: float) -> None:
        """Put the breathing body and the moving head in front of the room."""
        x, y = self.head_xy[0] - 1.5 * camera, self.head_xy[1]
        sway = 0.05 * self.radius * math.sin(time * 0.8)
        breath = 0.018 * self.radius * math.sin(time * 1.9)
        width = self.body.colour.shape[1]
        body_left = x + 0.4 * sway - width / 2
        body_top = y + 0.6 * self.radius + breath
        left, top = math.floor(body_left), math.floor(body_top)
        body = self.body.slid(left + 1 - body_left, width - 2).lowered(body_top - top)
        body.lay_on(frame, left + 1, top + 1)
        self.head.lay_on(frame, time, x + sway, y + breath)

    def _sway_plant(self, frame: np.ndarray, time: float, camera: float) -> None:
        """Put the plant in the near corner, its leaves moved by a draught."""
        size = self.plant.shape[0]
        lean = 0.05 * math.sin(time * 1.1) + 0.02 * math.sin(time * 2.7 + 1)
        shift = 2.3 * camera
        fraction = -shift - math.floor(-shift)
        shear = np.float32([[1, lean, fraction - lean * size], [0, 1, 0]])
        moved = cv2.warpAffine(self.plant, shear, (size, size), flags=cv2.INTER_LINEAR)
        left = round(0.86 * self.width - 0.5 * size) + math.floor(-shift)
        unpack(moved).lay_on(frame, left, self.height - round(0.86 * size))
