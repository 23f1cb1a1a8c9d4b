"""Video files, through FFmpeg."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from ..errors import SinkError
from ..frame import FILM_FRAME_RATE, Frame
from .base import Sink
from .encoding import USUAL_ENCODING, Encoding, VideoEncoder, VideoFormat
from .output_file import OutputFile
from .sound_track import SoundSource, SoundTrack

_LIVE_TIME_BASE = Fraction(1, 90_000)


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
        encoding: codec and quality; `low_latency` for a crash-safe file, or it loses more than a
            second.
        crash_safe: whether what is written survives the program's end by force.
        sound_source: what brings sound to go with frames that are timed by their `time`; None for
            none.

    Attributes:
        path: as given, or what it is called in the end.
        frames: how many are written.

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
        sound_source: SoundSource | None = None,
    ) -> None:
        self.path = Path(path)
        self.frames = 0
        self._goes_by_pts = time_base is not None
        self._video = VideoFormat(
            size_hw, frame_rate or FILM_FRAME_RATE, time_base or _LIVE_TIME_BASE, pixel_aspect
        )
        self._first_time: float | None = None
        self._last_pts: int | None = None
        self._sound: SoundTrack | None = None
        self._failure: SinkError | None = None
        self._crash_safe = crash_safe
        self._file = OutputFile(self.path, crash_safe=crash_safe)
        try:
            container, codec = self._file.container, encoding.codec or self._file.usual_codec
            self._encoder = VideoEncoder(container, codec, encoding, self._video)
            if copy_from is not None:
                self._file.copy_streams(Path(copy_from), audio=copy_audio)
            if sound_source is not None:
                self._sound = SoundTrack(container, sound_source)
            self._file.begin()
        except BaseException:
            self.abort()
            raise

    @property
    def left_out(self) -> list[str]:
        """The streams of `copy_from` that are not copied although they were wanted, in words."""
        return self._file.left_out

    @property
    def has_full_chroma(self) -> bool:
        """Whether colour is kept at full size (4:4:4), which some players do not show."""
        return self._encoder.has_full_chroma

    @property
    def lost_packets(self) -> int:
        """How many packets of the other streams could not be copied."""
        return self._file.lost_packets

    def write(self, frame: Frame) -> None:
        """Encode a frame. One that is not later than the last comes one tick after it.

        Raises:
            SinkError: it has another size, the file cannot be written or is closed.
        """
        if self._file.container is None:
            raise SinkError(f"{self.path}: is closed")
        if frame.size_hw != self._video.size_hw:
            height, width = self._video.size_hw
            raise SinkError(
                f"{self.path}: frames must be {width}x{height}, "
                f"got {frame.size_hw[1]}x{frame.size_hw[0]}"
            )
        pts = self._pts(frame)
        try:
            with self._file.errors_named():
                self._file.mux(self._encoder.encode(frame.pixels, pts, frame.duration))
                self._mux_sound()
        except SinkError as error:
            self._failure = error
            raise
        self._last_pts = pts
        self.frames += 1

    def idle(self) -> None:
        """Write what was heard while no frame came.

        Raises:
            SinkError: the file cannot be written.
        """
        if self.frames:
            with self._file.errors_named():
                self._mux_sound()

    def close(self) -> None:
        """Write what is left and give the file its name; may be called twice.

        Raises:
            SinkError: it cannot be finished, or there was no frame; then nothing is left of it,
                but of a crash-safe file what had been written before. Or it cannot have its name;
                then it stays, finished, where the message says.
        """
        if self._file.container is None:
            return
        try:
            if not self.frames:
                nothing = SinkError(f"{self.path}: no frame came, so nothing is written")
                raise self._failure or nothing
            with self._file.errors_named():
                self._file.mux(self._encoder.flush())
                self._mux_sound()
                if self._sound is not None:
                    self._file.container.mux(self._sound.flush())
                self._file.finish()
        except SinkError as error:
            if not self._crash_safe or not self.frames:
                raise
            self._file.save_what_is_there()
            raise SinkError(f"{error}; what came before is in {self._file.part.name}") from error
        finally:
            self.abort()  # after success there is nothing left to drop
        self.path = self._file.take_name()

    def abort(self) -> None:
        """Leave nothing behind; does nothing once the file is finished."""
        self._file.drop()

    def _pts(self, frame: Frame) -> int:
        """Return the time of a frame in ticks, from 0 on, never twice the same."""
        time_base = self._video.time_base
        if self._goes_by_pts and frame.pts is not None:
            pts = frame.pts - round(self._file.start / time_base)
        else:
            if self._first_time is None:
                self._first_time = frame.time
            pts = round((frame.time - self._first_time) / time_base)
        return pts if self._last_pts is None else max(pts, self._last_pts + 1)

    def _mux_sound(self) -> None:
        """Write what was heard since the last time."""
        if self._sound is not None:
            self._file.container.mux(self._sound.packets(self._first_time))
