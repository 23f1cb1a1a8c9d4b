"""The live program in a real window, with real key presses, on a virtual X display."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

from realtime_adain.errors import SinkError
from realtime_adain.networks import LeanNetwork
from realtime_adain.pictures import read_picture, write_picture
from realtime_adain.sinks import window
from realtime_adain.sinks.window import Mouse, MouseEvent, Window, key_name
from realtime_adain.weights import save_network

from .helpers import TINY, picture, wait_until

SCREEN_WH = (1000, 600)
WIDTH, HEIGHT = 480, 360

needs_display = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")),
    reason="needs Xvfb and xdotool",
)


class Display:
    """A virtual X display whose pixels lie in a file."""

    def __init__(self, folder: Path) -> None:
        width, height = SCREEN_WH
        command = ["Xvfb", "-noreset", "-displayfd", "1", "-screen", "0", f"{width}x{height}x24"]
        self.server = subprocess.Popen(
            [*command, "-fbdir", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.name = ":" + self.server.stdout.readline().decode().strip()
        self.file = folder / "Xvfb_screen0"

    def pixels(self) -> np.ndarray:
        """Return what is on the screen, uint8 RGB."""
        width, height = SCREEN_WH
        data = np.fromfile(self.file, np.uint8)[-width * height * 4 :]
        return data.reshape(height, width, 4)[..., 2::-1].copy()

    def xdotool(self, *command: str) -> str:
        result = subprocess.run(
            ["xdotool", *command],
            env={**os.environ, "DISPLAY": self.name},
            capture_output=True,
            text=True,
            timeout=20,
        )
        return result.stdout.strip()

    def close(self) -> None:
        self.server.terminate()
        self.server.wait(10)


class Program:
    """The running live program on a display."""

    def __init__(self, display: Display, folder: Path, *options: str) -> None:
        self.display = display
        self.process = subprocess.Popen(
            [sys.executable, "-m", "realtime_adain.webcam", "--engine", "torch", *options],
            env={**_environment(), "DISPLAY": display.name},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.window = ""

    def appears(self, seconds: float = 5.0) -> bool:
        """Wait for the window, then at most so long for it to move; give it the focus.

        Before its first picture, Qt shows an empty window, or what was left in memory.
        """
        wait_until(self._has_window, 60)
        end = time.perf_counter() + seconds
        before, changes = self.view(), 0
        while changes < 4:
            if time.perf_counter() > end:
                return False
            time.sleep(0.02)
            now = self.view()
            changes += (now != before).any()
            before = now
        self.display.xdotool("windowfocus", "--sync", self.window)
        return True

    def _has_window(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()
        own = ["--all", "--pid", str(self.process.pid), "--name", "^realtime-adain$"]
        self.window = self.display.xdotool("search", *own).split("\n")[0]
        return bool(self.window)

    def view(self) -> np.ndarray:
        """Return what the window shows, at its first size."""
        return self.display.pixels()[:HEIGHT, :WIDTH]

    def press(self, key: str) -> None:
        self.display.xdotool("key", key)

    def end(self) -> tuple[int, str, str]:
        """Wait for the program; return its exit status, output and errors."""
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


def _environment() -> dict[str, str]:
    package = str(Path(__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    shown = Display(tmp_path_factory.mktemp("display"))
    yield shown
    shown.close()


@pytest.fixture(scope="module")
def vivid_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random network in which one style looks unlike another."""
    torch.manual_seed(0)
    network = LeanNetwork(**TINY)
    with torch.no_grad():
        for parameter in network.style_encoder.parameters():
            parameter.mul_(4)
    path = tmp_path_factory.mktemp("vivid") / "vivid.safetensors"
    save_network(path, network)
    return path


@pytest.fixture
def start(
    display: Display, vivid_weights: Path, tmp_path: Path
) -> Iterator[Callable[..., Program]]:
    """A function that starts the program with two styles on moving pictures; what it leaves goes
    to `tmp_path`."""
    moving = tmp_path / "moving"
    moving.mkdir()
    for index in range(8):
        write_picture(moving / f"{index}.png", np.roll(picture(HEIGHT, WIDTH), 40 * index, axis=1))
    styles = tmp_path / "styles"
    styles.mkdir()
    write_picture(styles / "1.png", picture(seed=1))
    write_picture(styles / "2.png", 255 - picture(seed=2))
    started = []

    def run(*options: str) -> Program:
        given = ["--source", str(moving), "--model", str(vivid_weights), "--style", str(styles)]
        for _ in range(5):
            started.append(Program(display, tmp_path, *given, *options))
            if started[-1].appears():
                return started[-1]
            started[-1].process.kill()  # on a bare X server Qt now and then never paints a window
            started[-1].process.wait(10)
        raise AssertionError("no window was painted")

    yield run
    for program in started:
        program.process.kill()
        program.process.wait(10)


