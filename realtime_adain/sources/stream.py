"""Live streams by their address, through FFmpeg."""

from __future__ import annotations

import time
from collections.abc import Iterator

import av

from ..errors import SourceError
from ..frame import Frame
from .base import Source

TIMEOUT_SECONDS = 5.0
"""How long to wait for the address to answer, and for each next piece of the stream."""


class StreamSource(Source):
    """An http(s), rtsp or rtmp stream, decoded as it arrives.

    The frames of a stream without an end are stamped when they are decoded. What has an end is a
    file on a server: it is not `live`, and its frames have the time since its beginning.

    Args:
        address: URL of the stream.

    Raises:
        SourceError: the address does not answer in time or is no video.
    """

    def __init__(self, address: str) -> None:
        self.name = address
        asked = time.perf_counter()
        # Over TCP, because one lost UDP packet spoils the picture until the next key frame.
        options = {"rtsp_transport": "tcp"} if address.lower().startswith("rtsp") else {}
        try:
            self._container = av.open(address, options=options, timeout=TIMEOUT_SECONDS)
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"{address}: cannot be opened ({_reason(error, asked)})") from error
        if not self._container.streams.video:
            self._container.close()
            raise SourceError(f"{address}: holds no video")
        self.live = self._container.duration is None
        stream = self._container.streams.video[0]
        stream.codec_context.flags |= av.codec.context.Flags.low_delay
        self.size_hw = (stream.codec_context.height, stream.codec_context.width)
        self.frame_rate = stream.average_rate or None

    def __iter__(self) -> Iterator[Frame]:
        asked = time.perf_counter()
        try:
            for frame in self._container.decode(video=0):
                pixels = frame.to_ndarray(format="rgb24")
                asked = time.perf_counter()
                yield Frame(pixels, asked if self.live else frame.time or 0.0)
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"{self.name}: broke off ({_reason(error, asked)})") from error

    def close(self) -> None:
        self._container.close()


def _reason(error: Exception, asked: float) -> str:
    """Return what went wrong; after the timeout FFmpeg itself tells many things, none of help."""
    if time.perf_counter() - asked >= TIMEOUT_SECONDS:
        return f"no answer in {TIMEOUT_SECONDS:g} s"
    return getattr(error, "strerror", None) or str(error)
