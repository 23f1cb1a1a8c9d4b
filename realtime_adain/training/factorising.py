"""A network with whole convolutions as the beginning of one with convolutions of low rank.

What the channels of a trained layer hold varies in far fewer dimensions than there are channels, so
a convolution to a few channels and a 1x1 convolution of these do nearly the same at a fraction of
the cost. The two that are nearest to the whole one come of a singular value decomposition of its
weights (Denton et al., "Exploiting linear structure within convolutional networks for efficient
evaluation", NeurIPS 2014).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..networks import LeanNetwork, StyleNetwork


@torch.no_grad()
def factorised(whole: StyleNetwork, wanted: LeanNetwork) -> StyleNetwork:
    """Return a network of another's ranks that paints nearly as one with whole convolutions does.

    Args:
        whole: not changed, and returned where it is no such network or no ranks are wanted.
        wanted: whose ranks it shall have.

    Raises:
        ValueError: a rank is higher than that of the whole convolution.
    """
    if not isinstance(whole, LeanNetwork) or whole.ranks or not wanted.ranks:
        return whole
    network = LeanNetwork(**whole.config | {"ranks": wanted.ranks})
    network.load_state_dict(whole.state_dict(), strict=False)
    _split_outputs(whole.down3, *network.down3)
    for block, old in zip(network.trunk, whole.trunk, strict=True):
        _split_outputs(old.conv1, *block.conv1)
        _split_outputs(old.conv2, *block.conv2)
    _split_inputs(whole.widen, *network.widen)
    return network


def _split_outputs(whole: nn.Conv2d, first: nn.Conv2d, second: nn.Conv2d) -> None:
    """Fill a convolution and the 1x1 after it with the nearest to a whole one."""
    outputs, inputs = _nearest_product(whole.weight.flatten(1), first.out_channels)
    first.weight.copy_(inputs.reshape(first.weight.shape))
    first.bias.zero_()
    second.weight.copy_(outputs[:, :, None, None])
    second.bias.copy_(whole.bias)


def _split_inputs(whole: nn.Conv2d, first: nn.Conv2d, second: nn.Conv2d) -> None:
    """Fill a 1x1 convolution and the one after it with the nearest to a whole one."""
    taps = whole.weight.permute(0, 2, 3, 1)  # (outputs, 3, 3, inputs)
    outputs, inputs = _nearest_product(taps.flatten(0, 2), first.out_channels)
    first.weight.copy_(inputs[:, :, None, None])
    first.bias.zero_()
    second.weight.copy_(outputs.unflatten(0, taps.shape[:3]).permute(0, 3, 1, 2))
    second.bias.copy_(whole.bias)


def _nearest_product(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Return `(M, rank)` and `(rank, N)` whose product is the nearest to `(M, N)`."""
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    if rank > len(values):
        raise ValueError(f"ranks must be at most {len(values)} here, got {rank}")
    roots = values[:rank].sqrt()
    return left[:, :rank] * roots, roots[:, None] * right[:rank]
