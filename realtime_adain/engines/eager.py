"""The engine that is always there: the network by PyTorch, operation by operation."""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from ..adain import Regional, Statistics
from ..networks import StyleNetwork
from ..tensors import (
    as_bytes,
    as_unit,
    download,
    pad_to_stride,
    resize,
    resize_frame,
    upload,
    working_size,
)
from .base import Engine, Made
from .processor import native_dtype

MOST_WORKERS = 4
MOST_PIXELS = 2 * 3840 * 2160
"""Frames that are computed at a time have no more in all: a million need 100 to 150 MB."""


class TorchEngine(Engine):
    """Computes in channels-last by PyTorch's own kernels, on any device.

    Args:
        network: in float32, on its device; not changed.
        size: short side in pixels at which larger frames are processed; None for their own.
        dtype: None for half precision on CUDA, bfloat16 on a processor that has it, else float32.
    """

    name = "torch"

    def __init__(
        self, network: StyleNetwork, *, size: int | None = None, dtype: torch.dtype | None = None
    ) -> None:
        self.device = next(network.parameters()).device
        self.dtype = dtype or native_dtype(self.device, network)
        self.size = size
        self._pixels = 0  # of the last frame, as it was processed
        self._in_work = 0  # pixels of the frames that are being computed
        self._done = threading.Condition()
        if self.dtype != torch.float32:
            network = copy.deepcopy(network).to(self.dtype)
        self.network = network.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def stylize(
        self, frame: np.ndarray, style: Statistics | Regional, alpha: float = 1.0
    ) -> np.ndarray:
        height, width = working_size(frame.shape[:2], self.size)
        with self._room_for(height * width):
            return download(self.repaint(upload(frame, self.device), style, alpha))

    def run_all(self, tasks: Iterable[Callable[[], Made]]) -> Generator[Made, None, None]:
        """On a processor, run as many tasks at a time as cores and memory suggest.

        Cores that compute one frame together wait for each other after every operation, and all of
        them for the one that another thread keeps busy, such as a video encoder's.
        """
        tasks = iter(tasks)
        for task in islice(tasks, 1):  # it shows how large the frames are
            yield task()
        cores = torch.get_num_threads()
        workers = min(cores, MOST_WORKERS, MOST_PIXELS // max(self._pixels, 1))
        if self.device.type != "cpu" or workers < 2:
            yield from super().run_all(tasks)
            return
        pool = ThreadPoolExecutor(workers, "painter", torch.set_num_threads, (cores // workers,))
        try:
            yield from side_by_side(tasks, pool, workers)
        finally:
            torch.set_num_threads(cores)  # what the workers set counts for threads to come

    @contextmanager
    def _room_for(self, pixels: int) -> Iterator[None]:
        """Wait until the frames in work leave room for one more, or there are none."""
        with self._done:
            self._done.wait_for(lambda: self._in_work + pixels <= max(MOST_PIXELS, pixels))
            self._in_work += pixels
        try:
            yield
        finally:
            with self._done:
                self._in_work -= pixels
                self._done.notify_all()

    def repaint(
        self, frame: Tensor, style: Statistics | Regional, alpha: float | Tensor = 1.0
    ) -> Tensor:
        """Return a frame on the device in the style: uint8 `(H, W, 3)` in and out."""
        size_hw = tuple(frame.shape[:2])
        content = resize_frame(frame, working_size(size_hw, self.size))
        height, width = content.shape[:2]
        self._pixels = height * width
        if isinstance(style, Regional):
            masks = resize(style.masks[None], (height, width))
            style = replace(style, masks=pad_to_stride(masks, self.network.stride)[0])
        image = pad_to_stride(as_unit(content, self.dtype), self.network.stride)
        output = self.network(image, style, alpha)
        return resize_frame(as_bytes(output[:, :, :height, :width].float()), size_hw)

    def network_pass(self, size_hw: tuple[int, int], style: Statistics) -> Callable[[], object]:
        content = torch.rand(1, 3, *size_hw, device=self.device, dtype=self.dtype)
        content = content.contiguous(memory_format=torch.channels_last)

        @torch.inference_mode()
        def run() -> Tensor:
            return self.network(content, style)

        return run


def side_by_side(
    tasks: Iterable[Callable[[], Made]], pool: ThreadPoolExecutor, workers: int
) -> Generator[Made, None, None]:
    """Yield what tasks return, in their order, while the workers of a pool run the next ones.

    Args:
        tasks: one more than the workers is taken ahead.
        pool: shut down at the end.
        workers: threads of the pool.
    """
    running: deque[Future[Made]] = deque()
    try:
        for task in tasks:
            running.append(pool.submit(task))
            if len(running) > workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
