"""Engines that were found the fastest, remembered from one start of the program to the next."""

from __future__ import annotations

import importlib.metadata
import json
from contextlib import suppress
from pathlib import Path

import torch

from .. import __version__
from ..networks import StyleNetwork
from ..writing import whole_file
from .processor import processor_name


class Choices:
    """Names of engines in a file, by all that they depend on.

    Args:
        path: of the file; one that is missing or damaged holds no choices, and where it cannot be
            written, the next start of the program finds out anew.
        network: whose frames are painted.
        dtype: of the arithmetic; None for the best of each engine.
    """

    def __init__(self, path: Path, network: StyleNetwork, dtype: torch.dtype | None) -> None:
        self._path = path
        parameters = sum(parameter.numel() for parameter in network.parameters())
        versions = [f"realtime-adain {__version__}", f"torch {torch.__version__}"]
        for package in ("openvino", "onnxruntime"):
            with suppress(importlib.metadata.PackageNotFoundError):
                versions.append(f"{package} {importlib.metadata.version(package)}")
        self._key = ", ".join(
            [
                f"{processor_name()} ({torch.get_num_threads()} threads)",
                f"{type(network).__name__} of {parameters} parameters",
                str(dtype or "any dtype"),
                *versions,
            ]
        )

    def get(self, pixels: int) -> str | None:
        """Return the name of the engine for frames of about so many pixels; None if unknown."""
        return self._read().get(self._key_of(pixels))

    def remember(self, pixels: int, name: str) -> None:
        """Keep the name of the engine for frames of about so many pixels."""
        choices = self._read() | {self._key_of(pixels): name}
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path) as part:
                part.write_text(json.dumps(choices, indent=2) + "\n")

    def _key_of(self, pixels: int) -> str:
        return f"{self._key}, {pixels} pixels"

    def _read(self) -> dict[str, str]:
        try:
            choices = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return choices if isinstance(choices, dict) else {}
