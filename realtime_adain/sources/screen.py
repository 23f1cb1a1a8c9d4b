"""The screen, through mss; BGR ends here."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from types import ModuleType

import cv2
import numpy as np

from ..errors import SourceError, first_line
from ..frame import LIVE_FRAME_RATE, Frame
from .base import Source

_SPEC = re.compile(r"screen(?::(\d+)|:(-?\d+),(-?\d+),(\d+),(\d+))?")

Area = int | tuple[int, int, int, int]
"""A monitor's number from 1, or left, top, width and height in the system's pixels."""


def parse_area(spec: str) -> Area:
    """Return what `screen`, `screen:2` or `screen:X,Y,W,H` names.

    Raises:
        SourceError: it is none of these.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise SourceError(f"{spec}: must be screen, screen:NUMBER or screen:X,Y,W,H")
    number, *rectangle = match.groups()
    if rectangle[0] is not None:
        left, top, width, height = map(int, rectangle)
        return left, top, width, height
    return int(number or 1)


class ScreenSource(Source):
    """What a monitor, or a part of the screen, shows; stamped when it is taken.

    On a display of high density the frames may have more pixels than the area.

    Args:
        area: a monitor's number from 1, or left, top, width and height.
        frame_rate: frames per second; a slow machine gives fewer.

    Raises:
        SourceError: mss is not installed, there is no display, no such monitor, or the area is
            not on the screen.
        ValueError: the frame rate is not above 0.
    """

    def __init__(self, area: Area = 1, *, frame_rate: Fraction = LIVE_FRAME_RATE) -> None:
        if frame_rate <= 0:
            raise ValueError(f"frame_rate must be above 0, got {frame_rate}")
        self._mss = _import_mss()
        self.name = (
            f"screen {area}" if isinstance(area, int) else f"screen {','.join(map(str, area))}"
        )
        self.frame_rate = frame_rate
        self._stopped = threading.Event()
        try:
            with self._mss.MSS() as screen:
                self._rectangle = _find(area, screen.monitors)
                self.size_hw = _grab(screen, self._rectangle).shape[:2]
        except self._mss.ScreenShotError as error:
            raise self._failure(error) from error

    def __iter__(self) -> Iterator[Frame]:
        due = time.perf_counter()
        try:
            with self._mss.MSS() as screen:  # belongs to the thread that reads
                while not self._stopped.wait(max(0.0, due - time.perf_counter())):
                    taken = time.perf_counter()
                    yield Frame(_grab(screen, self._rectangle), taken)
                    due = max(due + float(1 / self.frame_rate), taken)
        except self._mss.ScreenShotError as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> SourceError:
        return SourceError(f"{self.name}: cannot be captured ({first_line(error)})")

    def stop(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        self._stopped.set()


def _import_mss() -> ModuleType:
    try:
        import mss
    except ImportError as error:
        raise SourceError("the screen needs a package: pip install mss") from error
    return mss


def _find(area: Area, monitors: list[dict[str, int]]) -> dict[str, int]:
    """Return the rectangle of an area; monitor 0 is all of them together."""
    if isinstance(area, int):
        if not 1 <= area < len(monitors):
            raise SourceError(f"screen {area}: no such monitor, there are 1 to {len(monitors) - 1}")
        return monitors[area]
    left, top, width, height = area
    whole = monitors[0]
    right, bottom = whole["left"] + whole["width"], whole["top"] + whole["height"]
    inside = whole["left"] <= left and left + width <= right
    inside = inside and whole["top"] <= top and top + height <= bottom
    if not inside or width == 0 or height == 0:
        raise SourceError(
            f"{width}x{height} at {left},{top} is not on the screen, which is "
            f"{whole['width']}x{whole['height']} at {whole['left']},{whole['top']}"
        )
    return {"left": left, "top": top, "width": width, "height": height}


def _grab(screen: object, rectangle: dict[str, int]) -> np.ndarray:
    """Return uint8 `(H, W, 3)` RGB."""
    shot = screen.grab(rectangle)
    bgra = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
    return cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGB)
