"""How pictures become packets: the encoder and its options, BT.709 out of RGB."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.codec import Codec
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from ..containers import ACCURATE
from ..errors import SinkError

# The network shares the processor with the encoder: "veryfast" takes less than half the time of
# x264's own "medium", and at the same crf the file is no larger.
_USUAL_OPTIONS = {
    "libx264": {"crf": "18", "preset": "veryfast"},
    "libx265": {"crf": "20", "preset": "veryfast", "x265-params": "log-level=none"},
    "libsvtav1": {"crf": "28", "preset": "9"},
    "libvpx-vp9": {"crf": "24", "deadline": "good", "cpu-used": "5", "row-mt": "1"},
}
# Nothing is kept back to plan ahead; the price is a larger file.
_LOW_LATENCY_OPTIONS = {
    "libx264": {"tune": "zerolatency"},
    "libx265": {"tune": "zerolatency"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
}
_X26_PRESETS = (
    "ultrafast superfast veryfast faster fast medium slow slower veryslow placebo".split()
)
_HIGHEST_CRF = {"libx264": 51, "libx265": 51, "libsvtav1": 63, "libvpx-vp9": 63}

_TAKES_ODD_SIDES = {"ffv1", "libvpx", "libvpx-vp9"}  # in 4:2:0
_FULL_CHROMA = "yuv444p"
_BT709 = 1  # AVColorSpace, AVColorPrimaries and AVColorTransferCharacteristic alike


@dataclass(frozen=True)
class Encoding:
    """What the user may choose of an encoder.

    Attributes:
        codec: FFmpeg's name of it; None for H.264 (libx264), in WebM VP9 (libvpx-vp9).
        crf: constant rate factor, lower is better and larger; None for the codec's usual one, 18
            with libx264.
        preset: speed against size, such as "veryfast"; None for the codec's usual one.
        low_latency: whether each picture becomes a packet at once, where the codec can do that,
            instead of waiting for the pictures after it.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None
    low_latency: bool = False


USUAL_ENCODING = Encoding()


@dataclass(frozen=True)
class VideoFormat:
    """What the pictures of a stream have in common.

    Attributes:
        size_hw: height and width in pixels.
        frame_rate: nominal frames per second; the encoder plans its bits by it.
        time_base: unit of the timestamps in seconds.
        pixel_aspect: width of a pixel divided by its height.
    """

    size_hw: tuple[int, int]
    frame_rate: Fraction
    time_base: Fraction
    pixel_aspect: Fraction


class VideoEncoder:
    """A video stream of an output container; its packets are the caller's to mux.

    Args:
        container: not yet started.
        codec: FFmpeg's name of the encoder.
        encoding: all but its codec.
        video: size and timing of the pictures.

    Attributes:
        has_full_chroma: whether colour is kept at full size (4:4:4), which some players do not
            show.

    Raises:
        SinkError: no such video encoder, the container cannot hold it, or it refuses the size or
            an option.
        ValueError: crf is out of range.
    """

    def __init__(
        self, container: OutputContainer, codec: str, encoding: Encoding, video: VideoFormat
    ) -> None:
        found = _find_codec(codec)
        self._time_base = video.time_base
        self._pixel_format = _choose_pixel_format(found, video.size_hw)
        self.has_full_chroma = self._pixel_format == _FULL_CHROMA
        self._frame_ticks = max(1, round(1 / (video.frame_rate * video.time_base)))
        self._durations: dict[int, int] = {}  # of the pictures in the encoder, by their times
        self._reformatter = VideoReformatter()
        self._stream = _add_stream(container, found.name, video, self._pixel_format)
        _open(self._stream, _make_options(found.name, encoding))

    def encode(self, pixels: np.ndarray, pts: int, duration: int | None = None) -> list[av.Packet]:
        """Return the packets that a picture completes, often none or those of earlier ones.

        Args:
            pixels: uint8 `(H, W, 3)` RGB of the stream's size.
            pts: presentation time in units of the time base, larger than the last one.
            duration: how long it is shown, in the same units; None for the nominal time of one.
        """
        picture = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"),
            format=self._pixel_format,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=ACCURATE,
        )
        picture.pts, picture.time_base = pts, self._time_base
        self._durations[pts] = duration or self._frame_ticks
        return self._with_durations(self._stream.encode(picture))

    def flush(self) -> list[av.Packet]:
        """Return the packets that the encoder has kept back; the end."""
        return self._with_durations(self._stream.encode(None))

    def _with_durations(self, packets: list[av.Packet]) -> list[av.Packet]:
        """Without a duration the last picture would be shown for one tick."""
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, self._frame_ticks)
        return packets


