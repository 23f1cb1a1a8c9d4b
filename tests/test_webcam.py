"""The live program from its command line, without a window."""

from __future__ import annotations

import _thread
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from realtime_adain import webcam
from realtime_adain.errors import SourceError
from realtime_adain.frame import Frame
from realtime_adain.sources import demo
from realtime_adain.sources.base import Source
from realtime_adain.sources.paced import PacedSource

from .conftest import picture

STATS = re.compile(r"\d+ frames in [\d.]+ s, [\d.]+ fps, latency \d+ ms median, \d+ ms p95")
HEADLESS = ["--no-window", "--source", "demo", "--camera-size", "64x48"]


class SmallScene:
    """In place of the drawn scene, which takes its time."""

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self.pixels = picture(size_wh[1], size_wh[0])

    def draw(self, seconds: float) -> np.ndarray:
        return np.roll(self.pixels, round(30 * seconds), axis=1)


@pytest.fixture(autouse=True)
def small_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "DemoScene", SmallScene)


@pytest.fixture
def painted(tiny_weights: Path, style_file: Path) -> list[str]:
    """The options of a quick network and style."""
    return ["--model", str(tiny_weights), "--style", str(style_file), "--device", "cpu"]


def frames_of(path: Path) -> list[tuple[int, int]]:
    with av.open(path) as container:
        return [(frame.height, frame.width) for frame in container.decode(video=0)]


def test_headless_run_ends_with_its_speed(
    painted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert webcam.main([*HEADLESS, *painted, "--frames", "5", "--mirror", "--alpha", "0.5"]) == 0
    told = capsys.readouterr()
    assert STATS.fullmatch(told.out.strip()) and told.out.startswith("5 frames")
    assert told.err == ""


@pytest.mark.parametrize(("options", "width"), [([], 64), (["--side-by-side"], 128)])
def test_headless_recording_plays(
    options: list[str],
    width: int,
    painted: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "out.mp4"
    arguments = [*HEADLESS, *painted, *options, "--frames", "6", "--record", str(path)]
    assert webcam.main(arguments) == 0
    assert frames_of(path) == [(48, width)] * 6
    first, last = capsys.readouterr().out.splitlines()
    assert first == f"recorded {path}"
    assert STATS.fullmatch(last)


class Ending(Source):
    """Six frames, then what the test wants."""

    name = "ending"
    live = False
    size_hw = (48, 64)
    frame_rate = Fraction(50)

    def __init__(self, end: Callable[[], None]) -> None:
        self.end = end

    def __iter__(self) -> Iterator[Frame]:
        for index in range(6):
            yield Frame(picture(), index / 50)
        self.end()
        while True:
            yield Frame(picture(), index / 50)

    def close(self) -> None:
        pass


def unplug() -> None:
    raise SourceError("camera 0 stopped giving frames")


@pytest.mark.parametrize(
    ("end", "status", "line"),
    [
        (unplug, 1, "realtime-adain: camera 0 stopped giving frames\n"),
        (_thread.interrupt_main, 130, "realtime-adain: interrupted\n"),
    ],
    ids=["unplugged", "ctrl-c"],
)
def test_a_recording_plays_whatever_ends_the_program(
    end: Callable[[], None],
    status: int,
    line: str,
    painted: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(webcam, "open_source", lambda *_, **__: PacedSource(Ending(end)))
    path = tmp_path / "out.mp4"
    assert webcam.main([*HEADLESS[:1], *painted, "--record", str(path)]) == status
    told = capsys.readouterr()
    assert told.err == line
    assert STATS.fullmatch(told.out.splitlines()[-1])
    assert 1 <= len(frames_of(path)) <= 6 + (status == 130) * 100


def test_no_camera_is_one_line_and_does_not_wait_for_torch(style_file: Path) -> None:
    code = (
        "import sys\n"
        "from realtime_adain.webcam import main\n"
        f"status = main(['--source', '97', '--no-window', '--style', {str(style_file)!r}])\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
        "sys.exit(status)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stdout == ""
    assert re.fullmatch(
        r"realtime-adain: camera 97 cannot be opened \(tried .+\); '--source demo' shows .+\n",
        result.stderr,
    )


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line with which the program refuses to start."""
    assert webcam.main(arguments) == 1
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    return line


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="DISPLAY is a thing of X11")
@pytest.mark.parametrize(
    ("display", "reason"),
    [("", "there is no display"), (":7654", "the display :7654 .* does not answer")],
)
def test_no_display(
    display: str,
    reason: str,
    painted: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    assert re.search(reason, refused(["--source", "demo", *painted], capsys))


def test_a_folder_that_is_missing(painted: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    line = refused([*HEADLESS, *painted, "--snapshots", "missing"], capsys)
    assert line == "realtime-adain: missing: no such folder"


def test_a_broken_style_is_told_and_left_out(
    painted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    options = [*painted, "--style", str(broken), painted[3], "--frames", "2"]
    assert webcam.main([*HEADLESS, *options]) == 0
    assert capsys.readouterr().err == (
        f"realtime-adain: {broken}: not a picture that can be read\n"
    )
    line = refused([*HEADLESS, *painted, "--style", str(broken)], capsys)
    assert line == f"realtime-adain: {broken}: not a picture that can be read"


@pytest.mark.parametrize(
    "options",
    [
        ["--camera-size", "640"],
        ["--camera-size", "640x4"],
        ["--fps", "0"],
        ["--fps", "fast"],
        ["--frames", "0"],
    ],
)
def test_options_that_make_no_sense(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        webcam.main(options)
    assert options[0] in capsys.readouterr().err
