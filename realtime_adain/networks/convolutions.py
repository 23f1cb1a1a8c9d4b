"""The 3x3 convolutions of the networks: plain, after doubling the size, before a pixel shuffle.

Each computes in one step, or in a cheaper order, what PyTorch has as several layers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_TAPS = {"nearest": (1.0, 1.0), "bilinear": (0.25, 0.75, 0.75, 0.25)}
"""By how much a value reaches each of the doubled ones around it, along one axis."""

_MANY_POSITIONS = 2**14
"""From which on copying into the middle of a larger tensor is the faster way to pad."""


class Conv3x3(nn.Conv2d):
    """A 3x3 convolution with reflection padding of one pixel.

    Args:
        inputs: channels of the features.
        outputs: channels of the result.
        stride: in pixels.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride)

    def forward(self, features: Tensor) -> Tensor:
        """Return `(N, outputs, H / stride, W / stride)` (sizes rounded up)."""
        return functional.conv2d(reflection_pad(features), self.weight, self.bias, self.stride)


class PictureConv(Conv3x3):
    """The first convolution of a network: a `Conv3x3` of a picture less 0.5.

    The subtraction is folded into the bias; that is exact because reflected padding consists of
    picture values too.

    Args:
        outputs: channels of the result.
        stride: in pixels.
    """

    def __init__(self, outputs: int, stride: int = 1) -> None:
        super().__init__(3, outputs, stride)
        self._middle = 0.5

    @torch.no_grad()
    def take_bytes(self) -> None:
        """Take pictures in 0..255 from now on; the division is folded into the weights."""
        self.weight.div_(255)
        self._middle = 127.5

    def forward(self, picture: Tensor) -> Tensor:
        """Return `(N, outputs, H / stride, W / stride)` of RGB `(N, 3, H, W)` in [0, 1]."""
        bias = self.bias - self._middle * self.weight.sum((1, 2, 3), dtype=torch.float32)
        bias = bias.to(self.weight.dtype)
        return functional.conv2d(self._padded(picture), self.weight, bias, self.stride)

    def _padded(self, picture: Tensor) -> Tensor:
        if not torch.jit.is_tracing():
            return reflection_pad(picture)
        # In an exported graph, the channels of a frame stay where they are, last, until the
        # convolution takes them so: transposing took a tenth of a frame.
        pixels = picture.permute(0, 2, 3, 1)
        rows = torch.cat([pixels[:, 1:2], pixels, pixels[:, -2:-1]], 1)
        padded = torch.cat([rows[:, :, 1:2], rows, rows[:, :, -2:-1]], 2)
        return padded.permute(0, 3, 1, 2)


class ShufflingConv(Conv3x3):
    """A 3x3 convolution and the pixel shuffle that doubles the size of its result.

    The four filters of an output channel start equal, so that the shuffle starts as nearest
    upsampling and not as a grid (Aitken et al., "Checkerboard artifact free sub-pixel
    convolution", 2017).

    Args:
        inputs: channels of the features.
        outputs: channels of the result; the weights are those of `4 * outputs` filters in the
            order of `torch.pixel_shuffle`.
        offset: added to the result; in here, because in an exported graph the transpositions on
            both sides of it cancel out then.
    """

    def __init__(self, inputs: int, outputs: int, offset: float = 0.0) -> None:
        super().__init__(inputs, 4 * outputs)
        self._offset = offset
        with torch.no_grad():
            self.weight.copy_(self.weight[::4].repeat_interleave(4, 0))
            self.bias.copy_(self.bias[::4].repeat_interleave(4, 0))

    def forward(self, features: Tensor) -> Tensor:
        """Return `(N, outputs, 2 H, 2 W)` of features `(N, inputs, H, W)`."""
        # With the channels of a pixel side by side, shuffling moves runs of numbers, not single
        # ones: a fourth of the time.
        weight = self.weight.unflatten(0, (-1, 4)).transpose(0, 1).flatten(0, 1)
        bias = self.bias.unflatten(0, (-1, 4)).T.flatten()
        pixels = _shuffled(functional.conv2d(reflection_pad(features), weight, bias))
        return pixels.add_(self._offset).permute(0, 3, 1, 2)


