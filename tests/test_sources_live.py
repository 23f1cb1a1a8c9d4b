"""Cameras, streams, the demo scene and the pacing, without a camera and without a network."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest

from realtime_adain.errors import SourceError
from realtime_adain.frame import Frame
from realtime_adain.sources import camera, demo, open_source, stream
from realtime_adain.sources.base import Source
from realtime_adain.sources.camera import WARM_UP_FRAMES, CameraSource
from realtime_adain.sources.demo import DemoSource
from realtime_adain.sources.paced import PacedSource
from realtime_adain.sources.stream import StreamSource

from .helpers import picture

Serve = Callable[[bytes, bool], str]
BLUE_BGR = (255, 0, 0)


class FakeCapture:
    """In place of cv2.VideoCapture: blue pictures whose brightness counts the reads."""

    opened: list[FakeCapture] = []
    openable = {cv2.CAP_V4L2}
    takes_wishes = True
    lasts = 10**6

    def __init__(self, device: int | str, back_end: int, wishes: list[int]) -> None:
        self.device = device
        self.back_end = back_end
        self.wishes = dict(zip(wishes[::2], wishes[1::2], strict=True))
        self.refused = bool(wishes) and not self.takes_wishes
        self.reads = 0
        self.released = False
        type(self).opened.append(self)

    def isOpened(self) -> bool:
        return self.back_end in self.openable and not self.refused

    def set(self, wish: int, value: float) -> bool:
        self.wishes[wish] = value
        return True

    def get(self, wish: int) -> float:
        return {cv2.CAP_PROP_FPS: 30.0}[wish]

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.reads += 1
        if self.reads > self.lasts:
            return False, None
        pixels = np.zeros((48, 64, 3), np.uint8)
        pixels[:] = BLUE_BGR
        pixels[0, 0] = self.reads % 256
        return True, pixels

    def release(self) -> None:
        self.released = True


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeCapture]:
    """Put a fresh fake in the place of OpenCV's class, on Linux."""
    own = type("OwnFake", (FakeCapture,), {"opened": []})
    monkeypatch.setattr(camera.cv2, "VideoCapture", own)
    monkeypatch.setattr(camera.sys, "platform", "linux")
    monkeypatch.setattr(camera, "STALL_SECONDS", 0.1)
    return own


def test_camera_frames_are_rgb_and_stamped_at_capture(fake: type[FakeCapture]) -> None:
    with open_source("1") as source:
        before = time.perf_counter()
        frames = list(itertools.islice(source, 3))
        after = time.perf_counter()
    assert source.name == "camera 1"
    assert source.size_hw == (48, 64) and source.frame_rate == 30
    assert tuple(frames[0].pixels[5, 5]) == (0, 0, 255)
    times = [frame.time for frame in frames]
    assert before <= times[0] <= times[1] <= times[2] <= after
    assert frames[0].pts is None


def test_camera_drops_its_first_frames(fake: type[FakeCapture]) -> None:
    with CameraSource(0) as source:
        first = next(iter(source))
    assert first.pixels[0, 0, 0] == WARM_UP_FRAMES + 1
    assert fake.opened[0].released


def test_camera_is_opened_with_mjpg_size_rate_and_a_short_buffer(fake: type[FakeCapture]) -> None:
    open_source("0", size_wh=(1280, 720), frame_rate=Fraction(60)).close()
    (capture,) = fake.opened
    assert capture.wishes == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
        cv2.CAP_PROP_FRAME_WIDTH: 1280,
        cv2.CAP_PROP_FRAME_HEIGHT: 720,
        cv2.CAP_PROP_FPS: 60,
        cv2.CAP_PROP_BUFFERSIZE: 2,
    }


def test_wishes_are_set_later_where_opening_with_them_fails(fake: type[FakeCapture]) -> None:
    fake.takes_wishes = False
    open_source("/dev/video0", size_wh=(320, 240)).close()
    refused, taken = fake.opened
    assert refused.released
    assert taken.device == "/dev/video0"
    assert taken.wishes[cv2.CAP_PROP_FRAME_WIDTH] == 320


