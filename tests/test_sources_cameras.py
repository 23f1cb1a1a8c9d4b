"""The list of cameras, on systems that the test makes up."""

from __future__ import annotations

import errno
import struct
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest

from realtime_adain.errors import SourceError
from realtime_adain.sources import camera, cameras, open_source
from realtime_adain.sources.cameras import Camera, find_camera, list_cameras

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's drivers")

MJPG, YUYV = 1, 2
MODES = {
    (MJPG, 1920, 1080): [(1, 30), (1, 15)],
    (MJPG, 640, 480): [(1001, 30000)],
    (YUYV, 1920, 1080): [(1, 5)],
    (YUYV, 640, 480): [(1, 60)],
}
"""The intervals in seconds that the driver of the test tells, by format and size."""


def answer(request: int, buffer: bytearray, captures: bool) -> None:
    """Answer an ioctl as a driver does, by the layouts of videodev2.h; raise OSError at the end."""
    index, pixel_format, width, height = struct.unpack_from("=4I", buffer)
    sizes = [size for kind, *size in MODES if kind == pixel_format]
    try:
        match request:
            case 0x80685600:  # VIDIOC_QUERYCAP: device_caps
                struct.pack_into("=I", buffer, 88, 1 if captures else 0x00800000)
            case 0xC0405602:  # VIDIOC_ENUM_FMT: pixelformat, for the buffer type of capturing
                assert pixel_format == 1
                struct.pack_into("=I", buffer, 44, [MJPG, YUYV][index])
            case 0xC02C564A:  # VIDIOC_ENUM_FRAMESIZES: discrete
                struct.pack_into("=3I", buffer, 8, 1, *sizes[index])
            case 0xC034564B:  # VIDIOC_ENUM_FRAMEINTERVALS: discrete
                interval = MODES[pixel_format, width, height][index]
                struct.pack_into("=3I", buffer, 16, 1, *interval)
            case _:
                raise AssertionError(f"unknown request {request:#x}")
    except IndexError:
        raise OSError(errno.EINVAL, "no more") from None


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str, bool], None]:
    """A Linux without cameras, and a function that plugs one in."""
    from realtime_adain.sources import v4l2

    system, devices = tmp_path / "sys", tmp_path / "dev"
    system.mkdir()
    devices.mkdir()
    captures: dict[str, bool] = {}

    def plug_in(number: int, name: str, captures_video: bool = True) -> None:
        entry = system / f"video{number}"
        entry.mkdir()
        (entry / "name").write_text(f"{name}\n", encoding="utf-8")
        (devices / entry.name).touch()
        captures[entry.name] = captures_video

    def ioctl(file: int, request: int, buffer: bytearray) -> None:
        device = Path(f"/proc/self/fd/{file}").resolve().name
        answer(request, buffer, captures[device])

    monkeypatch.setattr(cameras, "_SYSTEM_FOLDER", system)
    monkeypatch.setattr(cameras, "_DEVICE_FOLDER", devices)
    monkeypatch.setattr(v4l2.fcntl, "ioctl", ioctl)
    return plug_in


@on_linux
def test_linux_tells_names_sizes_and_the_highest_rates(linux: Callable) -> None:
    linux(10, "HD Pro Webcam C920")
    linux(2, "Integrated Camera")
    linux(3, "Integrated Camera: Metadata", False)
    second, tenth = list_cameras()
    assert (second.number, second.name) == (2, "Integrated Camera")
    assert second.modes == {(1920, 1080): Fraction(30), (640, 480): Fraction(60)}
    assert str(tenth) == "10  HD Pro Webcam C920  (1920x1080 at 30, 640x480 at 60)"


@on_linux
def test_a_camera_that_may_not_be_asked_is_listed_by_its_name(
    linux: Callable, tmp_path: Path
) -> None:
    linux(0, "Somebody Else's")
    (tmp_path / "dev" / "video0").unlink()  # cannot be opened, as with a missing permission
    assert [str(camera) for camera in list_cameras()] == ["0  Somebody Else's"]


