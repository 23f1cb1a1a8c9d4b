"""A video file that is written in pieces, so that work that ended early can be resumed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, TextIO

import av
from av.stream import Stream

from ..containers import open_container
from ..errors import SinkError
from ..frame import FILM_FRAME_RATE, Frame
from ..writing import locked
from .base import Sink
from .encoding import USUAL_ENCODING, Encoding
from .output_file import OutputFile
from .video_file import VideoFileSink

PIECE_FRAMES = 250
"""Frames of a piece: x264 begins anew that often by itself, and no more are lost by force."""

_TICKS_PER_SECOND = 10_000
"""At least; MP4 keeps times that fine, Matroska lets equal ones pass."""

_SETTINGS_NAME = "settings.json"


class ResumableSink(Sink):
    """Writes a video file whose frames survive the end of the program, in whatever way it ends.

    Beside the output, `out.mp4.pieces` for `out.mp4`, a folder of short complete videos grows;
    `close` joins them, packet for packet, and takes the folder away. A folder that is there
    already is resumed: its frames are `done`, and the first frame to write is the one after.

    Args:
        path: where to write; the suffix names the container.
        settings: what the frames depend on, by name; pieces made otherwise are refused.
        size_hw: height and width in pixels of all frames.
        frame_rate: nominal frames per second; None where it is not known.
        time_base: unit of the frames' `pts` in seconds.
        pixel_aspect: width of a pixel divided by its height.
        copy_from: video file whose other streams, metadata and chapters are copied.
        copy_audio: whether its sound is copied too.
        encoding: codec and quality.
        piece_frames: frames of a piece.

    Attributes:
        path: as given.
        folder: of the pieces.
        done: how many frames the folder held in the beginning.
        frames: how many it holds now, those of an unfinished piece apart.
        has_full_chroma: whether colour is kept at full size (4:4:4).
        left_out: the streams of `copy_from` that will not be copied although wanted, in words.
        lost_packets: how many packets of the other streams could not be copied.

    Raises:
        SinkError: the file cannot be written as wished, as with `VideoFileSink`; or the folder of
            pieces is damaged or was begun with other settings.
        ValueError: crf is out of range.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        settings: Mapping[str, object],
        size_hw: tuple[int, int],
        frame_rate: Fraction | None,
        time_base: Fraction,
        pixel_aspect: Fraction = Fraction(1),
        copy_from: str | os.PathLike[str] | None = None,
        copy_audio: bool = True,
        encoding: Encoding = USUAL_ENCODING,
        piece_frames: int = PIECE_FRAMES,
    ) -> None:
        self.path = Path(path)
        self.folder = self.path.with_name(f"{self.path.name}.pieces")
        self.lost_packets = 0
        self._frame_rate = frame_rate or FILM_FRAME_RATE
        self._time_base = time_base
        self._piece_frames = piece_frames
        self._of_a_piece = {
            "size_hw": size_hw,
            "frame_rate": frame_rate,
            "time_base": time_base,
            "pixel_aspect": pixel_aspect,
            "encoding": encoding,
        }
        self._copying = None if copy_from is None else (Path(copy_from), copy_audio)
        whole = VideoFileSink(
            self.path, copy_from=copy_from, copy_audio=copy_audio, **self._of_a_piece
        )
        self.has_full_chroma = whole.has_full_chroma
        self.left_out = whole.left_out
        whole.abort()  # it was opened for its complaints
        self._lock = self._prepare_folder(settings)
        try:
            self.done = self.frames = self._count_frames()
        except BaseException:
            self._lock.close()
            raise
        self._piece: VideoFileSink | None = None
        self._piece_pts = 0
        self._closed = False

    def write(self, frame: Frame) -> None:
        """Encode a frame.

        Args:
            frame: with a `pts`.

        Raises:
            SinkError: it has another size, the piece cannot be written or the file is closed.
        """
        if self._closed:
            raise SinkError(f"{self.path}: is closed")
        if self._piece is None:
            self._piece_pts = frame.pts
            name = f"{self.frames:08d}_{frame.pts}{self.path.suffix}"
            self._piece = VideoFileSink(self.folder / name, **self._of_a_piece)
        self._piece.write(replace(frame, pts=frame.pts - self._piece_pts))
        if self._piece.frames == self._piece_frames:
            self._finish_piece()

    def close(self) -> None:
        """Join the pieces and take them away; may be called twice.

        Raises:
            SinkError: the file cannot be written, or there was no frame; the pieces stay.
        """
        if self._closed:
            return
        try:
            self._finish_piece()
            if not self.frames:
                raise SinkError(f"{self.path}: no frame came, so nothing is written")
            self._join()
        finally:
            self.abort()
        for piece in self._pieces():
            piece.path.unlink()
        self._remove_folder()

    def abort(self) -> None:
        """Keep what is painted in the pieces, for the next time; without a frame, nothing."""
        if self._closed:
            return
        self._closed = True
        with suppress(SinkError):  # what cannot be finished is dropped
            self._finish_piece()
        if not self.frames:
            self._remove_folder()
        self._lock.close()

    def _prepare_folder(self, settings: Mapping[str, object]) -> TextIO:
        """Make or check the folder; return what keeps other runs out of it until it is closed."""
        note = self.folder / _SETTINGS_NAME
        text = json.dumps(settings, indent=2, default=str)
        try:
            self.folder.mkdir(exist_ok=True)
            if not any(self.folder.iterdir()):
                note.write_text(text, encoding="utf-8")
            lock = locked(note)
        except BlockingIOError as error:
            raise SinkError(f"{self.folder}: another run is at work in it") from error
        except OSError as error:
            raise SinkError(f"{self.folder}: is no folder of pieces ({error.strerror})") from error
        try:
            self._check_settings(lock, json.loads(text))
        except BaseException:
            lock.close()
            raise
        for leftover in self.folder.glob(".*"):  # of the piece at which the program was killed
            leftover.unlink()
        return lock

    def _check_settings(self, note: TextIO, now: dict[str, object]) -> None:
        try:
            before = dict(json.load(note))
        except (TypeError, ValueError) as error:
            raise SinkError(f"{note.name}: is damaged; delete the folder") from error
        names = sorted(before.keys() | now.keys())
        if other := [name for name in names if before.get(name) != now.get(name)]:
            raise SinkError(
                f"{self.folder}: was begun with another {', '.join(other)}; "
                "take the same, or delete it"
            )

    def _remove_folder(self) -> None:
        self._lock.close()  # Windows removes no open file
        (self.folder / _SETTINGS_NAME).unlink(missing_ok=True)
        with suppress(OSError):  # whatever else somebody has put there stays
            self.folder.rmdir()

    def _finish_piece(self) -> None:
        piece, self._piece = self._piece, None
        if piece is not None:
            piece.close()
            self.frames += piece.frames

    def _pieces(self) -> list[_Piece]:
        """Return the finished pieces in their order."""
        pieces = []
        for path in sorted(self.folder.glob(f"[0-9]*{self.path.suffix}")):
            first, _, pts = path.stem.partition("_")
            pieces.append(_Piece(path, int(first), int(pts)))
        return pieces

    def _count_frames(self) -> int:
        """Return how many frames the pieces hold, none of which may be missing."""
        frames = 0
        for piece in self._pieces():
            if piece.first != frames:
                raise SinkError(f"{piece.path}: the piece before it is missing; delete it too")
            frames += _count(piece.path)
        return frames

    def _join(self) -> None:
        pieces = self._pieces()
        file = OutputFile(self.path)
        try:
            with file.errors_named():
                with open_container(pieces[0].path) as container:
                    like = container.streams.video[0]
                    stream = file.container.add_stream_from_template(like, opaque=True)
                    stream.codec_context.framerate = self._frame_rate
                    headers = like.codec_context.extradata
                if self._copying is not None:
                    file.copy_streams(self._copying[0], audio=self._copying[1])
                file.begin()
                file.mux(self._packets(pieces, stream, headers, file.start))
                file.finish()
            self.lost_packets = file.lost_packets
        finally:
            file.drop()
        file.take_name()

    def _packets(
        self, pieces: list[_Piece], stream: Stream, headers: bytes | None, start: Fraction
    ) -> Iterator[av.Packet]:
        """Yield all packets at their times in the whole.

        Args:
            headers: of the encoder, the same for all pieces.
            start: seconds in the source's time at which the whole begins.
        """
        # So fine that a step of one does not reach the next frame.
        ticks = math.ceil(_TICKS_PER_SECOND * self._time_base)
        tick = self._time_base / ticks
        origin = round(start / tick)
        last_pts = last_dts = pieces[0].pts * ticks - origin - round(1 / tick)
        for piece in pieces:
            shift = max(piece.pts * ticks - origin, last_pts + 1)
            for packet in _read(piece.path, headers):
                scale = packet.time_base / tick
                packet.pts = shift + round(packet.pts * scale)
                # To reorder its pictures, an encoder reaches back at the beginning of a piece:
                # perhaps too far for what is before it. Matroska does not even say how far.
                dts = last_dts if packet.dts is None else shift + round(packet.dts * scale)
                packet.dts = max(dts, last_dts + 1)
                packet.duration = round(packet.duration * scale)
                packet.time_base, packet.stream = tick, stream
                last_dts, last_pts = packet.dts, max(packet.pts, last_pts)
                yield packet


class _Piece(NamedTuple):
    """A finished piece: its file, the number of its first frame, and that frame's `pts`."""

    path: Path
    first: int
    pts: int


def _read(path: Path, headers: bytes | None = None) -> Iterator[av.Packet]:
    """Yield the packets of a piece; with `headers`, of one whose encoder had the same."""
    with open_container(path) as container:
        video = container.streams.video[0]
        if headers is not None and video.codec_context.extradata != headers:
            raise SinkError(f"{path}: is by another version of the encoder; delete it")
        for packet in container.demux(video):
            if packet.size:
                yield packet


def _count(path: Path) -> int:
    """Return the number of frames of a piece; MP4 tells it, Matroska is read."""
    try:
        with open_container(path) as container:
            told = container.streams.video[0].frames
        return told or sum(1 for _ in _read(path))
    except (av.FFmpegError, OSError, IndexError) as error:
        raise SinkError(f"{path}: cannot be read; delete it") from error
