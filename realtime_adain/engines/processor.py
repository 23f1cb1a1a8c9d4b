"""What the processor is and can."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from ..networks import StyleNetwork

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""Names in /proc/cpuinfo of arithmetic in bfloat16: of x86 the first two, of ARM the last."""


def processor_name(cpuinfo: str | None = None) -> str:
    """Return the processor's name, as its maker writes it where that is known.

    Args:
        cpuinfo: text of /proc/cpuinfo; None reads it.
    """
    names = _fields(cpuinfo, "model name")
    return names[0] if names else platform.processor() or platform.machine()


def has_bfloat16(cpuinfo: str | None = None) -> bool:
    """Return whether the processor multiplies bfloat16 by itself; elsewhere that is emulated,
    and slower than float32."""
    flags = _fields(cpuinfo, "flags") or _fields(cpuinfo, "Features")
    return bool(flags) and not _BFLOAT16_FLAGS.isdisjoint(flags[0].split())


def native_dtype(device: torch.device, network: StyleNetwork) -> torch.dtype:
    """Return the fastest dtype of a device that keeps a network's picture right."""
    if device.type == "cuda":
        return torch.float16
    if device.type == "cpu" and network.paints_in_bfloat16 and has_bfloat16():
        return torch.bfloat16
    return torch.float32


def _fields(cpuinfo: str | None, name: str) -> list[str]:
    """Return the values of a field, one per core."""
    if cpuinfo is None:
        path = Path("/proc/cpuinfo")
        cpuinfo = path.read_text() if path.exists() else ""
    pairs = (line.split(":", 1) for line in cpuinfo.splitlines() if ":" in line)
    return [value.strip() for key, value in pairs if key.strip() == name]
