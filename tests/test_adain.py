"""AdaIN against numbers computed by hand and against the plain formula."""

from __future__ import annotations

import math

import pytest
import torch

from realtime_adain.adain import (
    RegionalStatistics,
    adain,
    channel_mean_std,
    check_alpha,
    mix_statistics,
    regional_adain,
    restyler,
)

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


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("mean", [10.0, 1e3, -1e4])
def test_channels_that_hardly_vary_are_told_apart(mean: float, layout: torch.memory_format) -> None:
    noise = torch.randn(2, 5, 64, 64, generator=torch.Generator().manual_seed(1))
    features = (mean + noise * abs(mean) / 1e3).contiguous(memory_format=layout)
    exact = plain_mean_std(features.double())
    for ours, plain in zip(channel_mean_std(features), exact, strict=True):
        torch.testing.assert_close(ours, plain.float(), rtol=1e-4, atol=0.0)
    styled = adain(features, torch.full((1, 5, 1, 1), 0.5), torch.ones(1, 5, 1, 1))
    wanted = 0.5 + (features - exact[0]) / exact[1]
    torch.testing.assert_close(styled, wanted.float(), rtol=0.0, atol=1e-2)


@pytest.mark.parametrize("mean", [0.0, 1e3])
def test_gradient_of_mean_and_std(mean: float) -> None:
    features = (mean + random_features(1, 3, 4).double()).requires_grad_()
    assert torch.autograd.gradcheck(channel_mean_std, (features,))


def test_gradient_of_adain_far_from_zero() -> None:
    content = random_features(1, 3, 4).double()
    gradients = []
    for mean in (0.0, 1e4):  # AdaIN does not see what is added to a channel
        shifted = (content + mean).requires_grad_()
        styled = adain(shifted, torch.zeros(1, 5, 1, 1).double(), torch.ones(1, 5, 1, 1).double())
        styled.pow(3).sum().backward()
        gradients.append(shifted.grad)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def test_gradient_of_a_style_whose_content_needs_none() -> None:
    content = torch.randn(2, 4, 6, 6).contiguous(memory_format=torch.channels_last)
    mean, std = (torch.rand(1, 4, 1, 1, requires_grad=True) for _ in range(2))
    adain(content, mean, std).square().mean().backward()
    torch.testing.assert_close(mean.grad, 2 * mean.detach() / 4)
    torch.testing.assert_close(std.grad, 2 * std.detach() * 35 / 36 / 4, rtol=1e-3, atol=1e-4)


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


