"""Video files, through FFmpeg."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import ThreadType
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from ..containers import demux, open_container
from ..errors import SourceError
from ..frame import FILM_FRAME_RATE, Frame
from .base import Source
from .rgb import RGBConverter, pixel_aspect_of

_LARGEST_FRAME_RATE = 1000
"""What some headers have beyond is the rate of a clock."""

_MISSING_SECONDS = 1.0
"""How much earlier than announced a file may end before it counts as cut off."""

# Only these write their length down; elsewhere it is guessed from what is there.
_FORMATS_WITH_LENGTH = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}


class VideoFileSource(Source):
    """The frames of a video file, upright, as fast as they are read.

    Each iteration opens the file anew and closes it at its end. Packets that cannot be decoded are
    left out. Of a file that is cut off, all frames that can be decoded are given before the error;
    in formats that do not say how long they are (transport streams, raw video) that cannot be told
    from the end.

    Args:
        path: any file that FFmpeg can read. The video is the best of its streams.
        hwaccel: device that decodes, one of FFmpeg's names, such as `cuda` or `videotoolbox`;
            where it cannot, or there is none, the processor does. None for the processor.
        square_pixels: whether pixels that are not square are made so.

    Attributes:
        path: the file.
        time_base: unit of the frames' `pts`, in seconds.
        frame_count: number of frames, often an estimate; None where nothing tells.
        duration: length in seconds; None where nothing tells.
        pixel_aspect: width of a pixel of the frames divided by its height.
        accelerated: whether the device decodes.
        transparent: whether the pictures have an opacity, which is not read.
        damaged_packets: how many packets the last iteration could not decode.

    Raises:
        SourceError: no such file, no video in it, or not one frame that can be decoded.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        hwaccel: str | None = None,
        square_pixels: bool = False,
    ) -> None:
        self.path = Path(path)
        self._hwaccel = hwaccel
        self._square_pixels = square_pixels
        self.name = str(path)
        self.damaged_packets = 0
        if self.path.is_fifo() or self.path.is_char_device():
            raise SourceError(f"{self.name}: is no file; a film is read more than once")
        with self._open() as container:
            video = _video_stream(container)
            first = next(self._decode(container), None)
            if first is None:
                raise SourceError(f"{self.name}: not one frame can be decoded")
            self.accelerated = video.codec_context.is_hwaccel
            self.transparent = _has_opacity(first, video)
            converter = self._converter(first, video)
            self.size_hw = converter.size_hw
            self.time_base = video.time_base
            rates = [video.average_rate, video.guessed_rate]
            if first.pts is None:  # raw video: the average is of no times at all
                rates.reverse()
            self.frame_rate = next((r for r in rates if r and r <= _LARGEST_FRAME_RATE), None)
            self.duration = _duration(container, video)
            self.frame_count = video.frames or self._estimate_frames()
            aspect = Fraction(1) if square_pixels else pixel_aspect_of(video)
            self.pixel_aspect = 1 / aspect if converter.turned else aspect

    def __iter__(self) -> Iterator[Frame]:
        step = max(1, round(1 / ((self.frame_rate or FILM_FRAME_RATE) * self.time_base)))
        first_pts, next_pts, converter = 0, 0, None
        self.damaged_packets = 0
        with self._open() as container:
            for picture in self._decode(container):
                pts = picture.pts if picture.pts is not None else next_pts  # raw video has no times
                next_pts = pts + step
                if converter is None:
                    converter = self._converter(picture, _video_stream(container))
                    first_pts = pts
                seconds = float((pts - first_pts) * self.time_base)
                pixels = self._convert(converter, picture)
                yield Frame(pixels, seconds, pts, picture.duration or None)

    def close(self) -> None:
        """Do nothing: the file is open only while an iteration lasts."""

    def _open(self) -> InputContainer:
        if self.path.is_dir():
            raise SourceError(f"{self.name}: is a folder, not a video")
        if not self.path.exists():
            raise SourceError(f"{self.name}: no such file")
        try:
            container = self._open_on_device() or open_container(self.path)
        except (av.FFmpegError, OSError) as error:
            reason = error.strerror
            raise SourceError(f"{self.name}: not a video that can be read ({reason})") from error
        video = _video_stream(container)
        if video is None or video.codec_context is None:
            problem = "holds no video" if video is None else "is of a codec that cannot be decoded"
            container.close()
            raise SourceError(f"{self.name}: {problem}")
        video.thread_type = ThreadType.AUTO
        return container

    def _open_on_device(self) -> InputContainer | None:
        """Return the file opened for decoding on the device; None where that fails."""
        if self._hwaccel is None:
            return None
        try:
            return open_container(self.path, hwaccel=HWAccel(self._hwaccel))
        except (av.FFmpegError, OSError, ValueError):
            self._hwaccel = None  # what is wrong with the file, the processor will tell
            return None

    def _decode(self, container: InputContainer) -> Iterator[av.VideoFrame]:
        """Yield the pictures that can be decoded, then raise SourceError if the file is cut off."""
        video = _video_stream(container)
        length = _written_length(container)
        reached = 0.0
        times: list[int] | None = [] if container.format.name == "avi" else None
        ends_damaged = False
        try:
            for packet in demux(container):
                is_flush = packet.dts is None and not packet.size
                reached = max(reached, _end_seconds(packet, container))
                if packet.stream is not video or not (packet.size or is_flush):
                    continue
                pictures = _decode_packet(packet)
                if not is_flush:
                    ends_damaged = pictures is None
                    self.damaged_packets += ends_damaged
                    if times is not None and not ends_damaged:
                        heapq.heappush(times, packet.dts)
                for picture in pictures or ():
                    if times:  # an AVI says only when each packet is due, not each picture
                        picture.pts = heapq.heappop(times)
                    yield picture
        except av.FFmpegError as error:
            reason = error.strerror
            raise SourceError(f"{self.name}: breaks off at {reached:.1f} s ({reason})") from error
        if length is not None and length - reached > _MISSING_SECONDS:
            raise SourceError(f"{self.name}: breaks off at {reached:.1f} s of {length:.1f} s")
        if ends_damaged:
            raise SourceError(f"{self.name}: breaks off at {reached:.1f} s")

    def _converter(self, first: av.VideoFrame, video: VideoStream) -> RGBConverter:
        aspect = pixel_aspect_of(video) if self._square_pixels else Fraction(1)
        return RGBConverter(first, aspect)

    def _convert(self, converter: RGBConverter, picture: av.VideoFrame) -> np.ndarray:
        try:
            return converter.convert(picture)
        except av.FFmpegError as error:
            kind = f"{picture.format.name} pictures"
            raise SourceError(f"{self.name}: {kind} cannot be converted to RGB") from error

    def _estimate_frames(self) -> int | None:
        if self.duration is None or self.frame_rate is None:
            return None
        return max(1, round(self.duration * self.frame_rate))


