"""Weights files of this project: where the shipped ones lie, how they are read and checked.

A weights file is safetensors; its metadata says which network it belongs to:
`architecture`, a key of `networks.ARCHITECTURES`, and `config`, the JSON of its arguments.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors.torch import save

from ..errors import WeightsError, one_line
from ..networks import ARCHITECTURES, StyleNetwork
from ..writing import whole_file
from .fetched import FETCHED_MODEL, load_fetched
from .reading import read_safetensors

SHA256 = {
    "lite": "f62e12cbb870b216f019d65d91e8488519da1b8d7b5b1d2b98acb2f23729a767",
    "base": "d9894b8b23e13fc2fbbe9a526972d77459698b5f0480ee316c6a97c395d3f0b2",
}
"""The shipped models by name, with the hash that their files must have."""


def load_model(model: str | os.PathLike[str]) -> StyleNetwork:
    """Return a network in float32 on the processor.

    Args:
        model: name of a shipped or fetched one, or path of a weights file.

    Raises:
        WeightsError: no such model, or its file is missing, not yet fetched or damaged.
    """
    name = os.fspath(model)
    if not isinstance(model, str) or name.endswith(".safetensors") or os.sep in name:
        return load_network(name)
    if name == FETCHED_MODEL:
        return load_fetched()
    if name not in SHA256:
        known = ", ".join([*SHA256, FETCHED_MODEL])
        raise WeightsError(f"no model named {name!r}; there are {known}")
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
    tensors, metadata = read_safetensors(Path(path))
    try:
        architecture = ARCHITECTURES[metadata["architecture"]]
        network = architecture(**json.loads(metadata["config"]))
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except KeyError as error:
        raise WeightsError(f"{path}: not weights of this program, {error} is missing") from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path}: does not fit its network: {one_line(error)}") from error
    return network.eval().requires_grad_(False)


def save_network(
    path: str | os.PathLike[str], network: StyleNetwork, dtype: torch.dtype = torch.float16
) -> None:
    """Write a network as a weights file."""
    tensors = {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in network.state_dict().items()
    }
    architecture = next(name for name, kind in ARCHITECTURES.items() if isinstance(network, kind))
    metadata = {"architecture": architecture, "config": json.dumps(network.config)}
    with whole_file(path) as part:
        part.write_bytes(save(tensors, metadata))


def _models_folder() -> Path:
    """Return `models/`: inside the package when installed, beside it in a clone."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"
