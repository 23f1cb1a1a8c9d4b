"""Clips made on the spot, each with what makes it special, and looks into written files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

SIZE_HW = (48, 64)
SOUND_RATE = 48_000
_MATRICES = {"bt709": (1, Colorspace.ITU709), "bt601": (6, Colorspace.ITU601)}


@dataclass(frozen=True)
class Clip:
    """What is special about a clip.

    Attributes:
        pts: times in units of `time_base`; None for one after the other at `rate`.
        last_ticks: how long the last picture is shown, in the same; None for as long as others.
        matrix: `bt709` or `bt601`.
        tagged: whether the file names the matrix and the range.
        sound: name of an audio encoder, for a tone as long as the pictures; None for silence.
        layout: of the sound's channels.
        rotation: degrees counterclockwise to turn the stored picture for display.
    """

    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    rate: Fraction = Fraction(25)
    time_base: Fraction = Fraction(1, 12800)
    pts: Sequence[int] | None = None
    last_ticks: int | None = None
    matrix: str = "bt709"
    tagged: bool = True
    full_range: bool = False
    sound: str | None = None
    layout: str = "stereo"
    rotation: int = 0
    mirrored: bool = False
    pixel_aspect: Fraction = Fraction(1)
    options: tuple[tuple[str, str], ...] = ()


def flat(colour: tuple[int, int, int], size_hw: tuple[int, int] = SIZE_HW) -> np.ndarray:
    """A picture of one colour, uint8 `(H, W, 3)` RGB."""
    return np.full((*size_hw, 3), colour, np.uint8)


def numbered(count: int, size_hw: tuple[int, int] = SIZE_HW) -> list[np.ndarray]:
    """Pictures that tell their number: grey 20, 30, 40 and so on."""
    return [flat((20 + 10 * (index % 20),) * 3, size_hw) for index in range(count)]


def numbers(pictures: Iterable[np.ndarray]) -> list[int]:
    """Read the numbers of `numbered` pictures."""
    return [round((float(pixels.mean()) - 20) / 10) for pixels in pictures]


def write_clip(path: Path, pictures: Sequence[np.ndarray], clip: Clip = Clip()) -> Path:
    """Write a clip with PyAV alone, so that it is no mirror of the code under test."""
    height, width = pictures[0].shape[:2]
    tag, matrix = _MATRICES[clip.matrix]
    with av.open(str(path), "w", options=dict(clip.options)) as container:
        container.metadata["title"] = "a clip"
        video = container.add_stream(
            clip.codec, rate=clip.rate, width=width, height=height, time_base=clip.time_base
        )
        context = video.codec_context
        context.pix_fmt = clip.pix_fmt
        context.sample_aspect_ratio = clip.pixel_aspect
        context.options = {"crf": "1", "preset": "ultrafast"} if "x264" in clip.codec else {}
        if clip.tagged:
            context.colorspace = tag
            context.color_range = ColorRange.JPEG if clip.full_range else ColorRange.MPEG
        if clip.rotation or clip.mirrored:
            video.set_display_rotation(clip.rotation, hflip=clip.mirrored)
        sound = None
        if clip.sound:
            sound = container.add_stream(clip.sound, rate=SOUND_RATE, layout=clip.layout)
        ticks = round(1 / (clip.rate * clip.time_base))
        for index, pixels in enumerate(pictures):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format=clip.pix_fmt,
                dst_colorspace=matrix,
                dst_color_range=ColorRange.JPEG if clip.full_range else ColorRange.MPEG,
            )
            picture.pts = index * ticks if clip.pts is None else clip.pts[index]
            picture.time_base = clip.time_base
            container.mux(video.encode(picture))
        last = video.encode(None)
        for packet in last[-1:]:
            packet.duration = clip.last_ticks or packet.duration
        container.mux(last)
        if sound is not None:
            container.mux(_tone(sound, len(pictures) / clip.rate))
    return path


def _tone(stream: av.AudioStream, seconds: Fraction) -> list[av.Packet]:
    wave = 0.1 * np.sin(np.arange(round(seconds * SOUND_RATE)) * (440 * 2 * np.pi / SOUND_RATE))
    packed = np.repeat((wave * 32767).astype(np.int16), 2)[None]
    frame = av.AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
    return [*stream.encode(frame), *stream.encode(None)]


def write_subtitles(path: Path, lines: Sequence[str]) -> Path:
    """Write a Matroska file with a second of video and one subtitle per 100 ms."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, width=64, height=48)
        text = container.add_mux_stream("subrip", time_base=Fraction(1, 1000))
        text.metadata["language"] = "fin"
        for pixels in numbered(25):
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode(None))
        for index, line in enumerate(lines):
            packet = av.Packet(line.encode())
            packet.stream, packet.time_base = text, Fraction(1, 1000)
            packet.pts = packet.dts = 100 * index
            packet.duration = 100
            container.mux(packet)
    return path


def packets(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """Return time in seconds and content of every packet of the first stream of a kind."""
    with av.open(str(path)) as container:
        stream = next((s for s in container.streams if s.type == kind), None)
        if stream is None:
            return []
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(stream) if p.size]


def cut(path: Path, part: float, target: Path) -> Path:
    """Write the first part of a file, 0 to 1 of its bytes, into another."""
    data = path.read_bytes()
    target.write_bytes(data[: int(len(data) * part)])
    return target