def middle(view: np.ndarray) -> np.ndarray:
    """Return the part of the picture on which nothing but the help is written."""
    return view[80:280].astype(int)


def differs(before: np.ndarray, after: np.ndarray) -> bool:
    return np.abs(middle(before) - middle(after)).max() > 8


def is_still(program: Program, seconds: float = 0.4) -> bool:
    """Return whether the picture does not change for that long."""
    first = program.view()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        if differs(first, program.view()):
            return False
        time.sleep(0.02)
    return True


def shows_styles(program: Program, count: int) -> bool:
    """Return whether the strip is there, dark, with so many pictures around its middle."""
    strip = program.view()[318:350]
    right = 226 + 22 * count  # within the last; one fewer would end before
    return strip[:, :60].max() < 90 < strip[:, right : right + 12].max()


@needs_display
def test_keys_on_a_frozen_picture(start: Callable[..., Program], tmp_path: Path) -> None:
    program = start("--no-ladder")  # which would paint coarser on a busy machine, and so otherwise
    program.press("v")
    wait_until(lambda: shows_styles(program, 2))
    program.press("v")
    program.press("space")
    wait_until(lambda: is_still(program))
    program.press("s")
    wait_until(lambda: list(tmp_path.glob("*.png")))
    frozen = read_picture(next(tmp_path.glob("*.png")))
    wait_until(lambda: not differs(program.view(), frozen))
    pairs = [("n", "p"), ("Right", "Left"), ("2", "1"), ("bracketleft", "bracketright")]
    for there, back in [*pairs, ("Down", "Up"), ("m", "m"), ("b", "b"), ("h", "h")]:
        program.press(there)
        wait_until(lambda: differs(program.view(), frozen))
        program.press(back)
        wait_until(lambda: not differs(program.view(), frozen))
    for _ in range(2):  # with the graph, then nothing
        corner = program.view()[:110, :160]
        program.press("i")
        wait_until(lambda: (program.view()[:110, :160] != corner).sum() > 1000)  # noqa: B023
    wait_until(lambda: np.abs(program.view()[:60].astype(int) - frozen[:60]).max() <= 8)
    program.press("space")
    wait_until(lambda: differs(program.view(), frozen))
    program.press("q")
    status, out, err = program.end()
    assert (status, err) == (0, "")
    assert re.search(r"\n\d+ frames in .* fps, latency .* median, .* p95\n$", out)


@needs_display
def test_snapshot_recording_resizing_and_closing(
    start: Callable[..., Program], display: Display, tmp_path: Path
) -> None:
    program = start()
    program.press("s")
    wait_until(lambda: list(tmp_path.glob("*.png")))
    (snapshot,) = tmp_path.glob("*.png")
    assert read_picture(snapshot).shape == (HEIGHT, WIDTH, 3)
    program.press("r")
    wait_until(lambda: list(tmp_path.glob("*.part.mp4")))

    def corner():
        return program.view()[:40, -90:].astype(int)

    wait_until(lambda: ((corner()[..., 0] > 200) & (corner()[..., 1:] < 90).all(-1)).sum() > 20)
    program.press("f")
    display.xdotool("windowsize", program.window, "800", "240")

    def bars():
        return display.pixels()[20:220, [100, 700]]

    wait_until(lambda: display.pixels()[120, 300:500].any() and not bars().any())
    _ask_to_close(display.name, int(program.window))
    status, out, err = program.end()
    assert (status, err) == (0, "")
    (recording,) = tmp_path.glob("*.mp4")
    with av.open(recording) as container:
        sizes = {(frame.height, frame.width) for frame in container.decode(video=0)}
    assert sizes == {(HEIGHT, WIDTH)}
    assert out.splitlines()[:2] == [f"saved {snapshot.name}", f"recorded {recording.name}"]


