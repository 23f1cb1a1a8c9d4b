"""What a live session leaves on disk: snapshots and recordings."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..frame import Frame
from ..pictures import write_picture
from ..sinks.dropping import DroppingSink
from ..sinks.encoding import Encoding
from ..sinks.sound_track import SoundSource
from ..sinks.video_file import VideoFileSink
from ..writing import free_path


def new_path(folder: Path, suffix: str) -> Path:
    """Return a path in `folder`, named by date and time, at which there is nothing yet."""
    stem = time.strftime("realtime-adain-%Y%m%d-%H%M%S")
    return free_path(folder, stem, suffix)


def save_snapshot(folder: Path, pixels: np.ndarray) -> Path:
    """Write a picture, uint8 `(H, W, 3)` RGB, as PNG under a new name and return its path.

    Raises:
        PictureError: it cannot be written.
    """
    path = new_path(folder, ".png")
    write_picture(path, pixels)
    return path


class Recording:
    """A running recording.

    It grows as `NAME.part.SUFFIX` beside `path`, which plays at any moment, and is given its name
    by `close`; where there is such a file by then, a numbered one. When the program is killed, all
    but the last second stays under the first name.

    Args:
        path: video file to write.
        size_hw: height and width in pixels of the frames.
        frame_rate: nominal rate of the frames, None where it is not known.
        sound_source: what brings the sound; None for a silent film.

    Raises:
        SinkError: the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        size_hw: tuple[int, int],
        frame_rate: Fraction | None,
        sound_source: SoundSource | None = None,
    ) -> None:
        self._start = time.perf_counter()
        self._empty = True
        self._film = VideoFileSink(
            path,
            size_hw=size_hw,
            frame_rate=frame_rate,
            encoding=Encoding(low_latency=True),
            crash_safe=True,
            sound_source=sound_source,
        )
        self._sink = DroppingSink(self._film)

    def write(self, frame: Frame) -> None:
        """Take a frame without waiting for the encoder.

        Raises:
            SinkError: an earlier frame could not be written.
        """
        self._sink.write(frame)
        self._empty = False

    @property
    def clock(self) -> str:
        """How long it has been running, such as `0:12`."""
        minutes, seconds = divmod(int(time.perf_counter() - self._start), 60)
        return f"{minutes}:{seconds:02d}"

    def close(self) -> str:
        """Finish the file and return a line about it; without a frame there will be no file.

        Raises:
            SinkError: the file cannot be finished.
        """
        if self._empty:
            self._sink.abort()
            return f"{self._film.path}: no frame came, so nothing was recorded"
        self._sink.close()
        dropped = self._sink.dropped
        return f"recorded {self._film.path}" + (f", {dropped} frames dropped" if dropped else "")
