"""What reading and writing video files have in common, and differences between PyAV versions."""

from __future__ import annotations

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


def open_container(path: Path, **options: HWAccel) -> InputContainer:
    """Return an opened video or sound file.

    Args:
        path: of the file; never taken for an address.
        **options: `hwaccel`, where it is wanted.

    Raises:
        av.FFmpegError, OSError: the file cannot be read.
    """
    return av.open(f"file:{path}", **_TEXT, **options)  # a colon in the name may look like one
