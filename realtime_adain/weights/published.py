"""The checkpoints that the field shares, in the layouts in which they are published.

The common PyTorch port of the paper is an encoder and a decoder, each an `nn.Sequential` whose
convolutions have the numbers below (padding, ReLU, pooling and upsampling take the others). The
encoder begins with the 1x1 convolution that maps RGB in [0, 1] to what VGG expects, and may go on
to relu5_4. torchvision's VGG-19 expects an image normalised by the mean and deviation of ImageNet.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import WeightsError
from ..networks import VGGEncoder, VGGNetwork
from .reading import read_state_dict

ENCODER_KEYS = {
    **{"preprocess": 0, "conv1_1": 2, "conv1_2": 5, "conv2_1": 9, "conv2_2": 12},
    **{"conv3_1": 16, "conv3_2": 19, "conv3_3": 22, "conv3_4": 25, "conv4_1": 29},
}
DECODER_KEYS = {
    **{"conv4_1": 1, "conv3_4": 5, "conv3_3": 8, "conv3_2": 11, "conv3_1": 14},
    **{"conv2_2": 18, "conv2_1": 21, "conv1_2": 25, "conv1_1": 28},
}
TORCHVISION_KEYS = {
    **{"conv1_1": 0, "conv1_2": 2, "conv2_1": 5, "conv2_2": 7},
    **{"conv3_1": 10, "conv3_2": 12, "conv3_3": 14, "conv3_4": 16, "conv4_1": 19},
}
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def load_checkpoint(
    encoder_path: str | os.PathLike[str], decoder_path: str | os.PathLike[str]
) -> VGGNetwork:
    """Return the paper's network of a published pair, such as `vgg_normalised.pth` and
    `decoder.pth`, in float32 on the processor.

    Raises:
        WeightsError: a file is missing, unsafe, or of another shape; the message says which layer.
    """
    network = VGGNetwork()
    _fill(network.encoder, read_state_dict(Path(encoder_path)), ENCODER_KEYS, "{}", encoder_path)
    _fill(network.decoder, read_state_dict(Path(decoder_path)), DECODER_KEYS, "{}", decoder_path)
    return network.eval().requires_grad_(False)


def load_teacher(path: str | os.PathLike[str]) -> VGGEncoder:
    """Return a loss network, VGG to relu4_1, frozen, in float32 on the processor.

    Args:
        path: one of

            - safetensors with `preprocess`, `conv1_1` ... `conv4_1` of any widths and, where its
              features stand in for those of a wider network, `head1_1` ... `head4_1`;
            - the published encoder, `vgg_normalised.pth`;
            - torchvision's VGG-19, whose channels are not scaled: see
              `networks.normalise_activations`.

    Raises:
        WeightsError: the file is missing, unsafe, or holds other tensors.
    """
    tensors = read_state_dict(Path(path))
    if "features.0.weight" in tensors:
        teacher = VGGEncoder()
        _fill(teacher, tensors, TORCHVISION_KEYS, "features.{}", path)
        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        with torch.no_grad():
            teacher.preprocess.weight.copy_((1 / std).diag()[:, :, None, None])
            teacher.preprocess.bias.copy_(-mean / std)
    elif "0.weight" in tensors:
        teacher = VGGEncoder()
        _fill(teacher, tensors, ENCODER_KEYS, "{}", path)
    else:
        teacher = _any_width(tensors, path)
    return teacher.eval().requires_grad_(False)


def _any_width(tensors: dict[str, Tensor], path: str | os.PathLike[str]) -> VGGEncoder:
    names = [f"conv{stage}_1.weight" for stage in range(1, 5)]
    missing = [name for name in names if name not in tensors]
    if missing:
        raise WeightsError(f"{path}: not a VGG encoder up to relu4_1: {missing[0]} is missing")
    heads = None
    if "head1_1.weight" in tensors:
        heads = tuple(_outputs(tensors.get(f"head{stage}_1.weight")) for stage in range(1, 5))
    teacher = VGGEncoder(tuple(_outputs(tensors[name]) for name in names), heads)
    for name, expected in teacher.state_dict().items():
        _check(name, tensors.get(name), expected, path)
    teacher.load_state_dict(tensors, strict=False)
    return teacher


def _fill(
    module: nn.Module,
    tensors: dict[str, Tensor],
    keys: dict[str, int],
    pattern: str,
    path: str | os.PathLike[str],
) -> None:
    """Copy the numbered convolutions of a file into the named ones of a module."""
    for name, number in keys.items():
        convolution = getattr(module, name)
        for part in ("weight", "bias"):
            key = f"{pattern.format(number)}.{part}"
            expected = getattr(convolution, part)
            _check(key, tensors.get(key), expected, path)
            with torch.no_grad():
                expected.copy_(tensors[key])


def _check(name: str, found: Tensor | None, expected: Tensor, path: str | os.PathLike[str]) -> None:
    if found is None:
        raise WeightsError(f"{path}: {name} is missing: not a file of this layout")
    if found.shape != expected.shape:
        raise WeightsError(
            f"{path}: {name} has the shape {tuple(found.shape)}, not {tuple(expected.shape)}"
        )


def _outputs(weight: Tensor | None) -> int:
    return 0 if weight is None else weight.shape[0]
