"""A folder in which new styles appear while the program runs."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import StyleError
from ..stylebook import is_style_file

SETTLE_SECONDS = 0.8
"""How long a file must not have changed: one that is still being written is left alone."""

_Stamp = tuple[int, int]


class FolderWatch:
    """Tells which pictures and saved styles of a folder are new or were written anew.

    Args:
        folder: its files are watched, not those in folders below it.
        clock: seconds that only ever grow.

    Raises:
        StyleError: there is no such folder.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        if not folder.is_dir():
            raise StyleError(f"{folder}: no such folder")
        self._folder = folder
        self._clock = clock
        self._seen: dict[Path, tuple[_Stamp, float]] = {}  # stamp, since when
        self._told: dict[Path, _Stamp] = {}

    def find_new(self) -> list[Path]:
        """Return the files that have settled since the last call, by name; each version once."""
        now = self._clock()
        settled = []
        for path, stamp in sorted(self._stamps().items()):
            if self._seen.get(path, (None, 0.0))[0] != stamp:
                self._seen[path] = (stamp, now)
            elif self._told.get(path) != stamp and now - self._seen[path][1] >= SETTLE_SECONDS:
                self._told[path] = stamp
                settled.append(path)
        return settled

    def _stamps(self) -> dict[Path, _Stamp]:
        """Return size and time of change of each file; nothing while the folder is away."""
        stamps = {}
        with suppress(OSError):
            for path in self._folder.iterdir():
                if is_style_file(path) and not path.name.startswith("."):
                    with suppress(OSError):  # it went away in between, or is a link to nothing
                        status = path.stat()
                        if stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
                            stamps[path] = (status.st_size, status.st_mtime_ns)
        return stamps