def _video_stream(container: InputContainer) -> VideoStream | None:
    """Return the stream that players show; the cover picture of a song is none."""
    video = container.streams.best("video")
    if video is None or video.disposition & Disposition.attached_pic:
        return None
    return video


def _has_opacity(picture: av.VideoFrame, video: VideoStream) -> bool:
    """Return whether there is one, in the picture or, as in WebM, beside it."""
    beside = video.metadata.get("alpha_mode") == "1"
    return beside or any(component.is_alpha for component in picture.format.components)


def _decode_packet(packet: av.Packet) -> list[av.VideoFrame] | None:
    """Return the pictures that a packet completes; None where it is damaged."""
    if packet.is_corrupt:  # half a packet would take good pictures with it
        return None
    try:
        return packet.decode()
    except av.FFmpegError:
        return None


def _duration(container: InputContainer, video: VideoStream) -> float | None:
    if video.duration:
        return float(video.duration * video.time_base)
    return container.duration / av.time_base if container.duration else None


def _written_length(container: InputContainer) -> float | None:
    """Return the seconds that the file itself says it lasts; None where it does not say."""
    if container.format.name not in _FORMATS_WITH_LENGTH or not container.duration:
        return None
    # Matroska counts its length from zero, wherever the first packet is.
    before = max(0, container.start_time or 0) if "matroska" in container.format.name else 0
    return (container.duration - before) / av.time_base


def _end_seconds(packet: av.Packet, container: InputContainer) -> float:
    """Return the end of a packet in seconds since the beginning of the file."""
    time = packet.dts if packet.pts is None else packet.pts
    if time is None:
        return 0.0
    start = (container.start_time or 0) / av.time_base
    return float((time + (packet.duration or 0)) * packet.time_base) - start
