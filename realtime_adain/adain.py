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

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-5

Statistics = tuple[tuple[Tensor, Tensor], ...]
"""Mean and standard deviation, each `(N, C, 1, 1)` float, for every AdaIN layer of a network."""


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
    full_strength = isinstance(alpha, (int, float)) and alpha == 1.0
    positions = content.shape[2] * content.shape[3]
    if full_strength and style_mean.shape[0] == 1 and positions > 1:
        # With one group per channel and the style's numbers as affine parameters, group norm *is*
        # AdaIN, and it is a single fused pass on every device.
        bessel, epsilon = _bessel(content)
        weight = (style_std * bessel).flatten().to(content.dtype)
        bias = style_mean.flatten().to(content.dtype)
        return functional.group_norm(content, content.shape[1], weight, bias, epsilon)
    mean, std = channel_mean_std(content)
    scale = style_std / std
    shift = style_mean - mean * scale
    # Blending with the untouched content folds into the same scale and shift.
    scale = 1.0 + alpha * (scale - 1.0)
    shift = alpha * shift
    return torch.addcmul(shift.to(content.dtype), content, scale.to(content.dtype))


class _ChannelMeanStd(torch.autograd.Function):
    """Mean and deviation by the group-norm kernel, which is many times faster on a processor
    than `torch.var_mean` over a channels-last tensor, and a gradient in one pass."""

    @staticmethod
    def forward(ctx, features: Tensor) -> tuple[Tensor, Tensor]:
        count, channels, height, width = features.shape
        bessel, epsilon = _bessel(features)
        dtype = torch.promote_types(features.dtype, torch.float32)
        if features.device.type == "cpu":
            _, mean, inverse_std = torch.native_group_norm(
                features,
                torch.ones(channels, dtype=dtype),
                torch.zeros(channels, dtype=dtype),
                count,
                channels,
                height * width,
                channels,
                epsilon,
            )
            std = (bessel * inverse_std).reciprocal()
        else:
            correction = int(height * width > 1)
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


def _bessel(features: Tensor) -> tuple[float, float]:
    """Return what turns the *biased* variance of group norm into the unbiased one.

    The factor f and the epsilon e with which `f / sqrt(biased + e)` equals
    `1 / sqrt(unbiased + EPSILON)`.
    """
    positions = features.shape[2] * features.shape[3]
    ratio = max(positions - 1, 1) / positions
    return ratio**0.5, EPSILON * ratio


def check_alpha(alpha: float) -> float:
    """Return `alpha`; raise ValueError unless it is a number in 0..1."""
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha must be in 0..1, got {alpha}")
    return alpha


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
    if min(weights) < 0 or abs(sum(weights) - 1.0) > 1e-4:
        raise ValueError(f"weights must be at least 0 and sum to 1, got {list(weights)}")
    shapes = {tuple(mean.shape[1] for mean, _ in entry) for entry in statistics}
    if len(shapes) > 1:
        raise ValueError(f"styles of different networks cannot be mixed, channels {shapes}")

    def weighted(tensors: Sequence[Tensor]) -> Tensor:
        return sum(weight * tensor for weight, tensor in zip(weights, tensors, strict=True))

    return tuple(
        (weighted([mean for mean, _ in layer]), weighted([std for _, std in layer]))
        for layer in zip(*statistics, strict=True)
    )
