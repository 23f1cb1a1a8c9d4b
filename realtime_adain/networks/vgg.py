"""The paper's network: VGG to relu4_1, AdaIN, and a decoder that mirrors the encoder.

Widths (64, 128, 256, 512) are VGG-19's; narrower ones give students of the same shape.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..adain import RegionalStatistics, Statistics, channel_mean_std, restyler
from .convolutions import Conv3x3, DoublingConv

VGG19_WIDTHS = (64, 128, 256, 512)

_LAYERS = "1_1 1_2 pool 2_1 2_2 pool 3_1 3_2 3_3 3_4 pool 4_1".split()
"""Of VGG-19 up to relu4_1: the convolutions, `stage_index`, each followed by ReLU, and pooling."""


class VGGEncoder(nn.Module):
    """VGG-19 up to relu4_1 at any widths, with optional 1x1 heads to other widths.

    `preprocess`, a 1x1 convolution, maps RGB in [0, 1] to what the first layer expects. Pooling is
    2x2 with ceil_mode. With `head_widths`, each returned feature goes through a 1x1 convolution
    and ReLU to that many channels: so a narrow network stands in for a wide one in a loss.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int] = VGG19_WIDTHS,
        head_widths: tuple[int, int, int, int] | None = None,
    ) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.preprocess = nn.Conv2d(3, 3, 1)
        inputs = 3
        for layer in _LAYERS:
            if layer != "pool":
                width = self.widths[_stage(layer)]
                self.add_module(f"conv{layer}", Conv3x3(inputs, width))
                inputs = width
        self.has_heads = head_widths is not None
        self.feature_widths = tuple(head_widths or self.widths)
        for stage, outputs in enumerate(head_widths or (), 1):
            self.add_module(f"head{stage}_1", nn.Conv2d(self.widths[stage - 1], outputs, 1))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features at relu1_1, relu2_1, relu3_1 and relu4_1.

        Args:
            image: `(N, 3, H, W)`, RGB in [0, 1]; H and W at least 9.

        Returns:
            Four tensors `(N, C, H / s, W / s)`, s = 1, 2, 4, 8 (sizes rounded up).
        """
        features = []
        x = self.preprocess(image)
        for layer in _LAYERS:
            if layer == "pool":
                x = functional.max_pool2d(x, 2, ceil_mode=True)
                continue
            x = functional.relu(self.get_submodule(f"conv{layer}")(x), inplace=True)
            if layer.endswith("_1"):
                head = self.get_submodule(f"head{layer}") if self.has_heads else None
                features.append(functional.relu(head(x)) if head else x)
        return features


def _stage(layer: str) -> int:
    """Return the stage of a convolution, counted from 0."""
    return int(layer[0]) - 1


@torch.no_grad()
def initialise(encoder: VGGEncoder) -> None:
    """Initialise an encoder in place, for training from scratch.

    Colours come in about -1.5 ... 1.5, and ReLU layers neither fade nor grow (He et al., "Delving
    deep into rectifiers", ICCV 2015): from PyTorch's own beginning, nine of them fade.
    """
    nn.init.dirac_(encoder.preprocess.weight).mul_(3.0)
    nn.init.constant_(encoder.preprocess.bias, -1.5)
    for name, layer in encoder.named_children():
        if name != "preprocess":
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)


@torch.no_grad()
def normalise_activations(encoder: VGGEncoder, images: Tensor) -> None:
    """Scale the channels of an encoder in place so that each has a mean activation of one.

    ReLU and pooling commute with a positive factor, so scaling a convolution's output and undoing
    it in the next one changes nothing but the features' scale (Gatys et al., "Image style transfer
    using convolutional neural networks", CVPR 2016). Losses need
    such features; torchvision's VGG does not have them.

    Args:
        encoder: without heads.
        images: `(N, 3, H, W)`, RGB in [0, 1], over which the mean is taken.
    """
    x = encoder.preprocess(images)
    former = torch.ones(3, dtype=x.dtype, device=x.device)
    for layer in _LAYERS:
        if layer == "pool":
            x = functional.max_pool2d(x, 2, ceil_mode=True)
            continue
        convolution = encoder.get_submodule(f"conv{layer}")
        convolution.weight.mul_(former[:, None, None])  # undo what the layer before was given
        mean = functional.relu(convolution(x)).mean((0, 2, 3))
        mean = mean.where(mean > 1e-6, 1.0)  # a dead channel stays as it is
        convolution.weight.div_(mean[:, None, None, None])
        convolution.bias.div_(mean)
        former = mean
        x = functional.relu(convolution(x))


class VGGDecoder(nn.Module):
    """The encoder's mirror: nearest upsampling for pooling, no normalisation, RGB out."""

    def __init__(self, widths: tuple[int, int, int, int] = VGG19_WIDTHS) -> None:
        super().__init__()
        inputs, doubles = widths[-1], False
        for layer in reversed(_LAYERS):
            if layer == "pool":
                doubles = True
                continue
            stage = _stage(layer)
            outputs = (3, *widths)[stage] if layer.endswith("_1") else widths[stage]
            self.add_module(
                f"conv{layer}",
                DoublingConv(inputs, outputs, "nearest") if doubles else Conv3x3(inputs, outputs),
            )
            inputs, doubles = outputs, False

    def forward(self, features: Tensor) -> Tensor:
        """Return the image `(N, 3, 8 H, 8 W)`, RGB, nominally in [0, 1], not clamped."""
        *hidden, last = self.children()
        x = features
        for convolution in hidden:
            x = functional.relu(convolution(x), inplace=True)
        return last(x)


class VGGNetwork(nn.Module):
    """Encoder, AdaIN at relu4_1, decoder (section 5 of the paper)."""

    stride = 8
    """Both sides of the content must be multiples of this many pixels."""

    supports_bfloat16 = False
    """Rounding adds up over its many unnormalised layers: 27 to 32 dB with random weights."""

    supports_int8 = False
    """Whether eight-bit integers keep the picture; never measured with trained weights."""

    float_convolutions: tuple[nn.Conv2d, ...] = ()
    """Those that integers of eight bits would harm more than others."""

    def __init__(self, widths: tuple[int, int, int, int] = VGG19_WIDTHS) -> None:
        super().__init__()
        self.encoder = VGGEncoder(widths)
        self.decoder = VGGDecoder(widths)

    @property
    def config(self) -> dict[str, object]:
        """The arguments with which such a network is made."""
        return {"widths": list(self.encoder.widths)}

    @property
    def layer_widths(self) -> tuple[int, ...]:
        """Channels of each AdaIN layer."""
        return (self.encoder.widths[-1],)

    def encode_style(self, image: Tensor) -> Statistics:
        """Return the style's mean and standard deviation at relu4_1.

        Args:
            image: `(N, 3, H, W)`, RGB in [0, 1].
        """
        return (channel_mean_std(self.encoder(image)[-1]),)

    @torch.no_grad()
    def take_bytes(self) -> None:
        """Take contents in 0..255 from now on."""
        self.encoder.preprocess.weight.div_(255)

    def forward(
        self, content: Tensor, style: Statistics | RegionalStatistics, alpha: float | Tensor = 1.0
    ) -> Tensor:
        """Return the content in the style: one content encode, AdaIN, one decode.

        Args:
            content: `(N, 3, H, W)`, RGB in [0, 1], H and W multiples of `stride`.
            style: what `encode_style` returned, or several of these in their regions.
            alpha: style strength in 0..1 (equation 14).

        Returns:
            `(N, 3, H, W)`, RGB, nominally in [0, 1], not clamped.
        """
        restyle = restyler(style, alpha)
        return self.decoder(restyle(self.encoder(content)[-1]))
