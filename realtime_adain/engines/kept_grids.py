"""The grids of a network's integers, measured once and kept: measuring them takes a second."""

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
from .rounding import Grid, measure_grids

_SIGNED, _UNSIGNED = "signed", "unsigned"


def kept_grids(network: StyleNetwork) -> list[Grid]:
    """Return what `measure_grids` does for a network, from the cache folder if it is there."""
    path = cache_folder() / "grids" / f"{__version__}-{fingerprint(network)}.safetensors"
    with suppress(OSError, SafetensorError, ValueError):
        return _read(path)
    grids = measure_grids(network)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_bytes(_packed(grids))
    return grids


def _packed(grids: list[Grid]) -> bytes:
    names = [
        f"{number:04} {_SIGNED if grid.signed else _UNSIGNED}" for number, grid in enumerate(grids)
    ]
    steps = [grid.steps.contiguous() for grid in grids]
    return save(dict(zip(names, steps, strict=True)))


def _read(path: Path) -> list[Grid]:
    steps = load_file(path)
    return [Grid(steps[name], name.endswith(f" {_SIGNED}")) for name in sorted(steps)]