def test_windows_tries_direct_show_before_media_foundation(
    fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera.sys, "platform", "win32")
    fake.openable = {cv2.CAP_DSHOW, cv2.CAP_MSMF}
    CameraSource(0).close()
    assert fake.opened[0].back_end == cv2.CAP_DSHOW
    fake.openable = {cv2.CAP_MSMF}
    CameraSource(0).close()
    assert fake.opened[-1].back_end == cv2.CAP_MSMF


def test_no_camera_tells_what_was_tried_and_what_works(
    fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera.sys, "platform", "win32")
    with pytest.raises(SourceError) as raised:
        open_source("3")
    assert str(raised.value) == (
        "camera 3 cannot be opened (tried DirectShow and Media Foundation); "
        "'--source demo' shows the program without a camera"
    )


def test_a_camera_that_opens_but_gives_nothing_is_no_camera(fake: type[FakeCapture]) -> None:
    fake.lasts = 0
    with pytest.raises(SourceError, match="camera 0 cannot be opened"):
        open_source("0")
    assert all(capture.released for capture in fake.opened)


def test_a_camera_that_stops_is_an_error(fake: type[FakeCapture]) -> None:
    fake.lasts = WARM_UP_FRAMES + 2
    with (
        pytest.raises(SourceError, match="camera 0 stopped giving frames"),
        CameraSource(0) as source,
    ):
        assert len(list(source)) == 2


