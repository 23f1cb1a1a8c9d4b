"""Files that appear under their names only when they are complete."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the name under which to write a file; at the end it gets its own, with the permissions
    that new files usually have. After an error nothing of it is left, and an older file stays.

    Raises:
        OSError: the folder is missing or cannot be written.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(".part", f"{path.name}.", path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
