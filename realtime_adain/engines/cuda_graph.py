"""PyTorch on CUDA without its launch times: one graph per frame size, captured once, replayed."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import numpy as np
import torch

from ..adain import RegionalStatistics, Statistics, pack_statistics, unpack_statistics
from ..ahead import Made, run_ahead
from ..errors import first_line, is_out_of_memory
from ..networks import StyleNetwork
from .base import PerSize, exclusive
from .eager import TorchEngine

IN_FLIGHT = 2
"""Frames of a film that are in work at a time."""


class CudaGraphEngine(TorchEngine):
    """Replays the whole repainting of a frame, conversions included, as one CUDA graph.

    Style and strength are the contents of buffers that the graph reads, so that changing or mixing
    styles captures nothing anew. Every thread has graphs of its own, on a stream of its own: of
    many frames, one is copied while the other is computed.

    Painted eagerly are the first frame of a size (it may be a single picture), styles in regions,
    and sizes whose graph does not fit into memory or fails otherwise.
    """

    def __init__(
        self,
        network: StyleNetwork,
        *,
        size: int | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(network, size=size, dtype=dtype)
        self._uncapturable: set[tuple[int, int]] = set()
        self._here = _PerThread(self._capture)

    def stylize(
        self, frame: np.ndarray, style: Statistics | RegionalStatistics, alpha: float = 1.0
    ) -> np.ndarray:
        frame_hw = frame.shape[:2]
        captured = None
        if not isinstance(style, RegionalStatistics) and self._comes_again(frame_hw):
            captured = self._captured(frame_hw)
        if captured is not None:
            return captured.stylize(frame, style, alpha)
        # What cuDNN chooses at the first sight of a layer and size, it keeps for the graph too. To
        # search takes long: of many pictures that all differ in size, it does so for the first.
        searching = _fastest_convolutions() if len(self._here.seen) == 1 else nullcontext()
        with exclusive(self.device), searching:
            return super().stylize(frame, style, alpha)

    def run_all(self, tasks: Iterable[Callable[[], Made]]) -> Generator[Made, None, None]:
        """Run as many tasks at a time as are to be in flight."""
        return run_ahead(tasks, ThreadPoolExecutor(IN_FLIGHT, "painter"), IN_FLIGHT)

    def network_pass(self, size_hw: tuple[int, int], style: Statistics) -> Callable[[], object]:
        """Return a replay: with the conversions, without the copies from and to the host."""
        captured = self._captured(size_hw)
        if captured is None:
            return super().network_pass(size_hw, style)
        captured.stylize(np.zeros((*size_hw, 3), np.uint8), style, 1.0)
        return captured.replay

    def _comes_again(self, frame_hw: tuple[int, int]) -> bool:
        """Return whether this thread has been asked for frames of a size before."""
        again = frame_hw in self._here.seen
        self._here.seen.add(frame_hw)
        return again

    def _captured(self, frame_hw: tuple[int, int]) -> _CapturedRepainting | None:
        """Return this thread's graph for a size; None where it cannot be captured."""
        if frame_hw in self._uncapturable:
            return None
        try:
            return self._here.captured.get(frame_hw)
        except RuntimeError as error:
            scarce = is_out_of_memory(error)
            if scarce and len(self._here.captured):
                self._here.forget()  # the next frame may have the memory of the other sizes
                return None
            self._uncapturable.add(frame_hw)
            if not scarce:
                height, width = frame_hw
                warnings.warn(
                    f"frames of {width}x{height} are painted without a CUDA graph, which fails "
                    f"here: {first_line(error)}",
                    stacklevel=3,
                )
            return None

    def _capture(self, frame_hw: tuple[int, int]) -> _CapturedRepainting:
        with exclusive(self.device):
            return _CapturedRepainting(self, frame_hw)


class _PerThread(threading.local):
    """What each thread has of its own.

    Args:
        capture: makes the graph of a frame size.

    Attributes:
        seen: sizes of the frames painted so far.
        captured: the graphs.
    """

    def __init__(self, capture: Callable[[tuple[int, int]], _CapturedRepainting]) -> None:
        self.seen: set[tuple[int, int]] = set()
        self._capture = capture
        self.forget()

    def forget(self) -> None:
        """Let go of this thread's graphs."""
        self.captured = PerSize(self._capture)


@contextmanager
def _fastest_convolutions() -> Iterator[None]:
    """Let cuDNN try its algorithms at the first sight of a layer and size, and keep the fastest."""
    usual = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = usual


class _CapturedRepainting:
    """The graph of one frame size, its buffers, and a stream of its own.

    Copies and replay go on that one stream, beside whatever else the program does on the device
    (encoding a style, say). Within a frame they depend on each other, so more streams would only
    wait.
    """

    _WARM_UPS = 3  # before a capture, so that every kernel is chosen and every workspace exists

    @torch.inference_mode()
    def __init__(self, engine: TorchEngine, frame_hw: tuple[int, int]) -> None:
        device, widths = engine.device, engine.network.layer_widths
        self._style: Statistics | None = None
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._graph = torch.cuda.CUDAGraph()
        shape = (*frame_hw, 3)
        self._host_frame = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        self._host_output = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        # The stream is set around the capture too: one that fails may leave its own behind.
        with torch.cuda.device(device), torch.cuda.stream(self._stream):
            self._frame = torch.zeros(shape, dtype=torch.uint8, device=device)
            self._packed = torch.ones(2, sum(widths), device=device)
            self._alpha = torch.ones((), device=device)
            inputs = (self._frame, unpack_statistics(self._packed, widths), self._alpha)
            with _fastest_convolutions():
                for _ in range(self._WARM_UPS):
                    engine.repaint(*inputs)
            self._stream.synchronize()
            # Other threads may replay their graphs meanwhile: the capture minds this one only.
            with torch.cuda.graph(
                self._graph, stream=self._stream, capture_error_mode="thread_local"
            ):
                self._output = engine.repaint(*inputs)

    @torch.inference_mode()
    def stylize(self, frame: np.ndarray, style: Statistics, alpha: float) -> np.ndarray:
        self._host_frame.numpy()[...] = frame
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            if style is not self._style:
                # It may still be in the making on the default stream.
                self._stream.wait_stream(torch.cuda.default_stream(self._device))
                self._packed.copy_(pack_statistics(style))
                self._style = style
            self._alpha.fill_(alpha)
            self._frame.copy_(self._host_frame, non_blocking=True)
            self._graph.replay()
            self._host_output.copy_(self._output, non_blocking=True)
        self._stream.synchronize()
        return self._host_output.numpy().copy()

    def replay(self) -> None:
        """Repaint what is in the buffers; returns when it is done."""
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            self._graph.replay()
        self._stream.synchronize()
