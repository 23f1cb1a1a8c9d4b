"""The networks' shapes, and the paper's network against a reference written out plainly."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from benchmarks.plain import PlainNetwork
from realtime_adain.adain import RegionalStatistics, channel_mean_std
from realtime_adain.networks import (
    ARCHITECTURES,
    VGG19_WIDTHS,
    LeanNetwork,
    VGGEncoder,
    VGGNetwork,
    lean,
)
from realtime_adain.networks.convolutions import (
    DoublingConv,
    DoublingConv1x1,
    PictureConv,
    ShufflingConv,
    reflection_pad,
)

from .helpers import TINY


def test_vgg_network_equals_the_papers_definition() -> None:
    torch.manual_seed(0)
    widths = (4, 6, 8, 10)
    network, plain = VGGNetwork(widths).eval(), PlainNetwork(widths).eval()
    plain.load_state_dict(network.state_dict(), strict=False)  # its own layers share them
    content, style_image = torch.rand(1, 3, 40, 56), torch.rand(1, 3, 33, 47)
    with torch.inference_mode():
        expected = plain(content, plain.encode_style(style_image), 0.6)
        result = network(content, network.encode_style(style_image), 0.6)
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_doubling_and_convolving_are_one_step(mode) -> None:
    torch.manual_seed(0)
    together = DoublingConv(5, 3, mode)
    apart = nn.Conv2d(5, 3, 3, padding=1, padding_mode="reflect")
    apart.load_state_dict(together.state_dict())
    features = torch.rand(2, 5, 6, 9)
    expected = apart(functional.interpolate(features, scale_factor=2.0, mode=mode))
    difference = (together(features) - expected).abs()
    assert difference.shape == (2, 3, 12, 18)
    assert difference[:, :, 1:-1, 1:-1].max() < 1e-5
    if mode == "nearest":
        assert difference.max() < 1e-5


def test_a_1x1_convolution_and_doubling_change_places() -> None:
    torch.manual_seed(0)
    together = DoublingConv1x1(5, 3)
    features = torch.rand(2, 5, 6, 9)
    doubled = functional.interpolate(features, scale_factor=2.0, mode="bilinear")
    expected = functional.conv2d(doubled, together.weight, together.bias)
    torch.testing.assert_close(together(features), expected)


def test_convolving_and_shuffling_are_one_step() -> None:
    torch.manual_seed(0)
    together = ShufflingConv(5, 3)
    nn.init.normal_(together.weight)
    nn.init.normal_(together.bias)
    apart = nn.Conv2d(5, 12, 3, padding=1, padding_mode="reflect")
    apart.load_state_dict(together.state_dict())
    features = torch.rand(2, 5, 6, 9)
    expected = functional.pixel_shuffle(apart(features), 2)
    torch.testing.assert_close(together(features), expected)


def test_a_picture_is_brought_around_zero_and_convolved_in_one_step() -> None:
    torch.manual_seed(0)
    together = PictureConv(4, stride=2)
    apart = nn.Conv2d(3, 4, 3, stride=2, padding=1, padding_mode="reflect")
    apart.load_state_dict(together.state_dict())
    picture = torch.rand(2, 3, 10, 14)
    torch.testing.assert_close(together(picture), apart(picture - 0.5))


@pytest.mark.parametrize("size_hw", [(6, 9), (130, 127)])  # fewer positions than are copied, more
def test_features_are_padded_by_their_mirror_image(size_hw) -> None:
    features = torch.rand(2, 3, *size_hw).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        padded = reflection_pad(features)
    assert torch.equal(padded, nn.ReflectionPad2d(1)(features))


def test_vgg_has_the_papers_size() -> None:
    network = VGGNetwork()
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert network.layer_widths == (512,)
    assert len(convolutions) == 1 + 9 + 9
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert parameters == pytest.approx(7.01e6, rel=0.002)


def test_vgg_features_have_the_layers_sizes() -> None:
    features = VGGEncoder((4, 6, 8, 10), (5, 7, 9, 11))(torch.rand(2, 3, 33, 47))
    shapes = [tuple(feature.shape) for feature in features]
    assert shapes == [(2, 5, 33, 47), (2, 7, 17, 24), (2, 9, 9, 12), (2, 11, 5, 6)]


@pytest.mark.parametrize(
    ("architecture", "config"),
    [("lean", TINY), ("vgg", {"widths": [4, 6, 8, 10]})],
)
@pytest.mark.parametrize("size_hw", [(16, 16), (24, 40), (64, 48)])
def test_output_has_the_contents_size(architecture, config, size_hw) -> None:
    torch.manual_seed(0)
    network = ARCHITECTURES[architecture](**config).eval()
    with torch.inference_mode():
        style = network.encode_style(torch.rand(1, 3, 40, 40))
        output = network(torch.rand(2, 3, *size_hw), style)
    assert [mean.shape[1] for mean, _ in style] == list(network.layer_widths)
    assert output.shape == (2, 3, *size_hw)
    assert torch.isfinite(output).all()


def test_lean_statistics_are_per_sample_and_positive() -> None:
    torch.manual_seed(0)
    network = LeanNetwork(**TINY).eval()
    images = torch.rand(3, 3, 40, 56)
    together = network.encode_style(images)
    alone = network.encode_style(images[1:2])
    for (mean, std), (one_mean, one_std) in zip(together, alone, strict=True):
        assert mean.shape[0] == 3
        assert (std > 0).all()
        torch.testing.assert_close(mean[1:2], one_mean, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(std[1:2], one_std, atol=1e-5, rtol=1e-4)


def test_heads_see_large_pictures_strip_by_strip(monkeypatch) -> None:
    torch.manual_seed(5)
    encoder = LeanNetwork(**TINY, style_heads=(6, 6, 12, 12)).eval().style_encoder
    layers = encoder.vgg(torch.rand(2, 3, 90, 70))
    whole = encoder.features(layers)
    monkeypatch.setattr(lean, "STRIP_POSITIONS", 500)
    torch.testing.assert_close(encoder.features(layers), whole)
    through = [
        part
        for h, x in zip(encoder.heads, layers, strict=True)
        for part in channel_mean_std(h(x).relu())
    ]
    torch.testing.assert_close(whole[:, -72:], torch.cat(through, 1).flatten(1))


def test_lean_alpha_zero_does_not_depend_on_the_style() -> None:
    torch.manual_seed(0)
    network = LeanNetwork(**TINY).eval()
    content = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        styles = [network.encode_style(torch.rand(1, 3, 40, 40)) for _ in range(2)]
        plain = [network(content, style, 0.0) for style in styles]
        full = [network(content, style, 1.0) for style in styles]
    torch.testing.assert_close(plain[0], plain[1])
    assert not torch.allclose(full[0], plain[0], atol=1e-3)


def test_vgg19_widths_are_the_default() -> None:
    assert VGGNetwork().encoder.widths == VGG19_WIDTHS == (64, 128, 256, 512)


def test_channel_statistics_are_what_vgg_caches() -> None:
    torch.manual_seed(0)
    network = VGGNetwork((4, 6, 8, 10))
    image = torch.rand(1, 3, 32, 32)
    ((mean, std),) = network.encode_style(image)
    for ours, plain in zip((mean, std), channel_mean_std(network.encoder(image)[-1]), strict=True):
        torch.testing.assert_close(ours, plain)


@pytest.mark.parametrize(
    ("architecture", "config"), [("lean", TINY), ("vgg", {"widths": [4, 6, 8, 10]})]
)
def test_regions_are_painted_in_one_pass_each_in_its_style(architecture, config) -> None:
    torch.manual_seed(0)
    network = ARCHITECTURES[architecture](**config).eval()
    content = torch.rand(1, 3, 64, 160)
    encoded = []
    network.get_submodule("down1" if architecture == "lean" else "encoder").register_forward_hook(
        lambda *_: encoded.append(1)
    )
    with torch.inference_mode():
        first, second = (network.encode_style(torch.rand(1, 3, 40, 40) * k) for k in (0.3, 1.0))
        encoded.clear()
        left = torch.zeros(1, 64, 160)
        left[:, :, :80] = 1
        result = network(content, RegionalStatistics((first, second), torch.cat([left, 1 - left])))
        assert len(encoded) == 1
        everywhere = network(content, RegionalStatistics((first,), torch.ones(1, 64, 160)))
        torch.testing.assert_close(everywhere, network(content, first), atol=2e-3, rtol=1e-3)
        swapped = network(
            content, RegionalStatistics((second, second), torch.cat([left, 1 - left]))
        )
    assert result.shape == content.shape
    far_right = (result - swapped)[..., 140:].abs().mean()
    assert far_right < 0.3 * (result - swapped)[..., :20].abs().mean()
