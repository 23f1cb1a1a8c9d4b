"""An RTSP camera that the test plays: over TCP, dropped and back again."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import av
import numpy as np
import pytest

from realtime_adain.capture import LatestFrame
from realtime_adain.sources import open_source, reconnecting

from .helpers import wait_until

MPEG_VIDEO = 32  # a payload type that needs no description
SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\n"
    f"m=video 0 RTP/AVP {MPEG_VIDEO}\r\na=control:video\r\n"
)


class RTSPCamera:
    """Answers one player after the other; a player's stream ends when the test says so."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"rtsp://127.0.0.1:{self._server.getsockname()[1]}/live"
        self.transports: list[str] = []
        self.brightness = 50
        self.drop = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        self.drop.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while not self._closed:
            with contextlib.suppress(OSError):  # the player, or the server's socket, has gone
                connection, _ = self._server.accept()
                with connection:
                    self._answer_until_play(connection)
                    self._play(connection)

    def _answer_until_play(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as requests:
            method = ""
            while method != "PLAY":
                method = requests.readline().decode().partition(" ")[0]
                if not method:
                    raise ConnectionAbortedError
                headers = {}
                while line := requests.readline().decode().strip():
                    name, _, value = line.partition(": ")
                    headers[name] = value
                answer = [f"RTSP/1.0 200 OK\r\nCSeq: {headers['CSeq']}\r\nSession: 1"]
                body = SDP if method == "DESCRIBE" else ""
                if body:
                    answer.append(f"Content-Type: application/sdp\r\nContent-Length: {len(body)}")
                if method == "SETUP":
                    self.transports.append(headers["Transport"])
                    answer.append(f"Transport: {headers['Transport']}")
                connection.sendall(("\r\n".join(answer) + "\r\n\r\n" + body).encode())

    def _play(self, connection: socket.socket) -> None:
        """Send FFmpeg's RTP packets on, each behind its channel and length."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets:
            packets.bind(("127.0.0.1", 0))
            packets.settimeout(0.01)
            target = f"rtp://127.0.0.1:{packets.getsockname()[1]}"
            with av.open(target, "w", format="rtp") as container:
                output = container.add_stream("mpeg2video", rate=25)
                output.width, output.height, output.pix_fmt = 64, 48, "yuv420p"
                while not self.drop.is_set():
                    pixels = np.full((48, 64, 3), self.brightness, np.uint8)
                    picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                    container.mux(output.encode(picture))
                    with contextlib.suppress(TimeoutError):
                        while True:
                            data = packets.recv(65536)
                            connection.sendall(b"$\0" + struct.pack(">H", len(data)) + data)


@pytest.fixture
def rtsp_camera() -> Iterator[RTSPCamera]:
    own = RTSPCamera()
    yield own
    own.close()


def brightness(frames: LatestFrame) -> int:
    frame = frames.get(10)
    assert frame is not None
    return round(frame.pixels.mean() / 10) * 10


def test_an_rtsp_camera_that_drops_and_returns(
    rtsp_camera: RTSPCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "FIRST_WAIT_SECONDS", 0.05)
    with LatestFrame(open_source(rtsp_camera.address)) as frames:
        assert frames.size_hw == (48, 64)
        assert brightness(frames) == 50
        rtsp_camera.drop.set()
        wait_until(lambda: frames.problem is not None)
        assert frames.problem.startswith(f"{rtsp_camera.address}: ")
        rtsp_camera.brightness = 200
        rtsp_camera.drop.clear()
        wait_until(lambda: frames.problem is None)
        wait_until(lambda: brightness(frames) == 200)
    assert len(rtsp_camera.transports) >= 2
    assert all(transport.startswith("RTP/AVP/TCP") for transport in rtsp_camera.transports)
