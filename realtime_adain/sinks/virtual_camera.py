"""A virtual camera, which meeting programs list beside the real ones, through pyvirtualcam."""

from __future__ import annotations

import sys
from fractions import Fraction
from types import ModuleType

import cv2
import numpy as np

from ..errors import SinkError, one_line
from ..frame import LIVE_FRAME_RATE, Frame
from ..pictures import resize
from .base import Sink
from .dropping import DroppingSink

_DRIVERS = {
    "linux": (
        "install the driver with 'sudo apt install v4l2loopback-dkms', "
        "load it with 'sudo modprobe v4l2loopback exclusive_caps=1'"
    ),
    "win32": "install OBS Studio (obsproject.com), which brings the driver",
    "darwin": "install OBS Studio (obsproject.com), start and stop its virtual camera once",
}
_NO_DRIVER = "see github.com/letmaik/pyvirtualcam for a driver"


class VirtualCameraSink(Sink):
    """Shows frames to other programs as a camera, without ever waiting for the driver.

    The newest frame wins, and is shown again and again while the picture stands still, as other
    programs take a camera without frames for a broken one. The package pyvirtualcam is under the
    GPL and therefore no requirement of this one: it is imported when a camera is opened.

    Args:
        size_hw: height and width in pixels of the camera, at least 2; an odd side loses a pixel,
            as the drivers want even ones. Frames of another size are fitted into it, on black.
        frame_rate: nominal frames per second; None for 30.
        device: name or path of the driver's camera, such as `/dev/video2`; None for the first.

    Attributes:
        device: name or path under which other programs find it.

    Raises:
        SinkError: the package or the driver is missing, or the device is in use; the message says
            what to install.
        ValueError: a side is below 2.
    """

    def __init__(
        self,
        *,
        size_hw: tuple[int, int],
        frame_rate: Fraction | None = None,
        device: str | None = None,
    ) -> None:
        if min(size_hw) < 2:
            raise ValueError(f"both sides must be at least 2 pixels, got {size_hw = }")
        camera = _Camera(size_hw, frame_rate or LIVE_FRAME_RATE, device)
        self.device = camera.device
        self._sink = DroppingSink(camera, queued_frames=1, newest_wins=True)

    def write(self, frame: Frame) -> None:
        """Hand over a frame, whose pixels must not change afterwards.

        Raises:
            SinkError: the driver has refused an earlier one.
        """
        self._sink.write(frame)

    def close(self) -> None:
        """Take the camera away; may be called twice.

        Raises:
            SinkError: the driver has refused a frame.
        """
        self._sink.close()

    def abort(self) -> None:
        self._sink.abort()


class _Camera(Sink):
    """The driver's side, which may wait; all but the opening is for the thread that writes."""

    def __init__(self, size_hw: tuple[int, int], frame_rate: Fraction, device: str | None) -> None:
        self._size_hw = size_hw[0] // 2 * 2, size_hw[1] // 2 * 2
        package = _import_package()
        height, width = self._size_hw
        try:
            self._camera = package.Camera(
                width=width,
                height=height,
                fps=float(frame_rate),
                fmt=package.PixelFormat.RGB,
                device=device,
            )
        except (RuntimeError, ValueError, OSError) as error:
            advice = _DRIVERS.get(sys.platform, _NO_DRIVER)
            raise SinkError(f"no virtual camera ({one_line(error)}): {advice}") from error
        self.device: str = self._camera.device
        self._shown: np.ndarray | None = None
        self._open = True

    def write(self, frame: Frame) -> None:
        self._shown = np.ascontiguousarray(_fit(frame.pixels, self._size_hw))
        self._show()

    def idle(self) -> None:
        if self._shown is not None:
            self._show()

    def _show(self) -> None:
        try:
            self._camera.send(self._shown)
        except (RuntimeError, ValueError, OSError) as error:
            raise SinkError(f"virtual camera {self.device}: {one_line(error)}") from error

    def close(self) -> None:
        if self._open:
            self._open = False
            self._camera.close()


def _import_package() -> ModuleType:
    try:
        import pyvirtualcam
    except ImportError as error:
        raise SinkError("the virtual camera needs a package: pip install pyvirtualcam") from error
    return pyvirtualcam


def _fit(pixels: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Return a picture, uint8 `(H, W, 3)`, as large as a size allows, in its middle, on black."""
    high, wide = size_hw
    height, width = pixels.shape[:2]
    scale = min(high / height, wide / width)
    pixels = resize(pixels, (max(1, round(scale * height)), max(1, round(scale * width))))
    down, across = high - pixels.shape[0], wide - pixels.shape[1]
    if down == across == 0:
        return pixels
    top, left = down // 2, across // 2
    return cv2.copyMakeBorder(
        pixels, top, down - top, left, across - left, cv2.BORDER_CONSTANT, value=(0, 0, 0)
    )
