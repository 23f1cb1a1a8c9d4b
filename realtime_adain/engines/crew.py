"""Frames that need not be ready soon: several in work at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice

import torch

from ..ahead import Made, run_ahead

MOST_WORKERS = 4
MOST_PIXELS = 2 * 3840 * 2160
"""Frames that are computed at a time have no more in all: a million need 100 to 150 MB."""


class Crew:
    """Threads that compute a frame each on a processor, within a bound of memory.

    Cores that compute one frame together wait for each other after every operation, and all of
    them for the one that another thread keeps busy, such as a video encoder's.
    """

    def __init__(self) -> None:
        self._pixels = 0  # of the last frame, as it was processed
        self._in_work = 0  # pixels of the frames that are being computed
        self._done = threading.Condition()

    @contextmanager
    def room_for(self, size_hw: tuple[int, int]) -> Iterator[None]:
        """Wait until the frames in work leave room for one more, or there are none.

        Args:
            size_hw: of the frame as it is processed.
        """
        pixels = size_hw[0] * size_hw[1]
        with self._done:
            self._done.wait_for(lambda: self._in_work + pixels <= max(MOST_PIXELS, pixels))
            self._in_work += pixels
            self._pixels = pixels
        try:
            yield
        finally:
            with self._done:
                self._in_work -= pixels
                self._done.notify_all()

    def run_all(
        self,
        tasks: Iterable[Callable[[], Made]],
        at_a_time: Callable[[int], AbstractContextManager] = nullcontext,
    ) -> Generator[Made, None, None]:
        """Yield what tasks return, in their order; as many run at a time as cores and memory
        suggest.

        Args:
            tasks: each computes a frame and asks for room for it.
            at_a_time: given the number of workers, returns the context in which they run.
        """
        tasks = iter(tasks)
        for task in islice(tasks, 1):  # it shows how large the frames are
            yield task()
        cores = torch.get_num_threads()
        workers = min(cores, MOST_WORKERS, MOST_PIXELS // max(self._pixels, 1))
        if workers < 2:
            yield from (task() for task in tasks)
            return
        pool = ThreadPoolExecutor(workers, "painter", torch.set_num_threads, (cores // workers,))
        try:
            with at_a_time(workers):
                yield from run_ahead(tasks, pool, workers)
        finally:
            torch.set_num_threads(cores)  # what the workers set counts for threads to come
