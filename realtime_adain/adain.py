"""Adaptive instance normalisation and the arithmetic of styles.

Batch norm, instance norm, conditional instance norm and AdaIN are one formula,

    gamma * (x - mean) / std + beta,

and differ only in where the four numbers of a channel come from (equations of Huang & Belongie,
"Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", ICCV 2017):

| layer                      | equations | mean, std over    | gamma, beta                  |
|----------------------------|-----------|-------------------|------------------------------|
| batch norm                 | 1-3       | batch and space   | learnt                       |
| instance norm              | 4-6       | space, per sample | learnt                       |
| conditional instance norm  | 7         | space, per sample | learnt, one pair per style   |
| AdaIN                      | 8         | space, per sample | the style features' std, mean|

Note the brackets: the mean is taken off *before* the division, `gamma * (x - mean) / std`.

The standard deviation is the root of the unbiased variance plus 1e-5, as in the published
implementations, so that a constant channel divides by 0.003 and not by zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor
from torch.nn import functional

FADING_ALPHA = 0.2
"""Style strength from which on a picture is what the network paints alone; below, the original
shows through, as what the network paints at a strength of zero is not quite that."""

EPSILON = 1e-5
_WHOLE_PICTURE_WEIGHT = 0.002
"""Of all positions: how much the whole picture counts in a region's statistics."""

_FAR_FROM_ZERO = 30.0
"""Deviations from which on a channel's mean is too far from zero for a variance in one pass."""

_SHARE = 1e-6
"""Added to every mask, so that their normalised sum is never zero."""

Statistics = tuple[tuple[Tensor, Tensor], ...]
"""Mean and standard deviation, each `(N, C, 1, 1)` float, for every AdaIN layer of a network."""


@dataclass(frozen=True, eq=False)
class RegionalStatistics:
    """Several styles at once, each in its own region of the picture (section 7.3 of the paper).

    A network takes it wherever it takes `Statistics`. Where the masks sum to less than one, the
    rest is for the caller to fill with the original; the styles meet underneath, so that nothing
    foreign shines through a soft edge.

    Attributes:
        statistics: one entry per region, all of the same network, one style (N = 1) in each.
        masks: `(R, H, W)` float in 0..1, one per region, summing to one at most at every position;
            they lie over the network's padded input and are brought to every layer's size.

    Raises:
        ValueError: no region, or another number of masks.
    """

    statistics: tuple[Statistics, ...]
    masks: Tensor

    def __post_init__(self) -> None:
        if not self.statistics or self.masks.ndim != 3 or len(self.masks) != len(self.statistics):
            raise ValueError(
                f"masks must have shape (R, H, W) with one mask per style, "
                f"got {tuple(self.masks.shape)} for {len(self.statistics)} styles"
            )


Restyle = Callable[[Tensor], Tensor]
"""What a network calls at each of its AdaIN layers: features in, restyled features out."""


