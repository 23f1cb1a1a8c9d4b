"""Writing files: where one may be, under which name, and whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None


def why_not_writable(path: Path, *, replaces: bool = True) -> str | None:
    """Return why no file can be written there, without trying: after long work it is too late.

    Args:
        path: of the file.
        replaces: whether it takes the place of an older one, and not a free name beside it.
    """
    try:
        folder = path.resolve().parent
    except (OSError, RuntimeError):
        return "is a link to itself"
    if path.is_dir():
        return "is a folder"
    if path.exists() and not path.is_file():
        return "is no ordinary file"
    if replaces and path.exists() and not os.access(path, os.W_OK):
        return "is write-protected"
    shown = folder if path.is_symlink() else path.parent
    if not folder.is_dir():
        return f"the folder {shown} does not exist"
    if not os.access(folder, os.W_OK):
        return f"the folder {shown} cannot be written to"
    return None


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """Return a path in a folder at which there is nothing yet, numbered where it has to be."""
    path, number = folder / f"{stem}{suffix}", 2
    while path.exists():
        path = folder / f"{stem}-{number}{suffix}"
        number += 1
    return path


def put_in_place(part: Path, path: Path) -> None:
    """Rename a finished file into place; where it replaces one, it takes over its permissions, if
    the system lets it.

    Raises:
        OSError: it cannot have it.
    """
    with suppress(OSError):  # there is no older one, or permissions cannot be set there
        shutil.copymode(path, part)
    part.replace(path)


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the name under which to write a file; at the end it gets its own, with the permissions
    of an older one, or those that new files usually have. After an error nothing of it is left, and
    an older file stays; a link stays one.

    Raises:
        OSError: the folder is missing or cannot be written.
    """
    path = Path(path).resolve()
    part = path.with_name(f".{secrets.token_hex(8)}.part")  # however long the name is
    part.touch(exist_ok=False)
    try:
        yield part
        put_in_place(part, path)
    finally:
        part.unlink(missing_ok=True)


def locked(path: Path) -> TextIO:
    """Return a file, open, that no other process can lock until it is closed; where the system
    or the drive knows no such locks, it cannot be told whether another does so.

    Raises:
        BlockingIOError: another process has it.
        OSError: there is no such file.
    """
    file = path.open(encoding="utf-8")
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise
        except OSError:  # as on some network drives
            pass
    return file
