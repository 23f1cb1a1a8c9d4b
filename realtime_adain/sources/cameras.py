"""Which cameras there are, and what they are called."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from ..errors import SourceError

_SYSTEM_FOLDER = Path("/sys/class/video4linux")
_DEVICE_FOLDER = Path("/dev")
_PROBED_NUMBERS = range(4)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera of this machine; as text, a line for the user.

    Attributes:
        number: what `CameraSource` opens it by.
        name: what the system calls it.
        modes: highest known frame rate by size (width, height) in pixels; empty where the system
            does not tell.
    """

    number: int
    name: str
    modes: Mapping[tuple[int, int], Fraction | None] = field(default_factory=dict)

    def __str__(self) -> str:
        modes = ", ".join(
            f"{width}x{height}" + ("" if rate is None else f" at {float(rate):.3g}")
            for (width, height), rate in sorted(self.modes.items(), reverse=True)
        )
        return f"{self.number}  {self.name}" + (f"  ({modes})" if modes else "")


def list_cameras() -> list[Camera]:
    """Return the cameras in the order of their numbers.

    Linux tells their names, sizes and rates, Windows their names. Elsewhere the first few numbers
    are tried, which switches the cameras on for a moment.
    """
    cameras = _named_cameras()
    return _probe() if cameras is None else cameras


def find_camera(name: str) -> Camera | None:
    """Return the camera of that name, or else the first one whose name contains it; None where
    there is none or the system does not tell names. Upper and lower case are the same."""
    wanted = name.casefold()
    matching = [camera for camera in _named_cameras() or () if wanted in camera.name.casefold()]
    exact = [camera for camera in matching if camera.name.casefold() == wanted]
    return next(iter(exact or matching), None)


def _named_cameras() -> list[Camera] | None:
    """Return the cameras as the system names them; None where it does not."""
    if sys.platform == "linux":
        return _linux_cameras()
    if sys.platform == "win32":
        return _windows_cameras()
    return None  # on macOS FFmpeg and OpenCV count differently


def _linux_cameras() -> list[Camera]:
    cameras = []
    for entry in _SYSTEM_FOLDER.glob("video*"):
        number = re.fullmatch(r"video([0-9]+)", entry.name)
        if number is None:
            continue
        try:
            name = (entry / "name").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:  # it has just been unplugged
            continue
        modes = _linux_modes(_DEVICE_FOLDER / entry.name)
        if modes is not None:
            cameras.append(Camera(int(number[1]), name, modes))
    return sorted(cameras, key=lambda camera: camera.number)


def _linux_modes(device: Path) -> Mapping[tuple[int, int], Fraction | None] | None:
    """Return what the driver tells; nothing where it may not be asked; None for no camera."""
    from .v4l2 import read_modes

    try:
        return read_modes(device)
    except OSError:
        return {}


def _windows_cameras() -> list[Camera] | None:
    """Return the cameras of DirectShow, which FFmpeg and OpenCV count alike."""
    import av

    try:
        devices = av.enumerate_input_devices("dshow")
    except (ValueError, av.FFmpegError):
        return None
    names = [device.description for device in devices if "video" in device.media_types]
    return [Camera(number, name) for number, name in enumerate(names)]


def _probe() -> list[Camera]:
    from .camera import CameraSource

    cameras = []
    for number in _PROBED_NUMBERS:
        try:
            with CameraSource(number) as source:
                size_wh = source.size_hw[1], source.size_hw[0]
                cameras.append(Camera(number, source.name, {size_wh: source.frame_rate}))
        except SourceError:
            continue
    return cameras
