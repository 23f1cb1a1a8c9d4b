"""Milliseconds of a step: warm, synchronised, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

SECONDS_PER_ROW = 10.0
"""Time limit of a row: a slow network is timed over fewer frames, but at least three."""


def measure(
    step: Callable[[], object],
    device: str,
    *,
    warmup: int,
    frames: int,
    frames_per_step: int = 1,
) -> dict[str, float]:
    """Time `step`, each call with the device's work done; return milliseconds a frame and their
    rate.

    Args:
        device: whose work is waited for.
        warmup: calls before, at most.
        frames: calls that are timed, at most.
        frames_per_step: how many frames a call makes.
    """

    def synchronise() -> None:
        if device != "cpu":
            torch.accelerator.synchronize(torch.device(device))

    began = time.perf_counter()
    for done in range(warmup):
        if done and time.perf_counter() - began > SECONDS_PER_ROW / 4:
            break
        step()
    synchronise()
    began = time.perf_counter()
    milliseconds: list[float] = []
    while len(milliseconds) < frames:
        started = time.perf_counter()
        if len(milliseconds) >= 3 and started - began > SECONDS_PER_ROW:
            break
        step()
        synchronise()
        milliseconds.append(1000 * (time.perf_counter() - started) / frames_per_step)
    median = statistics.median(milliseconds)
    return {
        "frames": len(milliseconds),
        "best_ms": round(min(milliseconds), 3),
        "median_ms": round(median, 3),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 3),
        "fps": round(1000 / median, 1),
    }
