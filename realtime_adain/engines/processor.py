"""What the processor is and can."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
from torch.nn import functional

from ..networks import StyleNetwork

_CPUINFO = Path("/proc/cpuinfo")
_X86_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
_BFLOAT16_FLAGS = {*_X86_BFLOAT16_FLAGS, "bf16"}
"""Names of arithmetic in bfloat16 in /proc/cpuinfo: of x86, and ARM's."""

_CHANNELS, _SIDE, _ROUNDS = 64, 32, 20
"""Of the convolution by which dtypes are compared: so short that on a busy machine too some of the
rounds are disturbed by nothing."""

_WORTH_ROUNDING = 0.9
"""Part of the time in float32 in which bfloat16 must be done to be preferred."""


def processor_name(cpuinfo: str | None = None) -> str:
    """Return the processor's name, as its maker writes it where that is known.

    Args:
        cpuinfo: text of /proc/cpuinfo; None reads it.
    """
    names = _fields(cpuinfo, "model name")
    return names[0] if names else platform.processor() or platform.machine()


def is_x86() -> bool:
    """Return whether it is one of Intel's or AMD's, of 64 bits."""
    return platform.machine().lower() in {"x86_64", "amd64"}


def has_bfloat16(cpuinfo: str | None = None) -> bool:
    """Return whether the processor multiplies bfloat16 by itself; elsewhere that is emulated,
    and slower than float32.

    Args:
        cpuinfo: text of /proc/cpuinfo; None reads it, or asks PyTorch where there is none.
    """
    if cpuinfo is None and not _CPUINFO.exists():
        known = getattr(torch.cpu, "get_capabilities", dict)()  # from PyTorch 2.13 on
        return any(known.get(flag, False) for flag in _X86_BFLOAT16_FLAGS)
    flags = _fields(cpuinfo, "flags") or _fields(cpuinfo, "Features")
    return bool(flags) and not _BFLOAT16_FLAGS.isdisjoint(flags[0].split())


@cache
def gains_by_bfloat16() -> bool:
    """Return whether convolutions take less time in bfloat16 than in float32 here: measured once,
    for there are processors that have it and need twice as long."""
    if not has_bfloat16():
        return False
    steps = {dtype: _convolution(dtype) for dtype in (torch.float32, torch.bfloat16)}
    best = dict.fromkeys(steps, math.inf)
    for _ in range(_ROUNDS):
        for dtype, step in steps.items():
            began = time.perf_counter()
            step()
            best[dtype] = min(best[dtype], time.perf_counter() - began)
    return best[torch.bfloat16] < _WORTH_ROUNDING * best[torch.float32]


def native_dtype(device: torch.device, network: StyleNetwork) -> torch.dtype:
    """Return the fastest dtype of a device that keeps a network's picture right."""
    if device.type == "cuda":
        return torch.float16
    if device.type == "cpu" and network.supports_bfloat16 and gains_by_bfloat16():
        return torch.bfloat16
    return torch.float32


def autocast(device: torch.device, wanted: bool = True) -> torch.autocast:
    """Return the context in which convolutions are computed in bfloat16, if wanted and the device
    gains by it: a processor that would emulate it takes several times as long as in float32."""
    enabled = wanted and (device.type != "cpu" or gains_by_bfloat16())
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def _convolution(dtype: torch.dtype) -> Callable[[], object]:
    """Return what computes a convolution of `_CHANNELS` at `_SIDE` pixels."""
    features = torch.ones(1, _CHANNELS, _SIDE, _SIDE, dtype=dtype)
    features = features.to(memory_format=torch.channels_last)
    weights = torch.ones(_CHANNELS, _CHANNELS, 3, 3, dtype=dtype)
    return lambda: functional.conv2d(features, weights)


def _fields(cpuinfo: str | None, name: str) -> list[str]:
    """Return the values of a field, one per core."""
    if cpuinfo is None:
        cpuinfo = _CPUINFO.read_text() if _CPUINFO.exists() else ""
    pairs = (line.split(":", 1) for line in cpuinfo.splitlines() if ":" in line)
    return [value.strip() for key, value in pairs if key.strip() == name]
