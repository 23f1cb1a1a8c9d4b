"""The shipped weights: where they lie, how they are read and checked.

A weights file is safetensors; its metadata says which network it belongs to:
`architecture`, a key of `networks.ARCHITECTURES`, and `config`, the JSON of its arguments.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .errors import WeightsError
from .networks import ARCHITECTURES, StyleNetwork, VGGEncoder

SHA256 = {"lite": "5fe9a78d2dad707a8facc6cbe8f92a557440a9e7003c497eea3efafcf0fe7e36"}
"""The shipped models by name, with the hash that their files must have."""


def load_model(name: str) -> StyleNetwork:
    """Return a shipped network by its name, in float32 on the processor.

    Raises:
        WeightsError: no such model, or its file is missing or damaged.
    """
    if name not in SHA256:
        raise WeightsError(f"no model named {name!r}; there are {', '.join(SHA256)}")
    path = _models_folder() / f"{name}.safetensors"
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsError(
            f"{path}: weights of {name!r} cannot be read ({error.strerror})"
        ) from error
    if digest != SHA256[name]:
        raise WeightsError(f"{path}: damaged weights (sha256 {digest[:12]}..., not as shipped)")
    return load_network(path)


def load_network(path: str | os.PathLike[str]) -> StyleNetwork:
    """Return the network of a weights file, in float32 on the processor.

    Raises:
        WeightsError: the file is missing, no safetensors file of this project, or does not fit.
    """
    tensors, metadata = _read(Path(path))
    try:
        architecture = ARCHITECTURES[metadata["architecture"]]
        network = architecture(**json.loads(metadata["config"]))
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except KeyError as error:
        raise WeightsError(f"{path}: not weights of this program, {error} is missing") from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path}: does not fit its network: {_one_line(error)}") from error
    return network.eval().requires_grad_(False)


def save_network(
    path: str | os.PathLike[str],
    network: nn.Module,
    architecture: str,
    config: dict,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a network as a weights file."""
    tensors = {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in network.state_dict().items()
    }
    metadata = {"architecture": architecture, "config": json.dumps(config)}
    part = Path(path).with_suffix(".part")
    save_file(tensors, part, metadata)
    os.replace(part, path)


def load_teacher(path: str | os.PathLike[str]) -> VGGEncoder:
    """Return the loss network of a safetensors file: VGG-19 to relu4_1 at any widths.

    The file holds `preprocess`, `conv1_1` ... `conv4_1` and, where its features stand in for those
    of a wider network, `head1_1` ... `head4_1`, each with weight and bias.

    Raises:
        WeightsError: the file is missing or has other tensors.
    """
    tensors, _ = _read(Path(path))
    try:
        widths = tuple(tensors[f"conv{stage}_1.weight"].shape[0] for stage in range(1, 5))
        heads = None
        if "head1_1.weight" in tensors:
            heads = tuple(tensors[f"head{stage}_1.weight"].shape[0] for stage in range(1, 5))
        teacher = VGGEncoder(widths, heads)
        teacher.load_state_dict(tensors)
    except (KeyError, RuntimeError) as error:
        raise WeightsError(
            f"{path}: not a VGG encoder up to relu4_1: {_one_line(error)}"
        ) from error
    return teacher.eval().requires_grad_(False)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        return load_file(path), metadata
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: cannot be read as safetensors: {error}") from error


def _models_folder() -> Path:
    """Return `models/`: inside the package when installed, beside it in a clone."""
    package = Path(__file__).resolve().parent
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"


def _one_line(error: Exception) -> str:
    """Return the message without the line breaks of torch's lists."""
    return " ".join(str(error).split())
