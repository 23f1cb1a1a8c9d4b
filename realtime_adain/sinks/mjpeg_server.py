"""The live picture over HTTP: as motion JPEG for a browser, OBS or another machine.

The server faces a network, so it does little: three addresses, `GET` and `HEAD`, a bound on
connections, on the length of a request and on every wait. It reads no file. Only pages that it has
served itself may use it from within a browser: a request is refused with 403

- whose `Host` is neither an IP address nor `localhost` nor a name of this machine, because a
  foreign page can give its own name our address (DNS rebinding),
- whose `Origin` or `Sec-Fetch-Site` says that another page has made it.

Programs such as OBS, VLC or ffmpeg send neither of the latter. There is no password: whoever
reaches the address sees the picture. It is therefore 127.0.0.1 unless the user names another.
"""

from __future__ import annotations

import errno
import io
import ipaddress
import os
import socket
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from urllib.parse import urlsplit

from ..errors import SinkError
from ..frame import Frame
from .base import Sink
from .latest_jpeg import LatestJpeg

LOCAL_HOST = "127.0.0.1"
JPEG_QUALITY = 85
MAX_CONNECTIONS = 16

_REQUEST_SECONDS = 5.0  # for a client to ask
_SEND_SECONDS = 5.0  # for a client to take one picture; who needs longer is dropped
_FIRST_PICTURE_SECONDS = 5.0
_REPEAT_SECONDS = 1.0  # a still picture is sent again, which tells who has gone
_MAX_REQUEST_BYTES = 16 * 1024
_SEND_BUFFER_BYTES = 128 * 1024  # about one picture: in a larger one old pictures would queue up

_BOUNDARY = "frame"
_PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>realtime-adain</title>
<style>
  html, body { height: 100%; margin: 0; background: #000; }
  img { display: block; width: 100%; height: 100%; object-fit: contain; }
</style>
<img src="/stream.mjpg" alt="The live picture">
</html>
"""
_HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `PORT`, `HOST:PORT` or `[IPV6]:PORT`; without a host 127.0.0.1.

    Raises:
        ValueError: it is none of them, or the port is not 0..65535 (0 for any free one).
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not (port.isascii() and port.isdigit() and int(port) <= 65535) or text.startswith(":"):
        raise ValueError(f"must be PORT or HOST:PORT with a port up to 65535, got {text!r}")
    return host or LOCAL_HOST, int(port)


class MjpegServerSink(Sink):
    """Serves the newest frame at `/`, `/stream.mjpg` and `/frame.jpg`, from threads of its own.

    Each reader is sent the newest picture as soon as it has taken the last one, so a slow reader
    sees fewer pictures and never old ones.

    Args:
        host: name or address of this machine at which to listen; `0.0.0.0` for all.
        port: 1..65535, or 0 for any free one.
        quality: of the JPEGs, 1..100.
        max_connections: how many are served at a time; one more is answered 503.

    Attributes:
        url: where to look at it.

    Raises:
        SinkError: the port is in use, or the host is not this machine's.
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        host: str = LOCAL_HOST,
        port: int = 0,
        *,
        quality: int = JPEG_QUALITY,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be 0 to 65535, got {port}")
        if not 1 <= quality <= 100:
            raise ValueError(f"quality must be 1 to 100, got {quality}")
        if max_connections < 1:
            raise ValueError(f"max_connections must be at least 1, got {max_connections}")
        try:
            self._server = _Server(host, port, max_connections)
        except OSError as error:
            raise SinkError(_why_not(host, port, error)) from error
        self.url = _make_url(host, self._server.server_address[1])
        self._pictures = self._server.pictures = LatestJpeg(quality)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="server", daemon=True
        )
        self._thread.start()

    def write(self, frame: Frame) -> None:
        """Show a frame, whose pixels must not change afterwards; returns at once.

        Raises:
            SinkError: an earlier frame could not be encoded.
        """
        self._pictures.put(frame)

    def close(self) -> None:
        """Send every reader away; all threads have ended on return. May be called twice."""
        self._server.shutdown()
        self._thread.join()
        self._pictures.close()
        self._server.server_close()


