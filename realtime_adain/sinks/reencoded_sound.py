"""Sound of a file that the output's container cannot hold as it is: decoded and encoded anew."""

from __future__ import annotations

from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer

from .sound_track import SOUND_RATE, sound_codec

_LARGEST_JITTER = Fraction(1, 10)
"""Seconds from which on a frame that comes late leaves a gap, and one that comes early is left
out."""


_LAYOUTS = {1: "mono", 6: "5.1", 8: "7.1"}
"""By the number of channels; all others are mixed to stereo."""


class ReencodedSound:
    """A stream of sound in an output container, made of the packets of another one.

    Args:
        source: what is decoded; its file is the caller's.
        output: not yet started.
        start: seconds of the source's time that become 0; what ends before that is left out.

    Raises:
        FFmpegError: it cannot be decoded.
    """

    def __init__(self, source: AudioStream, output: OutputContainer, start: Fraction) -> None:
        source.codec_context.open(strict=False)
        layout = _LAYOUTS.get(source.codec_context.channels, "stereo")
        self._start = start
        self._end: Fraction | None = None  # of what has come so far, in seconds of the output
        self._source = source
        self._stream = output.add_stream(
            sound_codec(output.format.name), rate=SOUND_RATE, layout=layout
        )
        self._stream.metadata.update(source.metadata)
        self._stream.disposition = source.disposition
        context = self._stream.codec_context
        context.open()
        self._resampler = av.AudioResampler(
            context.format.name, layout, SOUND_RATE, frame_size=context.frame_size
        )

    def packets(self, packet: av.Packet | None) -> list[av.Packet]:
        """Return what is to be muxed of the next packet, or of what is kept back; None ends it.

        Raises:
            FFmpegError: the packet is damaged.
        """
        decoded = self._source.decode(packet)
        packets = [made for frame in decoded for made in self._encode(frame)]
        if packet is None:
            for frame in self._resampler.resample(None):
                packets.extend(self._stream.encode(frame))
            packets.extend(self._stream.encode(None))
        return packets

    def _encode(self, frame: av.AudioFrame) -> list[av.Packet]:
        length = Fraction(frame.samples, frame.sample_rate)
        if frame.pts is not None:
            time = frame.pts * frame.time_base - self._start
            if self._end is None:
                self._end = max(time, Fraction(0))
            if time + length <= 0 or time < self._end - _LARGEST_JITTER:
                return []
            if time > self._end + _LARGEST_JITTER:
                self._end = time  # a gap
        elif self._end is None:
            self._end = Fraction(0)
        # One sample after the other: the times in some containers are rounded to milliseconds.
        frame.time_base = Fraction(1, frame.sample_rate)
        frame.pts = round(self._end * frame.sample_rate)
        self._end += length
        resampled = self._resampler.resample(frame)
        return [packet for part in resampled for packet in self._stream.encode(part)]
