"""The lean network: real time on a processor, encoder included.

The content goes to an eighth of its size at once, where most of the work is done in residual
blocks with AdaIN after every convolution; the encoder's features at a quarter and at half size,
brought to the style's statistics too, carry detail past the trunk. The size is doubled by bilinear
upsampling before a convolution, because a pixel shuffle lets the network draw its texture as a
grid; only the last doubling is one, for the sake of speed.

The style has an encoder of its own, heavier than the content's because it runs once per style: it
*predicts* the mean and standard deviation of every AdaIN layer from the statistics of its features
(predicting normalisation parameters is Ghiasi et al., "Exploring the structure of a real-time,
arbitrary neural artistic stylization network", BMVC 2017).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..adain import EPSILON, RegionalStatistics, Restyle, Statistics, channel_mean_std, restyler
from .convolutions import (
    Conv3x3,
    DoublingConv1x1,
    PictureConv,
    ShufflingConv,
    conv3x3,
    doubling_conv,
)
from .vgg import VGGEncoder, initialise

STRIP_POSITIONS = 2**18
"""Positions of a layer that a head processes at once; bounds the memory."""


class LeanNetwork(nn.Module):
    """A strided content encoder, an AdaIN trunk and a decoder with two skips.

    Args:
        widths: channels at a half, a quarter and an eighth of the content's size.
        blocks: residual blocks at an eighth.
        ranks: of the convolution to an eighth, of the first and of the second of the trunk's
            blocks, and of the one that doubles features to half the size; None where all are whole.
        style_widths: channels of the style encoder at relu1_1, relu2_1, relu3_1 and relu4_1.
        style_hidden: width of the layer from which all styles' statistics are predicted.
        style_heads: channels that 1x1 convolutions make of the style encoder's features before
            their statistics are taken too; None for none.

    Raises:
        ValueError: a width, a rank or the number of blocks is too small.
    """

    stride = 8
    """Both sides of the content must be multiples of this many pixels."""

    supports_bfloat16 = True
    """Whether bfloat16 leaves the picture the same to the eye. It does not where the picture hardly
    varies, as with a covered lens."""

    supports_int8 = True
    """Whether it stays nearly the same where convolutions take integers of eight bits."""

    def __init__(
        self,
        widths: tuple[int, int, int] = (16, 32, 96),
        blocks: int = 2,
        ranks: tuple[int, int, int, int] | None = None,
        style_widths: tuple[int, int, int, int] = (16, 32, 64, 128),
        style_hidden: int = 512,
        style_heads: tuple[int, int, int, int] | None = None,
    ) -> None:
        super().__init__()
        if min(*widths, *(ranks or ()), *style_widths, style_hidden, *(style_heads or ())) < 1:
            raise ValueError("widths and ranks must be at least 1")
        if blocks < 0:
            raise ValueError(f"blocks must be at least 0, got {blocks}")
        self.widths = tuple(widths)
        self.ranks = None if ranks is None else tuple(ranks)
        half, quarter, eighth = widths
        down_rank, first_rank, second_rank, widen_rank = ranks or (None,) * 4
        self.down1 = PictureConv(half, stride=2)
        self.down2 = Conv3x3(half, quarter, stride=2)
        self.down3 = conv3x3(quarter, eighth, down_rank, stride=2)
        self.trunk = nn.ModuleList(
            StyledBlock(eighth, first_rank, second_rank) for _ in range(blocks)
        )
        self.narrow = DoublingConv1x1(eighth, quarter)
        self.detail = StyledBlock(quarter)
        self.widen = doubling_conv(quarter, half, widen_rank)
        self.smooth = Conv3x3(half, half)
        self.up_full = ShufflingConv(half, 3, offset=0.5)
        self.layer_widths = (*[eighth] * (1 + 2 * blocks), *[quarter] * 3, half)
        """Channels of each AdaIN layer, in the order of use."""
        self.style_encoder = StyleEncoder(
            style_widths, style_hidden, self.layer_widths, style_heads
        )

    @property
    def float_convolutions(self) -> tuple[nn.Conv2d, ...]:
        """Those that integers of eight bits would harm: after the first at a quarter, and after
        what the trunk's convolutions of low rank end with, AdaIN magnifies what is small; what the
        last ones round off flickers."""
        of_trunk = (conv for block in self.trunk for conv in (block.conv1, block.conv2))
        of_low_rank = [conv[1] for conv in of_trunk if isinstance(conv, nn.Sequential)]
        if isinstance(self.widen, nn.Sequential):
            of_low_rank += self.widen
        return (*of_low_rank, self.detail.conv1, self.smooth, self.up_full)

    @property
    def config(self) -> dict[str, object]:
        """The arguments with which such a network is made."""
        style = self.style_encoder
        return {
            "widths": list(self.widths),
            "blocks": len(self.trunk),
            "ranks": self.ranks and list(self.ranks),
            "style_widths": list(style.vgg.widths),
            "style_hidden": style.code_width,
            "style_heads": [head.out_channels for head in style.heads] or None,
        }

    def encode_style(self, image: Tensor) -> Statistics:
        """Return the predicted mean and standard deviation for every AdaIN layer.

        Args:
            image: `(N, 3, H, W)`, RGB in [0, 1]; any size from 32 pixels on.
        """
        return self.style_encoder(image)

    def take_bytes(self) -> None:
        """Take contents in 0..255 from now on."""
        self.down1.take_bytes()

    def forward(
        self, content: Tensor, style: Statistics | RegionalStatistics, alpha: float | Tensor = 1.0
    ) -> Tensor:
        """Return the content in the style: one content encode, AdaIN, one decode.

        Args:
            content: `(N, 3, H, W)`, RGB in [0, 1], H and W multiples of `stride`.
            style: what `encode_style` returned, or several of these in their regions.
            alpha: style strength in 0..1 at every AdaIN layer (equation 14).

        Returns:
            `(N, 3, H, W)`, RGB, nominally in [0, 1], not clamped.
        """
        restyle = restyler(style, alpha)
        half = self.down1(content).relu_()
        quarter = self.down2(half).relu_()
        x = restyle(self.down3(quarter).relu_())
        for block in self.trunk:
            x = block(x, restyle)
        x = self.detail(self.narrow(x).add_(restyle(quarter)), restyle)
        x = self.widen(x.relu_()).add_(restyle(half)).relu_()
        x = self.smooth(x).relu_()
        return self.up_full(x)


class StyledBlock(nn.Module):
    """A residual block whose two convolutions are each followed by AdaIN.

    Args:
        width: channels.
        first_rank: of the first convolution; None for a whole one.
        second_rank: of the second one, likewise.
    """

    def __init__(
        self, width: int, first_rank: int | None = None, second_rank: int | None = None
    ) -> None:
        super().__init__()
        self.conv1 = conv3x3(width, width, first_rank)
        self.conv2 = conv3x3(width, width, second_rank)

    def forward(self, x: Tensor, restyle: Restyle) -> Tensor:
        y = restyle(self.conv1(x)).relu_()
        return restyle(self.conv2(y)).add_(x)


class StyleEncoder(nn.Module):
    """From a style image to the statistics of every AdaIN layer.

    A narrow VGG: what the loss network sees is best told by one of its kind. The channel means and
    standard deviations of its features, each brought to its usual range, go through one hidden
    layer, the *code*, to the means (linear) and standard deviations (softplus).

    With heads, 1x1 convolutions with ReLU that turn its features into those of a wider VGG, their
    statistics are among them: those of a wide layer cannot be had from a narrow one's alone.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int],
        hidden: int,
        layer_widths: tuple[int, ...],
        head_widths: tuple[int, int, int, int] | None = None,
    ) -> None:
        super().__init__()
        self.layer_widths = layer_widths
        self.code_width = hidden
        self.vgg = VGGEncoder(widths)
        initialise(self.vgg)
        heads = zip(widths, head_widths, strict=True) if head_widths else ()
        self.heads = nn.ModuleList(nn.Conv2d(own, wider, 1) for own, wider in heads)
        statistics = 2 * sum((*widths, *(head_widths or ())))
        self.usual_range = RunningStandardisation(statistics)
        self.hidden = nn.Linear(statistics, hidden)
        self.activation = nn.PReLU(hidden)
        self.means = nn.Linear(hidden, sum(layer_widths))
        self.stds = nn.Linear(hidden, sum(layer_widths))
        nn.init.constant_(self.stds.bias, 0.5413)  # softplus gives 1: start near instance norm

    def forward(self, image: Tensor) -> Statistics:
        return self.statistics(self.encode(image))

    def encode(self, image: Tensor) -> Tensor:
        """Return the code of `(N, 3, H, W)` images, RGB in [0, 1]; `(N, hidden)`."""
        return self.code(self.features(self.vgg(image)))

    def features(self, layers: list[Tensor]) -> Tensor:
        """Return channel means and deviations, float `(N, 2 * (sum(widths) + sum(head_widths)))`,
        of what `vgg` returned for N images."""
        statistics = [part for layer in layers for part in channel_mean_std(layer)]
        if self.heads:
            for head, layer in zip(self.heads, layers, strict=True):
                statistics += _statistics_through(head, layer)
        return torch.cat(statistics, 1).flatten(1)

    def code(self, features: Tensor) -> Tensor:
        """Return what is known of the style, `(N, hidden)`, of what `features` returned."""
        standardised = self.usual_range(features)
        return self.activation(self.hidden(standardised.to(self.hidden.weight.dtype)))

    def statistics(self, code: Tensor) -> Statistics:
        """Return the statistics of every AdaIN layer that belong to a code."""
        means = self.means(code)[:, :, None, None]
        stds = functional.softplus(self.stds(code))[:, :, None, None]
        return tuple(
            zip(means.split(self.layer_widths, 1), stds.split(self.layer_widths, 1), strict=True)
        )


