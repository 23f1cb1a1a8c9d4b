"""Cameras, through OpenCV; BGR ends here."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from ..errors import SourceError
from ..frame import Frame
from .base import Source
from .rate import RateMeter

# DirectShow opens in a moment where Media Foundation can take half a minute.
_BACK_ENDS = {
    "win32": [("DirectShow", cv2.CAP_DSHOW), ("Media Foundation", cv2.CAP_MSMF)],
    "darwin": [("AVFoundation", cv2.CAP_AVFOUNDATION)],
    "linux": [("V4L2", cv2.CAP_V4L2)],
}
_ANY_BACK_END = [("any back end", cv2.CAP_ANY)]

WARM_UP_FRAMES = 5
"""Frames dropped at first: cameras begin dark, or with what they saw when last used."""

STALL_SECONDS = 2.0
"""How long reads may fail in a row before the camera is given up."""

CLEARLY_SLOWER = 0.8
"""Below this share of the frame rate that was asked for, the user is told."""

# One buffer alone is full while its picture is decoded, and the camera then misses every other one.
_BUFFERS = 2

_RETRY_SECONDS = 0.01  # a camera that is gone fails at once, over and over


class CameraSource(Source):
    """A camera's frames, stamped when they arrive.

    The size and rate are asked for when the camera is opened, with MJPG, without which many USB
    cameras fall to a few frames per second at larger sizes. The camera may give another size:
    `size_hw` is what it gives. If clearly fewer frames come than were asked for, or than the camera
    promises where nothing was asked, `notice` says so.

    Args:
        device: number of the camera, or path of its device.
        size_wh: width and height in pixels to ask for; None for what the camera likes.
        frame_rate: frames per second to ask for; None for what the camera likes.

    Raises:
        SourceError: no back end opens the camera, or it gives no picture.
    """

    def __init__(
        self,
        device: int | str,
        *,
        size_wh: tuple[int, int] | None = None,
        frame_rate: Fraction | None = None,
    ) -> None:
        self.name = f"camera {device}"
        self._capture: cv2.VideoCapture | None = None
        self._log_level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            self._capture, first = _open(device, _wishes(size_wh, frame_rate))
        except SourceError:
            self.close()
            raise
        self.size_hw = (first.shape[0], first.shape[1])
        told = self._capture.get(cv2.CAP_PROP_FPS)
        self.frame_rate = Fraction(told).limit_denominator(1001) if told > 0 else frame_rate
        self._wanted_rate = frame_rate or self.frame_rate

    def __iter__(self) -> Iterator[Frame]:
        meter = RateMeter()
        last = time.perf_counter()
        while self._capture is not None:
            got, bgr = self._capture.read()
            now = time.perf_counter()
            if got:
                last = now
                self.notice = self._slowness(meter.add(now))
                yield Frame(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), now)
            elif now - last > STALL_SECONDS:
                raise SourceError(f"{self.name} stopped giving frames")
            else:
                time.sleep(_RETRY_SECONDS)

    def _slowness(self, fps: float | None) -> str | None:
        """Return what to tell the user of a camera that is clearly too slow."""
        if fps is None or self._wanted_rate is None:
            return None
        if fps >= CLEARLY_SLOWER * self._wanted_rate:
            return None
        return (
            f"{self.name} gives {fps:.0f} frames per second instead of "
            f"{float(self._wanted_rate):g}: more light or a smaller picture may help"
        )

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
        cv2.utils.logging.setLogLevel(self._log_level)


def _wishes(size_wh: tuple[int, int] | None, frame_rate: Fraction | None) -> list[int]:
    """Return OpenCV's list of properties and values with which a camera is opened."""
    wishes = [cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")]
    if size_wh is not None:
        wishes += [cv2.CAP_PROP_FRAME_WIDTH, size_wh[0], cv2.CAP_PROP_FRAME_HEIGHT, size_wh[1]]
    if frame_rate is not None:
        wishes += [cv2.CAP_PROP_FPS, round(frame_rate)]
    return wishes


def _open(device: int | str, wishes: list[int]) -> tuple[cv2.VideoCapture, np.ndarray]:
    """Return the opened camera and a picture of it."""
    tried = []
    for name, back_end in _BACK_ENDS.get(sys.platform, _ANY_BACK_END):
        for given in (wishes, []):  # some back ends refuse to open when a wish is not granted
            capture = cv2.VideoCapture(device, back_end, given)
            picture = None
            if capture.isOpened():
                _set(capture, [cv2.CAP_PROP_BUFFERSIZE, _BUFFERS])  # more would be old when read
                if given != wishes:
                    _set(capture, wishes)
                picture = _warm_up(capture)
            if picture is not None:
                return capture, picture
            capture.release()
        tried.append(name)
    raise SourceError(
        f"camera {device} cannot be opened (tried {' and '.join(tried)}); "
        "'--source demo' shows the program without a camera"
    )


def _set(capture: cv2.VideoCapture, wishes: list[int]) -> None:
    for wish, value in zip(wishes[::2], wishes[1::2], strict=True):
        capture.set(wish, value)


def _warm_up(capture: cv2.VideoCapture) -> np.ndarray | None:
    """Return a BGR picture after the first ones; None when the camera gives none in time."""
    picture = None
    remaining = WARM_UP_FRAMES
    deadline = time.perf_counter() + STALL_SECONDS
    while remaining and time.perf_counter() < deadline:
        got, bgr = capture.read()
        if got:
            picture = bgr
            remaining -= 1
        else:
            time.sleep(_RETRY_SECONDS)
    return picture
