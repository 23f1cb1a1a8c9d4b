"""What Linux tells about a camera's modes, by the ioctls of Video4Linux (videodev2.h)."""

from __future__ import annotations

import fcntl
import itertools
import os
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

# Numbers and layouts are those of every Linux; "=" because the structs hold no padding.
_QUERY_CAPABILITIES, _CAPABILITY = 0x80685600, struct.Struct("=88xI12x")
_ENUM_FORMATS, _FORMAT = 0xC0405602, struct.Struct("=2I36xI16x")
_ENUM_SIZES, _SIZE = 0xC02C564A, struct.Struct("=9I8x")
_ENUM_INTERVALS, _INTERVAL = 0xC034564B, struct.Struct("=7I24x")

_CAPTURES_VIDEO = 1  # of the capabilities, and the buffer type
_DISCRETE = 1


def read_modes(device: Path) -> dict[tuple[int, int], Fraction | None] | None:
    """Return the sizes (width, height) in pixels that a camera has.

    With each stands the highest frame rate; None where the camera does not tell. Of sizes in steps,
    only the largest one is named.

    Returns:
        The sizes and rates; None where the device takes no pictures, such as the metadata device
        that many cameras have besides.

    Raises:
        OSError: the device cannot be opened or is no Video4Linux device.
    """
    file = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    try:
        capability = bytearray(_CAPABILITY.size)
        fcntl.ioctl(file, _QUERY_CAPABILITIES, capability)
        if not _CAPABILITY.unpack(capability)[0] & _CAPTURES_VIDEO:
            return None
        modes: dict[tuple[int, int], Fraction | None] = {}
        for pixel_format in _pixel_formats(file):
            for size_wh in _sizes(file, pixel_format):
                rates = [modes.get(size_wh), _highest_rate(file, pixel_format, size_wh)]
                modes[size_wh] = max((rate for rate in rates if rate is not None), default=None)
        return modes
    finally:
        os.close(file)


def _pixel_formats(file: int) -> Iterator[int]:
    for answer in _enumerate(file, _ENUM_FORMATS, _FORMAT, _CAPTURES_VIDEO, 0):
        yield answer[2]


def _sizes(file: int, pixel_format: int) -> Iterator[tuple[int, int]]:
    for _, _, kind, *sizes in _enumerate(file, _ENUM_SIZES, _SIZE, pixel_format, *[0] * 7):
        width, max_width, _, _, max_height, _ = sizes
        yield (width, max_width) if kind == _DISCRETE else (max_width, max_height)


def _highest_rate(file: int, pixel_format: int, size_wh: tuple[int, int]) -> Fraction | None:
    """Return one divided by the shortest interval; of intervals in steps that is the first."""
    answers = _enumerate(file, _ENUM_INTERVALS, _INTERVAL, pixel_format, *size_wh, 0, 0, 0)
    rates = [Fraction(answer[6], answer[5]) for answer in answers if answer[5]]
    return max(rates, default=None)


def _enumerate(
    file: int, request: int, layout: struct.Struct, *fields: int
) -> Iterator[tuple[int, ...]]:
    """Yield the driver's answers for index 0, 1, ... until it has no more."""
    for index in itertools.count():
        answer = bytearray(layout.pack(index, *fields))
        try:
            fcntl.ioctl(file, request, answer)
        except OSError:
            return
        yield layout.unpack(answer)
