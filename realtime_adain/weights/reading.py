"""Reading tensors from files, safely, with one clear line where that fails."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from ..errors import WeightsError


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a file.

    Raises:
        WeightsError: it is missing or no safetensors file.
    """
    if path.is_dir():
        raise WeightsError(f"{path}: is a folder; name the weights file in it")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        return load_file(path), metadata
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: cannot be read as safetensors: {error}") from error


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Return the tensors by name of a safetensors file or of one that `torch.save` wrote.

    The latter is read with `weights_only`, so that no code of the file is run.

    Raises:
        WeightsError: it is missing, damaged, or holds something else than tensors by name.
    """
    if path.suffix == ".safetensors":
        return read_safetensors(path)[0]
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # what a damaged file makes the unpickler raise is not foreseeable
        raise WeightsError(f"{path}: holds no tensors that are safe to load") from error
    if not isinstance(tensors, dict) or not all(
        isinstance(tensor, Tensor) for tensor in tensors.values()
    ):
        raise WeightsError(f"{path}: holds something else than tensors by name")
    return tensors
