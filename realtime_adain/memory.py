"""Process memory on a processor."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def keep_freed_memory() -> None:
    """Make the C library keep freed blocks for the next allocation.

    By default glibc gives every large block back to the kernel, and the page faults of getting it
    anew for each layer cost more than the layer's arithmetic. Does nothing on other C libraries.
    """
    if mallopt := _glibc("mallopt"):
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, -1)


def release_freed_memory() -> None:
    """Give the freed blocks back once: after work far larger than what comes next.

    The next frames fault their pages in anew.
    """
    if malloc_trim := _glibc("malloc_trim"):
        malloc_trim(0)


def _glibc(name: str) -> Callable[[int], int] | None:
    """Return a function of the C library; None where that is another than glibc."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), name, None)  # musl has neither
