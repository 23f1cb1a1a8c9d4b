"""The file under a video that is being written: its container, its names and its end."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer

from ..errors import SinkError
from ..writing import free_path, put_in_place, why_not_writable
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

# What makes a container readable while it grows: MP4 in fragments, which `finish` joins to an
# ordinary file, Matroska in short clusters; nothing is kept back in the program's memory. Sound
# waits half a second for pictures; for those of VP9, FFmpeg lets it wait as long as it takes.
_AT_ONCE = {"flush_packets": "1", "max_interleave_delta": "500000"}
_FRAGMENTS = {"movflags": "hybrid_fragmented", "frag_duration": "500000", **_AT_ONCE}
_CLUSTERS = {"cluster_time_limit": "500", **_AT_ONCE}
_CRASH_SAFE_OPTIONS = {
    "mp4": _FRAGMENTS,
    "mov": _FRAGMENTS,
    "matroska": _CLUSTERS,
    "webm": _CLUSTERS,
}


class OutputFile:
    """A container that grows beside its place and gets its own name in `take_name`.

    So an older file is replaced by a complete one or not at all. Streams are added to `container`,
    the video first; then `copy_streams`, where wanted, and `begin`; then packets are muxed; then
    `finish` and `take_name`.

    Args:
        path: where to write; the suffix names the container.
        crash_safe: whether what is written survives the program's end by force: then it grows
            under a visible name, `out.part.mp4` for `out.mp4`, and plays at any moment. Else the
            name is hidden.

    Attributes:
        path: as given.
        part: the name under which it grows.
        container: to which streams are added; None once it is closed.
        usual_codec: FFmpeg's name of the encoder that suits the container.

    Raises:
        SinkError: unknown suffix, or a missing or read-only folder.
    """

    def __init__(self, path: Path, *, crash_safe: bool = False) -> None:
        check_video_path(path, replaces=not crash_safe)
        self.path = path
        self._crash_safe = crash_safe
        self._target = path.resolve()  # a link stays a link
        self.part = _visible_part(self._target) if crash_safe else _hidden_part(self._target)
        format_name, self.usual_codec = _FORMATS[path.suffix.lower()]
        self._copy: StreamCopy | None = None
        self.container: OutputContainer | None = av.open(
            f"file:{self.part}",
            "w",
            format=format_name,
            options=_CRASH_SAFE_OPTIONS[format_name] if crash_safe else {},
        )

    @property
    def start(self) -> Fraction:
        """Seconds at which the file begins that is copied from; 0 without one."""
        return Fraction(0) if self._copy is None else self._copy.start

    @property
    def left_out(self) -> list[str]:
        """The streams that are not copied although they were wanted, in words."""
        return [] if self._copy is None else self._copy.left_out

    @property
    def lost_packets(self) -> int:
        """How many packets of the other streams could not be copied."""
        return 0 if self._copy is None else self._copy.lost_packets

    def copy_streams(self, path: Path, *, audio: bool) -> None:
        """Let a video file's other streams, metadata and chapters be copied along.

        Args:
            path: the video file.
            audio: whether its sound is copied too.

        Raises:
            SinkError: it cannot be read, or it is the file to be written.
        """
        if self.path.exists() and self.path.samefile(path):
            raise SinkError(f"{self.path}: the output is the input; name another file")
        self._copy = StreamCopy(path, self.container, audio=audio)

    def begin(self) -> None:
        """Make the file; no stream can be added after it.

        Raises:
            SinkError: it cannot be written.
        """
        with self.errors_named():
            if self._crash_safe:  # FFmpeg crashes where such a file is closed without a picture
                self.part.touch()
            else:
                self.container.start_encoding()  # only now there is a file

    def mux(self, packets: Iterable[av.Packet]) -> None:
        """Write packets of the video, after the copied ones that are due before them.

        Raises:
            av.FFmpegError, OSError: they cannot be written.
        """
        for packet in packets:
            if self._copy is not None:
                self._copy.mux_until(packet.dts * packet.time_base)
            self.container.mux(packet)

    def finish(self) -> None:
        """Write what is left to be copied, and close the file, which is then complete.

        Raises:
            av.FFmpegError, OSError: it cannot be written.
        """
        if self._copy is not None:
            self._copy.mux_until(None)
        self.container.close()
        self.let_go()

    def take_name(self) -> Path:
        """Give the finished file its name and return that: in place of an older file, or, what is
        crash-safe and cannot be made again, under a numbered name beside it.

        Raises:
            SinkError: it cannot have it, as when the older file is open elsewhere on Windows; the
                finished file stays, and the message says where.
        """
        target = self._target
        if self._crash_safe:
            target = free_path(target.parent, target.stem, target.suffix)
        try:
            put_in_place(self.part, target)
        except OSError as error:
            raise SinkError(
                f"{self.path}: cannot be written ({error.strerror}); "
                f"the finished film is in {self.part}"
            ) from error
        return self.path if target == self._target else self.path.with_name(target.name)

    def let_go(self) -> None:
        """Close what is open, whether or not the file can be finished."""
        container, self.container = self.container, None
        if self._copy is not None:
            self._copy.close()
        if container is not None:
            with suppress(av.FFmpegError, OSError):  # there is nothing left to save
                container.close()

    def save_what_is_there(self) -> None:
        """Close what is open and cannot be finished, and see that it plays."""
        self.let_go()
        if _FORMATS[self.path.suffix.lower()][0] in ("mp4", "mov"):
            with suppress(OSError):
                cut_to_whole_boxes(self.part)

    def drop(self) -> None:
        """Leave nothing behind; does nothing once the file is finished or let go."""
        if self.container is not None:
            self.let_go()
            self.part.unlink(missing_ok=True)

    @contextmanager
    def errors_named(self) -> Iterator[None]:
        """Make a `SinkError` that names the file of what goes wrong in writing."""
        try:
            yield
        except SinkError:
            raise
        except (av.FFmpegError, OSError) as error:
            raise SinkError(f"{self.path}: cannot be written ({error.strerror})") from error


def check_video_path(path: Path, *, replaces: bool = True) -> None:
    """Raise SinkError unless a video can be written there, and of that kind; for `replaces` see
    `why_not_writable`."""
    if path.suffix.lower() not in _FORMATS:
        known = " ".join(_FORMATS)
        raise SinkError(f"{path}: unknown video suffix {path.suffix!r}, known are {known}")
    if reason := why_not_writable(path, replaces=replaces):
        raise SinkError(f"{path}: {reason}")


def cut_to_whole_boxes(path: Path) -> None:
    """Cut an MP4 file that breaks off where its last whole box ends: FFmpeg refuses a file that
    ends within the head of a fragment. Within pictures and sound one may end.

    Raises:
        OSError: it cannot be read or cut.
    """
    size, end = path.stat().st_size, 0
    with path.open("r+b") as file:
        while end < size:
            file.seek(end)
            head = file.read(16)
            length = int.from_bytes(head[:4])
            if length == 1:  # too large for four bytes
                length = int.from_bytes(head[8:])
            if head[4:8] == b"mdat" and end + length > size:
                return
            if length < 8 or end + length > size:
                break
            end += length
        file.truncate(end)


def _hidden_part(target: Path) -> Path:
    """Return a name beside the target that nobody has or sees."""
    return target.with_name(f".{secrets.token_hex(8)}{target.suffix}")


def _visible_part(target: Path) -> Path:
    """Return a free name beside the target that tells what it is and can be played."""
    # What an earlier crash has left is somebody's recording.
    return free_path(target.parent, f"{target.stem}.part", target.suffix)
