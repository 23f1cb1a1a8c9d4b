"""The state of a live session and its loop."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..capture import LatestFrame
from ..errors import PictureError, SinkError
from ..frame import Frame
from ..overlay import draw_overlay, side_by_side
from ..sinks.window import Window
from ..style_deck import StyleDeck
from ..timing import LiveTiming
from .keys import ACTIONS
from .screen_text import ScreenText
from .takes import Recording, new_path, save_snapshot

if TYPE_CHECKING:
    from ..style import Style

Stylize = Callable[[np.ndarray, "Style", float], np.ndarray]
"""Repaints uint8 `(H, W, 3)` RGB in a style with a strength of 0..1."""

_WAIT_SECONDS = 0.03  # for a frame or a key, before the window is served again


@dataclass(frozen=True)
class LiveOptions:
    """How a session begins.

    Attributes:
        alpha: style strength, 0..1.
        mirror: whether left and right are exchanged.
        side_by_side: whether the original stands beside the stylized picture.
        folder: where snapshots and recordings go.
    """

    alpha: float = 1.0
    mirror: bool = False
    side_by_side: bool = False
    folder: Path = Path()


class LiveSession:
    """Shows the newest frame of a source in a style, again and again; obeys keys.

    Args:
        frames: where the frames come from.
        deck: the styles.
        stylize: repaints a frame.
        options: how to begin.
        window: where the pictures are shown and the keys pressed; None for no window.

    Attributes:
        timing: the measured speed.
    """

    def __init__(
        self,
        frames: LatestFrame,
        deck: StyleDeck,
        stylize: Stylize,
        options: LiveOptions,
        window: Window | None = None,
    ) -> None:
        self.timing = LiveTiming()
        self._frames = frames
        self._deck = deck
        self._stylize = stylize
        self._window = window
        self._folder = options.folder
        self._alpha = options.alpha
        self._mirror = options.mirror
        self._side_by_side = options.side_by_side
        self._frozen = False
        self._quitting = False
        self._recording: Recording | None = None
        self._frame: Frame | None = None
        self._original: np.ndarray | None = None
        self._stylized: np.ndarray | None = None
        self._text = ScreenText()
        self._text.say("h  shows the keys")

    def run(self, max_frames: int | None = None) -> None:
        """Run until the user quits, the source ends or `max_frames` frames are done.

        Raises:
            SourceError, SinkError, StyleError: a source, recording or style failed on the way.
        """
        while not self._quitting and self.timing.frames != max_frames:
            self._step()

    def close(self) -> None:
        """Finish a running recording, so that it plays; may be called twice.

        Raises:
            SinkError: it cannot be finished.
        """
        if self._recording is not None:
            recording, self._recording = self._recording, None
            self._announce(recording.close())

    def _step(self) -> None:
        """Newest frame, stylize, record, show; then what the keys say."""
        frame = None if self._frozen else self._frames.get(_WAIT_SECONDS)
        if frame is not None:
            self._frame = frame
            self._repaint()
            self._record(frame.time)
        self._show()
        if frame is not None:
            self.timing.add(frame.time, time.perf_counter())
        elif self._frames.ended:
            self.quit()
        while (problem := self._deck.next_problem()) is not None:
            self._complain(problem)
        self._obey_keys()

    def _repaint(self) -> None:
        if self._frame is not None:
            pixels = self._frame.pixels
            self._original = np.ascontiguousarray(pixels[:, ::-1]) if self._mirror else pixels
            self._stylized = self._stylize(self._original, self._deck.current, self._alpha)

    def _repaint_frozen(self) -> None:
        """Let a frozen picture follow a change; a moving one does so with the next frame."""
        if self._frozen:
            self._repaint()

    def _compose(self, beside_original: bool) -> np.ndarray:
        return side_by_side(self._original, self._stylized) if beside_original else self._stylized

    def _record(self, captured: float) -> None:
        if self._recording is not None:
            picture = self._compose(self._recording.side_by_side)
            self._recording.write(Frame(picture, captured))

    def _show(self) -> None:
        if self._window is None or self._stylized is None:
            return
        overlay = self._text.overlay(
            self._deck.current.name,
            self._alpha,
            self.timing,
            frozen=self._frozen,
            recording=self._recording.clock if self._recording else None,
        )
        self._window.show(draw_overlay(self._compose(self._side_by_side), overlay))

    def _obey_keys(self) -> None:
        if self._window is None:
            return
        wait_ms = round(1000 * _WAIT_SECONDS) if self._frozen else 1
        while (key := self._window.poll_key(wait_ms)) is not None:
            if key in ACTIONS:
                ACTIONS[key](self)
            wait_ms = 1
        if self._window.closed:
            self.quit()

    def _announce(self, message: str) -> None:
        self._text.say(message)
        print(message, flush=True)

    def _complain(self, problem: str) -> None:
        self._text.say(problem)
        print(f"realtime-adain: {problem}", file=sys.stderr)

    # What the keys do.

    def turn_style(self, steps: int) -> None:
        """Go `steps` styles further, or back where negative."""
        self._deck.turn(steps)
        self._repaint_frozen()
        self._text.hint(self._deck.current.name)

    def select_style(self, number: int) -> None:
        """Use the style of that number, from 1."""
        if not self._deck.select(number - 1):
            self._text.say(f"no style {number}: there are {len(self._deck)}")
            return
        self._repaint_frozen()
        self._text.hint(self._deck.current.name)

    def change_strength(self, by: float) -> None:
        """Change the style strength, within 0..1."""
        self._alpha = round(min(max(self._alpha + by, 0.0), 1.0), 2)
        self._repaint_frozen()
        self._text.hint(f"strength {self._alpha:.0%}")

    def toggle_mirror(self) -> None:
        """Exchange left and right, or no longer."""
        self._mirror = not self._mirror
        self._repaint_frozen()

    def toggle_side_by_side(self) -> None:
        """Show the original on the left, or no longer; a running recording stays as it is."""
        self._side_by_side = not self._side_by_side

    def toggle_freeze(self) -> None:
        """Hold the picture, or go on; a recording holds its last frame meanwhile."""
        self._frozen = not self._frozen

    def toggle_status(self) -> None:
        """Show or hide the line with style, strength and speed."""
        self._text.status = not self._text.status

    def toggle_help(self) -> None:
        """Show or hide the keys."""
        self._text.help = not self._text.help

    def toggle_fullscreen(self) -> None:
        """Fill the screen, or no longer."""
        if self._window is not None:
            self._window.toggle_fullscreen()

    def quit(self) -> None:
        """End the session after this turn."""
        self._quitting = True

    def save_snapshot(self) -> None:
        """Save what is shown, without the text."""
        if self._stylized is None:
            return
        try:
            path = save_snapshot(self._folder, self._compose(self._side_by_side))
        except PictureError as error:
            self._complain(str(error))
        else:
            self._announce(f"saved {path}")

    def start_recording(self, path: Path) -> None:
        """Record into a file what is composed, in the layout of this moment, without the text.

        Raises:
            SinkError: the file cannot be written.
        """
        height, width = self._frames.size_hw
        self._recording = Recording(
            path,
            size_hw=(height, 2 * width if self._side_by_side else width),
            frame_rate=self._frames.frame_rate,
            side_by_side=self._side_by_side,
        )

    def toggle_recording(self) -> None:
        """Begin a recording under a new name, or finish the running one."""
        if self._recording is not None:
            self.close()
            return
        try:
            self.start_recording(new_path(self._folder, ".mp4"))
        except SinkError as error:
            self._complain(str(error))
        else:
            self._text.say(f"recording {self._recording.path.name}")
