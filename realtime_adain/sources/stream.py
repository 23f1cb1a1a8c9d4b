"""Live streams by their address, through FFmpeg."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import chain

import av
from av.video.stream import VideoStream

from ..errors import SourceError
from ..frame import Frame
from .base import Source
from .packets import NewestPackets, read_packets
from .rgb import RGBConverter, pixel_aspect_of

TIMEOUT_SECONDS = 5.0
"""How long to wait for the address to answer, and for each next picture of the stream."""

_OPTIONS = {"analyzeduration": "1000000"}  # microseconds, not five seconds: it is all waiting
# Over TCP, because one lost UDP packet spoils the picture until the next key frame.
_RTSP_OPTIONS = {"rtsp_transport": "tcp"}

_IN_PIECES = {"hls", "dash"}  # seconds of video arrive at once, so their own times must pace them


class StreamSource(Source):
    """An http(s), rtsp or rtmp stream, decoded as it arrives.

    The frames of a live stream are stamped when their data arrive. It has no end: when the server
    ends it, that is an error. If decoding cannot keep up, pictures are left out, so that the delay
    does not grow. What has an end, or comes in pieces (HLS, DASH), is not `live`: its frames have
    the time since its beginning, and none is left out. Packets that cannot be decoded are skipped.

    Args:
        address: URL of the stream.

    Attributes:
        live: whether its frames come by the clock already, stamped when they arrive.

    Raises:
        SourceError: the address does not answer in time or is no video.
    """

    def __init__(self, address: str) -> None:
        self.name = address
        self._packets: NewestPackets | None = None
        options = _OPTIONS | (_RTSP_OPTIONS if address.lower().startswith("rtsp") else {})
        asked = time.perf_counter()
        try:
            self._container = av.open(address, options=options, timeout=TIMEOUT_SECONDS)
        except (av.FFmpegError, OSError) as error:
            late = time.perf_counter() - asked >= TIMEOUT_SECONDS
            reason = f"no answer in {TIMEOUT_SECONDS:g} s" if late else _reason(error)
            raise SourceError(f"{address}: cannot be opened ({reason})") from error
        try:
            self._video, self._first = self._open_video()
        except SourceError:
            self._container.close()
            raise
        self._converter = RGBConverter(self._first[0], pixel_aspect_of(self._video))
        self.size_hw = self._converter.size_hw
        self.frame_rate = self._video.average_rate or None
        is_endless = self._container.duration is None
        self.live = is_endless and not _IN_PIECES & set(self._container.format.name.split(","))

    def __iter__(self) -> Iterator[Frame]:
        try:
            yield from self._play_live() if self.live else self._play()
        except SourceError:
            raise
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"{self.name}: broke off ({_reason(error)})") from error

    def stop(self) -> None:
        if self._packets is not None:
            self._packets.stop()

    def close(self) -> None:
        if self._packets is not None:
            self._packets.close()
        self._container.close()

    def _open_video(self) -> tuple[VideoStream, list[av.VideoFrame]]:
        """Return the video and its first pictures."""
        if not self._container.streams.video:
            raise SourceError(f"{self.name}: holds no video")
        video = self._container.streams.video[0]
        video.codec_context.flags |= av.codec.context.Flags.low_delay
        asked = time.perf_counter()
        try:
            for packet in read_packets(self._container, video):
                if pictures := _decode(packet):
                    return video, pictures
                if time.perf_counter() - asked > TIMEOUT_SECONDS:
                    break
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"{self.name}: cannot be opened ({_reason(error)})") from error
        raise SourceError(f"{self.name}: not one picture can be decoded")

    def _play(self) -> Iterator[Frame]:
        start = self._first[0].time or 0.0
        later = map(_decode, read_packets(self._container, self._video))
        for picture in chain(self._first, chain.from_iterable(later)):
            yield Frame(self._converter.convert(picture), (picture.time or start) - start)

    def _play_live(self) -> Iterator[Frame]:
        decoded = time.perf_counter()
        yield Frame(self._converter.convert(self._first[-1]), decoded)
        self._packets = NewestPackets(self._container, self._video)
        for packet, arrived, is_old in self._packets:
            if pictures := _decode(packet):
                decoded = time.perf_counter()
            elif time.perf_counter() - decoded > TIMEOUT_SECONDS:
                raise SourceError(f"{self.name}: no picture in {TIMEOUT_SECONDS:g} s")
            if pictures and not is_old:
                yield Frame(self._converter.convert(pictures[-1]), arrived)
        if not self._packets.stopped:
            raise SourceError(f"{self.name}: the stream ended")


def _decode(packet: av.Packet) -> list[av.VideoFrame]:
    """Return the pictures that a packet completes; none where it is damaged."""
    try:
        return packet.decode()
    except av.FFmpegError:
        return []


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
