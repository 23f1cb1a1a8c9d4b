"""Video files, through FFmpeg."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer

from ..errors import SinkError
from ..frame import Frame
from .base import Sink
from .encoding import USUAL_ENCODING, Encoding, VideoEncoder, VideoFormat
from .sound_track import Hearing, SoundTrack
from .stream_copy import StreamCopy

_H264 = "libx264"
_FORMATS = {
    ".m4v": ("mp4", _H264),
    ".mkv": ("matroska", _H264),
    ".mov": ("mov", _H264),
    ".mp4": ("mp4", _H264),
    ".webm": ("webm", "libvpx-vp9"),
}
"""By suffix: FFmpeg's container, which can time each frame on its own, and its usual codec."""

# What makes a container readable while it grows: MP4 in fragments, which `close` joins to an
# ordinary file, Matroska in short clusters; nothing is kept back in the program's memory.
_FRAGMENTS = {"movflags": "hybrid_fragmented", "frag_duration": "500000", "flush_packets": "1"}
_CLUSTERS = {"cluster_time_limit": "500", "flush_packets": "1"}
_CRASH_SAFE_OPTIONS = {
    "mp4": _FRAGMENTS,
    "mov": _FRAGMENTS,
    "matroska": _CLUSTERS,
    "webm": _CLUSTERS,
}

_LIVE_TIME_BASE = Fraction(1, 90_000)
_USUAL_FRAME_RATE = Fraction(25)