def channel_mean_std(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and standard deviation of each channel over space (equations 5 and 6).

    Args:
        features: `(N, C, H, W)` float; any scale. Of a single position (H = W = 1) the variance
            counts as zero.

    Returns:
        Mean and standard deviation, each `(N, C, 1, 1)`, float32 at least.

    Raises:
        ValueError: `features` is not 4-dimensional.
    """
    if features.ndim != 4:
        raise ValueError(f"features must have shape (N, C, H, W), got {tuple(features.shape)}")
    return _ChannelMeanStd.apply(features)


def adain(
    content: Tensor, style_mean: Tensor, style_std: Tensor, alpha: float | Tensor = 1.0
) -> Tensor:
    """Give the content features the style's channel statistics (equation 8).

    Args:
        content: `(N, C, H, W)` float.
        style_mean: `(N or 1, C, 1, 1)`.
        style_std: `(N or 1, C, 1, 1)`.
        alpha: style strength, 0 (content untouched) to 1 (full style): the result is
            `(1 - alpha) * content + alpha * AdaIN(content, style)` (equation 14); a number or a
            tensor that broadcasts to `(N, 1, 1, 1)`.

    Returns:
        `(N, C, H, W)` of the content's dtype; at alpha 1 with the style's mean and standard
        deviation per channel.
    """
    if torch.jit.is_tracing():  # for ONNX; other threads go on painting meanwhile
        return exportable_adain(content, style_mean, style_std, alpha)
    positions = content.shape[2] * content.shape[3]
    learnt = style_mean.requires_grad or style_std.requires_grad
    if style_mean.shape[0] == 1 and positions > 1 and not learnt:
        # With one group per channel and the style's numbers as affine parameters, group norm *is*
        # AdaIN, and it is a single fused kernel. (Its gradient by these numbers crashes PyTorch
        # 2.13 where channels-last content needs none.)
        bessel, epsilon = _bessel(content)
        weight = (style_std * bessel).flatten().to(content.dtype)
        bias = style_mean.flatten().to(content.dtype)
        styled = _group_norm(content, weight, bias, epsilon)[0]
        if isinstance(alpha, Tensor):
            return torch.lerp(content, styled, alpha.to(content.dtype))
        return styled if alpha == 1.0 else torch.lerp(content, styled, alpha)
    mean, std = channel_mean_std(content)
    scale = style_std / std
    shift = style_mean - mean * scale
    # Blending with the untouched content folds into the same scale and shift; of a flat channel
    # they are large and cancel out, which half precision cannot.
    scale = 1.0 + alpha * (scale - 1.0)
    shift = alpha * shift
    return torch.addcmul(shift, content.to(scale.dtype), scale).to(content.dtype)


def exportable_adain(
    content: Tensor, style_mean: Tensor, style_std: Tensor, alpha: float | Tensor
) -> Tensor:
    """`adain` of one style by operations that ONNX has: instance norm, blended.

    The number of positions stays a value of the graph, so the size stays open. The epsilon is
    taken with the biased variance, which changes a result by less than one part in the number of
    positions, and only where a channel is all but constant.

    Operands of rank four, and no intermediate result that several layers share: else OpenVINO
    leaves channels-last for each of them, which takes longer than the convolutions.

    Args:
        content: `(N, C, H, W)` float.
        style_mean: `(1, C, 1, 1)`.
        style_std: `(1, C, 1, 1)`.
        alpha: style strength in 0..1, a number or `(1, 1, 1, 1)`.
    """
    positions = content.shape[2] * content.shape[3]
    bessel = ((positions - 1) / positions) ** 0.5
    normalised = functional.instance_norm(content, eps=EPSILON)
    styled = bessel * style_std * normalised + style_mean
    return content + alpha * (styled - content)


def regional_adain(
    content: Tensor,
    styles: Sequence[tuple[Tensor, Tensor]],
    masks: Tensor,
    alpha: float | Tensor = 1.0,
) -> Tensor:
    """Give each region of the content features the channel statistics of its own style.

    AdaIN region by region: the content's mean and standard deviation are taken inside the region,
    every position counting as much as the mask says, and the results are blended by the masks.
    With a single mask of ones it is `adain`. The statistics of a region of few positions lean on
    those of the whole picture, so that someone who walks out of it leaves without a flash.

    Args:
        content: `(N, C, H, W)` float.
        styles: mean and standard deviation, each `(1, C, 1, 1)`, per region.
        masks: `(R, H, W)` float32 in 0..1.
        alpha: as of `adain`.

    Returns:
        `(N, C, H, W)` of the content's dtype.
    """
    count, channels, height, width = content.shape
    features = content.permute(0, 2, 3, 1).reshape(count, -1, channels).float()
    weights = masks.flatten(1)
    whole_mean = features.mean(1, keepdim=True)
    centred = features - whole_mean  # squares of small numbers: no digits are lost
    whole_square = centred.square().mean(1, keepdim=True)
    whole = _WHOLE_PICTURE_WEIGHT * height * width
    mass = weights.sum(1, keepdim=True) + whole
    mean = weights @ centred / mass
    square = (weights @ centred.square() + whole * whole_square) / mass
    unbiased = mass / (mass - weights.square().sum(1, keepdim=True) / mass)  # Bessel's, weighted
    std = ((square - mean.square()).clamp_min(0.0) * unbiased + EPSILON).sqrt()
    style_mean, style_std = (torch.cat(tensors).flatten(1) for tensors in zip(*styles, strict=True))
    scale = style_std / std
    shift = style_mean - (whole_mean + mean) * scale
    if isinstance(alpha, Tensor):
        alpha = alpha.reshape(-1, 1, 1)
    scale = 1.0 + alpha * (scale - 1.0)
    shift = alpha * shift
    shares = (weights + _SHARE) / (weights + _SHARE).sum(0)
    restyled = features * (shares.T @ scale) + shares.T @ shift
    return restyled.reshape(count, height, width, channels).permute(0, 3, 1, 2).to(content.dtype)


def restyler(style: Statistics | RegionalStatistics, alpha: float | Tensor = 1.0) -> Restyle:
    """Return what a network calls at its AdaIN layers, once at each and in their order.

    Args:
        style: of one style for the whole picture, or of several in their regions.
        alpha: style strength in 0..1 at every layer (equation 14).
    """
    if not isinstance(style, RegionalStatistics):
        layers = iter(style)
        return lambda features: adain(features, *next(layers), alpha)

    layers_by_region = zip(*style.statistics, strict=True)
    masks_by_size: dict[tuple[int, int], Tensor] = {}

    def restyle(features: Tensor) -> Tensor:
        size_hw = tuple(features.shape[2:])
        if size_hw not in masks_by_size:
            masks = style.masks[None].float()
            masks_by_size[size_hw] = functional.interpolate(masks, size_hw, mode="area")[0]
        return regional_adain(features, next(layers_by_region), masks_by_size[size_hw], alpha)

    return restyle


class _ChannelMeanStd(torch.autograd.Function):
    """Mean and deviation by the group-norm kernel, which is many times faster on a processor
    than `torch.var_mean` over a channels-last tensor, and a gradient in one pass."""

    @staticmethod
    def forward(ctx, features: Tensor) -> tuple[Tensor, Tensor]:
        dtype = torch.promote_types(features.dtype, torch.float32)
        if features.device.type == "cpu":
            bessel, epsilon = _bessel(features)
            channels = features.shape[1]
            neutral = torch.ones(channels, dtype=dtype), torch.zeros(channels, dtype=dtype)
            _, mean, inverse_std = _group_norm(features, *neutral, epsilon)
            std = (bessel * inverse_std).reciprocal()
        else:
            correction = int(features.shape[2] * features.shape[3] > 1)
            variance, mean = torch.var_mean(features.to(dtype), (2, 3), correction=correction)
            std = (variance + EPSILON).sqrt()
        mean, std = mean[:, :, None, None], std[:, :, None, None]
        ctx.save_for_backward(features, mean, std)
        return mean, std

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, mean_grad: Tensor, std_grad: Tensor) -> Tensor:
        features, mean, std = ctx.saved_tensors
        positions = features.shape[2] * features.shape[3]
        scale = std_grad / (max(positions - 1, 1) * std)
        shift = mean_grad / positions - scale * mean
        return torch.addcmul(shift.to(features.dtype), features, scale.to(features.dtype))


def _group_norm(
    features: Tensor, weight: Tensor, bias: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the group norm of every channel by itself, and their means and inverse deviations.

    The kernel for processors takes the variance as the mean square less the squared mean, of which
    no digits are left where a channel hardly varies around a large mean: flat, dark, glaring
    pictures. There the channels are centred first.

    Args:
        features: `(N, C, H, W)` float.
        weight: `(C,)`, multiplied with what is normalised.
        bias: `(C,)`, added to it.
        epsilon: added to the biased variance.

    Returns:
        `(N, C, H, W)` of the features' dtype, and twice `(N, C)`.
    """
    count, channels, height, width = features.shape

    def normalise(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return torch.native_group_norm(
            x, weight, bias, count, channels, height * width, channels, epsilon
        )

    on_processor = features.device.type == "cpu"
    if not (on_processor and features.is_contiguous(memory_format=torch.channels_last)):
        features = features.contiguous()
    normalised, mean, inverse_std = normalise(features)
    if on_processor and (mean * inverse_std).abs_().amax().item() > _FAR_FROM_ZERO:
        centred = (features - mean.detach()[:, :, None, None]).to(features.dtype)
        normalised, rest, inverse_std = normalise(centred)
        mean = mean + rest
    return normalised, mean, inverse_std


def _bessel(features: Tensor) -> tuple[float, float]:
    """Return what turns the *biased* variance of group norm into the unbiased one.

    The factor f and the epsilon e with which `f / sqrt(biased + e)` equals
    `1 / sqrt(unbiased + EPSILON)`.
    """
    positions = features.shape[2] * features.shape[3]
    ratio = max(positions - 1, 1) / positions
    return ratio**0.5, EPSILON * ratio


def check_alpha(alpha: float) -> None:
    """Raise TypeError or ValueError unless `alpha` is a number in 0..1."""
    if not isinstance(alpha, Real):
        raise TypeError(f"alpha must be a number, got {alpha!r:.80}")
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha must be in 0..1, got {alpha}")


def mix_statistics(statistics: Sequence[Statistics], weights: Sequence[float]) -> Statistics:
    """Return the weighted mean of several styles' statistics (style interpolation, equation 15).

    AdaIN is affine in the style's mean and standard deviation, so mixing the statistics gives the
    same features as mixing the features of the single styles, at the cost of one of them.

    Args:
        statistics: one entry per style, all of the same network.
        weights: one weight per style, in 0..1, that sum to one.

    Raises:
        ValueError: no style, another number of weights, a weight below 0, a sum that is not one,
            or statistics of different layers or widths.
    """
    if not statistics or len(statistics) != len(weights):
        raise ValueError(
            f"mixing needs one weight per style, got {len(statistics)} styles "
            f"and {len(weights)} weights"
        )
    if not (min(weights) >= 0 and abs(sum(weights) - 1.0) <= 1e-4):  # so that NaN is refused too
        raise ValueError(f"weights must be at least 0 and sum to 1, got {list(weights)}")
    shapes = {tuple(mean.shape[1] for mean, _ in entry) for entry in statistics}
    if len(shapes) > 1:
        raise ValueError(f"styles of different networks cannot be mixed, channels {shapes}")

    # All layers in one tensor: a cross-fade mixes for every frame, and small operations add up.
    flat = [torch.cat([tensor for layer in entry for tensor in layer], 1) for entry in statistics]
    total = weights[0] * flat[0]
    for weight, tensor in zip(weights[1:], flat[1:], strict=True):
        total = torch.add(total, tensor, alpha=weight)
    widths = [tensor.shape[1] for layer in statistics[0] for tensor in layer]
    tensors = total.split(widths, 1)
    return tuple(zip(tensors[::2], tensors[1::2], strict=True))


def pack_statistics(statistics: Statistics) -> Tensor:
    """Return the statistics of a style as one float32 tensor `(2, C)`: means, then deviations.

    C is the sum of the network's `layer_widths`; the layers follow each other in order of use.
    """
    means, stds = zip(*statistics, strict=True)
    return torch.cat([*means, *stds], 1).reshape(2, -1).float()


def unpack_statistics(packed: Tensor, layer_widths: tuple[int, ...]) -> Statistics:
    """Return the statistics that `pack_statistics` packed, as views."""
    means, stds = packed[:, None, :, None, None].unbind(0)
    return tuple(zip(means.split(layer_widths, 1), stds.split(layer_widths, 1), strict=True))
