"""How an engine is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import ENGINES, open_named

if TYPE_CHECKING:
    import torch

    from ..networks import StyleNetwork
    from .base import Engine


def open_engine(
    name: str,
    network: StyleNetwork,
    *,
    size: int | None = None,
    dtype: torch.dtype | None = None,
) -> Engine:
    """Return an engine that computes a network.

    Args:
        name: one of `ENGINES`.
        network: in float32, on the device where it shall run; not changed.
        size: short side in pixels at which larger frames are processed; None for their own.
        dtype: of the arithmetic; None for what suits the device and the engine.

    Raises:
        EngineError: a package that the engine needs is missing, or fails.
        ValueError: no such engine, or one that does not run on the device or in the dtype.
    """
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {name!r}")
    if name != "auto":
        return open_named(name, network, size=size, dtype=dtype)
    if next(network.parameters()).device.type != "cpu":
        return open_named("torch", network, size=size, dtype=dtype)
    from .auto import AutoEngine

    return AutoEngine(network, size=size, dtype=dtype)
