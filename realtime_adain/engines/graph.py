"""The network as an ONNX graph: what other engines compute, and other programs can.

One graph serves every style, strength and frame size. Its inputs and output:

| name       | what                                                                        |
|------------|-----------------------------------------------------------------------------|
| `frame`    | uint8 `(H, W, 3)` RGB; H and W multiples of the stride, 16 at least         |
| `style`    | float32 `(2, C)`: means and standard deviations (`Style.packed`)            |
| `alpha`    | float32 scalar, style strength in 0..1                                      |
| `stylized` | uint8 `(H, W, 3)` RGB                                                       |
"""

from __future__ import annotations

import copy
import io
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from functools import cached_property
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor, nn

from ..adain import FADING_ALPHA, RegionalStatistics, Statistics, pack_statistics, unpack_statistics
from ..ahead import Made
from ..errors import first_line
from ..networks import StyleNetwork
from ..tensors import (
    as_bytes,
    pad_pixels_to_stride,
    padded_side,
    resize_pixels,
    working_size,
)
from .base import Engine, EngineError
from .crew import Crew
from .eager import TorchEngine
from .quantization import Quantizer, quantized

OPSET = 17
"""Version of ONNX's operators, of 2022: the first with all that the networks use, and old enough
for every runtime."""


class FrameGraph(nn.Module):
    """A network between frames: conversion, padding apart, on both sides of it.

    The division by 255 is left to the first convolution: as an operation of its own it costs time,
    and bfloat16 holds the bytes exactly, not their 255th parts.

    Args:
        network: in float32; takes bytes from now on.
        quantizers: of its convolutions, from `calibrate`; none for floating point.
        fades: whether the frame shows through at strengths below `FADING_ALPHA`, as a `Stylizer`
            lets it.
    """

    def __init__(
        self, network: StyleNetwork, quantizers: Sequence[Quantizer] = (), *, fades: bool = False
    ) -> None:
        super().__init__()
        self._fades = fades
        self.network = network
        self.network.take_bytes()
        self._quantizers = quantizers

    def forward(self, frame: Tensor, style: Tensor, alpha: Tensor) -> Tensor:
        """Return uint8 `(H, W, 3)`; for the arguments see the module."""
        statistics = unpack_statistics(style, self.network.layer_widths)
        strength = alpha.reshape(1, 1, 1, 1)
        with quantized(self.network, self._quantizers) if self._quantizers else nullcontext():
            content = frame[None].float().permute(0, 3, 1, 2)
            picture = self.network(content, statistics, strength)
        if self._fades:
            share = (strength / FADING_ALPHA).clamp(max=1.0)
            picture = share * picture + (1 - share) / 255 * content
        return as_bytes(picture)


def export_onnx(
    network: StyleNetwork, quantizers: Sequence[Quantizer] = (), *, fades: bool = False
) -> bytes:
    """Return a network as an ONNX file.

    Args:
        network: in float32; not changed.
        quantizers: as of `FrameGraph`.
        fades: as of `FrameGraph`.

    Raises:
        EngineError: the package `onnx` is missing, or the network cannot be exported.
    """
    if find_spec("onnx") is None:
        raise EngineError("exporting a network needs a package: pip install onnx")
    graph = FrameGraph(copy.deepcopy(network).cpu().float(), quantizers, fades=fades).eval()
    example = (
        torch.zeros(64, 64, 3, dtype=torch.uint8),
        torch.ones(2, sum(network.layer_widths)),
        torch.tensor(1.0),
    )
    any_size = {0: "height", 1: "width"}
    file = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of what the exporter thinks of itself
            # This exporter needs no package but `onnx`, and keeps every size open.
            torch.onnx.export(
                graph,
                example,
                file,
                dynamo=False,
                opset_version=OPSET,
                input_names=["frame", "style", "alpha"],
                output_names=["stylized"],
                dynamic_axes={"frame": any_size, "stylized": any_size},
            )
    except (ImportError, RuntimeError) as error:
        raise EngineError(f"the network cannot be exported to ONNX: {first_line(error)}") from error
    return file.getvalue()


