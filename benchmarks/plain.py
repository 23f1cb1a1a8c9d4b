"""The paper's network written out layer by layer: what everything is compared with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from realtime_adain.adain import EPSILON, Statistics
from realtime_adain.networks import VGG19_WIDTHS, VGGNetwork


class PlainNetwork(VGGNetwork):
    """The paper's network, one operation at a time, in the order in which they were given."""

    def __init__(self, widths: tuple[int, int, int, int] = VGG19_WIDTHS) -> None:
        super().__init__(widths)
        encoder, decoder = self.encoder, self.decoder
        encoding: list[nn.Module] = [encoder.preprocess]
        for name in "1_1 1_2 pool 2_1 2_2 pool 3_1 3_2 3_3 3_4 pool 4_1".split():
            if name == "pool":
                encoding.append(nn.MaxPool2d(2, ceil_mode=True))
            else:
                encoding.extend([*_plain(getattr(encoder, f"conv{name}")), nn.ReLU()])
        decoding: list[nn.Module] = []
        for name in "4_1 up 3_4 3_3 3_2 3_1 up 2_2 2_1 up 1_2".split():
            if name == "up":
                decoding.append(nn.Upsample(scale_factor=2, mode="nearest"))
            else:
                decoding.extend([*_plain(getattr(decoder, f"conv{name}")), nn.ReLU()])
        self.encoding = nn.Sequential(*encoding)
        self.decoding = nn.Sequential(*decoding, *_plain(decoder.conv1_1))

    def encode_style(self, image: Tensor) -> Statistics:
        return (mean_std(self.encoding(image)),)

    def forward(self, content: Tensor, style: Statistics, alpha: float | Tensor = 1.0) -> Tensor:
        features = self.encoding(content.contiguous())
        mean, std = mean_std(features)
        ((style_mean, style_std),) = style
        target = style_std * (features - mean) / std + style_mean
        return self.decoding(alpha * target + (1 - alpha) * features)


def _plain(conv: nn.Conv2d) -> list[nn.Module]:
    """Return reflection padding and a convolution with the weights of `conv`."""
    plain = nn.Conv2d(conv.in_channels, conv.out_channels, 3)
    plain.weight, plain.bias = conv.weight, conv.bias
    return [nn.ReflectionPad2d(1), plain]


def mean_std(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of `(N, C, H, W)` features, each `(N, C, 1, 1)`."""
    variance, mean = torch.var_mean(features, (2, 3), keepdim=True)
    return mean, (variance + EPSILON).sqrt()
