"""From decoded pictures of any pixel format and orientation to upright RGB."""

from __future__ import annotations

import math
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import (
    ColorPrimaries,
    Colorspace,
    ColorTrc,
    VideoReformatter,
)
from av.video.stream import VideoStream

from ..containers import ACCURATE

_HDR = {ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67}
_KNOWN_MATRICES = {0, 1, 4, 5, 6, 7, 9}  # AVColorSpace: RGB, BT.709, FCC, BT.601 twice, 240M, 2020
_HD_WIDTH, _HD_HEIGHT = 1280, 577


_LARGEST_ASPECT = 4
"""Of a pixel; what some headers have beyond is a mistake."""


def pixel_aspect_of(video: VideoStream) -> Fraction:
    """Return the width of a stored pixel divided by its height."""
    aspect = video.sample_aspect_ratio or Fraction(1)
    return aspect if 1 <= _LARGEST_ASPECT * aspect <= _LARGEST_ASPECT**2 else Fraction(1)


class RGBConverter:
    """Turns the decoded pictures of one stream into upright RGB.

    The matrix and the range are those that each picture is tagged with. Where it names no matrix,
    it is BT.709 for HD and BT.601 below, as players do it; without a range it is the limited one,
    except in pixel formats that are always full. HDR (PQ, HLG) is tone mapped, 10 bits become 8,
    an alpha channel is dropped.

    Args:
        first: the first picture of the stream; its size and its rotation are those of all.
        pixel_aspect: width of a stored pixel divided by its height; one that is not square becomes
            so, by stretching its shorter side.

    Attributes:
        size_hw: height and width in pixels, upright.
        turned: whether the stream's rows become columns.
    """

    def __init__(self, first: av.VideoFrame, pixel_aspect: Fraction = Fraction(1)) -> None:
        width, height = max(Fraction(1), pixel_aspect), max(Fraction(1), 1 / pixel_aspect)
        self._size_wh = (round(first.width * width), round(first.height * height))
        self._matrix = _display_matrix(first)
        self._reformatter = VideoReformatter()
        self.turned = abs(self._matrix[0]) < abs(self._matrix[1])
        self.size_hw = self._size_wh if self.turned else self._size_wh[::-1]

    def convert(self, picture: av.VideoFrame) -> np.ndarray:
        """Return the picture as uint8 `(H, W, 3)` RGB of `size_hw`, contiguous."""
        width, height = self._size_wh
        to_sdr = {}
        if picture.color_trc in _HDR:
            to_sdr = {
                "dst_color_trc": ColorTrc.BT709,
                "dst_color_primaries": ColorPrimaries.BT709,
            }
        rgb = self._reformatter.reformat(
            picture,
            width=width,  # a stream may change its size midway
            height=height,
            # From YUV, FFmpeg makes planes of the same colours in a third of the time.
            format="rgb24" if picture.format.is_rgb else "gbrp",
            src_colorspace=_guessed_matrix(picture),
            interpolation=ACCURATE,
            **to_sdr,
        )
        return np.ascontiguousarray(_turn(rgb.to_ndarray(), self._matrix))


def _guessed_matrix(picture: av.VideoFrame) -> Colorspace | None:
    """Return the matrix of a picture that names none; None where it names one."""
    if picture.colorspace in _KNOWN_MATRICES:
        return None
    is_hd = picture.width >= _HD_WIDTH or picture.height >= _HD_HEIGHT
    return Colorspace.ITU709 if is_hd else Colorspace.ITU601


def _display_matrix(picture: av.VideoFrame) -> tuple[int, int, int, int]:
    """Return a, b, c, d: a stored point (x, y) is shown at (ax + cy, bx + dy), y downwards."""
    try:
        side_data = picture.side_data.get("DISPLAYMATRIX")
    except ValueError:  # beside side data that PyAV has no name for, such as EXIF, it gives none
        turn = math.radians(-picture.rotation)
        cos, sin = round(math.cos(turn)), round(math.sin(turn))
        return cos, sin, -sin, cos
    if side_data is None:
        return 1, 0, 0, 1
    a, b, _, c, d, *_ = memoryview(side_data).cast("B").cast("i")
    return a, b, c, d


def _turn(pixels: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Return a view as the display matrix wants it; angles between are taken to the nearest."""
    a, b, c, d = matrix
    if abs(a) < abs(b):
        pixels = pixels.transpose(1, 0, 2)
        down, right = b, c
    else:
        down, right = d, a
    return pixels[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1]
