"""The live program from its command line, without a window."""

from __future__ import annotations

import _thread
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from urllib.request import urlopen

import av
import cv2
import numpy as np
import pytest

from realtime_adain import webcam
from realtime_adain.closing import Closing
from realtime_adain.errors import SourceError
from realtime_adain.frame import Frame
from realtime_adain.live import LiveSession
from realtime_adain.live.ladder import QualityLadder
from realtime_adain.pictures import write_picture
from realtime_adain.sinks import virtual_camera
from realtime_adain.sources import demo
from realtime_adain.sources.base import Source
from realtime_adain.sources.paced import PacedSource
from realtime_adain.stylizer import Stylizer

from .helpers import NullSink, picture

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


def sizes_of(path: Path) -> list[tuple[int, int]]:
    with av.open(path) as container:
        return [(frame.height, frame.width) for frame in container.decode(video=0)]


def test_headless_run_ends_with_its_speed(
    painted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert webcam.main([*HEADLESS, *painted, "--frames", "5", "--mirror", "--alpha", "0.5"]) == 0
    told = capsys.readouterr()
    assert STATS.fullmatch(told.out.strip()) and told.out.startswith("5 frames")
    assert told.err == ""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the program opens, by its name: the session's parts, and what devices are asked for."""
    opened: dict[str, object] = {}
    session = LiveSession.__init__

    def note_session(self, *args, **parts) -> None:
        opened.update(parts)
        session(self, *args, **parts)

    class Microphone(Closing):
        rate, channels = 48_000, 1

        def __init__(self, device: str | None) -> None:
            self.name = opened["microphone"] = device

        def take(self) -> list:
            return []

        def close(self) -> None:
            pass

    class Camera(NullSink):
        def __init__(self, *, device: str | None, **video: object) -> None:
            self.device = device
            opened["virtual camera"] = (device, video)

    monkeypatch.setattr(LiveSession, "__init__", note_session)
    monkeypatch.setattr(webcam, "Microphone", Microphone)
    monkeypatch.setattr(virtual_camera, "VirtualCameraSink", Camera)
    return opened


@pytest.mark.parametrize(("options", "has_ladder"), [([], False), (["--ladder"], True)])
def test_the_ladder_is_there_when_asked_for(
    options: list[str], has_ladder: bool, painted: list[str], opened: dict[str, object]
) -> None:
    assert webcam.main([*HEADLESS, *painted, *options, "--frames", "2"]) == 0
    assert isinstance(opened["ladder"], QualityLadder) is has_ladder


def test_what_is_painted_and_devices_are_as_asked_for(
    painted: list[str], opened: dict[str, object], tmp_path: Path
) -> None:
    devices = ["--microphone", "USB", "--virtual-camera", "/dev/video9"]
    look = ["--region", "room", "--colour", "content", "--saturation", "0.5", "--steady", "0"]
    options = [*devices, *look, "--side-by-side", "--record", str(tmp_path / "take.mp4")]
    assert webcam.main([*HEADLESS, *painted, *options, "--frames", "3", "--fps", "20"]) == 0
    assert opened["finish"].settings() == {
        "region": "room",
        "colour": "content",
        "saturation": 0.5,
        "steady": 0.0,
    }
    assert (opened["microphone"], opened["sound_source"].name) == ("USB", "USB")
    video = {"size_hw": (48, 128), "frame_rate": 20}
    assert opened["virtual camera"] == ("/dev/video9", video)
    with av.open(tmp_path / "take.mp4") as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


@pytest.mark.parametrize("options", [[], ["--fullscreen"]])
def test_the_window_begins_as_asked_for(
    options: list[str],
    painted: list[str],
    opened: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Screen(Closing):
        """A window that nobody touches."""

        closed = False

        def __init__(self, title: str, size_wh: tuple[int, int], *, fullscreen: bool) -> None:
            opened["window of"], self.fullscreen = size_wh, fullscreen

        def fit(self, size_hw: tuple[int, int]) -> float:
            return 1.0

        def show(self, pixels: np.ndarray) -> None:
            opened["shown"] = pixels.shape

        def listen(self) -> None:
            pass

        def poll_key(self, wait_ms: int = 1) -> None:
            pass

        def poll_mouse(self) -> None:
            pass

        def close(self) -> None:
            pass

    monkeypatch.setattr(webcam, "check_display", lambda: None)
    monkeypatch.setattr(webcam, "Window", Screen)
    words = [word for word in HEADLESS if word != "--no-window"]
    assert webcam.main([*words, *painted, *options, "--frames", "3"]) == 0
    assert opened["window of"] == (480, 360)
    assert opened["window"].fullscreen is bool(options)
    assert isinstance(opened["ladder"], QualityLadder)
    assert opened["shown"][2] == 3


def test_names_of_no_style_are_told(painted: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--frames", "2", "--strengths", "stripes:0.5,wavs:1", "--strokes", "starri:300"]
    assert webcam.main([*HEADLESS, *painted, *options]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "realtime-adain: --strengths: there is no style named 'wavs'",
        "realtime-adain: --strokes: there is no style named 'starri'",
    ]


def test_a_mask_takes_as_many_of_the_styles_as_it_has_colours(
    tiny_weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    painted, paint = set(), Stylizer.stylize_regions

    def stylize_regions(self, pixels, styles, masks, *rest):
        painted.add((len(styles), len(masks)))
        return paint(self, pixels, styles, masks, *rest)

    monkeypatch.setattr(Stylizer, "stylize_regions", stylize_regions)
    halves = np.zeros((20, 30, 3), np.uint8)
    halves[:, 15:] = 255
    write_picture(tmp_path / "mask.png", halves)
    options = ["--model", str(tiny_weights), "--device", "cpu", "--frames", "3"]
    status = webcam.main([*HEADLESS, *options, "--mask", str(tmp_path / "mask.png")])
    told = capsys.readouterr()
    assert (status, told.err) == (0, "") and told.out.startswith("3 frames")
    assert painted == {(2, 2)}


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
    assert sizes_of(path) == [(48, width)] * 6
    first, last = capsys.readouterr().out.splitlines()
    assert first == f"recorded {path}"
    assert STATS.fullmatch(last)


class Ending(Source):
    """Six frames, then what the test wants."""

    name = "ending"
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
    assert 1 <= len(sizes_of(path)) <= 6 + (status == 130) * 100


def test_a_recording_that_fails_ends_a_program_that_only_records(
    painted: list[str],
    tmp_path: Path,
    full_disk: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "out.mp4"
    assert webcam.main([*HEADLESS, *painted, "--frames", "500", "--record", str(path)]) == 1
    reason = f"{path}: cannot be written (No space left on device)"
    told = f"realtime-adain: {reason}; what came before is in out.part.mp4\n"
    assert capsys.readouterr().err == told
    assert len(sizes_of(tmp_path / "out.part.mp4")) == 3


def test_the_film_that_is_played_is_not_recorded_over(
    painted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    assert webcam.main(["--no-window", "--source", str(film), "--record", str(film), *painted]) == 1
    assert "the recording is the source; name another file" in capsys.readouterr().err
    assert film.read_bytes() == b"a film"


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


def test_a_folder_that_cannot_be_made(
    painted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    line = refused([*HEADLESS, *painted, "--snapshots", str(tmp_path / "file" / "in")], capsys)
    assert line.startswith(f"realtime-adain: {tmp_path}/file/in: cannot be made (")


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
    ("options", "problem"),
    [
        (["--first", "2"], "no style 2: there are 1"),
        (["--first", "wave"], "no style named 'wave'; did you mean 'waves'"),
        (["--mix", "waves:0.5,missing.png:0.5"], "missing.png: no such style file"),
        (["--mix", "waves:0"], "a mix needs a weight above 0"),
        (["--watch", "missing"], "missing: no such folder"),
    ],
)
def test_styles_that_cannot_be_had_are_told_at_once(
    options: list[str], problem: str, painted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert problem in refused([*HEADLESS, *painted, *options], capsys)


def kept(path: Path) -> dict[str, object]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_a_profile_keeps_the_options_and_the_command_line_wins(
    painted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / "stage.toml"
    run = [*HEADLESS, *painted[:2], *painted[4:], "--profile", str(path), "--frames", "2"]
    settings = ["--alpha", "0.5", "--mirror", "--split", "--divider", "0.2", "--fade", "1.5"]
    settings += ["--colour", "content", "--saturation", "0.5", "--steady", "0", "--strip"]
    settings += ["--strengths", "waves:0.3", "--strokes", "stripes:300", "--tour", "7"]
    settings += ["--mix", "waves:0.2,ink:0.6", "--style-size", "256", "--stats", "graph"]
    assert webcam.main([*run, *painted[2:4], *settings]) == 0
    first = kept(path)
    style = painted[3]
    assert first == {
        **{"alpha": 0.5, "mirror": True, "layout": "split", "divider": 0.2, "fade": 1.5},
        **{"colour": "content", "saturation": 0.5, "steady": 0.0, "strip": True},
        **{"strengths": "waves:0.3", "strokes": "stripes:300", "tour": 7.0, "stats": "graph"},
        **{"mix": "waves:0.25,ink:0.75", "first": "waves", "style_size": 256},
        **{"style": [style], "region": "all", "fullscreen": False, "model": painted[1]},
    }
    assert webcam.main(run) == 0
    assert kept(path) == first
    assert webcam.main([*run, "--no-mirror", "--alpha", "1", "--side-by-side"]) == 0
    del first["strengths"]
    assert kept(path) == first | {"mirror": False, "alpha": 1.0, "layout": "beside"}
    path.write_text("alpha = 0.5\nhair = 3\n")
    capsys.readouterr()
    assert refused(run, capsys).endswith("stage.toml: there is no setting named 'hair'")
    path.write_text("alpha = 3\n")
    expected = "stage.toml: argument --alpha: must be in 0..1, got 3"
    assert refused(run, capsys).endswith(expected)


@pytest.mark.parametrize(
    ("options", "first", "mix"),
    [
        ([], "mosaic", "waves:0.5,ink:0.5"),
        (["--style", "pencil"], "pencil", None),
        (["--first", "pencil"], "pencil", None),
        (["--mix", "ink:1"], "ink", "ink:1.0"),
        (["--tour", "5"], "mosaic", None),
    ],
)
def test_the_styles_of_the_command_line_go_before_those_of_the_profile(
    options: list[str], first: str, mix: str | None, tiny_weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / "stage.toml"
    path.write_text('style = ["waves"]\nfirst = "mosaic"\nmix = "waves:0.5,ink:0.5"\n')
    run = [*HEADLESS, "--model", str(tiny_weights), "--device", "cpu", "--style-size", "64"]
    assert webcam.main([*run, "--frames", "1", "--profile", str(path), *options]) == 0
    assert (kept(path)["first"], kept(path).get("mix")) == (first, mix)


def test_what_a_profile_names_and_is_away_is_told_and_used_when_it_is_back(
    tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, gone = tmp_path / "stage.toml", "gone/a.png"
    path.write_text(
        f'style = ["{gone}"]\nfirst = "{gone}"\nmix = "{gone}:0.5,ink:0.5"\nwatch = "away"\n'
    )
    run = [*HEADLESS, "--model", str(tiny_weights), "--device", "cpu", "--style-size", "64"]
    run += ["--frames", "1", "--profile", str(path)]
    assert webcam.main(run) == 0
    assert capsys.readouterr().err.splitlines() == [
        f"realtime-adain: {gone}: no such style file",
        "realtime-adain: away: no such folder",
    ]
    used = {"style": [gone], "first": "ink", "mix": "ink:1.0", "watch": "away"}
    assert kept(path) | used == kept(path)
    for option in ("--style", "--first", "--watch"):
        assert "gone/a.png: no such" in refused([*run[:-2], option, gone], capsys)
    (tmp_path / "gone").mkdir()
    write_picture(tmp_path / gone, picture(64, 64))
    (tmp_path / "away").mkdir()
    assert webcam.main(run) == 0
    assert not capsys.readouterr().err
    used |= {"watch": str(tmp_path / "away")}
    assert kept(path) | used == kept(path)


@pytest.mark.parametrize("end", [unplug, _thread.interrupt_main], ids=["unplugged", "ctrl-c"])
def test_a_profile_is_kept_whatever_ends_the_program(
    end: Callable[[], None], painted: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webcam, "open_source", lambda *_, **__: PacedSource(Ending(end)))
    path = tmp_path / "stage.toml"
    assert webcam.main(["--no-window", *painted, "--profile", str(path), "--mirror"]) != 0
    assert kept(path)["mirror"] is True


def test_a_profile_that_cannot_be_kept_is_refused_at_once(
    painted: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)
    options = [*HEADLESS, *painted, "--profile", str(tmp_path / "stage.toml")]
    assert refused(options, capsys).endswith(f"{tmp_path}: nothing can be written there")


def test_a_watched_folder_gives_styles(
    painted: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(tmp_path / "found.png", picture(seed=5))
    seen: list[str] = []
    complete = LiveSession._report

    def report(session: LiveSession) -> None:
        complete(session)
        seen[:] = [card.name for card in session._deck.cards]
        if len(seen) == 2:
            session.quit()

    monkeypatch.setattr(LiveSession, "_report", report)
    options = ["--watch", str(tmp_path), "--fps", "60", "--frames", "1800"]
    assert webcam.main([*HEADLESS, *painted, *options]) == 0
    assert seen == ["stripes", "found"]


def test_the_picture_is_served_over_http(
    painted: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetched: list[bytes] = []
    complete = LiveSession._report

    def report(session: LiveSession) -> None:
        complete(session)
        if session.timing.frames == 3 and not fetched:
            (line,) = capsys.readouterr().out.splitlines()
            url = line.removeprefix("serving ")
            fetched.append(urlopen(f"{url.rstrip('/')}/frame.jpg", timeout=5).read())

    monkeypatch.setattr(LiveSession, "_report", report)
    assert webcam.main([*HEADLESS, *painted, "--serve", "0", "--frames", "4"]) == 0
    pixels = cv2.imdecode(np.frombuffer(fetched[0], np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape == (48, 64, 3)


@pytest.mark.parametrize(
    "options",
    [
        ["--serve", "x"],
        ["--mix", "waves"],
        ["--mix", "waves:2"],
        ["--fade", "-1"],
        ["--tour", "0"],
        ["--strokes", "waves:3"],
        ["--colour", "pink"],
        ["--saturation", "3"],
        ["--steady", "1"],
        ["--region", "sky"],
        ["--layout", "round"],
        ["--divider", "2"],
        ["--camera-size", "640"],
        ["--camera-size", "640x4"],
        ["--fps", "0"],
        ["--fps", "fast"],
        ["--fps", "1/0"],
        ["--frames", "0"],
    ],
)
def test_options_that_make_no_sense(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        webcam.main(options)
    assert options[0] in capsys.readouterr().err
