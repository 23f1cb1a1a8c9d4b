"""The network quantized to integers of eight bits, for engines that multiply those faster.

From the first AdaIN on, convolutions take integers: features and weights are rounded to evenly
spaced levels (Jacob et al., "Quantization and training of neural networks for efficient integer-
arithmetic-only inference", CVPR 2018). What precedes it stays as it is: there the numbers are as
small as the picture's contrast, and AdaIN would magnify what rounding leaves of them. After it they
are of the size that the style gives them, so that one scale per channel serves all pictures. The
built-in styles and bolder patterns, on which the scales are calibrated, show how fine and how large
the levels have to be.

At low strengths much of the content's own size is left, up to a thousand times the style's; for
them the network has to be computed otherwise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ..adain import Statistics
from ..demo_scene import DemoScene
from ..networks import StyleNetwork
from ..pictures import read_picture
from ..styles import builtin_style_paths
from ..tensors import style_image, to_tensor

LEAST_ALPHA = 0.8
"""Style strength from which on the calibrated ranges are large enough."""

_ALPHAS = (1.0, 0.8, 0.6)
"""Style strengths of the calibration: what weak styles need leaves room for other styles too."""

_SIDE, _STYLE_SIDE = 256, 128
"""Sides of the calibration's scenes and styles in pixels."""

_SAMPLES = 256
"""Positions per convolution and picture whose features the calibration looks at."""

_SMALLEST_RANGE = 1e-3
"""Least range of a channel, as a part of the largest channel's."""

_PARTS = torch.linspace(0.1, 1.0, 31).tolist()
"""Parts of the range of all numbers among which the best range is looked for."""

_CPU = torch.device("cpu")
_TINY = 1e-8  # divisors are no smaller

_NORMALISATIONS = {torch.native_group_norm, functional.instance_norm}
_OUTPUT_AXES = {torch.conv2d: 0, torch.conv_transpose2d: 1}
"""The convolutions, and which axis of their weights is that of the output channels."""


@dataclass(frozen=True, eq=False)
class Quantizer:
    """The eight-bit levels of every channel, evenly spaced, zero among them.

    Attributes:
        scales: `(C,)`, distance from level to level.
        signed: whether the levels are -128 to 127, or 0 to 255.
    """

    scales: Tensor
    signed: bool

    def levels(self, features: Tensor) -> Tensor:
        """Return the nearest level to each of `(N, C, H, W)` features, as float; features beyond
        the first or last level get that one."""
        least, most = (-128, 127) if self.signed else (0, 255)
        scaled = features * self.scales.reciprocal()[:, None, None]
        return torch.fake_quantize_per_tensor_affine(scaled, 1.0, 0, least, most)


