"""Sound, subtitles and the like, copied packet for packet from one file into another."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.stream import Discard, Disposition, Stream

from ..containers import demux, open_container
from ..errors import SinkError
from .reencoded_sound import ReencodedSound

_TOLD_BY_THE_CONTAINER = {"major_brand", "minor_version", "compatible_brands", "encoder"}

_TOLD_OF_PICTURES = {"language", "title"}
"""Of what is written about a video stream; the rest is about its packets."""

# What an edit list cuts off at the beginning is left out, but for what the sound's decoder needs
# to get going.
_PREROLL = Fraction(1, 10)


class StreamCopy:
    """All streams of a file but its video and its data, with its metadata and chapters, and with
    what is written about the video.

    Sound that the output's container cannot hold is encoded anew.

    Data streams (time codes, measurements of the camera) are about the recording as it was. The
    file is read along with the writing, so that memory stays bounded however long it is. Where
    it breaks off, the copy ends.

    Args:
        path: the file to copy from.
        output: the container to copy into, not yet started; its first stream is the new video.
        audio: whether the sound is copied too.

    Attributes:
        start: seconds at which the file begins; everything is moved to begin at 0, as broadcast
            recordings begin at any hour of the day.
        left_out: the streams that are not copied although they were wanted, in words.
        lost_packets: how many packets could not be copied.

    Raises:
        SinkError: the file cannot be read.
    """

    def __init__(self, path: Path, output: OutputContainer, *, audio: bool = True) -> None:
        try:
            self._input = open_container(path)
        except (av.FFmpegError, OSError) as error:
            raise SinkError(f"{path}: cannot be copied from ({error.strerror})") from error
        self.start = Fraction(max(0, self._input.start_time or 0), av.time_base)
        self.left_out: list[str] = []
        self.lost_packets = 0
        self._output = output
        self._copies: dict[int, Stream] = {}
        self._reencoded: dict[int, ReencodedSound] = {}
        self._copy_metadata()
        for stream in self._input.streams:
            if self._is_wanted(stream) and (audio or stream.type != "audio"):
                self._add(stream)
            if not self._is_taken(stream.index):
                stream.discard = Discard.all  # is not even read
        self._packets = demux(self._input) if self._copies or self._reencoded else iter(())
        self._next = self._read()

    def mux_until(self, seconds: Fraction | None) -> None:
        """Write the packets up to a decoding time, counted from `start`; None for all."""
        while self._next is not None and (seconds is None or self._time(self._next) <= seconds):
            if self._next.stream_index in self._reencoded:
                self._reencode(self._reencoded[self._next.stream_index], self._next)
            else:
                self._copy(self._next)
            self._next = self._read()
        if self._next is None:
            for sound in self._reencoded.values():
                self._reencode(sound, None)
            self._reencoded.clear()

    def close(self) -> None:
        """Close the file that is copied from; may be called twice."""
        self._input.close()

    def _copy_metadata(self) -> None:
        for key, value in self._input.metadata.items():
            if key not in _TOLD_BY_THE_CONTAINER:
                self._output.metadata[key] = value
        before, now = self._input.streams.best("video"), self._output.streams[0]
        now.metadata.update({k: v for k, v in before.metadata.items() if k in _TOLD_OF_PICTURES})
        now.disposition = before.disposition
        chapters = self._input.chapters()
        for chapter in chapters:
            shift = round(self.start / (chapter["time_base"] or 1))
            chapter["start"], chapter["end"] = chapter["start"] - shift, chapter["end"] - shift
        self._output.set_chapters(chapters)

    def _is_wanted(self, stream: Stream) -> bool:
        if stream.type == "data":
            # In MP4 the chapters are also a stream; the muxer makes it anew. A time code's only
            # number is among the metadata.
            is_chapters = stream.name == "bin_data" and self._input.chapters()
            return not is_chapters and "timecode" not in stream.metadata
        return stream is not self._input.streams.best("video")

    def _is_taken(self, index: int) -> bool:
        return index in self._copies or index in self._reencoded

    def _add(self, stream: Stream) -> None:
        if not _can_hold(self._output.format.name, stream):
            if self._add_reencoded(stream):
                return
            codec = stream.codec_context
            name = codec.name if codec is not None else getattr(stream, "name", None)
            self.left_out.append(f"{stream.type} stream {stream.index} ({name or 'unknown codec'})")
            return
        copy = self._output.add_stream_from_template(stream, opaque=True)
        copy.metadata.update(stream.metadata)
        copy.disposition = stream.disposition
        self._copies[stream.index] = copy

    def _add_reencoded(self, stream: Stream) -> bool:
        """Encode a stream anew, and return whether that is possible."""
        if stream.type != "audio" or stream.codec_context is None:
            return False
        try:
            self._reencoded[stream.index] = ReencodedSound(stream, self._output, self.start)
        except (av.FFmpegError, ValueError):
            return False
        return True

    def _read(self) -> av.Packet | None:
        """Return the next packet that is worth copying; None at the end."""
        try:
            for packet in self._packets:
                if self._is_taken(packet.stream_index) and self._is_worth_it(packet):
                    return packet
        except av.FFmpegError:  # the source of the pictures tells where the file breaks off
            pass
        return None

    def _is_worth_it(self, packet: av.Packet) -> bool:
        if not packet.size or packet.is_corrupt:
            return False
        if packet.stream.disposition & Disposition.attached_pic:  # a cover has no time
            packet.pts = packet.dts = round(self.start / packet.time_base)
        if packet.dts is None:  # as Matroska's first packets of other pictures with B-frames
            self.lost_packets += 1
            return False
        return not packet.is_discard or self._time(packet) >= -_PREROLL

    def _time(self, packet: av.Packet) -> Fraction:
        return packet.dts * packet.time_base - self.start

    def _reencode(self, sound: ReencodedSound, packet: av.Packet | None) -> None:
        try:
            packets = sound.packets(packet)
        except av.FFmpegError:
            self.lost_packets += 1
            return
        self._output.mux(packets)

    def _copy(self, packet: av.Packet) -> None:
        shift = round(self.start / packet.time_base)
        packet.dts -= shift
        if packet.pts is not None:
            packet.pts -= shift
        packet.stream = self._copies[packet.stream_index]
        try:
            self._output.mux(packet)
        except av.FFmpegError:  # of damaged files: times that run backwards, headers that lie
            self.lost_packets += 1


def _can_hold(format_name: str, stream: Stream) -> bool:
    """Return whether a container takes a stream; the surest way is to let it write a header."""
    if stream.type == "data":
        return False
    if stream.type == "attachment" and format_name == "webm":
        return False  # its header takes them, and they are not in the file
    if format_name == "mp4" and stream.type == "audio" and stream.name.startswith("pcm_"):
        return False  # it may be there, but most players do not look for it
    try:
        with av.open(io.BytesIO(), "w", format=format_name) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True