@on_linux
def test_a_camera_that_is_just_being_unplugged_is_left_out(linux: Callable, tmp_path: Path) -> None:
    linux(0, "Going")
    linux(1, "Staying")
    (tmp_path / "sys" / "video0" / "name").unlink()
    assert [camera.name for camera in list_cameras()] == ["Staying"]


@on_linux
def test_no_cameras(linux: Callable) -> None:
    assert list_cameras() == []
    assert find_camera("Webcam") is None


@on_linux
def test_a_camera_is_found_by_a_part_of_its_name(linux: Callable) -> None:
    linux(0, "HD Webcam Pro")
    linux(1, "HD Webcam")
    linux(2, "Büro")
    assert find_camera("pro").number == 0
    assert find_camera("HD WEBCAM").number == 1  # the whole name wins over a part of another
    assert find_camera("webcam").number == 0
    assert find_camera("BÜRO").number == 2
    assert find_camera("microscope") is None


class OnlyCamera:
    """In place of cv2.VideoCapture: a machine with one camera, of that number."""

    number = 2
    opened: list[int]

    def __init__(self, device: int, back_end: int, wishes: list[int]) -> None:
        type(self).opened.append(device)
        self.there = device == self.number

    def isOpened(self) -> bool:
        return self.there

    def set(self, wish: int, value: float) -> bool:
        return True

    def get(self, wish: int) -> float:
        return 30.0

    def read(self) -> tuple[bool, np.ndarray]:
        return True, np.zeros((48, 64, 3), np.uint8)

    def release(self) -> None:
        pass


@pytest.fixture
def only_camera(monkeypatch: pytest.MonkeyPatch) -> type[OnlyCamera]:
    own = type("OwnCamera", (OnlyCamera,), {"opened": []})
    monkeypatch.setattr(camera.cv2, "VideoCapture", own)
    return own


@on_linux
def test_a_camera_is_opened_by_its_name(linux: Callable, only_camera: type[OnlyCamera]) -> None:
    linux(2, "Integrated Camera")
    with open_source("integrated", size_wh=(64, 48)) as source:
        assert source.name == "camera 2"
    assert only_camera.opened == [2]


@on_linux
def test_a_file_comes_before_a_camera_of_that_name(linux: Callable, tmp_path: Path) -> None:
    linux(0, str(tmp_path / "clip.mp4"))
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(SourceError, match="not a video that can be read"):
        open_source(str(tmp_path / "clip.mp4"))


def test_windows_tells_names_in_the_order_of_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    def enumerate_devices(kind: str) -> list[SimpleNamespace]:
        assert kind == "dshow"
        return [
            SimpleNamespace(description="Microphone", media_types=["audio"]),
            SimpleNamespace(description="Front", media_types=["video"]),
            SimpleNamespace(description="Back", media_types=["video", "audio"]),
        ]

    monkeypatch.setattr(cameras.sys, "platform", "win32")
    monkeypatch.setattr(av, "enumerate_input_devices", enumerate_devices)
    assert list_cameras() == [Camera(0, "Front"), Camera(1, "Back")]
    assert find_camera("back").number == 1


def test_elsewhere_the_first_numbers_are_tried(
    only_camera: type[OnlyCamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cameras.sys, "platform", "darwin")
    level = cv2.utils.logging.getLogLevel()
    assert [str(camera) for camera in list_cameras()] == ["2  camera 2  (64x48 at 30)"]
    assert cv2.utils.logging.getLogLevel() == level
    assert set(only_camera.opened) == {0, 1, 2, 3}


def test_looking_for_a_name_tries_no_camera(
    only_camera: type[OnlyCamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cameras.sys, "platform", "darwin")
    assert find_camera("camera") is None
    assert only_camera.opened == []
