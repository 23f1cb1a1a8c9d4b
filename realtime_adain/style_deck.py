"""The styles of a live session, one of them in use."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import PictureError, StyleError
from .pictures import read_picture
from .stylebook import SAVED_STYLE_SUFFIX

if TYPE_CHECKING:
    from .style import Style

_BREATHER_SECONDS = 0.1  # between two styles, so that a large folder does not slow the picture


class StyleDeck:
    """Styles by number: the first is encoded at once, the others in a thread.

    A style that cannot be read is left out, and told by `next_problem`.

    Args:
        paths: files of the styles, in order.
        encode: makes the style of a file; called from both threads, never at the same time.

    Raises:
        StyleError: not one of the files is a style.
    """

    def __init__(self, paths: Sequence[Path], encode: Callable[[Path], Style]) -> None:
        self.position = 0
        self._encode = encode
        self._styles: list[Style] = []  # only ever grows, so that a style keeps its number
        self._problems: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self._closing = threading.Event()
        remaining = list(paths)
        while remaining and not self._styles:
            self._add(remaining.pop(0))
        if not self._styles:
            raise StyleError("none of the styles can be used: " + str(self._problems.get()))
        self._thread = threading.Thread(
            target=self._add_all, args=(remaining,), name="styles", daemon=True
        )
        self._thread.start()

    def __len__(self) -> int:
        """The number of styles that are ready."""
        return len(self._styles)

    @property
    def current(self) -> Style:
        """The style in use."""
        return self._styles[self.position]

    def turn(self, steps: int) -> None:
        """Use the style so many places further among those that are ready, in a circle."""
        self.position = (self.position + steps) % len(self)

    def select(self, position: int) -> bool:
        """Use the style at `position`, from 0; return False when there is none (yet)."""
        if not 0 <= position < len(self):
            return False
        self.position = position
        return True

    def next_problem(self) -> str | None:
        """Return the message of the next style that was left out; None when there is none.

        Raises:
            StyleError: the thread failed in another way; its error is the cause.
        """
        try:
            problem = self._problems.get_nowait()
        except queue.Empty:
            return None
        if not isinstance(problem, (PictureError, StyleError)):
            raise StyleError(f"encoding the styles failed: {problem}") from problem
        return str(problem)

    def close(self) -> None:
        """Stop encoding; return when the style in work is done."""
        self._closing.set()
        self._thread.join()

    def _add_all(self, paths: Sequence[Path]) -> None:
        try:
            for path in paths:
                if self._closing.wait(_BREATHER_SECONDS):
                    return
                self._add(path)
        except Exception as error:  # whatever it is, the session is told by `next_problem`
            self._problems.put(error)

    def _add(self, path: Path) -> None:
        try:
            self._styles.append(self._encode(path))
        except (PictureError, StyleError) as error:
            self._problems.put(error)


def check_one_readable(paths: Sequence[Path]) -> None:
    """Raise StyleError or PictureError unless one of the style files can be read."""
    first_problem: PictureError | None = None
    for path in paths:
        if path.suffix == SAVED_STYLE_SUFFIX:
            return  # only the network can tell
        try:
            read_picture(path)
            return
        except PictureError as error:
            first_problem = first_problem or error
    raise first_problem or StyleError("no style is given")