class VideoFileSink(Sink):
    """Writes frames to a video file, each at its own time, in BT.709.

    The file grows under a hidden name beside its place and gets its own name in `close`, so an
    older file is replaced by a complete one or not at all.

    A `crash_safe` file grows under a visible name, `out.part.mp4` for `out.mp4`, and plays at any
    moment: when the program is killed, all but its last second is there.

    Args:
        path: where to write; the suffix names the container.
        size_hw: height and width in pixels of all frames.
        frame_rate: nominal frames per second; None where it is not known.
        time_base: unit of the frames' `pts` in seconds; None to go by their `time`, as with frames
            of live sources, which need not begin at 0.
        pixel_aspect: width of a pixel divided by its height.
        copy_from: video file whose other streams, metadata and chapters are copied.
        copy_audio: whether its sound is copied too.
        encoding: codec and quality; `prompt` for a crash-safe file, or it loses more than a second.
        crash_safe: whether what is written survives the program's end by force.
        hearing: what brings sound to go with frames that are timed by their `time`; None for none.

    Attributes:
        path: as given.

    Raises:
        SinkError: unknown suffix, missing or read-only folder, the output is `copy_from`, unknown
            codec, or one that does not fit the container, the size or the options.
        ValueError: crf is out of range.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        size_hw: tuple[int, int],
        frame_rate: Fraction | None,
        time_base: Fraction | None = None,
        pixel_aspect: Fraction = Fraction(1),
        copy_from: str | os.PathLike[str] | None = None,
        copy_audio: bool = True,
        encoding: Encoding = USUAL_ENCODING,
        crash_safe: bool = False,
        hearing: Hearing | None = None,
    ) -> None:
        self.path = Path(path)
        self._check_path(None if copy_from is None else Path(copy_from))
        self._goes_by_pts = time_base is not None
        self._video = VideoFormat(
            size_hw, frame_rate or _USUAL_FRAME_RATE, time_base or _LIVE_TIME_BASE, pixel_aspect
        )
        self._first_time: float | None = None
        self._last_pts: int | None = None
        self._copy: StreamCopy | None = None
        self._sound: SoundTrack | None = None
        self._crash_safe = crash_safe
        self._target = self.path.resolve()  # a link stays a link
        self._part = _visible_part(self._target) if crash_safe else _hidden_part(self._target)
        format_name, usual_codec = _FORMATS[self.path.suffix.lower()]
        self._container: OutputContainer | None = av.open(
            f"file:{self._part}",
            "w",
            format=format_name,
            options=_CRASH_SAFE_OPTIONS[format_name] if crash_safe else {},
        )
        try:
            codec = encoding.codec or usual_codec
            self._encoder = VideoEncoder(self._container, codec, encoding, self._video)
            if copy_from is not None:
                self._copy = StreamCopy(Path(copy_from), self._container, audio=copy_audio)
            if hearing is not None:
                self._sound = SoundTrack(self._container, hearing)
            with self._naming_the_file():
                if crash_safe:  # FFmpeg crashes where such a file is closed without a picture
                    self._part.touch()
                else:
                    self._container.start_encoding()  # only now there is a file
        except BaseException:
            self.abort()
            raise

    @property
    def left_out(self) -> list[str]:
        """The streams of `copy_from` that are not copied although they were wanted, in words."""
        return [] if self._copy is None else self._copy.left_out

    @property
    def lost_packets(self) -> int:
        """How many packets of the copied streams the container has refused."""
        return 0 if self._copy is None else self._copy.lost_packets

    def write(self, frame: Frame) -> None:
        """Encode a frame. One that is not later than the last comes one tick after it.

        Raises:
            SinkError: it has another size, the file cannot be written or is closed.
        """
        if self._container is None:
            raise SinkError(f"{self.path}: is closed")
        if frame.size_hw != self._video.size_hw:
            height, width = self._video.size_hw
            raise SinkError(
                f"{self.path}: frames must be {width}x{height}, "
                f"got {frame.size_hw[1]}x{frame.size_hw[0]}"
            )
        pts = self._pts(frame)
        with self._naming_the_file():
            self._mux(self._encoder.encode(frame.pixels, pts))
            self._mux_sound()
        self._last_pts = pts

    def close(self) -> None:
        """Write what is left and give the file its name; may be called twice.

        Raises:
            SinkError: it cannot be finished, or there was no frame; then nothing is left of it,
                but of a crash-safe file what had been written before.
        """
        if self._container is None:
            return
        try:
            if self._last_pts is None:
                raise SinkError(f"{self.path}: no frame came, so nothing is written")
            with self._naming_the_file():
                self._mux(self._encoder.flush())
                self._mux_sound()
                if self._sound is not None:
                    self._container.mux(self._sound.flush())
                if self._copy is not None:
                    self._copy.mux_until(None)
                self._container.close()
                os.replace(self._part, self._target)
        except SinkError as error:
            if not self._crash_safe or self._last_pts is None:
                raise
            self._let_go()
            raise SinkError(f"{error}; what came before is in {self._part.name}") from error
        finally:
            self.abort()  # after success there is nothing left to drop

    def abort(self) -> None:
        """Leave nothing behind; does nothing once the file is finished."""
        if self._container is not None:
            self._let_go()
            self._part.unlink(missing_ok=True)

    def _let_go(self) -> None:
        """Close what is open, whether or not the file can be finished."""
        container, self._container = self._container, None
        if self._copy is not None:
            self._copy.close()
        with suppress(av.FFmpegError, OSError):  # there is nothing left to save
            container.close()

    def _check_path(self, copy_from: Path | None) -> None:
        path = self.path
        if path.suffix.lower() not in _FORMATS:
            known = " ".join(_FORMATS)
            raise SinkError(f"{path}: unknown video suffix {path.suffix!r}, known are {known}")
        if path.is_dir():
            raise SinkError(f"{path}: is a folder")
        if not path.parent.is_dir():
            raise SinkError(f"{path}: the folder {path.parent} does not exist")
        if not os.access(path.resolve().parent, os.W_OK):
            raise SinkError(f"{path}: the folder {path.parent} cannot be written to")
        if copy_from is not None and path.exists() and path.samefile(copy_from):
            raise SinkError(f"{path}: the output is the input; name another file")

    def _pts(self, frame: Frame) -> int:
        """Return the time of a frame in ticks, from 0 on, never twice the same."""
        time_base = self._video.time_base
        if self._goes_by_pts and frame.pts is not None:
            start = self._copy.start if self._copy is not None else 0
            pts = frame.pts - round(start / time_base)
        else:
            if self._first_time is None:
                self._first_time = frame.time
            pts = round((frame.time - self._first_time) / time_base)
        return pts if self._last_pts is None else max(pts, self._last_pts + 1)

    def _mux(self, packets: list[av.Packet]) -> None:
        """Write packets of the video, after the copied ones that are due before them."""
        for packet in packets:
            if self._copy is not None:
                self._copy.mux_until(packet.dts * packet.time_base)
            self._container.mux(packet)

    def _mux_sound(self) -> None:
        """Write what was heard since the last time."""
        if self._sound is not None:
            self._container.mux(self._sound.packets(self._first_time))

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise SinkError(f"{self.path}: cannot be written ({error.strerror})") from error


def _hidden_part(target: Path) -> Path:
    """Return a name beside the target that nobody has or sees."""
    return target.with_name(f".{target.stem}-{secrets.token_hex(4)}{target.suffix}")


def _visible_part(target: Path) -> Path:
    """Return a free name beside the target that tells what it is and can be played."""
    part = target.with_name(f"{target.stem}.part{target.suffix}")
    number = 2
    while part.exists():  # what an earlier crash has left is somebody's recording
        part = target.with_name(f"{target.stem}.part-{number}{target.suffix}")
        number += 1
    return part