def halves(height: int = 8, width: int = 12) -> torch.Tensor:
    """Masks of the left and the right half."""
    left = torch.zeros(1, height, width)
    left[:, :, : width // 2] = 1
    return torch.cat([left, 1 - left])


def two_styles() -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [channel_mean_std(random_features(1, n, n).exp()) for n in (3, 5)]


@pytest.mark.parametrize("alpha", [1.0, 0.3, torch.tensor([0.3, 0.8]).reshape(2, 1, 1, 1)])
def test_one_region_everywhere_is_the_ordinary_adain(alpha) -> None:
    content = random_features() + 1000.0  # far from zero, where squares lose their digits
    style = two_styles()[0]
    result = regional_adain(content, [style], torch.ones(1, 7, 9), alpha)
    expected = adain(content, *style, alpha)
    torch.testing.assert_close(result, expected, atol=2e-2, rtol=1e-3)


def test_every_region_is_restyled_by_itself() -> None:
    content = random_features(2, 8, 12)
    first, second = two_styles()
    result = regional_adain(content, [first, second], halves())
    alone = [adain(content[..., :6], *first), adain(content[..., 6:], *second)]
    scale = torch.cat(alone, 3).abs().mean()
    assert (result - torch.cat(alone, 3)).abs().max() < 0.02 * scale


def test_regions_are_blended_by_their_masks() -> None:
    content, (first, second) = random_features(1, 8, 12), two_styles()
    masks = torch.stack([torch.full((8, 12), 0.25), torch.full((8, 12), 0.75)])
    expected = 0.25 * adain(content, *first) + 0.75 * adain(content, *second)
    result = regional_adain(content, [first, second], masks)
    torch.testing.assert_close(result, expected, atol=1e-2, rtol=2e-3)


@pytest.mark.parametrize("positions", [0, 1, 2])
def test_region_of_hardly_any_position_stays_in_range(positions: int) -> None:
    content, (first, second) = random_features(1, 8, 12), two_styles()
    small = torch.zeros(8, 12)
    small.view(-1)[:positions] = 1
    result = regional_adain(content, [first, second], torch.stack([small, 1 - small]))
    largest = max(adain(content, *style).abs().max() for style in (first, second))
    assert torch.isfinite(result).all() and result.abs().max() < 3 * largest


def test_statistics_of_few_positions_lean_on_the_whole_picture() -> None:
    content, style = random_features(1, 64, 64), two_styles()[0]
    content[..., :32, :32] += 5
    whole = adain(content, *style)
    speck, quarter = torch.zeros(64, 64), torch.zeros(64, 64)
    speck[10, 10] = 1
    quarter[:32, :32] = 1
    for mask, least, most in ((speck, 0.5, 1.0), (quarter, 0.0, 0.05)):
        result = regional_adain(content, [style, style], torch.stack([mask, 1 - mask]))
        # By statistics of its own, a region's mean becomes the style's.
        shown, as_whole = (x[..., mask > 0].mean(2) - style[0].flatten() for x in (result, whole))
        assert (least <= shown / as_whole).all() and (shown / as_whole <= most).all()


def test_where_no_mask_is_the_styles_meet() -> None:
    content, (first, second) = random_features(1, 8, 12), two_styles()
    masks = halves()
    masks[:, :, 4:8] = 0
    result = regional_adain(content, [first, second], masks)
    single = [
        regional_adain(content, [style], mask[None])
        for style, mask in zip((first, second), masks, strict=True)
    ]
    middle = 0.5 * (single[0] + single[1])[..., 4:8]
    torch.testing.assert_close(result[..., 4:8], middle, atol=1e-3, rtol=1e-3)


def test_regions_in_half_precision_stay_near_float32() -> None:
    content = random_features(1, 8, 12) * 100  # whose squares half precision cannot hold
    result = regional_adain(content.half(), two_styles(), halves())
    assert result.dtype == torch.float16
    expected = regional_adain(content, two_styles(), halves())
    torch.testing.assert_close(result.float(), expected, atol=0.1, rtol=0.01)


def test_restyler_gives_each_layer_its_numbers_and_brings_masks_to_its_size() -> None:
    layers = [random_features(1, 8, 12), random_features(1, 4, 6)]
    first, second = ((style, style[::-1]) for style in two_styles())
    plain = restyler(first, 0.5)
    for features, layer in zip(layers, first, strict=True):
        torch.testing.assert_close(plain(features), adain(features, *layer, 0.5))
    regional = restyler(RegionalStatistics((first, second), halves(16, 24)), 0.5)
    for features, *styles in zip(layers, first, second, strict=True):
        expected = regional_adain(features, styles, halves(*features.shape[2:]), 0.5)
        torch.testing.assert_close(regional(features), expected)


@pytest.mark.parametrize("count", [0, 1])
def test_regions_need_a_mask_each(count: int) -> None:
    with pytest.raises(ValueError, match=rf"\(2, 8, 12\) for {count} styles"):
        RegionalStatistics(tuple((style,) for style in two_styles()[:count]), halves())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("alpha", [1.0, 0.99, 0.5, torch.tensor(0.8)])
@pytest.mark.parametrize("styles", [1, 2])
def test_a_flat_channel_takes_the_styles_mean_in_half_precision(dtype, alpha, styles) -> None:
    content = torch.full((styles, 3, 8, 8), 5.0, dtype=dtype)
    mean, std = torch.tensor([-2.0, 0.0, 3.0]).reshape(1, 3, 1, 1), torch.full((1, 3, 1, 1), 4.0)
    result = adain(content, mean.expand(styles, -1, -1, -1), std, alpha)
    assert result.dtype == dtype
    expected = (1 - alpha) * 5.0 + alpha * mean.flatten()
    torch.testing.assert_close(result[-1, :, 3, 3].float(), expected, atol=0.05, rtol=0)
