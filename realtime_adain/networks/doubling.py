"""Doubling the size and convolving, in one step that never makes the doubled features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_TAPS = {"nearest": (1.0, 1.0), "bilinear": (0.25, 0.75, 0.75, 0.25)}
"""By how much a value reaches each of the doubled ones around it, along one axis."""


class DoublingConv(nn.Conv2d):
    """A 3x3 convolution of features that are brought to twice their size first.

    Doubling is a transposed convolution with a fixed kernel, and two linear filters in a row are
    one, whose kernel is theirs convolved (Odena et al., "Deconvolution and checkerboard artifacts",
    Distill 2016, recommend the two; here they are computed as one). Nearest doubling so takes
    four ninths of the multiplications, bilinear doubling as many as before, and both spare reading
    and writing features of four times the size.

    The weights are those of the plain convolution. So is the result, with reflection padding,
    except at the border of bilinear doubling: the edge is repeated before doubling, not after it.

    Args:
        inputs: channels of the features.
        outputs: channels of the result.
        mode: "nearest" or "bilinear".
    """

    def __init__(self, inputs: int, outputs: int, mode: str) -> None:
        super().__init__(inputs, outputs, 3)
        taps = _TAPS[mode]
        self._side = len(taps) + 2
        self._cut = len(taps) // 2 + 2
        spread = torch.zeros(3, self._side)
        for position in range(3):
            spread[position, 2 - position : 2 - position + len(taps)] = torch.tensor(taps)
        self.register_buffer("_spread", torch.kron(spread, spread), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return `(N, outputs, 2 H, 2 W)` of features `(N, inputs, H, W)`."""
        padded = functional.pad(features, (1, 1, 1, 1), mode="replicate")
        kernel = self.weight.transpose(0, 1).flatten(2) @ self._spread
        kernel = kernel.unflatten(2, (self._side, self._side))
        return functional.conv_transpose2d(padded, kernel, self.bias, stride=2, padding=self._cut)
