"""What reading and writing video files have in common, and differences between PyAV versions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.video.reformatter import Interpolation

# libswscale's fast path darkens by one or two levels and doubles chroma samples instead of
# interpolating; this costs some milliseconds more at 1280x720.
ACCURATE = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
"""How pictures are brought from one pixel format to another."""

# Up to PyAV 18 text that is not UTF-8 is an error unless told otherwise; from 19 on it is kept as
# it is, and nothing can be told.
_TEXT = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}

_RESTARTING_FORMATS = {"mpegts", "mpeg"}
"""Formats that broadcasts and cameras cut and join, so that the clock may restart midway."""

_LARGEST_STEP_BACK = Fraction(1, 10)
_LARGEST_LEAP = 10
"""Seconds from the end of a stream's packet to the beginning of its next one on the same clock."""


def open_container(path: Path, **options: HWAccel) -> InputContainer:
    """Return an opened video or sound file.

    Args:
        path: of the file; never taken for an address.
        **options: `hwaccel`, where it is wanted.

    Raises:
        av.FFmpegError, OSError: the file cannot be read.
    """
    return av.open(f"file:{path}", **_TEXT, **options)  # a colon in the name may look like one


def demux(container: InputContainer) -> Iterator[av.Packet]:
    """Yield the packets of a file on one clock: where the file's own restarts or leaps, what
    follows is moved to go on where the stream ended.

    Raises:
        av.FFmpegError: the file breaks off.
    """
    if container.format.name not in _RESTARTING_FORMATS:
        yield from container.demux()
        return
    clock = _OneClock()
    for packet in container.demux():
        if packet.dts is not None:
            clock.move(packet)
        yield packet


class _OneClock:
    """Moves the packets of a file whose clock may restart.

    Streams notice a restart one after the other; those that come later follow the first, so that
    they stay in step.
    """

    def __init__(self) -> None:
        self._offsets: dict[int, Fraction] = {}  # seconds by stream index
        self._ends: dict[int, Fraction] = {}  # of the last packet, moved
        self._last = Fraction(0)  # offset that was found last

    def move(self, packet: av.Packet) -> None:
        """Set the packet's times, of which it has the decoding time."""
        index, tick = packet.stream_index, packet.time_base
        own = packet.dts * tick
        if packet.stream.type not in ("video", "audio"):  # it may pause as long as it likes
            offset = self._last
        else:
            offset = self._offsets.get(index, self._last)
            end = self._ends.get(index, own + offset)
            if not _goes_on(own + offset, end):
                offset = self._last if _goes_on(own + self._last, end) else end - own
                self._last = offset
            self._offsets[index] = offset
            self._ends[index] = own + offset + (packet.duration or 0) * tick
        ticks = round(offset / tick)
        packet.dts += ticks
        if packet.pts is not None:
            packet.pts += ticks


def _goes_on(time: Fraction, end: Fraction) -> bool:
    """Return whether a packet at a time can follow one that ended at another, on the same clock."""
    return end - _LARGEST_STEP_BACK <= time <= end + _LARGEST_LEAP
