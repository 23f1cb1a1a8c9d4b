"""The recording of a live session: begun, fed and finished without the picture ever waiting."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..frame import Frame
from ..sinks.sound_track import SoundSource
from .errands import Errands
from .takes import Recording, new_path
from .view import Layout

_HELD_SECONDS = 0.2
"""After how long without a picture the last one is recorded again."""


class Recorder:
    """Records into one file after another.

    Args:
        errands: where files are opened and finished.
        folder: where `toggle` puts them.
        frame_rate: nominal rate of the frames, None where it is not known.
        sound_source: what brings the sound; None for silent films.
    """

    def __init__(
        self,
        errands: Errands,
        folder: Path,
        frame_rate: Fraction | None,
        sound_source: SoundSource | None = None,
    ) -> None:
        self._errands = errands
        self._folder = folder
        self._frame_rate = frame_rate
        self._sound_source = sound_source
        self._running: tuple[Recording, Layout] | None = None
        self._wanted = False
        self._written = -math.inf  # when the last picture was captured

    @property
    def clock(self) -> str | None:
        """How long the recording has been running, such as `0:12`; None when there is none."""
        running = self._running
        return running[0].clock if running is not None and self._wanted else None

    def start(self, path: Path, size_hw: tuple[int, int], layout: Layout) -> None:
        """Begin a recording, and wait until it has begun.

        Args:
            path: the file.
            size_hw: height and width in pixels of a single picture.
            layout: of the pictures in it; a video has one size, so it stays.

        Raises:
            SinkError: the file cannot be written.
        """
        self._wanted = True
        self._open(path, size_hw, layout)

    def toggle(self, size_hw: tuple[int, int], layout: Layout) -> str | None:
        """Begin a recording under a new name, or finish the running one; return what to say."""
        if self._wanted:
            self.stop()
            return None
        self._wanted = True
        path = new_path(self._folder, ".mp4")
        self._errands.do(lambda: self._open(path, size_hw, layout))
        return f"recording {path.name}"

    def write(self, captured: float, compose: Callable[[Layout], np.ndarray]) -> None:
        """Record a picture, where a recording runs.

        Args:
            captured: when its frame was captured, in seconds.
            compose: makes the picture in a layout.

        Raises:
            SinkError: an earlier picture could not be written.
        """
        running = self._running
        if running is not None and self._wanted:
            recording, layout = running
            recording.write(Frame(compose(layout), captured))
            self._written = captured

    def lags(self, now: float) -> bool:
        """Return whether a recording runs and has had no picture for a while."""
        runs = self._running is not None and self._wanted
        return runs and now - self._written > _HELD_SECONDS

    def stop(self) -> None:
        """Finish the running recording, soon; without one, do nothing."""
        if self._wanted:
            self._wanted = False
            self._errands.do(self._close)

    def _open(self, path: Path, size_hw: tuple[int, int], layout: Layout) -> None:
        try:
            recording = Recording(
                path,
                size_hw=layout.size_hw(size_hw),
                frame_rate=self._frame_rate,
                sound_source=self._sound_source,
            )
        except BaseException:
            self._wanted = False
            raise
        self._written = -math.inf
        self._running = recording, layout

    def _close(self) -> str | None:
        running, self._running = self._running, None
        return running[0].close() if running is not None else None