def _find_codec(name: str) -> Codec:
    try:
        codec = Codec(name, "w")
    except ValueError:
        raise SinkError(f"no encoder named {name!r}; try libx264, libx265 or libvpx-vp9") from None
    if codec.type != "video":
        raise SinkError(f"{name!r} encodes {codec.type}, not video")
    return codec


def _choose_pixel_format(codec: Codec, size_hw: tuple[int, int]) -> str:
    """Return 4:2:0 where it can be, because every player takes it.

    It has one colour sample per 2x2 pixels, for which most encoders want even sides. A picture
    with an odd side is neither cropped nor stretched, but encoded with colour at full size.
    """
    known = [pixel_format.name for pixel_format in codec.video_formats or ()]
    height, width = size_hw
    odd = (height % 2 or width % 2) and codec.name not in _TAKES_ODD_SIDES
    wanted = _FULL_CHROMA if odd else "yuv420p"
    if wanted in known:
        return wanted
    if odd:
        raise SinkError(f"{codec.name} cannot encode the odd size {width}x{height}; try libx264")
    raise SinkError(f"{codec.name} cannot encode {wanted}; try libx264")


def _make_options(codec: str, encoding: Encoding) -> dict[str, str]:
    highest = _HIGHEST_CRF.get(codec)
    if encoding.crf is not None and highest is not None and not 0 <= encoding.crf <= highest:
        raise ValueError(f"crf must be 0 to {highest} for {codec}, got {encoding.crf}")
    # These say so themselves, on a line of their own.
    if encoding.preset not in (None, *_X26_PRESETS) and codec in ("libx264", "libx265"):
        known = ", ".join(_X26_PRESETS)
        raise SinkError(f"{codec} has no preset {encoding.preset!r}; there are {known}")
    options = dict(_USUAL_OPTIONS.get(codec, {}))
    if encoding.low_latency:
        options.update(_LOW_LATENCY_OPTIONS.get(codec, {}))
    if encoding.crf is not None:
        options["crf"] = str(encoding.crf)
    if encoding.preset is not None:
        options["preset"] = encoding.preset
    return options


def _add_stream(
    container: OutputContainer, codec: str, video: VideoFormat, pixel_format: str
) -> VideoStream:
    height, width = video.size_hw
    try:
        stream = container.add_stream(
            codec, rate=video.frame_rate, width=width, height=height, time_base=video.time_base
        )
    except ValueError:
        raise SinkError(f"{container.format.name} cannot hold {codec}") from None
    context = stream.codec_context
    context.pix_fmt = pixel_format
    context.sample_aspect_ratio = video.pixel_aspect
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = ColorRange.MPEG
    return stream


def _open(stream: VideoStream, options: dict[str, str]) -> None:
    """Open the encoder now, while there is no file yet."""
    context = stream.codec_context
    name = context.name  # PyAV 19 crashes when it is asked after a failure
    context.options = options
    try:
        context.open()
    except av.FFmpegError as error:
        chosen = ", ".join(f"{name} {value}" for name, value in options.items())
        raise SinkError(
            f"{name} refuses {context.width}x{context.height} with "
            f"{chosen or 'its usual options'} ({error.strerror})"
        ) from error
    for option in context.options:  # what it has not taken
        raise SinkError(f"{name} has no {option}")
