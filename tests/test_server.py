"""The live picture over HTTP, as a browser, a careless client and an attacker meet it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from realtime_adain.errors import SinkError
from realtime_adain.frame import Frame
from realtime_adain.sinks import latest_jpeg, mjpeg_server
from realtime_adain.sinks.mjpeg_server import MjpegServerSink, parse_address

from .helpers import picture, wait_until
from .media import flat

RED = (210, 30, 40)
NOISE = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)


@pytest.fixture
def server() -> Iterator[MjpegServerSink]:
    with MjpegServerSink() as server:
        yield server


def connect(server: MjpegServerSink) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def host_of(server: MjpegServerSink) -> str:
    return urlsplit(server.url).netloc


def ask(server: MjpegServerSink, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send a request and return status, headers and content; status 0 for no answer."""
    with connect(server) as connection:
        answer = b""
        with suppress(ConnectionError):  # sent away with words unread
            connection.sendall(request)
            answer = connection.makefile("rb").read()
    if not answer:
        return 0, {}, b""
    head, _, content = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, content


def get(server: MjpegServerSink, path: str, method: str = "GET", **headers: str):
    lines = {"Host": host_of(server), **{k.replace("_", "-"): v for k, v in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return ask(server, f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())


def open_stream(server: MjpegServerSink) -> socket.socket:
    connection = connect(server)
    connection.sendall(f"GET /stream.mjpg HTTP/1.1\r\nHost: {host_of(server)}\r\n\r\n".encode())
    return connection


class Reader:
    """Reads the parts of a stream as a browser does."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rb")
        head = self._lines()
        assert head[0].split()[1] == "200"
        (kind,) = [line for line in head if line.lower().startswith("content-type")]
        self._boundary = "--" + kind.partition("boundary=")[2]
        assert self._file.readline().decode().rstrip() == self._boundary

    def _lines(self) -> list[str]:
        return list(iter(lambda: self._file.readline().decode().rstrip(), ""))

    def next(self) -> np.ndarray:
        """Return the next picture, uint8 `(H, W, 3)` RGB, once its end is there."""
        kind, length = self._lines()
        assert kind == "Content-Type: image/jpeg"
        jpeg = self._file.read(int(length.partition(": ")[2]))
        assert self._file.readline() == b"\r\n"
        assert self._file.readline().decode().rstrip() == self._boundary
        return decode(jpeg)


def decode(jpeg: bytes) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def level_of(pixels: np.ndarray) -> int:
    """Return the grey of the upper rows."""
    return round(float(pixels[:48].mean()))


def grey(level: int) -> Frame:
    return Frame(flat((level,) * 3), time.perf_counter())


def own_threads() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.name in {"server", "reader", "jpeg"}}


# What a user sees.


def test_page_shows_the_stream(server) -> None:
    status, headers, content = get(server, "/")
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert b'src="/stream.mjpg"' in content


def test_newest_frame_in_its_colours(server) -> None:
    server.write(grey(20))
    server.write(Frame(flat(RED), 0.0))
    status, headers, content = get(server, "/frame.jpg?t=1")
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    assert headers["content-length"] == str(len(content))
    assert headers["cache-control"] == "no-store"
    np.testing.assert_allclose(decode(content).astype(int), flat(RED), atol=4)


def test_stream_follows_the_frames_and_the_size(server) -> None:
    server.write(grey(20))
    with open_stream(server) as connection:
        reader = Reader(connection)
        assert abs(int(reader.next().mean()) - 20) < 3
        server.write(Frame(picture(33, 47), 0.0))
        wait_until(lambda: reader.next().shape == (33, 47, 3))


def test_stream_begins_with_the_picture_of_now(server) -> None:
    server.write(grey(20))
    get(server, "/frame.jpg")  # leaves its JPEG behind
    server.write(grey(200))
    with open_stream(server) as connection:
        assert Reader(connection).next().mean() > 190


def test_still_picture_is_repeated(server, monkeypatch) -> None:
    monkeypatch.setattr(mjpeg_server, "_REPEAT_SECONDS", 0.05)
    server.write(grey(90))
    with open_stream(server) as connection:
        reader = Reader(connection)
        assert reader.next().mean() == reader.next().mean()


def test_reader_waits_for_the_first_frame(server) -> None:
    with open_stream(server) as connection:
        reader = Reader(connection)
        server.write(grey(120))
        assert abs(int(reader.next().mean()) - 120) < 3


def test_no_frame_yet_is_503(server, monkeypatch) -> None:
    monkeypatch.setattr(mjpeg_server, "_FIRST_PICTURE_SECONDS", 0.05)
    assert get(server, "/frame.jpg")[0] == 503


def test_head_has_no_content(server) -> None:
    server.write(grey(20))
    for path in ("/", "/frame.jpg", "/stream.mjpg"):
        status, _, content = get(server, path, "HEAD")
        assert (status, content) == (200, b"")


# What it costs.


def test_each_frame_is_encoded_once_and_only_while_somebody_watches(server, monkeypatch) -> None:
    encoded = []
    encode = latest_jpeg.LatestJpeg._encode

    def count(self, frame: Frame) -> bytes:
        encoded.append((frame.time, threading.current_thread().name))
        return encode(self, frame)

    monkeypatch.setattr(latest_jpeg.LatestJpeg, "_encode", count)
    for index in range(5):
        server.write(Frame(flat(RED), index))
    assert encoded == []
    with open_stream(server) as first, open_stream(server) as second:
        readers = Reader(first), Reader(second)
        for reader in readers:
            reader.next()
        server.write(Frame(flat(RED), 9))
        for reader in readers:
            reader.next()
    assert encoded == [(4, "jpeg"), (9, "jpeg")]


def test_slow_reader_skips_frames_and_holds_up_nobody(server) -> None:
    server.write(Frame(NOISE, 0.0))
    with open_stream(server) as slow, open_stream(server) as fast:
        late, prompt = Reader(slow), Reader(fast)
        late.next()
        for level in range(20, 100):
            pixels = NOISE.copy()
            pixels[:64] = level
            server.write(Frame(pixels, 0.0))
            wait_until(lambda level=level: level_of(prompt.next()) == level)
        seen = []
        wait_until(lambda: seen.append(level_of(late.next())) or seen[-1] == 99)
        assert len(seen) < 40  # the rest was never sent, nor kept for it


def test_reader_that_takes_nothing_is_dropped(server, monkeypatch) -> None:
    monkeypatch.setattr(mjpeg_server, "_SEND_SECONDS", 0.1)
    server.write(Frame(NOISE, 0.0))
    with open_stream(server):
        wait_until(lambda: any(t.name == "reader" for t in own_threads()))

        def is_dropped() -> bool:
            server.write(Frame(NOISE, 0.0))
            return not any(t.name == "reader" for t in own_threads())

        wait_until(is_dropped)


# What a hostile network does.


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400),
        (b"\r\n\r\n", 0),
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 403),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"GET /" + b"a" * 20_000, 0),
    ],
)
def test_garbage_does_no_harm(server, request_, status, capfd) -> None:
    assert ask(server, request_)[0] == status
    assert get(server, "/")[0] == 200
    assert capfd.readouterr() == ("", "")  # nor can it fill the terminal


@pytest.mark.parametrize(
    "path",
    ["/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/setup.cfg", "*"],
)
def test_no_file_is_served(server, path) -> None:
    status, _, content = get(server, path)
    assert (status, content) == (404, b"404 Not Found\n")


def test_nothing_of_a_request_comes_back(server) -> None:
    _, _, content = get(server, "/<script>alert(1)</script>")
    assert b"script" not in content


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost"}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "[::1]:{port}"}, 200),
        ({"Host": "192.168.1.5:{port}"}, 200),  # a port that is forwarded
        ({"Host": "evil.example:{port}"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
    ids=lambda value: " ".join(map(" ".join, value.items())) if isinstance(value, dict) else "",
)
def test_foreign_pages_are_refused(server, headers, status) -> None:
    port = str(urlsplit(server.url).port)
    server.write(grey(20))
    values = {name: value.replace("{port}", port) for name, value in headers.items()}
    for path in ("/", "/frame.jpg"):
        assert get(server, path, **values)[0] == status


def test_hundred_idle_connections(server) -> None:
    places = mjpeg_server.MAX_CONNECTIONS - 1
    server.write(grey(20))
    with open_stream(server) as connection:
        reader = Reader(connection)
        reader.next()
        with ExitStack() as idle:
            clients = [idle.enter_context(connect(server)) for _ in range(100)]
            for client in clients[places:]:
                assert client.recv(100).startswith(b"HTTP/1.0 503 ")
            assert len(own_threads()) == mjpeg_server.MAX_CONNECTIONS + 2
            server.write(grey(200))
            wait_until(lambda: reader.next().mean() > 190)  # who watches goes on watching
        wait_until(lambda: len(own_threads()) == 3)
        assert get(server, "/")[0] == 200


def test_silent_client_is_sent_away(server, monkeypatch) -> None:
    monkeypatch.setattr(mjpeg_server, "_REQUEST_SECONDS", 0.1)
    with connect(server) as connection:
        assert connection.recv(1) == b""


def test_request_in_drips_is_not_waited_for(server, monkeypatch) -> None:
    monkeypatch.setattr(mjpeg_server, "_REQUEST_SECONDS", 0.3)
    with connect(server) as connection, pytest.raises(OSError):
        for _ in range(100):
            connection.sendall(b"G")
            time.sleep(0.05)


# Opening and closing.


def test_close_ends_all_threads_with_readers_connected() -> None:
    before = own_threads()
    server = MjpegServerSink()
    server.write(Frame(NOISE, 0.0))
    with open_stream(server) as reading, open_stream(server), connect(server):
        Reader(reading).next()
        server.write(Frame(NOISE, 0.0))
        wait_until(lambda: len(own_threads() - before) == 5)
        started = time.monotonic()
        server.close()
        assert time.monotonic() - started < 3
        assert own_threads() == before
        with pytest.raises(OSError):
            connect(server)
    server.close()


def test_port_can_be_used_again_at_once(server) -> None:
    port = urlsplit(server.url).port
    with open_stream(server) as connection:
        server.write(grey(20))
        Reader(connection).next()
        server.close()
    with MjpegServerSink(port=port) as again:
        assert get(again, "/")[0] == 200


def test_port_in_use_is_one_line(server) -> None:
    port = urlsplit(server.url).port
    with pytest.raises(SinkError, match=f"^port {port} of 127.0.0.1 is in use; choose another$"):
        MjpegServerSink(port=port)


def test_foreign_address_is_one_line() -> None:
    with pytest.raises(SinkError, match="^192.0.2.1 is no address of this machine"):
        MjpegServerSink("192.0.2.1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"port": 65536}, "port must be 0 to 65535, got 65536"),
        ({"quality": 0}, "quality must be 1 to 100, got 0"),
        ({"max_connections": 0}, "max_connections must be at least 1, got 0"),
    ],
)
def test_arguments_are_checked(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        MjpegServerSink(**arguments)


def test_frame_that_cannot_be_encoded_is_told(server) -> None:
    server.write(Frame(flat(RED, (1, 70_000)), 0.0))  # JPEG ends at 65535
    assert get(server, "/frame.jpg")[0] == 503
    with pytest.raises(SinkError):
        server.write(grey(20))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("studio.local:9000", ("studio.local", 9000)),
        ("[::1]:9000", ("::1", 9000)),
    ],
)
def test_addresses(text, address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "port", "localhost:", ":8080", "8080x", "65536", "-1", "²"])
def test_no_addresses(text) -> None:
    with pytest.raises(ValueError, match="must be PORT or HOST:PORT"):
        parse_address(text)
