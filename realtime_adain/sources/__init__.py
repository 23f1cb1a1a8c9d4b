"""Where frames come from; `open_source` opens any of them by one syntax."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import partial
from pathlib import Path

from ..errors import SourceError
from .base import Source
from .cameras import find_camera
from .reconnecting import ReconnectingSource

SOURCE_SYNTAX = (
    "a camera's number (0), name or device path, 'screen', 'screen:2' or 'screen:X,Y,W,H', "
    "a video file, a folder of pictures, an http(s), rtsp or rtmp address, or 'demo'"
)
"""What can be opened, for help texts and errors."""

_ADDRESS = re.compile(r"(https?|rtsps?|rtmps?)://", re.IGNORECASE)
_SCREEN = re.compile(r"screen(:|$)")


def open_source(
    spec: str,
    *,
    size_wh: tuple[int, int] | None = None,
    frame_rate: Fraction | None = None,
) -> Source:
    """Open a live source: its frames come by the clock and are stamped with `time.perf_counter`.

    Files and folders begin again at their end. Cameras, the screen and addresses are opened again
    when they break off (see `ReconnectingSource`).

    Args:
        spec: a camera's number, device path, or name or a part of it; `screen`, `screen:2` (a
            monitor) or `screen:X,Y,W,H`; a video file; a folder of pictures; an address;
            or `demo`. What exists as a file comes before a camera of that name.
        size_wh: width and height in pixels to ask for; only of cameras and the demo scene. A
            camera may give another size.
        frame_rate: frames per second to ask for; of cameras, the screen, the demo scene and
            folders.

    Raises:
        SourceError: nothing of that name, it cannot be opened, or it has no choice of size or rate.
    """
    if spec == "demo":
        return _open_demo(size_wh, frame_rate)
    if _is_camera(spec):
        return ReconnectingSource(partial(_open_camera, spec, size_wh, frame_rate))
    if size_wh is not None:
        raise SourceError(f"{spec}: only cameras and the demo scene can be asked for a size")
    if _SCREEN.match(spec):
        return ReconnectingSource(partial(_open_screen, spec, frame_rate))
    if spec and Path(spec).is_dir():
        return _open_folder(spec, frame_rate)
    if frame_rate is not None:
        raise SourceError(f"{spec}: has a frame rate of its own")
    if _ADDRESS.match(spec):
        return ReconnectingSource(partial(_open_address, spec))
    if Path(spec).is_file():
        from .paced import PacedSource
        from .video_file import VideoFileSource

        return PacedSource(VideoFileSource(spec, square_pixels=True))
    raise SourceError(f"{spec}: no such source; can be {SOURCE_SYNTAX}")


def _is_camera(spec: str) -> bool:
    if spec.isdecimal() or spec.startswith("/dev/"):
        return True
    if _SCREEN.match(spec) or _ADDRESS.match(spec) or Path(spec).exists():
        return False
    return find_camera(spec) is not None


def _open_camera(spec: str, size_wh: tuple[int, int] | None, frame_rate: Fraction | None) -> Source:
    """Open a camera; one that is named is looked for each time, as its number may change."""
    from .camera import CameraSource

    if spec.isdecimal():
        device = int(spec)
    elif spec.startswith("/dev/"):
        device = spec
    elif (camera := find_camera(spec)) is not None:
        device = camera.number
    else:
        raise SourceError(f"no camera called {spec}")
    return CameraSource(device, size_wh=size_wh, frame_rate=frame_rate)


def _open_screen(spec: str, frame_rate: Fraction | None) -> Source:
    from .screen import ScreenSource, parse_area

    rate = {} if frame_rate is None else {"frame_rate": frame_rate}
    return ScreenSource(parse_area(spec), **rate)


def _open_demo(size_wh: tuple[int, int] | None, frame_rate: Fraction | None) -> Source:
    from .demo import DemoSource
    from .paced import PacedSource

    given = {"size_wh": size_wh, "frame_rate": frame_rate}
    return PacedSource(DemoSource(**{k: v for k, v in given.items() if v is not None}))


def _open_folder(folder: str, frame_rate: Fraction | None) -> Source:
    from .paced import PacedSource
    from .pictures import PictureFolderSource

    rate = {} if frame_rate is None else {"frame_rate": frame_rate}
    return PacedSource(PictureFolderSource(folder, **rate))


def _open_address(address: str) -> Source:
    from .paced import PacedSource
    from .stream import StreamSource

    source = StreamSource(address)
    return source if source.live else PacedSource(source, loop=False)
