"""MicroAST, layer by layer in plain PyTorch: the leanest published network of this kind.

Wang et al., "MicroAST: Towards Super-Fast Ultra-Resolution Arbitrary Style Transfer" (AAAI 2023):
two encoders of the same shape, AdaIN at two depths, and a decoder whose two residual blocks have
their filters modulated by the style too. Time does not depend on the weights, so they are random.
"""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.plain import mean_std
from realtime_adain.adain import Statistics

WIDTH = 64


class MicroAST(nn.Module):
    """The network with its style cached: all it keeps of a style are four numbers per channel at
    each of two depths.

    Attributes:
        style_encoder: of the shape of `encoder`.
        modulator: from the style's features at both depths to the weights and biases of filters.
    """

    stride = 4
    supports_bfloat16 = True
    layer_widths = (WIDTH,) * 4

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.style_encoder = _Encoder(), _Encoder()
        self.modulator = nn.ModuleList(nn.ModuleList([_signal(), _signal()]) for _ in range(2))
        self.blocks = nn.ModuleList([_ResidualBlock(), _ResidualBlock()])
        self.up = nn.Sequential(
            *_doubling(WIDTH, WIDTH // 2),
            *_doubling(WIDTH // 2, WIDTH // 4),
            *_conv(WIDTH // 4, 3, 9),
        )

    def encode_style(self, image: Tensor) -> Statistics:
        """Return mean and deviation, then weight and bias of the filters, at the deeper layer and
        at the shallower one."""
        signals: list[tuple[Tensor, Tensor]] = []
        for features, (weight, bias) in zip(
            reversed(self.style_encoder(image)), self.modulator, strict=True
        ):
            signals += [mean_std(features), (weight(features), bias(features))]
        return tuple(signals)

    def forward(self, content: Tensor, style: Statistics, alpha: float | Tensor = 1.0) -> Tensor:
        _, x = self.encoder(content.contiguous())
        for block, (style_mean, style_std), modulation in zip(
            self.blocks, style[::2], style[1::2], strict=True
        ):
            mean, std = mean_std(x)
            target = style_std * (x - mean) / std + style_mean
            x = block(alpha * target + (1 - alpha) * x, modulation)
        return self.up(x)


class _Encoder(nn.Module):
    """To a quarter of the size; the features after one residual block and after two."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(
            *_conv(3, WIDTH // 4, 9),
            nn.ReLU(inplace=True),
            *_separable(WIDTH // 4, WIDTH // 2, stride=2),
            *_separable(WIDTH // 2, WIDTH, stride=2),
        )
        self.blocks = nn.ModuleList([_ResidualBlock(), _ResidualBlock()])

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.down(image)
        features = []
        for block in self.blocks:
            x = block(x)
            features.append(x)
        return features


class _ResidualBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*_conv(WIDTH, WIDTH, 3))
        self.conv2 = nn.Sequential(*_conv(WIDTH, WIDTH, 3))

    def forward(self, x: Tensor, modulation: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Return the block's output, both convolutions' filters modulated where asked."""
        if modulation is None:
            return x + self.conv2(self.conv1(x).relu_())
        weight, bias = modulation
        y = (weight * self.conv1(x) + bias * x).relu_()
        return x + weight * self.conv2(y) + bias * y


def _conv(inputs: int, outputs: int, side: int, *, stride: int = 1, groups: int = 1) -> list:
    convolution = nn.Conv2d(inputs, outputs, side, stride, groups=groups)
    return [nn.ReflectionPad2d(side // 2), convolution]


def _separable(inputs: int, outputs: int, *, stride: int) -> list[nn.Module]:
    """Return a depthwise 3x3 convolution and a 1x1 one, each with ReLU."""
    depthwise = _conv(inputs, outputs, 3, stride=stride, groups=min(inputs, outputs))
    return [
        *depthwise,
        nn.ReLU(inplace=True),
        *_conv(outputs, outputs, 1),
        nn.ReLU(inplace=True),
    ]


def _doubling(inputs: int, outputs: int) -> list[nn.Module]:
    bilinear = nn.Upsample(scale_factor=2, mode="bilinear")
    return [bilinear, *_separable(inputs, outputs, stride=1)]


def _signal() -> nn.Sequential:
    """Return what makes one number per channel of a style's features."""
    return nn.Sequential(*_conv(WIDTH, WIDTH, 3, groups=WIDTH), nn.AdaptiveAvgPool2d(1))
