"""The quantizers of a network, kept in the cache folder: to calibrate them takes a second."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from .. import __version__
from ..folders import cache_folder
from ..networks import StyleNetwork
from ..networks.fingerprint import fingerprint
from ..writing import whole_file
from .quantization import Quantizer, calibrate

_SIGNED, _UNSIGNED = "signed", "unsigned"


def kept_quantizers(network: StyleNetwork) -> list[Quantizer]:
    """Return what `calibrate` returns for a network, from the cache folder if it is there."""
    path = cache_folder() / "quantizers" / f"{__version__}-{fingerprint(network)}.safetensors"
    with suppress(OSError, SafetensorError, ValueError):
        return _read(path)
    quantizers = calibrate(network)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_bytes(_packed(quantizers))
    return quantizers


def _packed(quantizers: list[Quantizer]) -> bytes:
    names = [
        f"{number:04} {_SIGNED if quantizer.signed else _UNSIGNED}"
        for number, quantizer in enumerate(quantizers)
    ]
    scales = [quantizer.scales.contiguous() for quantizer in quantizers]
    return save(dict(zip(names, scales, strict=True)))


def _read(path: Path) -> list[Quantizer]:
    scales = load_file(path)
    return [Quantizer(scales[name], name.endswith(f" {_SIGNED}")) for name in sorted(scales)]