def play_by_a_clock(monkeypatch: pytest.MonkeyPatch, source: Source, frames: int, fps: int) -> None:
    """Read frames from a camera while a clock of the test's own runs at that rate."""
    clock = itertools.count(1000, 1 / fps)
    with monkeypatch.context() as patch:
        patch.setattr(camera, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
        for _ in itertools.islice(source, frames):
            pass


def test_a_slow_camera_is_told(fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch) -> None:
    source = CameraSource(0, frame_rate=Fraction(60))
    play_by_a_clock(monkeypatch, source, 40, fps=15)
    assert source.notice is None  # not yet known
    play_by_a_clock(monkeypatch, source, 60, fps=15)
    assert source.notice == (
        "camera 0 gives 15 frames per second instead of 60: "
        "more light or a smaller picture may help"
    )
    play_by_a_clock(monkeypatch, source, 200, fps=55)
    assert source.notice is None


def test_a_camera_is_measured_by_its_promise_where_nothing_is_asked(
    fake: type[FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = CameraSource(0)
    play_by_a_clock(monkeypatch, source, 100, fps=20)
    assert source.notice.startswith("camera 0 gives 20 frames per second instead of 30:")


def test_opencv_is_silent_and_gets_its_voice_back(capfd: pytest.CaptureFixture[str]) -> None:
    level = cv2.utils.logging.getLogLevel()
    with pytest.raises(SourceError, match="camera 99 cannot be opened"):
        open_source("99")
    assert capfd.readouterr().err == ""
    assert cv2.utils.logging.getLogLevel() == level


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_an_address_that_does_not_answer(
    scheme: str, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "TIMEOUT_SECONDS", 1.0)
    address = f"{scheme}://127.0.0.1:{silent_port}/live"
    before = time.perf_counter()
    with pytest.raises(SourceError, match=f"{address}: .*no answer in 1 s"):
        open_source(address)
    assert time.perf_counter() - before < 5


def test_an_address_that_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SourceError, match="cannot be opened .*refused"):
        open_source(f"http://127.0.0.1:{port}/live")


def write_video(path: Path, frames: int = 5, **options: str) -> bytes:
    """Write a short clip of 64x48 pixels at 25 frames per second and return its bytes."""
    with av.open(path, "w", options=options) as container:
        output = container.add_stream("mpeg4", rate=25)
        output.width, output.height, output.pix_fmt = 64, 48, "yuv420p"
        for index in range(frames):
            pixels = picture(48, 64, seed=index)
            container.mux(output.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(output.encode())
    return path.read_bytes()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that answers one HTTP request with bytes and returns the address."""
    threads, servers = [], []

    def answer(body: bytes, with_length: bool) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        head = f"Content-Length: {len(body)}" if with_length else "Transfer-Encoding: chunked"
        if not with_length:
            body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"

        def once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)

        threads.append(threading.Thread(target=once, daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/video"

    yield answer
    for thread in threads:
        thread.join(5)
    for server in servers:
        server.close()


def test_a_stream_without_end_is_live(tmp_path: Path, serve: Serve) -> None:
    body = write_video(tmp_path / "a.ts")
    before = time.perf_counter()
    frames = []
    ended = pytest.raises(SourceError, match="/video: (the stream ended|broke off)")
    with StreamSource(serve(body, False)) as source, ended:
        frames.extend(source)
    assert source.live and source.size_hw == (48, 64)
    assert len(frames) == 5
    assert all(before < frame.time < time.perf_counter() for frame in frames)
    assert frames[0].pixels.shape == (48, 64, 3)


def test_a_file_on_a_server_plays_by_the_clock(tmp_path: Path, serve: Serve) -> None:
    body = write_video(tmp_path / "a.mp4", movflags="faststart")
    with open_source(serve(body, True)) as source:
        began = time.perf_counter()
        times = [frame.time for frame in source]
    assert len(times) == 5
    assert times[-1] - began >= 0.159  # four intervals of 40 ms; a frame may be late, but not early


class Counter(Source):
    """Four frames of 10 ms, as a file would give them, and again when read again."""

    name = "counter"
    size_hw = (2, 2)
    frame_rate = Fraction(100)

    def __init__(self, frames: int = 4, seconds: float = 0.01) -> None:
        self.frames = frames
        self.seconds = seconds
        self.closed = False

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.frames):
            pixels = np.full((2, 2, 3), index, np.uint8)
            yield Frame(pixels, index * self.seconds, pts=index)

    def close(self) -> None:
        self.closed = True


def test_a_paced_source_keeps_time_and_loops() -> None:
    counter = Counter()
    with PacedSource(counter) as source:
        start = time.perf_counter()
        frames = list(itertools.islice(source, 10))
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    for index, frame in enumerate(frames):
        assert frame.time >= start + index * 0.01 - 1e-4
        assert frame.pts is None
    assert counter.closed


def test_a_paced_source_ends_where_it_does_not_loop() -> None:
    assert len(list(PacedSource(Counter(), loop=False))) == 4


def test_a_paced_source_without_frames_ends() -> None:
    assert list(PacedSource(Counter(frames=0))) == []


def test_stopping_ends_a_long_wait() -> None:
    source = PacedSource(Counter(seconds=60))
    frames = iter(source)
    next(frames)
    timer = threading.Timer(0.02, source.stop)
    timer.start()
    before = time.perf_counter()
    assert next(frames, None) is None
    assert time.perf_counter() - before < 10


class SmallScene:
    """In place of the drawn scene: a picture whose brightness is the time in hundredths."""

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self.size_wh = size_wh

    def draw(self, seconds: float) -> np.ndarray:
        width, height = self.size_wh
        return np.full((height, width, 3), round(100 * seconds), np.uint8)


@pytest.fixture
def small_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "DemoScene", SmallScene)


def test_demo_gives_the_same_frames_as_fast_as_they_are_read(small_scene: None) -> None:
    frames = list(itertools.islice(DemoSource((64, 48), Fraction(10)), 3))
    assert [frame.time for frame in frames] == [0.0, 0.1, 0.2]
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [0, 10, 20]
    assert frames[0].size_hw == (48, 64)


def test_demo_as_a_live_source(small_scene: None) -> None:
    with open_source("demo", size_wh=(64, 48), frame_rate=Fraction(100)) as source:
        began = time.perf_counter()
        times = [frame.time for frame in itertools.islice(source, 4)]
    assert source.size_hw == (48, 64)
    assert times[-1] - began >= 0.029
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("nothing.mp4", {}, "nothing.mp4: no such source; can be a camera's number"),
        ("ftp://host/a.mp4", {}, "no such source"),
        ("a.mp4", {"size_wh": (640, 480)}, "only cameras and the demo scene"),
        ("a.mp4", {"frame_rate": Fraction(30)}, "a frame rate of its own"),
    ],
)
def test_what_cannot_be_opened(spec: str, options: dict, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_source(spec, **options)
