"""What every engine is, and what several share."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import Generic

import numpy as np
import torch

from ..adain import RegionalStatistics, Statistics
from ..ahead import Made
from ..closing import Closing
from ..errors import RealtimeAdainError

_ACCELERATOR = threading.RLock()


def exclusive(device: torch.device) -> AbstractContextManager:
    """Return a context in which nothing else is computed on an accelerator, except replays of
    captured graphs.

    Metal takes work from one thread at a time, and a CUDA graph cannot be captured while another
    thread waits for the device, as cuDNN does when it looks for the fastest kernel. On a processor
    nobody has to wait.
    """
    return nullcontext() if device.type == "cpu" else _ACCELERATOR


class EngineError(RealtimeAdainError, RuntimeError):
    """An engine that is not installed or fails; the message names it."""


class Engine(Closing):
    """Repaints frames with one network, for one thread at a time or in `run_all`.

    Attributes:
        name: by which the user knows it.
        dtype: of its arithmetic. The statistics of AdaIN are float32 in each.
    """

    name: str
    dtype: torch.dtype

    @abstractmethod
    def stylize(
        self, frame: np.ndarray, style: Statistics | RegionalStatistics, alpha: float = 1.0
    ) -> np.ndarray:
        """Return the frame in the style, a new uint8 `(H, W, 3)` RGB array of its size.

        Args:
            frame: uint8 `(H, W, 3)` RGB, any size.
            style: of the engine's network, on its device; float32. The masks of regions have the
                frame's size.
            alpha: style strength in 0..1.
        """

    def prepare(self, size_hw: tuple[int, int]) -> None:
        """Do what the first frame of a size would have to wait for; may be called by any thread.

        Args:
            size_hw: of the frame as it is processed.

        Raises:
            EngineError: the engine fails.
        """

    def is_prepared(self, size_hw: tuple[int, int]) -> bool:
        """Return whether a frame that is processed at a size has to wait for nothing."""
        return True

    def ready_for(self, size_hw: tuple[int, int]) -> bool:
        """Return whether a frame that is processed at a size would be painted as fast as the engine
        can; if not, begin to prepare for it in a thread. That may fail: then frames tell."""
        return self.is_prepared(size_hw)

    def close(self) -> None:
        """Give up what is being prepared in a thread; at its end, the process would wait for it."""

    def run_all(self, tasks: Iterable[Callable[[], Made]]) -> Generator[Made, None, None]:
        """Yield what tasks that call `stylize` return, in their order.

        An engine may run several at a time where that takes less time than one after the other;
        then a few more are taken than are yielded.

        Raises:
            Exception: what a task or `tasks` raised.
        """
        return (task() for task in tasks)

    @abstractmethod
    def network_pass(self, size_hw: tuple[int, int], style: Statistics) -> Callable[[], object]:
        """Return one pass of the network alone with its input in place, for benchmarks.

        Args:
            size_hw: of the input, multiples of the network's stride.
        """


class PerSize(Generic[Made]):
    """What is slow to make for a size of frame, kept for the sizes used last.

    Args:
        make: makes it for a height and width in pixels; threads that use other sizes go on
            meanwhile.
        kept: how many sizes are remembered.
    """

    def __init__(self, make: Callable[[tuple[int, int]], Made], kept: int = 8) -> None:
        self._make = make
        self._kept = kept
        self._made: dict[tuple[int, int], Future[Made]] = {}
        self._changing = threading.Lock()

    def __len__(self) -> int:
        return len(self._made)

    def __contains__(self, size_hw: tuple[int, int]) -> bool:
        made = self._made.get(size_hw)
        return made is not None and made.done()

    def get(self, size_hw: tuple[int, int]) -> Made:
        """Return what belongs to a size; made now unless it is remembered, or in the making."""
        with self._changing:
            made = self._made.pop(size_hw, None)
            if missing := made is None:
                made = Future()
                while len(self._made) >= self._kept:
                    del self._made[next(iter(self._made))]  # the one used longest ago
            self._made[size_hw] = made  # the last one now
        try:
            if missing:
                self._fill(made, size_hw)
            return made.result()
        finally:
            del made  # or an error, which it holds, would keep it, and the memory of all its frames

    def _fill(self, made: Future[Made], size_hw: tuple[int, int]) -> None:
        try:
            made.set_result(self._make(size_hw))
        except BaseException as error:
            with self._changing:
                self._made.pop(size_hw, None)
            made.set_exception(error)
        finally:
            del made
