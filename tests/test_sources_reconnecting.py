"""Sources that vanish and come back, and streams that are faster than their reader."""

from __future__ import annotations

import contextlib
import functools
import http.server
import itertools
import queue
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

from realtime_adain.capture import LatestFrame
from realtime_adain.errors import SourceError
from realtime_adain.frame import Frame
from realtime_adain.sources import open_source, packets, reconnecting, stream
from realtime_adain.sources.base import Source
from realtime_adain.sources.packets import NewestPackets
from realtime_adain.sources.reconnecting import ReconnectingSource
from realtime_adain.sources.stream import StreamSource

from .helpers import wait_until


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "FIRST_WAIT_SECONDS", 0.01)


class Part(Source):
    """Gives some frames of one brightness, then breaks off or ends."""

    name = "camera 0"
    frame_rate = Fraction(30)

    def __init__(
        self,
        brightness: int,
        frames: int = 2,
        *,
        size_hw: tuple[int, int] = (4, 6),
        breaks: bool = True,
    ) -> None:
        self.size_hw = size_hw
        self.brightness = brightness
        self.frames = frames
        self.breaks = breaks
        self.closed = False
        self.stopped = False

    def __iter__(self) -> Iterator[Frame]:
        for _ in range(self.frames):
            yield Frame(np.full((*self.size_hw, 3), self.brightness, np.uint8), 0.0)
        if self.breaks:
            raise SourceError("camera 0 stopped giving frames")

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.closed = True


def opener(*parts: Source | str) -> Callable[[], Source]:
    """Return a function that gives the parts one after the other; a text is an error."""
    remaining = iter(parts)

    def open_next() -> Source:
        part = next(remaining)
        if isinstance(part, str):
            raise SourceError(part)
        return part

    return open_next


def brightnesses(frames: Iterator[Frame]) -> list[int]:
    return [int(frame.pixels[0, 0, 0]) for frame in frames]


def test_a_source_that_comes_back_goes_on() -> None:
    parts = Part(1), Part(2), Part(3, breaks=False)
    source = ReconnectingSource(opener(parts[0], "no camera", "no camera", *parts[1:]))
    assert (source.name, source.size_hw, source.frame_rate) == ("camera 0", (4, 6), 30)
    with source:
        assert brightnesses(source) == [1, 1, 2, 2, 3, 3]
    assert all(part.closed for part in parts)


def test_the_first_opening_must_succeed() -> None:
    with pytest.raises(SourceError, match="no camera"):
        ReconnectingSource(opener("no camera", Part(1)))


def test_the_problem_is_told_until_the_first_frame_is_back() -> None:
    open_next = opener(Part(1), "camera 0 cannot be opened", Part(2))
    told: list[str | None] = []

    def open_and_note() -> Source:
        told.append(source.problem if told else None)  # no source yet at the first opening
        return open_next()

    source = ReconnectingSource(open_and_note)
    frames = iter(source)
    next(frames), next(frames)
    assert source.problem is None
    next(frames)
    assert told == [
        None,
        "camera 0 stopped giving frames; trying again",
        "camera 0 cannot be opened; trying again",
    ]
    assert source.problem is None


def test_the_notice_is_that_of_the_open_source() -> None:
    first, second = Part(1), Part(2)
    first.notice = "too dark"
    source = ReconnectingSource(opener(first, second))
    frames = iter(source)
    next(frames), next(frames)
    assert source.notice == "too dark"
    next(frames)
    assert source.notice is None
    source.problem = "away"
    second.notice = "too dark"
    assert source.notice is None


def test_each_wait_is_twice_as_long_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "FIRST_WAIT_SECONDS", 1.0)
    monkeypatch.setattr(reconnecting, "LONGEST_WAIT_SECONDS", 3.0)
    waits: list[float] = []

    class NoWait(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return False

    monkeypatch.setattr(reconnecting.threading, "Event", NoWait)
    source = ReconnectingSource(opener(Part(1), "no", "no", "no", Part(2), Part(3, breaks=False)))
    assert len(list(source)) == 6
    assert waits == [1.0, 2.0, 3.0, 3.0, 1.0]


def test_another_size_is_fitted_to_the_first() -> None:
    source = ReconnectingSource(opener(Part(1), Part(2, size_hw=(9, 9), breaks=False)))
    assert {frame.size_hw for frame in source} == {(4, 6)}


def test_stopping_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "FIRST_WAIT_SECONDS", 60.0)
    part = Part(1)
    source = ReconnectingSource(opener(part))
    frames = iter(source)
    next(frames), next(frames)
    threading.Timer(0.02, source.stop).start()
    before = time.perf_counter()
    assert next(frames, None) is None
    assert time.perf_counter() - before < 10
    assert part.stopped and part.closed


class Server:
    """A camera in the network: gives Motion JPEG, of the brightness that the test sets."""

    def __init__(self, port: int = 0, size_hw: tuple[int, int] = (48, 64)) -> None:
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/video.mjpg"
        self.size_hw = size_hw
        self.brightness = 50
        self.sent = 0
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def go_away(self) -> None:
        """Cut the stream off and refuse connections from now on."""
        self._gone.set()
        with contextlib.suppress(OSError):  # not every system lets one wake the accept like this
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while not self._gone.is_set():
            with contextlib.suppress(OSError):  # the reader, or the socket, has gone
                connection, _ = self._socket.accept()
                with connection:
                    self._stream(connection)

    def _stream(self, connection: socket.socket) -> None:
        connection.recv(65536)
        kind = b"multipart/x-mixed-replace; boundary=picture"
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n\r\n")
        while not self._gone.wait(0.01):
            pixels = np.full((*self.size_hw, 3), self.brightness, np.uint8)
            jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
            length = b"Content-Length: %d" % len(jpeg)
            head = b"--picture\r\nContent-Type: image/jpeg\r\n" + length + b"\r\n\r\n"
            connection.sendall(head + jpeg + b"\r\n")
            self.sent += 1