class DoublingConv(nn.Conv2d):
    """A 3x3 convolution of features that are brought to twice their size first.

    Doubling is a transposed convolution with a fixed kernel, and two linear filters in a row are
    one, whose kernel is theirs convolved (Odena et al., "Deconvolution and checkerboard artifacts",
    Distill 2016, recommend the two; here they are computed as one). Nearest doubling so takes
    four ninths of the multiplications, bilinear doubling as many as before, and both spare reading
    and writing features of four times the size.

    The weights are those of the plain convolution. So is the result, with reflection padding,
    except at the border of bilinear doubling: the edge is repeated before doubling, not after it.

    Args:
        inputs: channels of the features.
        outputs: channels of the result.
        mode: "nearest" or "bilinear".
    """

    def __init__(self, inputs: int, outputs: int, mode: str) -> None:
        super().__init__(inputs, outputs, 3)
        taps = _TAPS[mode]
        self._side = len(taps) + 2
        self._cut = len(taps) // 2 + 2
        spread = torch.zeros(3, self._side)
        for position in range(3):
            spread[position, 2 - position : 2 - position + len(taps)] = torch.tensor(taps)
        self.register_buffer("_spread", torch.kron(spread, spread), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return `(N, outputs, 2 H, 2 W)` of features `(N, inputs, H, W)`."""
        padded = functional.pad(features, (1, 1, 1, 1), mode="replicate")
        kernel = self.weight.reshape(-1, 9) @ self._spread
        kernel = kernel.reshape(*self.weight.shape[:2], self._side, self._side)
        if torch.jit.is_tracing() and self._side == 6:
            return self._by_plain_convolution(padded, kernel)
        kernel = kernel.transpose(0, 1)
        return functional.conv_transpose2d(padded, kernel, self.bias, stride=2, padding=self._cut)

    def _by_plain_convolution(self, padded: Tensor, kernel: Tensor) -> Tensor:
        """Return what the transposed convolution by a 6x6 kernel does, for exported graphs: other
        engines compute a plain one several times as fast.

        Every second tap reaches an even row or column, the others an odd one: four 3x3 kernels.
        (Those of nearest doubling are 2x2, each in a corner of its own of the same window.)
        """
        parts = kernel.unflatten(3, (3, 2)).unflatten(2, (3, 2)).flip(2, 4)
        weight = parts.permute(3, 5, 0, 1, 2, 4).flatten(0, 2)
        pixels = _shuffled(functional.conv2d(padded, weight, self.bias.repeat(4)))
        return pixels.permute(0, 3, 1, 2)


class DoublingConv1x1(nn.Conv2d):
    """A 1x1 convolution of features that are brought to twice their size, bilinear.

    The two can change places, so the convolution comes first, at a fourth of the cost.

    Args:
        inputs: channels of the features.
        outputs: channels of the result.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return `(N, outputs, 2 H, 2 W)` of features `(N, inputs, H, W)`."""
        return functional.interpolate(super().forward(features), scale_factor=2.0, mode="bilinear")


def conv3x3(inputs: int, outputs: int, rank: int | None = None, stride: int = 1) -> nn.Module:
    """Return a `Conv3x3`, or one of low rank: to few channels, and a 1x1 convolution of these.

    Where a layer's outputs vary in few dimensions the two do the same at a fraction of the cost
    (Zhang et al., "Accelerating very deep convolutional networks for classification and detection",
    TPAMI 2016).

    Args:
        inputs: channels of the features.
        outputs: channels of the result.
        rank: channels between; None for one whole convolution.
        stride: in pixels.
    """
    if rank is None:
        return Conv3x3(inputs, outputs, stride)
    return nn.Sequential(Conv3x3(inputs, rank, stride), nn.Conv2d(rank, outputs, 1))


def doubling_conv(inputs: int, outputs: int, rank: int | None = None) -> nn.Module:
    """Return a bilinear `DoublingConv`, or one of low rank: a 1x1 convolution to few channels, and
    one of these.

    Args:
        inputs: channels of the features.
        outputs: channels of the result.
        rank: channels between; None for one whole convolution.
    """
    if rank is None:
        return DoublingConv(inputs, outputs, "bilinear")
    return nn.Sequential(nn.Conv2d(inputs, rank, 1), DoublingConv(rank, outputs, "bilinear"))


def _shuffled(features: Tensor) -> Tensor:
    """Return `(N, 2 H, 2 W, C)` of features `(N, 4 C, H, W)`: a pixel shuffle of channels that come
    C by C, first those of the left upper pixels, then right upper, left lower, right lower."""
    pixels = features.permute(0, 2, 3, 1)
    count, height, width, channels = pixels.shape
    rows = pixels.unflatten(3, (2, -1)).transpose(2, 3)  # (N, H, 2, W, 2 C)
    return rows.reshape(count, 2 * height, 2 * width, channels // 4)


def reflection_pad(features: Tensor) -> Tensor:
    """Return `(N, C, H, W)` with one more pixel on every side, the mirror image of those within.

    PyTorch's own padding of channels-last features goes position by position, which takes a
    processor several times as long as a copy where the channels are few.
    """
    height, width = features.shape[2:]
    plain = features.device.type != "cpu" or torch.is_grad_enabled() or torch.jit.is_tracing()
    if plain or height * width < _MANY_POSITIONS:
        return functional.pad(features, (1, 1, 1, 1), mode="reflect")
    count, channels = features.shape[:2]
    padded = features.new_empty(count, height + 2, width + 2, channels)
    padded[:, 1:-1, 1:-1] = features.permute(0, 2, 3, 1)
    padded[:, :, 0] = padded[:, :, 2]
    padded[:, :, -1] = padded[:, :, -3]
    padded[:, 0] = padded[:, 2]
    padded[:, -1] = padded[:, -3]
    return padded.permute(0, 3, 1, 2)