@needs_display
def test_the_mouse_picks_a_style_drags_the_divider_and_grabs_a_piece(
    start: Callable[..., Program], display: Display, tmp_path: Path
) -> None:
    def drag(*places: tuple[int, int]) -> None:
        for index, (x, y) in enumerate(places):
            display.xdotool("mousemove", "--window", program.window, str(x), str(y))
            if index == 0:
                display.xdotool("mousedown", "1")
            time.sleep(0.2)
        display.xdotool("mouseup", "1")

    program = start("--no-strip", "--fade", "0", "--steady", "0", "--no-ladder")
    program.press("space")
    wait_until(lambda: is_still(program))
    program.press("w")
    wait_until(lambda: list(tmp_path.glob("*.png")))
    both = read_picture(next(tmp_path.glob("*.png")))
    original, painted = both[:, :WIDTH], both[:, WIDTH:]

    def shows(picture: np.ndarray, columns: slice) -> bool:
        return not differs(program.view()[:, columns], picture[:, columns])

    program.press("d")
    wait_until(lambda: shows(original, slice(0, 210)) and shows(painted, slice(270, WIDTH)))
    drag((240, 150), (300, 150), (120, 150))
    wait_until(lambda: shows(original, slice(0, 100)) and shows(painted, slice(144, WIDTH)))
    program.press("d")
    wait_until(lambda: shows(painted, slice(0, WIDTH)))

    program.press("v")  # of two styles in the strip, the second one is right of the middle
    wait_until(lambda: shows_styles(program, 2))
    drag((262, 336))
    wait_until(lambda: not shows(painted, slice(0, WIDTH)))
    drag((218, 336))
    wait_until(lambda: shows(painted, slice(0, WIDTH)))
    before = program.view()[320:]
    drag((60, 90), (150, 180), (180, 225))
    wait_until(lambda: (program.view()[320:] != before).any())  # a third one in the strip
    wait_until(lambda: not shows(painted, slice(0, WIDTH)))
    program.press("q")
    assert program.end()[0] == 0


@needs_display
def test_a_profile_brings_the_session_back_and_a_preset_is_saved(
    start: Callable[..., Program], tmp_path: Path
) -> None:
    program = start("--profile", "./stage.toml", "--fade", "0")
    program.press("v")
    wait_until(lambda: shows_styles(program, 2))
    for key in ("2", "d", "bracketleft", "g"):
        program.press(key)
        time.sleep(0.5)  # Qt keeps one key only until the next frame
    wait_until(lambda: shows_styles(program, 3))
    program.press("y")
    wait_until(lambda: list(tmp_path.glob("*/preset.toml")))
    program.press("q")
    status, out, err = program.end()
    assert (status, err) == (0, "")
    assert re.search(r"saved realtime-adain-[-0-9]+/preset.toml\n", out)
    kept = tomllib.loads((tmp_path / "stage.toml").read_text())
    assert (kept["layout"], kept["strip"], kept["strengths"]) == ("split", True, "2:0.95")
    assert len(kept["style"]) == 2 and kept["style"][1].startswith("stage-styles/grab")
    program = start("--profile", "./stage.toml", "--layout", "beside")
    wait_until(lambda: program.view()[318:350, :60].max() < 90)
    program.press("q")
    assert program.end()[0] == 0
    again = tomllib.loads((tmp_path / "stage.toml").read_text())
    given = {"layout": "beside", "style": ["styles"]}  # on the command line, so they win
    assert again == kept | given | {"first": "styles/1.png"}


@needs_display
def test_ctrl_c_finishes_the_recording(start: Callable[..., Program], tmp_path: Path) -> None:
    program = start("--record", "out.mp4", "--side-by-side")
    program.process.send_signal(signal.SIGINT)
    status, out, err = program.end()
    assert (status, err) == (130, "realtime-adain: interrupted\n")
    assert out.startswith("recorded out.mp4\n")
    with av.open(tmp_path / "out.mp4") as container:
        assert next(container.decode(video=0)).width == 2 * WIDTH


def _ask_to_close(display: str, identity: int) -> None:
    """Do what a window manager does when the user clicks the cross."""

    class ClientMessage(ctypes.Structure):
        _fields_ = [
            ("type", ctypes.c_int),
            ("serial", ctypes.c_ulong),
            ("send_event", ctypes.c_int),
            ("display", ctypes.c_void_p),
            ("window", ctypes.c_ulong),
            ("message_type", ctypes.c_ulong),
            ("format", ctypes.c_int),
            ("data", ctypes.c_long * 5),
            ("rest_of_the_union", ctypes.c_long * 12),
        ]

    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    server = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    message = ClientMessage(type=33, window=identity, format=32)
    message.message_type = x11.XInternAtom(server, b"WM_PROTOCOLS", 0)
    message.data[0] = x11.XInternAtom(server, b"WM_DELETE_WINDOW", 0)
    x11.XSendEvent(server, ctypes.c_ulong(identity), 0, ctypes.c_long(0), ctypes.byref(message))
    x11.XCloseDisplay(server)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (-1, None),
        (27, "escape"),
        (32, "space"),
        (ord("n"), "n"),
        (ord("N"), "n"),
        (0x10006E, "n"),  # GTK with Num Lock
        (ord("["), "["),
        (0xFF51, "left"),
        (0x10FF53, "right"),  # GTK with Num Lock
        (0x260000, "up"),  # Windows
        (0xF701, "down"),  # macOS
        (0xFFBE, None),  # F1
        (0, None),
    ],
)
def test_key_names(code: int, name: str | None) -> None:
    assert key_name(code) == name


