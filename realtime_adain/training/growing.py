"""A network that begins as a narrower one: it has more channels, and yet it paints the same.

A channel that is copied, its uses shared out among the copies, changes nothing (Chen et al.,
"Net2Net: Accelerating learning via knowledge transfer", ICLR 2016), and AdaIN, which looks at
every channel by itself, leaves it so. The shares are random, so that the copies part as they
learn.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from ..networks import LeanNetwork, StyleNetwork


@torch.no_grad()
def grow(small: StyleNetwork, large: LeanNetwork) -> None:
    """Make a network begin as a narrower or an equal one.

    Args:
        small: a lean network with at most as many channels, ranks at most as high where the large
            one has ranks and none where it has none, as many blocks, and a style encoder with the
            same features, the same heads or none, and a code at most as wide.
        large: takes its weights.

    Raises:
        ValueError: `small` is no such network.
    """
    if not isinstance(small, LeanNetwork) or not _fits(small, large):
        raise ValueError(
            "a run starts from a lean network that is at most as wide, of ranks at most as high or "
            "of whole convolutions, and whose depth and style encoder's features are the same"
        )
    half, quarter, eighth = map(_sources, small.widths, large.widths)
    image, shuffled = torch.arange(3), torch.arange(small.up_full.out_channels)
    for name, inputs, outputs in (
        ("down1", image, half),
        ("down2", half, quarter),
        ("down3", quarter, eighth),
        *(
            (f"trunk.{block}.conv{number}", eighth, eighth)
            for block, number in itertools.product(range(len(small.trunk)), (1, 2))
        ),
        ("narrow", eighth, quarter),
        ("detail.conv1", quarter, quarter),
        ("detail.conv2", quarter, quarter),
        ("widen", quarter, half),
        ("smooth", half, half),
        ("up_full", half, shuffled),
    ):
        _widen(small.get_submodule(name), large.get_submodule(name), inputs, outputs)
    _grow_style_encoder(
        small, large, [eighth] * (1 + 2 * len(small.trunk)) + [quarter] * 3 + [half]
    )


def _fits(small: LeanNetwork, large: LeanNetwork) -> bool:
    def widths(network: LeanNetwork) -> tuple[int, ...]:
        return (*network.widths, *(network.ranks or ()), network.style_encoder.code_width)

    if (small.ranks is None) != (large.ranks is None):
        return False
    narrower = all(old <= new for old, new in zip(widths(small), widths(large), strict=True))
    same_features = small.style_encoder.vgg.widths == large.style_encoder.vgg.widths
    heads = [[head.out_channels for head in net.style_encoder.heads] for net in (small, large)]
    same_features &= heads[0] in ([], heads[1])
    return narrower and same_features and len(small.trunk) == len(large.trunk)


def _sources(old: int, new: int) -> Tensor:
    """Return of each new channel the old one that it is a copy of."""
    return torch.arange(new) % old


def _widen(old: nn.Module, new: nn.Module, inputs: Tensor, outputs: Tensor) -> None:
    """Fill a convolution, or two in a row, whose channel i is a copy of the old one's `inputs[i]`,
    `outputs[i]`."""
    if isinstance(old, nn.Sequential):
        between = _sources(old[0].out_channels, new[0].out_channels)
        _widen(old[0], new[0], inputs, between)
        _widen(old[1], new[1], between, outputs)
        return
    copied = old.weight[outputs][:, inputs]
    if len(inputs) > old.in_channels:
        parts = torch.rand(copied.shape[:2]) + 0.1
        sums = torch.zeros(len(outputs), old.in_channels).index_add_(1, inputs, parts)
        copied = copied * (parts / sums[:, inputs])[:, :, None, None]
    new.weight.copy_(copied)
    new.bias.copy_(old.bias[outputs])


def _grow_style_encoder(small: LeanNetwork, large: LeanNetwork, sources: list[Tensor]) -> None:
    """Let the statistics of every AdaIN layer be told to all copies of its channels.

    Additional code units start with random input weights and zero output weights; the old units
    give new heads zero weight.

    Args:
        small: the narrower network.
        large: takes its weights.
        sources: of every AdaIN layer, the old channel of each new one.
    """
    layers = torch.arange(sum(small.layer_widths)).split(small.layer_widths)
    rows = torch.cat([layer[source] for layer, source in zip(layers, sources, strict=True)])
    old, new = small.style_encoder, large.style_encoder
    new.vgg.load_state_dict(old.vgg.state_dict())
    if old.heads:
        new.heads.load_state_dict(old.heads.state_dict())
    known, seen = old.hidden.weight.shape
    new.usual_range.mean[:seen] = old.usual_range.mean
    new.usual_range.variance[:seen] = old.usual_range.variance
    new.hidden.weight[:known, :seen], new.hidden.weight[:known, seen:] = old.hidden.weight, 0.0
    new.hidden.bias[:known] = old.hidden.bias
    new.activation.weight[:known] = old.activation.weight
    for told, before in ((new.means, old.means), (new.stds, old.stds)):
        told.weight[:, :known], told.weight[:, known:] = before.weight[rows], 0.0
        told.bias.copy_(before.bias[rows])
