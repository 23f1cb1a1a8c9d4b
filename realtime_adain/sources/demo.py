"""A drawn, moving scene: the program shows itself on a machine without a camera."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ..demo_scene import DemoScene
from ..frame import LIVE_FRAME_RATE, Frame
from .base import Source


class DemoSource(Source):
    """The frames of the demo scene, without end and as fast as they are read.

    A `PacedSource` around it plays it by the clock, as `open_source("demo")` does; as it is, it
    serves for measuring, because it gives the same frames every time.

    Args:
        size_wh: width and height in pixels.
        frame_rate: frames per second of the scene's own time.
    """

    name = "demo"

    def __init__(
        self, size_wh: tuple[int, int] = (640, 480), frame_rate: Fraction = LIVE_FRAME_RATE
    ) -> None:
        self.frame_rate = frame_rate
        self.size_hw = (size_wh[1], size_wh[0])
        self._scene = DemoScene(size_wh)

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while True:
            seconds = float(index / self.frame_rate)
            yield Frame(self._scene.draw(seconds), seconds, pts=index)
            index += 1

    def close(self) -> None:
        pass