@torch.inference_mode()
def calibrate(network: StyleNetwork) -> list[Quantizer]:
    """Return a quantizer of the features that enter each convolution from the first AdaIN on, in
    order of use, without the convolutions that stay in floating point.

    Args:
        network: in float32, on the processor.
    """
    network = copy.deepcopy(network)  # others may be using it meanwhile
    samples: dict[int, list[Tensor]] = {}

    def keep(number: int, features: Tensor, weights: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        positions = features[0].flatten(1)
        every = positions.shape[1] // _SAMPLES | 1  # odd, or it meets few of the columns
        samples.setdefault(number, []).append(positions[:, ::every].clone())
        return features, weights

    for picture, style, strength in _examples(network):
        with _Convolutions(network, keep):
            network(picture, style, strength)
    return [_best_quantizer(torch.stack(samples[number])) for number in sorted(samples)]


def quantized(network: StyleNetwork, quantizers: Sequence[Quantizer]) -> TorchFunctionMode:
    """Return a context in which one pass of a network is computed with quantized convolutions; a
    graph that is traced in it holds ONNX's pairs of QuantizeLinear and DequantizeLinear.

    Args:
        network: that will be computed, by this thread alone.
        quantizers: as `calibrate` returned them for it or what it is a copy of.
    """

    def to_levels(
        number: int, features: Tensor, weights: Tensor, axis: int
    ) -> tuple[Tensor, Tensor]:
        quantizer = quantizers[number]
        weights = weights * quantizer.scales.unflatten(0, (-1, *[1] * (2 + axis)))
        scales = weights.detach().abs().amax([other for other in range(4) if other != axis])
        scales = scales.clamp_min(_TINY) / 127
        zeros = torch.zeros_like(scales, dtype=torch.int32)
        weights = torch.fake_quantize_per_channel_affine(weights, scales, zeros, axis, -128, 127)
        return quantizer.levels(features), weights

    return _Convolutions(network, to_levels)


class _Convolutions(TorchFunctionMode):
    """A context that changes what the convolutions of one pass take, from the first AdaIN on.

    Args:
        network: whose `float_convolutions` stay as they are.
        change: of the convolution's number, counted from there, its features, weights and the
            weights' axis of output channels, returns the features and weights it shall take.
    """

    def __init__(
        self,
        network: StyleNetwork,
        change: Callable[[int, Tensor, Tensor, int], tuple[Tensor, Tensor]],
    ) -> None:
        super().__init__()
        self._network = network
        self._change = change
        self._active = False
        self._number = 0

    def __enter__(self) -> Self:
        self._hooks = []
        for convolution in self._network.float_convolutions:
            self._hooks += [
                convolution.register_forward_pre_hook(lambda *_: self._set_active(False)),
                convolution.register_forward_hook(lambda *_: self._set_active(True)),
            ]
        return super().__enter__()

    def __exit__(self, *exception) -> None:
        super().__exit__(*exception)
        for hook in self._hooks:
            hook.remove()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function in _NORMALISATIONS:
            self._set_active(True)
        elif self._active and function in _OUTPUT_AXES:
            features, weights, *rest = args
            args = (*self._change(self._number, features, weights, _OUTPUT_AXES[function]), *rest)
            self._number += 1
        return function(*args, **(kwargs or {}))

    def _set_active(self, active: bool) -> None:
        self._active = active


def _examples(network: StyleNetwork) -> Iterable[tuple[Tensor, Statistics, float]]:
    """Yield pictures, statistics of styles, and strengths."""
    scene = DemoScene((_SIDE, _SIDE))
    paintings = [read_picture(path) for path in builtin_style_paths()]
    for number, painting in enumerate([*paintings, *_boldest_styles()]):
        style = network.encode_style(style_image(painting, _CPU, _STYLE_SIDE))
        picture = to_tensor(scene.draw(float(number)), _CPU, torch.float32)
        yield picture, style, 1.0
        if number % 3 == 0:
            yield from ((picture, style, strength) for strength in _ALPHAS[1:])


def _boldest_styles() -> Iterable[np.ndarray]:
    """Yield what has the largest statistics, uint8 `(H, W, 3)` RGB: black and white, with edges
    all over."""
    rows, columns = np.indices((_STYLE_SIDE, _STYLE_SIDE))
    for pattern in (columns // 11, rows // 12 + columns // 12):
        yield np.repeat(255 * (pattern % 2).astype(np.uint8)[..., None], 3, 2)


def _best_quantizer(samples: Tensor) -> Quantizer:
    """Return the quantizer that suits features of several pictures, `(pictures, C, samples)`.

    Scales per channel bring the channels' ranges half way to each other, in their logarithms; the
    weights are divided by the same (Xiao et al., "SmoothQuant", ICML 2023). The range is the one
    with the least rounding error: rare large numbers may be clipped for the sake of the rest.
    """
    signed = bool(samples.min() < 0)
    largest = samples.abs().amax((0, 2))
    roots = largest.clamp_min(largest.max().item() * _SMALLEST_RANGE + _TINY).sqrt()
    whole = roots * (largest / roots).max().clamp_min(_TINY) / (127 if signed else 255)
    deviations = samples.std((1, 2)) + _TINY

    def error(quantizer: Quantizer) -> float:
        """In units of the deviation in each picture."""
        rounded = quantizer.levels(samples[..., None]).squeeze(3) * quantizer.scales[:, None]
        errors = (rounded - samples).square().mean((1, 2)).sqrt()
        return (errors / deviations).sum().item()

    return min((Quantizer(whole * part, signed) for part in _PARTS), key=error)
