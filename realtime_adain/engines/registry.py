"""The engines by name: which are installed, and how each is opened."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from ..networks import StyleNetwork
    from .base import Engine

ENGINES = ("auto", "torch", "openvino", "onnx")
PRECISIONS = ("float32", "bfloat16", "float16", "int8")

_NEEDED_PACKAGES = {
    "torch": (),
    "openvino": ("openvino", "onnx"),
    "onnx": ("onnxruntime", "onnx"),
}


def installed_engines() -> tuple[str, ...]:
    """Return the engines whose packages are installed, `torch` first, without `auto`."""
    return tuple(name for name in _NEEDED_PACKAGES if not missing_packages(name))


def missing_packages(name: str) -> tuple[str, ...]:
    """Return the packages that an engine needs and that are not installed."""
    return tuple(p for p in _NEEDED_PACKAGES[name] if importlib.util.find_spec(p) is None)


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
        dtype: of the arithmetic, one of `PRECISIONS`; None for what suits the device and engine.

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
    if dtype is not None and not dtype.is_floating_point:
        return open_named("openvino", network, size=size, dtype=dtype)  # no other computes in those
    from .auto import AutoEngine  # opens the engines it tries by name

    return AutoEngine(network, size=size, dtype=dtype)


def open_named(
    name: str,
    network: StyleNetwork,
    *,
    size: int | None = None,
    dtype: torch.dtype | None = None,
) -> Engine:
    """Return an engine by its name, `auto` apart; see `open_engine`."""
    from .base import EngineError
    from .cuda_graph import CudaGraphEngine
    from .eager import TorchEngine

    device = next(network.parameters()).device
    if name == "torch":
        engine = CudaGraphEngine if device.type == "cuda" else TorchEngine
        return engine(network, size=size, dtype=dtype)
    if device.type != "cpu":
        raise ValueError(f"engine {name!r} runs on the processor only, not on {str(device)!r}")
    if missing := missing_packages(name):
        raise EngineError(
            f"engine {name!r} needs {' and '.join(missing)}: pip install {' '.join(missing)}"
        )
    if name == "openvino":
        from .openvino import OpenVinoEngine

        return OpenVinoEngine(network, size=size, dtype=dtype)
    from .onnx import OnnxEngine

    return OnnxEngine(network, size=size, dtype=dtype)
