"""What many tests use: pictures made on the spot, waiting, a sink that keeps nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from realtime_adain.frame import Frame
from realtime_adain.sinks.base import Sink

TINY = {
    "widths": [8, 8, 16],
    "blocks": 1,
    "ranks": [8, 4, 8, 4],
    "style_widths": [4, 4, 8, 8],
    "style_hidden": 16,
}
"""Arguments of a lean network that takes no time."""


class Clock:
    """Seconds that stand still until they are set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class NullSink(Sink):
    """Takes every frame and keeps none."""

    def write(self, frame: Frame) -> None:
        pass

    def close(self) -> None:
        pass


def picture(height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    """A picture with gradients, an edge and some grain; uint8 `(H, W, 3)` RGB."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    red = 255 * rows / max(height - 1, 1)
    green = 255 * columns / max(width - 1, 1)
    blue = np.where(columns > width // 2, 220.0, 30.0)
    pixels = np.stack([red, green, blue], -1) + random.normal(0, 8, (height, width, 3))
    return pixels.clip(0, 255).astype(np.uint8)


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for what other threads or programs do; a busy machine may take its time."""
    deadline = time.perf_counter() + seconds
    while not condition():
        assert time.perf_counter() < deadline, "waited in vain"
        time.sleep(0.001)