def _statistics_through(head: nn.Conv2d, layer: Tensor) -> tuple[Tensor, Tensor]:
    """Return channel means and deviations of `relu(head(layer))`, strip by strip.

    The whole would be four times as wide as the layer, a gigabyte for a large picture.
    """
    rows = max(1, STRIP_POSITIONS // layer.shape[3])
    strips = [
        channel_mean_std(functional.relu(head(strip), inplace=True))
        for strip in layer.split(rows, 2)
    ]
    if len(strips) == 1:
        return strips[0]
    means, stds = (torch.stack(parts) for parts in zip(*strips, strict=True))
    counts = [strip.shape[2] * strip.shape[3] for strip in layer.split(rows, 2)]
    count = means.new_tensor(counts).reshape(-1, 1, 1, 1, 1)
    mean = (count * means).sum(0) / count.sum()
    within = (count - 1) * (stds.square() - EPSILON)
    between = count * (means - mean).square()
    variance = (within + between).sum(0) / (count.sum() - 1)
    return mean, (variance + EPSILON).sqrt()


class RunningStandardisation(nn.Module):
    """Numbers less their usual value, divided by their usual deviation.

    What is usual is learnt from some examples before training and as a slow running average in it.
    Unlike batch norm, it never uses the current batch's statistics: batches of four would be noise.
    What is beyond `limit` deviations is cut, so that a rarely active channel cannot
    shout.
    """

    limit = 8.0

    def __init__(self, width: int, momentum: float = 0.001) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    @torch.no_grad()
    def fit(self, x: Tensor, first: int = 0) -> None:
        """Take what is usual from `(N, width)` examples, of the numbers from `first` on."""
        self.mean[first:] = x[:, first:].mean(0)
        self.variance[first:] = x[:, first:].var(0, correction=0)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(N, width)` standardised; learn from it in training mode."""
        if self.training:
            with torch.no_grad():
                self.variance.lerp_((x - self.mean).square().mean(0), self.momentum)
                self.mean.lerp_(x.mean(0), self.momentum)
        standardised = (x - self.mean) * (self.variance + EPSILON).rsqrt()
        return standardised.clamp(-self.limit, self.limit)
