"""What is written over the live picture, and for how long."""

from __future__ import annotations

import time

from ..overlay import Overlay
from ..timing import LiveTiming
from .keys import HELP

_MESSAGE_SECONDS = 3.0
_NUMBERS_SECONDS = 0.4  # numbers that change with every frame cannot be read


class ScreenText:
    """The status line, the help and the message of the moment.

    Attributes:
        status: whether the line with style, strength and speed is shown.
        help: whether the keys are shown.
    """

    def __init__(self) -> None:
        self.status = True
        self.help = False
        self._message = ""
        self._message_end = 0.0
        self._numbers: tuple[str, ...] = ()
        self._numbers_end = 0.0

    def say(self, message: str) -> None:
        """Show a message for some seconds."""
        self._message = message
        self._message_end = time.perf_counter() + _MESSAGE_SECONDS

    def hint(self, message: str) -> None:
        """Show a message that the status line, while it is shown, makes needless."""
        if not self.status:
            self.say(message)

    def overlay(
        self, style: str, alpha: float, timing: LiveTiming, *, frozen: bool, recording: str | None
    ) -> Overlay:
        """Return what is to be drawn now.

        Args:
            style: name of the style in use.
            alpha: its strength, 0..1.
            timing: the speed so far.
            frozen: whether the picture stands still, so that there is no speed to tell.
            recording: text beside the red dot; None when nothing is recorded.
        """
        now = time.perf_counter()
        if now >= self._numbers_end:
            self._numbers = (f"{timing.fps:.1f} fps", f"{timing.latency_ms:.0f} ms")
            self._numbers_end = now + _NUMBERS_SECONDS
        numbers = ("frozen",) if frozen else self._numbers
        return Overlay(
            status=(style, f"{alpha:.0%}", *numbers) if self.status else (),
            message=self._message if now < self._message_end else "",
            help=HELP if self.help else (),
            recording=recording,
        )