class Runner(ABC):
    """The graph as an engine's package has loaded it."""

    @abstractmethod
    def run(self, frame: np.ndarray, style: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """Return what the graph makes of its inputs, an array that is the caller's."""

    def prepare(self, size_hw: tuple[int, int]) -> None:
        """Do what the first frame of a size, that of the graph's input, would wait for."""

    def is_prepared(self, size_hw: tuple[int, int]) -> bool:
        """Return whether a frame of a size has to wait for nothing."""
        return True


class GraphEngine(Engine):
    """An engine that computes the exported graph, on the processor.

    Args:
        network: in float32; not changed.
        size: short side in pixels at which larger frames are processed; None for their own.
        dtype: of the arithmetic, one of `dtypes`; None for the best of the engine's here.

    Raises:
        EngineError: the engine's package fails.
        ValueError: the engine does not compute in `dtype`.
    """

    dtypes: tuple[torch.dtype, ...] = (torch.float32,)

    def __init__(
        self, network: StyleNetwork, *, size: int | None = None, dtype: torch.dtype | None = None
    ) -> None:
        self.dtype = dtype or self.best_dtype(network)
        if self.dtype not in self.dtypes:
            known = " or ".join(str(known).removeprefix("torch.") for known in self.dtypes)
            raise ValueError(
                f"engine {self.name!r} computes in {known}, "
                f"not in {str(self.dtype).removeprefix('torch.')}"
            )
        self.size = size
        self.network = network
        self._crew = Crew()
        self._packed: tuple[Statistics, np.ndarray] | None = None
        self._preparer = ThreadPoolExecutor(1, self.name)
        self._preparing: dict[tuple[int, int], Future[None]] = {}
        with self._errors_named():
            self._graph = export_onnx(network)
            self._runner = self.load(self._graph, 1)

    def best_dtype(self, network: StyleNetwork) -> torch.dtype:
        """Return the dtype that is used unless told otherwise."""
        return torch.float32

    @abstractmethod
    def load(self, graph: bytes, at_a_time: int) -> Runner:
        """Return what runs the ONNX file of the network.

        Args:
            graph: the file.
            at_a_time: threads that call it at once, each for a share of PyTorch's threads.
        """

    def prepare(self, size_hw: tuple[int, int]) -> None:
        with self._errors_named():
            self._runner.prepare(self._padded(size_hw))

    def is_prepared(self, size_hw: tuple[int, int]) -> bool:
        return self._runner.is_prepared(self._padded(size_hw))

    def ready_for(self, size_hw: tuple[int, int]) -> bool:
        if not self.is_prepared(size_hw) and size_hw not in self._preparing:
            self._preparing[size_hw] = self._preparer.submit(self.prepare, size_hw)
        preparing = self._preparing.get(size_hw)
        if preparing is not None and preparing.done():
            del self._preparing[size_hw]
            return True
        return preparing is None

    def close(self) -> None:
        self._preparer.shutdown(wait=False, cancel_futures=True)

    def stylize(
        self, frame: np.ndarray, style: Statistics | RegionalStatistics, alpha: float = 1.0
    ) -> np.ndarray:
        size_hw = working_size(frame.shape[:2], self.size)
        with self._crew.room_for(size_hw):
            if isinstance(style, RegionalStatistics):
                return self._for_regions.stylize(frame, style, alpha)
            content = pad_pixels_to_stride(resize_pixels(frame, size_hw), self.network.stride)
            with self._errors_named():
                output = self._runner.run(content, self._pack(style), np.array(alpha, np.float32))
            painted = np.ascontiguousarray(output[: size_hw[0], : size_hw[1]])
            return resize_pixels(painted, frame.shape[:2])

    def run_all(self, tasks: Iterable[Callable[[], Made]]) -> Generator[Made, None, None]:
        """Run as many tasks at a time as cores and memory suggest."""
        return self._crew.run_all(tasks, self._loaded_for)

    def network_pass(self, size_hw: tuple[int, int], style: Statistics) -> Callable[[], object]:
        """Return one pass of the graph: the conversions are part of it."""
        frame = np.zeros((*size_hw, 3), np.uint8)
        packed, alpha = self._pack(style), np.ones((), np.float32)
        return lambda: self._runner.run(frame, packed, alpha)

    @contextmanager
    def _loaded_for(self, at_a_time: int) -> Iterator[None]:
        """Have the graph loaded for so many frames at a time; where that fails, they queue up."""
        usual = self._runner
        with suppress(EngineError), self._errors_named():
            self._runner = self.load(self._graph, at_a_time)
        try:
            yield
        finally:
            self._runner = usual

    def _padded(self, size_hw: tuple[int, int]) -> tuple[int, int]:
        height, width = (padded_side(side, self.network.stride) for side in size_hw)
        return height, width

    def _pack(self, style: Statistics) -> np.ndarray:
        """Return the packed style; the last one is remembered."""
        last = self._packed
        if last is None or last[0] is not style:
            self._packed = last = (style, pack_statistics(style).numpy())
        return last[1]

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        """Make an `EngineError` of whatever the engine's package raises."""
        try:
            yield
        except EngineError:
            raise
        except Exception as error:  # each package has errors of its own
            raise EngineError(f"engine {self.name!r} failed: {first_line(error)}") from error

    @cached_property
    def _for_regions(self) -> TorchEngine:
        """The graph knows one style at a time; PyTorch knows regions."""
        dtype = self.dtype if self.dtype.is_floating_point else None
        return TorchEngine(self.network, size=self.size, dtype=dtype)
