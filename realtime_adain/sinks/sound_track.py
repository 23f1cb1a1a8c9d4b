"""The sound beside the pictures of a recording."""

from __future__ import annotations

from typing import Protocol

import av
import numpy as np
from av.container import OutputContainer

from ..frame import Sound

SOUND_RATE = 48_000
"""Samples a second that every codec here takes."""

_LARGEST_DRIFT = 0.1  # seconds between sound and pictures before samples are put in or left out


def sound_codec(format_name: str) -> str:
    """Return the encoder of sound for a container, by FFmpeg's name of its format."""
    return "libopus" if format_name == "webm" else "aac"


class SoundSource(Protocol):
    """What brings sound, such as a microphone."""

    rate: int
    channels: int

    def take(self) -> list[Sound]:
        """Return what was heard since the last time."""


class SoundTrack:
    """A stream of sound in an output container; its packets are the caller's to mux.

    The sound is laid under the pictures by its time: what was heard before the first picture is
    left out, a gap is filled with silence, and a clock that runs away is brought back.

    Args:
        container: not yet started.
        sound_source: what brings the sound.
    """

    def __init__(self, container: OutputContainer, sound_source: SoundSource) -> None:
        self._sound_source = sound_source
        layout = "mono" if sound_source.channels == 1 else "stereo"
        codec = sound_codec(container.format.name)
        self._stream = container.add_stream(codec, rate=SOUND_RATE, layout=layout)
        context = self._stream.codec_context
        context.open()
        self._resampler = av.AudioResampler(
            context.format.name, layout, SOUND_RATE, frame_size=context.frame_size
        )
        self._layout = layout
        self._written = 0  # samples of the source's rate

    def packets(self, start: float) -> list[av.Packet]:
        """Return the packets of what was heard since the last time.

        Args:
            start: time of the first picture, in seconds on the clock of the sound.
        """
        packets = []
        for sound in self._sound_source.take():
            samples = self._in_time(sound, start)
            if len(samples):
                packets.extend(self._encode(samples))
        return packets

    def flush(self) -> list[av.Packet]:
        """Return the packets that the encoder has kept back; the end."""
        packets = []
        for frame in self._resampler.resample(None):
            packets.extend(self._stream.encode(frame))
        return packets + self._stream.encode(None)

    def _in_time(self, sound: Sound, start: float) -> np.ndarray:
        """Return the samples to be written so that the sound comes at its time."""
        late = sound.time - start - self._written / sound.rate
        samples = sound.samples
        if late > _LARGEST_DRIFT or (self._written == 0 and late > 0):
            silence = np.zeros((round(late * sound.rate), samples.shape[1]), samples.dtype)
            return np.concatenate([silence, samples])
        if late < -_LARGEST_DRIFT or (self._written == 0 and late < 0):
            return samples[round(-late * sound.rate) :]
        return samples

    def _encode(self, samples: np.ndarray) -> list[av.Packet]:
        rate = self._sound_source.rate
        packed = np.ascontiguousarray(samples).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=self._layout)
        frame.sample_rate = rate
        frame.pts = self._written
        self._written += len(samples)
        packets = []
        for resampled in self._resampler.resample(frame):
            packets.extend(self._stream.encode(resampled))
        return packets