class _Server(TCPServer):
    """Accepts connections and gives each a thread, as many as there may be.

    The threads are counted by the one that accepts, and by `server_close` when that has ended.
    """

    allow_reuse_address = os.name != "nt"  # on Windows it would let two programs share a port
    request_queue_size = 128
    pictures: LatestJpeg

    def __init__(self, host: str, port: int, max_connections: int) -> None:
        self._max_connections = max_connections
        self._readers: dict[threading.Thread, socket.socket] = {}
        name = socket.gethostname().lower()
        self._own_names = {"localhost", host.lower(), name, f"{name}.local"}
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)

    def is_own_host(self, host: str) -> bool:
        """Return whether a `Host` header names this machine and cannot be a foreign page's."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
        except ValueError:
            return False
        return name in self._own_names or _is_address(name)

    def process_request(self, request: socket.socket, client_address: object) -> None:
        self._readers = {t: connection for t, connection in self._readers.items() if t.is_alive()}
        if len(self._readers) >= self._max_connections:
            _turn_away(request)
            self.shutdown_request(request)
            return
        reader = threading.Thread(
            target=self._serve, args=(request, client_address), name="reader", daemon=True
        )
        reader.start()
        self._readers[reader] = request

    def server_close(self) -> None:
        super().server_close()
        for connection in self._readers.values():
            with suppress(OSError):  # it has gone already
                connection.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
        for reader in self._readers:
            reader.join()

    def _serve(self, request: socket.socket, client_address: object) -> None:
        try:
            with suppress(OSError):  # the client has gone, or was too slow
                self.finish_request(request, client_address)
        finally:
            self.shutdown_request(request)


class _Handler(BaseHTTPRequestHandler):
    """Answers the one request of a connection."""

    server: _Server
    default_request_version = "HTTP/1.0"  # what cannot be read is answered with a status too
    timeout = _SEND_SECONDS
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        head = _read_head(self.connection)
        if head is not None:
            self.connection.settimeout(_SEND_SECONDS)
            self.rfile = io.BytesIO(head)
            super().handle()

    def do_GET(self) -> None:
        answers = {
            "/": self._send_page,
            "/frame.jpg": self._send_picture,
            "/stream.mjpg": self._send_stream,
        }
        hosts = self.headers.get_all("Host", [])
        answer = answers.get(self.path.partition("?")[0])
        if len(hosts) != 1:
            self.send_error(400)
        elif not self.server.is_own_host(hosts[0]) or self._is_from_another_page(hosts[0]):
            self.send_error(403)
        elif answer is None:
            self.send_error(404)
        else:
            answer()

    do_HEAD = do_GET

    def _is_from_another_page(self, host: str) -> bool:
        origin = self.headers.get("Origin")
        site = self.headers.get("Sec-Fetch-Site", "none")
        return origin not in {None, f"http://{host}"} or site not in {"none", "same-origin"}

    def _send_page(self) -> None:
        self._send(200, "text/html; charset=utf-8", _PAGE)

    def _send_picture(self) -> None:
        with self.server.pictures.watching():
            found = self.server.pictures.get(timeout=_FIRST_PICTURE_SECONDS)
        _, jpeg = found or (0, b"")
        if jpeg:
            self._send(200, "image/jpeg", jpeg)
        else:
            self.send_error(503)

    def _send_stream(self) -> None:
        """Send picture after picture, until the reader or this program goes.

        The boundary comes right behind a picture, because some browsers show it only then.
        """
        self._start(200, f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        if self.command == "HEAD":
            return
        self.wfile.write(b"--%s\r\n" % _BOUNDARY.encode())
        pictures, number = self.server.pictures, None
        with pictures.watching():
            while (found := pictures.get(number, _REPEAT_SECONDS)) is not None:
                number, jpeg = found
                if jpeg:
                    self.wfile.write(_part(jpeg))

    def _send(self, status: int, content_type: str, content: bytes) -> None:
        self._start(status, content_type, {"Content-Length": str(len(content))})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _start(self, status: int, content_type: str, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": content_type, **_HEADERS, **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with a status alone: nothing of what the client has sent goes back to it."""
        status = HTTPStatus(code)
        self._send(status, "text/plain", f"{status.value} {status.phrase}\n".encode())

    def version_string(self) -> str:
        """Name the program in the header `Server`, but not what it runs on."""
        return "realtime-adain"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: whoever can reach the port could fill the terminal."""


def _read_head(connection: socket.socket) -> bytes | None:
    """Return a request up to its empty line; None where it does not end in time or is too long.

    Raises:
        OSError: the client has gone or is silent.
    """
    deadline = time.monotonic() + _REQUEST_SECONDS
    head = b""
    while b"\r\n\r\n" not in head and b"\n\n" not in head:
        left = deadline - time.monotonic()  # for all of it, or one byte now and then would do
        if left <= 0 or len(head) > _MAX_REQUEST_BYTES:
            return None
        connection.settimeout(left)
        part = connection.recv(4096)
        if not part:
            return None
        head += part
    return head


def _turn_away(connection: socket.socket) -> None:
    """Answer 503 without waiting for anything."""
    connection.setblocking(False)
    with suppress(OSError):
        connection.send(b"HTTP/1.0 503 Service Unavailable\r\nConnection: close\r\n\r\n")
        connection.recv(_MAX_REQUEST_BYTES)  # what is left unread would turn it into a reset


def _part(jpeg: bytes) -> bytes:
    """Return a picture as a part of the stream, behind the boundary and with the next one."""
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + f"\r\n--{_BOUNDARY}\r\n".encode()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _make_url(host: str, port: int) -> str:
    if host in {"0.0.0.0", "::"}:
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; choose another"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{host} is no address of this machine; try {LOCAL_HOST} or 0.0.0.0"
    return f"port {port} of {host} cannot be served ({error.strerror})"