class FakeGui:
    """In place of OpenCV's window functions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, area_wh: tuple[int, int] = (64, 48)):
        self.area_wh = area_wh
        self.shown: list[np.ndarray] = []
        self.properties: list[tuple[int, int]] = []
        self.codes: list[int] = []
        self.visible = 1.0
        monkeypatch.setattr(window, "check_display", lambda: None)
        fakes = {
            "namedWindow": lambda *_: None,
            "resizeWindow": lambda *_: None,
            "setMouseCallback": self._keep_callback,
            "destroyWindow": lambda *_: None,
            "imshow": lambda _, pixels: self.shown.append(pixels),
            "waitKeyEx": lambda _: self.codes.pop(0) if self.codes else -1,
            "getWindowImageRect": lambda _: (0, 0, *self.area_wh),
            "getWindowProperty": lambda *_: self.visible,
            "setWindowProperty": lambda _, name, value: self.properties.append((name, value)),
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(window.cv2, name, fake)

    def _keep_callback(self, _: str, callback: Callable[..., None]) -> None:
        self.mouse = callback


def test_window_tells_what_the_mouse_does_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    gui = FakeGui(monkeypatch, area_wh=(128, 48))  # bars of 32 pixels
    shown = Window("w", (64, 48))
    shown.show(picture())
    held = cv2.EVENT_FLAG_LBUTTON
    gui.mouse(cv2.EVENT_MOUSEMOVE, 40, 10, 0, None)
    gui.mouse(cv2.EVENT_RBUTTONDOWN, 40, 10, 0, None)
    gui.mouse(cv2.EVENT_LBUTTONDOWN, 40, 10, held, None)
    for x in (45, 50, 60):  # only the last one counts
        gui.mouse(cv2.EVENT_MOUSEMOVE, x, 12, held, None)
    gui.mouse(cv2.EVENT_LBUTTONUP, 20, 12, 0, None)
    assert [shown.poll_mouse() for _ in range(4)] == [
        MouseEvent(Mouse.PRESS, 8, 10),
        MouseEvent(Mouse.DRAG, 28, 12),
        MouseEvent(Mouse.RELEASE, -12, 12),
        None,
    ]


def test_window_shows_bgr_with_black_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    gui = FakeGui(monkeypatch, area_wh=(128, 48))
    with Window("w", (64, 48)) as shown:
        shown.show(np.full((48, 64, 3), (255, 128, 1), np.uint8))
    (pixels,) = gui.shown
    assert pixels.shape == (48, 128, 3)
    assert tuple(pixels[0, 64]) == (1, 128, 255)
    assert not pixels[:, :32].any() and not pixels[:, 96:].any()


def test_window_keeps_keys_that_are_pressed_while_it_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gui = FakeGui(monkeypatch)
    shown = Window("w", (64, 48))
    gui.codes = [ord("n"), ord("p")]
    shown.show(picture())
    shown.show(picture())
    assert [shown.poll_key(), shown.poll_key(), shown.poll_key()] == ["n", "p", None]


def test_window_fullscreen_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    gui = FakeGui(monkeypatch)
    shown = Window("w", (64, 48), fullscreen=True)
    assert shown.fullscreen
    shown.toggle_fullscreen()
    assert not shown.fullscreen
    assert gui.properties == [
        (cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN),
        (cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_NORMAL),
    ]


def test_window_knows_that_it_was_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    gui = FakeGui(monkeypatch)
    shown = Window("w", (64, 48))
    assert not shown.closed
    shown.show(picture())
    assert not shown.closed
    gui.visible = 0.0
    assert shown.closed
    shown.close()
    shown.close()


def test_a_window_minimised_on_macos_is_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    gui = FakeGui(monkeypatch)
    monkeypatch.setattr(sys, "platform", "darwin")
    shown = Window("w", (64, 48))
    shown.show(picture())
    gui.visible = 0.0
    assert not shown.closed


def test_opencv_without_windows_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeGui(monkeypatch)

    def headless(*_: object) -> None:
        raise cv2.error("The function is not implemented")

    monkeypatch.setattr(window.cv2, "namedWindow", headless)
    with pytest.raises(SinkError, match="no windows: uninstall opencv-python-headless"):
        Window("w", (64, 48))
