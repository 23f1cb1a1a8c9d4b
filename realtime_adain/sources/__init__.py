"""Where frames come from; `open_source` opens any of them by one syntax."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from ..errors import SourceError
from .base import Source

SOURCE_SYNTAX = (
    "a camera's number (0) or device path, a video file, a folder of pictures, "
    "an http(s), rtsp or rtmp address, or 'demo'"
)
"""What can be opened, for help texts and errors."""

_ADDRESS = re.compile(r"(https?|rtsps?|rtmps?)://", re.IGNORECASE)


def open_source(
    spec: str,
    *,
    size_wh: tuple[int, int] | None = None,
    frame_rate: Fraction | None = None,
    loop: bool = True,
) -> Source:
    """Open a live source: its frames come by the clock and are stamped with `time.perf_counter`.

    Args:
        spec: a camera's number, a device path, a video file, a folder of pictures, an address or
            `demo`.
        size_wh: width and height in pixels to ask for; only of cameras and the demo scene. A
            camera may give another size.
        frame_rate: frames per second to ask for; of cameras, the demo scene and folders.
        loop: whether files and folders begin again at their end.

    Raises:
        SourceError: nothing of that name, it cannot be opened, or it has no choice of size or rate.
    """
    if spec == "demo":
        return _open_demo(size_wh, frame_rate)
    if spec.isdecimal() or spec.startswith("/dev/"):
        from .camera import CameraSource

        return CameraSource(
            int(spec) if spec.isdecimal() else spec, size_wh=size_wh, frame_rate=frame_rate
        )
    if size_wh is not None:
        raise SourceError(f"{spec}: only cameras and the demo scene can be asked for a size")
    if Path(spec).is_dir():
        return _open_folder(spec, frame_rate, loop)
    if frame_rate is not None:
        raise SourceError(f"{spec}: has a frame rate of its own")
    if _ADDRESS.match(spec):
        return _open_address(spec)
    if Path(spec).is_file():
        from .paced import PacedSource
        from .video_file import VideoFileSource

        return PacedSource(VideoFileSource(spec), loop=loop)
    raise SourceError(f"{spec}: no such source; can be {SOURCE_SYNTAX}")


def _open_demo(size_wh: tuple[int, int] | None, frame_rate: Fraction | None) -> Source:
    from .demo import DemoSource
    from .paced import PacedSource

    given = {"size_wh": size_wh, "frame_rate": frame_rate}
    return PacedSource(DemoSource(**{k: v for k, v in given.items() if v is not None}))


def _open_folder(folder: str, frame_rate: Fraction | None, loop: bool) -> Source:
    from .paced import PacedSource
    from .pictures import PictureFolderSource

    rate = {} if frame_rate is None else {"frame_rate": frame_rate}
    return PacedSource(PictureFolderSource(folder, **rate), loop=loop)


def _open_address(address: str) -> Source:
    from .paced import PacedSource
    from .stream import StreamSource

    source = StreamSource(address)
    return source if source.live else PacedSource(source, loop=False)
