"""The virtual camera, with a driver that is played."""

from __future__ import annotations

import sys
import threading
import time
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from realtime_adain.errors import SinkError
from realtime_adain.frame import Frame
from realtime_adain.sinks.virtual_camera import VirtualCameraSink

from .helpers import picture
from .media import flat, numbered, numbers


class Driver:
    """What pyvirtualcam.Camera is to the sink; says what was done to it."""

    problem: Exception | None = None
    opened: list[Driver] = []

    def __init__(self, width: int, height: int, fps: float, *, fmt=None, device=None) -> None:
        if self.problem is not None:
            raise self.problem
        self.asked = (width, height, fps, fmt, device)
        self.device = device or "/dev/video7"
        self.shown: list[np.ndarray] = []
        self.closed = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.opened.append(self)

    def send(self, pixels: np.ndarray) -> None:
        assert self.may_go_on.wait(10)
        if self.problem is not None:
            raise self.problem
        assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous
        assert pixels.shape == (self.asked[1], self.asked[0], 3)
        self.shown.append(pixels)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> type[Driver]:
    fake = type("FakeDriver", (Driver,), {"opened": []})
    package = SimpleNamespace(Camera=fake, PixelFormat=SimpleNamespace(RGB="RGB"))
    monkeypatch.setitem(sys.modules, "pyvirtualcam", package)
    return fake


def show(pixels: np.ndarray, driver: type[Driver], size_hw=(48, 64)) -> np.ndarray:
    with VirtualCameraSink(size_hw=size_hw) as sink:
        sink.write(Frame(pixels, 0.0))
    return driver.opened[-1].shown[-1]


def test_frames_are_shown_as_they_are(driver) -> None:
    with VirtualCameraSink(
        size_hw=(48, 64), frame_rate=Fraction(30000, 1001), device="/dev/video2"
    ) as sink:
        sink.write(Frame(picture(), 0.0))
        assert sink.device == "/dev/video2"
    (camera,) = driver.opened
    assert camera.asked == (64, 48, 30000 / 1001, "RGB", "/dev/video2")
    np.testing.assert_array_equal(camera.shown[0], picture())
    sink.close()
    assert camera.closed == 1


def test_usual_rate_and_first_device(driver) -> None:
    with VirtualCameraSink(size_hw=(48, 64)) as sink:
        assert sink.device == "/dev/video7"
    assert driver.opened[0].asked == (64, 48, 30.0, "RGB", None)


def test_twice_as_wide_is_fitted_on_black(driver) -> None:
    shown = show(flat((200, 100, 50), (48, 128)), driver)
    np.testing.assert_array_equal(shown[12:36], flat((200, 100, 50), (24, 64)))
    assert not shown[:12].any() and not shown[36:].any()


def test_narrow_is_fitted_on_black(driver) -> None:
    shown = show(flat((200, 100, 50), (96, 64)), driver)
    np.testing.assert_array_equal(shown[:, 16:48], flat((200, 100, 50), (48, 32)))
    assert not shown[:, :16].any() and not shown[:, 48:].any()


def test_odd_sides_lose_a_pixel(driver) -> None:
    assert show(picture(33, 47), driver, size_hw=(33, 47)).shape == (32, 46, 3)


def test_slow_driver_holds_up_nobody_and_sees_the_newest(driver) -> None:
    with VirtualCameraSink(size_hw=(48, 64)) as sink:
        (camera,) = driver.opened
        camera.may_go_on.clear()
        started = time.monotonic()
        for pixels in numbered(15):
            sink.write(Frame(pixels, 0.0))
        assert time.monotonic() - started < 5
        camera.may_go_on.set()
    told = numbers(camera.shown)
    assert told[-1] == 14 and len(set(told)) <= 2  # the one that the driver held, and the newest


def test_still_picture_is_shown_again(driver) -> None:
    with VirtualCameraSink(size_hw=(48, 64)) as sink:
        sink.write(Frame(picture(), 0.0))
        (camera,) = driver.opened
        deadline = time.monotonic() + 10
        while len(camera.shown) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(camera.shown) >= 3
    np.testing.assert_array_equal(camera.shown[-1], picture())


@pytest.mark.parametrize(
    ("system", "advice"),
    [
        ("linux", "apt install v4l2loopback-dkms"),
        ("win32", "install OBS Studio"),
        ("darwin", "start and stop its virtual camera once"),
        ("sunos5", "github.com/letmaik/pyvirtualcam"),
    ],
)
def test_missing_driver_is_one_line_of_advice(system, advice, driver, monkeypatch) -> None:
    driver.problem = RuntimeError("no\n  camera found")
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(SinkError, match=advice) as caught:
        VirtualCameraSink(size_hw=(48, 64))
    assert str(caught.value).startswith("no virtual camera (no camera found): ")


def test_missing_package_is_one_line_of_advice(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(SinkError, match="^the virtual camera .*: pip install pyvirtualcam$"):
        VirtualCameraSink(size_hw=(48, 64))


def test_driver_that_breaks_off_is_told(driver) -> None:
    sink = VirtualCameraSink(size_hw=(48, 64))
    driver.problem = RuntimeError("device gone")
    sink.write(Frame(picture(), 0.0))
    with pytest.raises(SinkError, match="^virtual camera /dev/video7: device gone$"):
        sink.close()
    assert driver.opened[0].closed == 1


def test_size_is_checked(driver) -> None:
    with pytest.raises(ValueError, match=r"at least 2 pixels, got size_hw = \(1, 64\)"):
        VirtualCameraSink(size_hw=(1, 64))
    assert driver.opened == []