@pytest.fixture
def server() -> Iterator[Server]:
    own = Server()
    yield own
    own.go_away()


def brightness(frame: Frame | None) -> int | None:
    return None if frame is None else round(frame.pixels.mean() / 10) * 10


def test_a_network_camera_that_drops_and_returns(server: Server) -> None:
    with LatestFrame(open_source(server.address)) as frames:
        assert brightness(frames.get(5)) == 50
        server.go_away()
        wait_until(lambda: frames.problem is not None)
        assert frames.problem.startswith(server.address)
        assert frames.problem.endswith("; trying again")
        frames.get(0)  # a last frame may lie there
        assert frames.get(0.05) is None and not frames.ended
        back = Server(server.port, size_hw=(24, 24))
        back.brightness = 200
        try:
            frame = frames.get(15)
            assert brightness(frame) == 200
            assert frame.size_hw == frames.size_hw == (48, 64)
            wait_until(lambda: frames.problem is None)
        finally:
            back.go_away()


def test_a_slow_reader_gets_the_newest_picture(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets, "MAX_AGE_SECONDS", 0.05)
    with StreamSource(server.address) as source:
        frames = iter(source)
        next(frames), next(frames)  # reads on by itself from here
        for value in (100, 150, 200):
            server.brightness = value
            sent = server.sent
            wait_until(lambda sent=sent: server.sent > sent + 20)  # 0.2 s or more
            assert brightness(next(frames)) == value


def test_a_live_stream_can_be_stopped_from_another_thread(server: Server) -> None:
    with StreamSource(server.address) as source:
        threading.Timer(0.05, source.stop).start()
        assert len(list(source)) >= 1


def test_a_stream_that_falls_silent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "TIMEOUT_SECONDS", 0.5)
    silence = threading.Event()
    with StreamSource(server.address) as source:
        monkeypatch.setattr(server._gone, "wait", lambda _: silence.wait(10))
        with pytest.raises(SourceError, match=r"broke off \(no answer in 0.5 s\)"):
            list(source)
        silence.set()


class Tap:
    """In place of FFmpeg's container: gives the packets that the test pours in."""

    read_timeout = 5.0

    def __init__(self) -> None:
        self.poured: queue.SimpleQueue[SimpleNamespace | Exception | None] = queue.SimpleQueue()

    def pour(self, *names: str) -> None:
        """Let packets come; those in capitals are key frames."""
        for name in names:
            self.poured.put(SimpleNamespace(name=name, is_keyframe=name.isupper()))

    def demux(self, video: object) -> Iterator[SimpleNamespace]:
        while (packet := self.poured.get(timeout=10)) is not None:
            if isinstance(packet, Exception):
                raise packet
            yield packet


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of the packets, set by the test."""
    own = SimpleNamespace(now=100.0)
    monkeypatch.setattr(packets, "time", SimpleNamespace(perf_counter=lambda: own.now))
    return own


def test_packets_that_waited_too_long_are_dropped_up_to_a_key_frame(
    clock: SimpleNamespace,
) -> None:
    tap = Tap()
    with NewestPackets(tap, None) as newest:
        arriving = iter(newest)

        def take() -> tuple[str, float, bool]:
            packet, arrived, is_old = next(arriving)
            return packet.name, arrived, is_old

        def pour(*names: str) -> None:
            waiting = len(newest._waiting)
            tap.pour(*names)
            wait_until(lambda: len(newest._waiting) == waiting + len(names))

        pour("A", "b", "c", "D")
        assert take() == ("A", 100.0, False)
        clock.now += 1
        assert take() == ("b", 100.0, True)  # for the sake of c
        pour("e")
        tap.pour("F", "g")
        wait_until(lambda: len(newest._waiting) == 2)
        assert take() == ("F", 101.0, False)
        clock.now += 1
        assert take() == ("g", 101.0, False)  # old, but there is nothing newer
        tap.poured.put(None)
        assert next(arriving, None) is None


def test_packets_before_an_error_still_come(clock: SimpleNamespace) -> None:
    tap = Tap()
    tap.pour("A")
    tap.poured.put(ConnectionResetError("reset by peer"))
    with NewestPackets(tap, None) as newest:
        arriving = iter(newest)
        assert next(arriving)[0].name == "A"
        with pytest.raises(ConnectionResetError, match="reset by peer"):
            next(arriving)


@pytest.fixture
def files_over_http(tmp_path: Path) -> Iterator[str]:
    """The address at which the test's folder is served."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_stream_in_pieces_is_paced_by_its_own_times(tmp_path: Path, files_over_http: str) -> None:
    playlist = tmp_path / "live.m3u8"
    with av.open(playlist, "w", format="hls", options={"hls_list_size": "0"}) as container:
        output = container.add_stream("mpeg2video", rate=25)
        output.width, output.height, output.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            pixels = np.zeros((48, 64, 3), np.uint8)
            container.mux(output.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(output.encode())
    playlist.write_text(playlist.read_text().replace("#EXT-X-ENDLIST", ""))  # as if it went on
    with StreamSource(f"{files_over_http}/live.m3u8") as source:
        assert not source.live
        times = [frame.time for frame in itertools.islice(source, 4)]
    assert times == pytest.approx([0.0, 0.04, 0.08, 0.12])
