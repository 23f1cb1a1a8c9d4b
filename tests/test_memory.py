"""Freed memory stays with the process for the next frame, until it is released."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# In a process of its own: what else a process has allocated and freed would be measured too.
PROGRAM = """
import os
from pathlib import Path
from realtime_adain.memory import keep_freed_memory, release_freed_memory

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

keep_freed_memory()
before = resident_mb()
blocks = [bytearray(b"x" * 2**20) for _ in range(300)]
used = resident_mb()
del blocks
kept = resident_mb()
release_freed_memory()
print(used - before, kept - before, resident_mb() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_kept_until_released() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    used, kept, released = map(float, told.stdout.split())
    assert used > 290
    assert kept > 250
    assert released < 50
