"""The networks: the paper's shape at any width, and the lean one made for processors."""

from __future__ import annotations

from .lean import LeanNetwork, StyleEncoder
from .vgg import VGG19_WIDTHS, VGGDecoder, VGGEncoder, VGGNetwork, initialise, normalise_activations

StyleNetwork = VGGNetwork | LeanNetwork
ARCHITECTURES: dict[str, type[StyleNetwork]] = {"lean": LeanNetwork, "vgg": VGGNetwork}

__all__ = [
    "ARCHITECTURES",
    "VGG19_WIDTHS",
    "LeanNetwork",
    "StyleEncoder",
    "StyleNetwork",
    "VGGDecoder",
    "VGGEncoder",
    "VGGNetwork",
    "initialise",
    "normalise_activations",
]
