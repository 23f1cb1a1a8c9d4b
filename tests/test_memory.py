"""Freed memory stays with the process for the next frame, until it is released."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest

from realtime_adain.memory import keep_freed_memory, release_freed_memory

MEGABYTE = 1 << 20


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_kept_until_released() -> None:
    keep_freed_memory()
    blocks = [np.ones(MEGABYTE, np.uint8) for _ in range(300)]
    used = resident_bytes()
    del blocks
    assert resident_bytes() > used - 50 * MEGABYTE
    release_freed_memory()
    assert resident_bytes() < used - 250 * MEGABYTE
