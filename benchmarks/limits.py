"""What a device can do at best, and the least time that leaves for a network: its roofline."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from benchmarks.timing import measure
from realtime_adain.adain import Statistics
from realtime_adain.networks import StyleNetwork

MATRIX_SIDE = {"cpu": 2048, "cuda": 8192}
FEATURE_SIDE = 64
"""In pixels, of the convolution that is measured; its channels are an eighth of the matrix."""
COPIED_BYTES = {"cpu": 1 << 27, "cuda": 1 << 30}


class Limits:
    """What a device can do at best, measured.

    Attributes:
        measured: `bytes_per_second` of a large copy, reading and writing counted, and
            `operations_per_second` by dtype: of a large matrix product or a large 3x3 convolution,
            whichever is faster (a library may know a processor badly that another knows well).
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._kind = device.split(":")[0]
        source = torch.ones(COPIED_BYTES.get(self._kind, 1 << 27), dtype=torch.uint8, device=device)
        target = torch.empty_like(source)
        seconds = self._best_seconds(lambda: target.copy_(source))
        self.measured: dict[str, object] = {
            "bytes_per_second": 2 * source.numel() / seconds,
            "operations_per_second": {},
        }

    def __str__(self) -> str:
        rates = [
            f"{rate / 1e9:.0f} GOP/s in {dtype}"
            for dtype, rate in self.measured["operations_per_second"].items()
        ]
        return ", ".join([f"{self.measured['bytes_per_second'] / 1e9:.1f} GB/s", *rates])

    def least_ms(
        self,
        network: StyleNetwork,
        style: Statistics,
        size_hw: tuple[int, int],
        dtype: torch.dtype,
    ) -> float:
        """Return the least milliseconds in which a network could be computed at a size."""
        operations, values = work(network, style, size_hw)
        arithmetic = operations / self._operations_per_second(dtype)
        movement = values * dtype.itemsize / self.measured["bytes_per_second"]
        return 1000 * max(arithmetic, movement)

    def _operations_per_second(self, dtype: torch.dtype) -> float:
        rates = self.measured["operations_per_second"]
        name = str(dtype).removeprefix("torch.")
        if name not in rates:
            rates[name] = max(self._of_a_product(dtype), self._of_a_convolution(dtype))
        return rates[name]

    @torch.inference_mode()
    def _of_a_product(self, dtype: torch.dtype) -> float:
        side = MATRIX_SIDE.get(self._kind, 2048)
        matrix = torch.rand(side, side, device=self._device).to(dtype)
        return 2 * side**3 / self._best_seconds(lambda: matrix @ matrix)

    @torch.inference_mode()
    def _of_a_convolution(self, dtype: torch.dtype) -> float:
        channels = MATRIX_SIDE.get(self._kind, 2048) // 8
        conv = nn.Conv2d(channels, channels, 3, padding=1, device=self._device, dtype=dtype)
        conv = conv.to(memory_format=torch.channels_last)
        features = torch.ones(1, channels, FEATURE_SIDE, FEATURE_SIDE, device=self._device)
        features = features.to(dtype=dtype, memory_format=torch.channels_last)
        operations = 2 * conv.weight.numel() * FEATURE_SIDE**2
        return operations / self._best_seconds(lambda: conv(features))

    def _best_seconds(self, step: Callable[[], object]) -> float:
        return measure(step, self._device, warmup=1, frames=5)["best_ms"] / 1000


@torch.inference_mode()
def work(network: StyleNetwork, style: Statistics, size_hw: tuple[int, int]) -> tuple[int, int]:
    """Return the arithmetic operations of all convolutions for a frame, and how many numbers
    these read and write: input, weights and output, each once."""
    operations = values = 0

    def count(conv: nn.Conv2d, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal operations, values
        if conv.kernel_size == (1, 1):  # of which some double the size after it
            operations += 2 * inputs[0].numel() * conv.out_channels
        else:
            operations += 2 * output.numel() * conv.weight[0].numel()
        values += inputs[0].numel() + conv.weight.numel() + output.numel()

    hooks = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, nn.Conv2d)
    ]
    network(torch.zeros(1, 3, *size_hw, device=style[0][0].device), style)
    for hook in hooks:
        hook.remove()
    return operations, values
