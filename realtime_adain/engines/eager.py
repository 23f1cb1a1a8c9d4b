"""The engine that is always there: the network by PyTorch, operation by operation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..adain import RegionalStatistics, Statistics
from ..ahead import Made
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
from .base import Engine, exclusive
from .crew import Crew
from .processor import native_dtype


class TorchEngine(Engine):
    """Computes in channels-last by PyTorch's own kernels, on any device.

    Args:
        network: in float32, on its device; not changed.
        size: short side in pixels at which larger frames are processed; None for their own.
        dtype: None for half precision on CUDA, bfloat16 on a processor that gains by it, else
            float32.

    Raises:
        ValueError: the dtype is not floating point.
    """

    name = "torch"

    def __init__(
        self, network: StyleNetwork, *, size: int | None = None, dtype: torch.dtype | None = None
    ) -> None:
        self.device = next(network.parameters()).device
        self.dtype = dtype or native_dtype(self.device, network)
        if not self.dtype.is_floating_point:
            raise ValueError(
                f"engine {self.name!r} computes in floating point, not in "
                f"{str(dtype).removeprefix('torch.')}, which OpenVINO does, on the processor"
            )
        self.size = size
        self._crew = Crew()
        if self.dtype != torch.float32:
            network = copy.deepcopy(network).to(self.dtype)
        self.network = network.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def stylize(
        self, frame: np.ndarray, style: Statistics | RegionalStatistics, alpha: float = 1.0
    ) -> np.ndarray:
        room = self._crew.room_for(working_size(frame.shape[:2], self.size))
        with room, exclusive(self.device):
            return download(self.repaint(upload(frame, self.device), style, alpha))

    def run_all(self, tasks: Iterable[Callable[[], Made]]) -> Generator[Made, None, None]:
        """On a processor, run as many tasks at a time as cores and memory suggest."""
        return super().run_all(tasks) if self.device.type != "cpu" else self._crew.run_all(tasks)

    def repaint(
        self, frame: Tensor, style: Statistics | RegionalStatistics, alpha: float | Tensor = 1.0
    ) -> Tensor:
        """Return a frame on the device in the style: uint8 `(H, W, 3)` in and out."""
        size_hw = tuple(frame.shape[:2])
        content = resize_frame(frame, working_size(size_hw, self.size))
        height, width = content.shape[:2]
        if isinstance(style, RegionalStatistics):
            masks = resize(style.masks[None].to(frame.device), (height, width))
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
