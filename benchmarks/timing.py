"""Milliseconds of a step: warm, synchronised, medians."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch

SECONDS_PER_ROW = 10.0
"""Time limit of a row: a slow network is timed over fewer frames, but at least three."""

ROUNDS = 3


class Timed(NamedTuple):
    """What is timed, and how often.

    Attributes:
        step: makes one frame or several.
        warmup: calls before, at most.
        frames: calls that are timed, at most.
        seconds: after which there are fewer.
    """

    step: Callable[[], object]
    warmup: int
    frames: int
    seconds: float = SECONDS_PER_ROW


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
    at_least = math.ceil(3 / frames_per_step)
    milliseconds = _time(Timed(step, warmup, frames, SECONDS_PER_ROW), device, at_least)
    return _summary([each / frames_per_step for each in milliseconds])


def measure_in_turns(timed: Mapping[str, Timed], device: str) -> dict[str, dict[str, float]]:
    """Time several steps in turns; return of each what `measure` does.

    What else the machine does for a while, and how warm it is, then meets all of them, and their
    ratios hold where their milliseconds do not.

    Args:
        timed: what is timed, by name; in each of the `ROUNDS` its share of frames and seconds.
        device: whose work is waited for.
    """
    milliseconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(ROUNDS):
        for name, each in timed.items():
            share = each._replace(
                frames=math.ceil(each.frames / ROUNDS), seconds=each.seconds / ROUNDS
            )
            milliseconds[name] += _time(share, device, at_least=1)
    return {name: _summary(times) for name, times in milliseconds.items()}


def _time(timed: Timed, device: str, at_least: int) -> list[float]:
    """Return the milliseconds of each timed call."""

    def synchronise() -> None:
        if device != "cpu":
            torch.accelerator.synchronize(torch.device(device))

    began = time.perf_counter()
    for done in range(timed.warmup):
        if done and time.perf_counter() - began > timed.seconds / 4:
            break
        timed.step()
    synchronise()
    began = time.perf_counter()
    milliseconds: list[float] = []
    while len(milliseconds) < timed.frames:
        started = time.perf_counter()
        if len(milliseconds) >= at_least and started - began > timed.seconds:
            break
        timed.step()
        synchronise()
        milliseconds.append(1000 * (time.perf_counter() - started))
    return milliseconds


def _summary(milliseconds: list[float]) -> dict[str, float]:
    median = statistics.median(milliseconds)
    return {
        "frames": len(milliseconds),
        "best_ms": round(min(milliseconds), 3),
        "median_ms": round(median, 3),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 3),
        "fps": round(1000 / median, 1),
    }
