"""The screen: with a module in place of mss, and really where there is a display."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from realtime_adain.errors import SourceError
from realtime_adain.sources import open_source
from realtime_adain.sources.screen import ScreenSource, parse_area

MONITORS = [
    {"left": -64, "top": 0, "width": 144, "height": 60},
    {"left": 0, "top": 0, "width": 80, "height": 60},
    {"left": -64, "top": 0, "width": 64, "height": 48},
]


class ScreenShotError(Exception):
    """In place of the error of mss."""


class FakeScreen:
    """In place of mss.MSS: blue at the left end of what is grabbed, otherwise red."""

    scale = 1
    grabbed: list[dict[str, int]]
    open = 0
    locked = False

    def __init__(self) -> None:
        self.monitors = MONITORS

    def __enter__(self) -> FakeScreen:
        type(self).open += 1
        return self

    def __exit__(self, *_: object) -> None:
        type(self).open -= 1

    def grab(self, rectangle: dict[str, int]) -> SimpleNamespace:
        if self.locked:
            raise ScreenShotError("the screen is locked")
        type(self).grabbed.append(rectangle)
        height, width = rectangle["height"] * self.scale, rectangle["width"] * self.scale
        bgra = np.zeros((height, width, 4), np.uint8)
        bgra[:, :, 2], bgra[:, 0] = 255, (255, 0, 0, 7)
        return SimpleNamespace(raw=bytearray(bgra.tobytes()), height=height, width=width)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> type[FakeScreen]:
    own = type("OwnScreen", (FakeScreen,), {"grabbed": []})
    module = SimpleNamespace(MSS=own, ScreenShotError=ScreenShotError)
    monkeypatch.setitem(sys.modules, "mss", module)
    return own


def test_the_screen_is_its_first_monitor_in_rgb(screen: type[FakeScreen]) -> None:
    before = time.perf_counter()
    with open_source("screen", frame_rate=Fraction(200)) as source:
        first, second = itertools.islice(source, 2)
    assert source.name == "screen 1"
    assert source.size_hw == first.size_hw == (60, 80)
    assert source.frame_rate == 200
    assert tuple(first.pixels[30, 0]) == (0, 0, 255)
    assert tuple(first.pixels[30, 1]) == (255, 0, 0)
    assert before <= first.time < second.time


@pytest.mark.parametrize(
    ("spec", "rectangle"),
    [
        ("screen:2", {"left": -64, "top": 0, "width": 64, "height": 48}),
        ("screen:-10,5,20,30", {"left": -10, "top": 5, "width": 20, "height": 30}),
        ("screen:-64,0,144,60", {"left": -64, "top": 0, "width": 144, "height": 60}),
    ],
)
def test_a_monitor_or_a_rectangle(
    spec: str, rectangle: dict[str, int], screen: type[FakeScreen]
) -> None:
    with open_source(spec) as source:
        next(iter(source))
    assert source.size_hw == (rectangle["height"], rectangle["width"])
    assert all({**grabbed, **rectangle} == grabbed for grabbed in screen.grabbed)
    assert len(screen.grabbed) == 2


def test_dense_displays_give_more_pixels(screen: type[FakeScreen]) -> None:
    screen.scale = 2
    assert ScreenSource((0, 0, 10, 20)).size_hw == (40, 20)


def test_the_rate_is_kept(screen: type[FakeScreen]) -> None:
    source, began = ScreenSource(frame_rate=Fraction(50)), time.perf_counter()
    times = [frame.time for frame in itertools.islice(source, 4)]
    assert times[-1] - began >= 0.059  # a frame may be late, but not early


def test_stopping_ends_a_long_wait(screen: type[FakeScreen]) -> None:
    source = ScreenSource(frame_rate=Fraction(1, 60))
    frames = iter(source)
    next(frames)
    threading.Timer(0.02, source.stop).start()
    before = time.perf_counter()
    assert next(frames, None) is None
    assert time.perf_counter() - before < 10
    assert screen.open == 0


def test_a_locked_screen_is_waited_for(
    screen: type[FakeScreen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime_adain.sources.reconnecting.FIRST_WAIT_SECONDS", 0.01)
    source = open_source("screen")
    frames = iter(source)
    next(frames)
    screen.locked = True
    unlock = threading.Timer(0.05, setattr, (screen, "locked", False))
    unlock.start()
    assert next(frames).size_hw == (60, 80)
    unlock.join()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("screen:3", "screen 3: no such monitor, there are 1 to 2"),
        ("screen:0", "screen 0: no such monitor"),
        ("screen:70,0,20,20", "20x20 at 70,0 is not on the screen, which is 144x60 at -64,0"),
        ("screen:0,0,0,20", "0x20 at 0,0 is not on the screen"),
        ("screen:left", "screen:left: must be screen, screen:NUMBER or screen:X,Y,W,H"),
        ("screen:", "screen:: must be screen"),
    ],
)
def test_no_such_part_of_the_screen(spec: str, message: str, screen: type[FakeScreen]) -> None:
    with pytest.raises(SourceError, match=message):
        open_source(spec)


def test_the_screen_has_no_choice_of_size(screen: type[FakeScreen]) -> None:
    with pytest.raises(SourceError, match="screen: only cameras and the demo scene"):
        open_source("screen", size_wh=(640, 480))


def test_a_rate_above_0(screen: type[FakeScreen]) -> None:
    with pytest.raises(ValueError, match="frame_rate must be above 0, got 0"):
        ScreenSource(frame_rate=Fraction(0))


def test_without_mss_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mss", None)
    with pytest.raises(SourceError, match="^the screen needs a package: pip install mss$"):
        open_source("screen")


def test_areas() -> None:
    assert parse_area("screen") == 1
    assert parse_area("screen:2") == 2
    assert parse_area("screen:-5,0,640,480") == (-5, 0, 640, 480)


@pytest.mark.skipif(sys.platform != "linux", reason="only X11 can be without a display")
def test_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mss")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(SourceError, match="screen 1: cannot be captured .*display") as raised:
        open_source("screen")
    assert "\n" not in str(raised.value)


@pytest.fixture
def display() -> Iterator[str]:
    """The name of an X display of 320x240 pixels that shows nothing."""
    if shutil.which("Xvfb") is None:
        pytest.skip("needs Xvfb")
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-noreset", "-nolisten", "tcp"]
    command += ["-screen", "0", "320x240x24"]
    server = subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    with os.fdopen(reader) as numbers:
        number = numbers.readline().strip()
    try:
        if not number:
            pytest.skip("Xvfb does not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


def test_a_real_display(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mss")
    monkeypatch.setenv("DISPLAY", display)
    with open_source("screen", frame_rate=Fraction(100)) as source:
        frames = list(itertools.islice(source, 3))
    assert source.size_hw == (240, 320)
    assert all(frame.pixels.shape == (240, 320, 3) for frame in frames)
    with open_source("screen:300,200,20,40") as part:
        assert next(iter(part)).pixels.shape == (40, 20, 3)
    with pytest.raises(SourceError, match="20x41 at 300,200 is not on the screen"):
        open_source("screen:300,200,20,41")
