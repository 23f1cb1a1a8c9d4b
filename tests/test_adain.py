"""AdaIN against numbers computed by hand and against the plain formula."""

from __future__ import annotations

import math

import pytest
import torch

from realtime_adain.adain import adain, channel_mean_std, check_alpha, mix_statistics

HAND = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
"""One channel: mean 3, squared differences 4 + 1 + 0 + 9 = 14, unbiased variance 14 / 3."""


def random_features(count: int = 2, height: int = 7, width: int = 9) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, 5, height, width, generator=generator) * 3 + 2


def plain_mean_std(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    mean = features.mean((2, 3), keepdim=True)
    return mean, (features.var((2, 3), keepdim=True) + 1e-5).sqrt()


def test_mean_and_std_by_hand() -> None:
    mean, std = channel_mean_std(HAND)
    assert mean.shape == std.shape == (1, 1, 1, 1)
    assert mean.item() == pytest.approx(3.0)
    assert std.item() == pytest.approx(math.sqrt(14 / 3 + 1e-5), rel=1e-6)


def test_adain_by_hand() -> None:
    mean, std = torch.full((1, 1, 1, 1), 10.0), torch.full((1, 1, 1, 1), 2.0)
    deviation = math.sqrt(14 / 3 + 1e-5)
    expected = [10 + 2 * (value - 3) / deviation for value in (1, 2, 3, 6)]
    assert adain(HAND, mean, std).flatten().tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_mean_and_std_equal_the_plain_formula(layout: torch.memory_format) -> None:
    features = random_features().contiguous(memory_format=layout)
    for ours, plain in zip(channel_mean_std(features), plain_mean_std(features), strict=True):
        torch.testing.assert_close(ours, plain)


def test_gradient_of_mean_and_std() -> None:
    features = random_features(1, 3, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(channel_mean_std, (features,))


def test_constant_channel_gives_the_style_mean_not_nan() -> None:
    constant = torch.full((1, 5, 6, 6), 0.25)
    mean, std = channel_mean_std(random_features(1))
    torch.testing.assert_close(adain(constant, mean, std), mean.expand(1, 5, 6, 6))
    assert channel_mean_std(constant)[1].flatten().tolist() == pytest.approx([1e-5**0.5] * 5)


def test_single_position_counts_as_zero_variance() -> None:
    mean, std = channel_mean_std(random_features(1))
    result = adain(torch.ones(1, 5, 1, 1), mean, std)
    torch.testing.assert_close(result, mean, atol=1e-2, rtol=0)


@pytest.mark.parametrize("styles", [1, 2], ids=["one style", "a style per content"])
@pytest.mark.parametrize("alpha", [1.0, 0.3, 0.0])
def test_adain_blends_as_equation_14(styles: int, alpha: float) -> None:
    content = random_features()
    style_mean, style_std = channel_mean_std(random_features(styles, 4, 4).square())
    mean, std = plain_mean_std(content)
    stylized = style_std * (content - mean) / std + style_mean
    expected = alpha * stylized + (1 - alpha) * content
    torch.testing.assert_close(
        adain(content, style_mean, style_std, alpha), expected, atol=1e-4, rtol=1e-4
    )


def test_result_has_the_style_statistics() -> None:
    style_mean, style_std = channel_mean_std(random_features(1, 4, 4).square())
    mean, std = channel_mean_std(adain(random_features(1), style_mean, style_std))
    torch.testing.assert_close(mean, style_mean, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(std, style_std, atol=1e-4, rtol=1e-4)


def test_half_precision_stays_near_float32() -> None:
    content = random_features()
    style = channel_mean_std(random_features(1))
    half = adain(content.bfloat16(), *style)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), adain(content, *style), atol=0.1, rtol=0.05)


def test_features_need_four_dimensions() -> None:
    with pytest.raises(ValueError, match=r"\(N, C, H, W\), got \(3, 4\)"):
        channel_mean_std(torch.zeros(3, 4))


@pytest.mark.parametrize("alpha", [-0.1, 1.5, math.nan])
def test_alpha_outside_its_range_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha must be in 0..1"):
        check_alpha(alpha)


def test_mixing_is_the_weighted_mean_and_equals_mixing_features() -> None:
    content = random_features(1)
    first, second = (channel_mean_std(random_features(1, n, n).exp()) for n in (3, 5))
    ((mean, std),) = mix_statistics([(first,), (second,)], [0.25, 0.75])
    torch.testing.assert_close(mean, 0.25 * first[0] + 0.75 * second[0])
    mixed_features = 0.25 * adain(content, *first) + 0.75 * adain(content, *second)
    torch.testing.assert_close(adain(content, mean, std), mixed_features, atol=1e-3, rtol=1e-4)


def test_mixing_refuses_what_does_not_fit() -> None:
    style = (channel_mean_std(random_features(1)),)
    wider = (channel_mean_std(torch.zeros(1, 9, 2, 2)),)
    with pytest.raises(ValueError, match="one weight per style, got 1 styles and 2 weights"):
        mix_statistics([style], [0.5, 0.5])
    with pytest.raises(ValueError, match="sum to 1"):
        mix_statistics([style, style], [0.5, 0.6])
    with pytest.raises(ValueError, match="different networks"):
        mix_statistics([style, wider], [0.5, 0.5])
