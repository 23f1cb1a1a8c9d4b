"""What a reader must know to compare figures: the machine, and what the program takes of it."""

from __future__ import annotations

import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from realtime_adain import __version__
from realtime_adain.engines.processor import processor_name


def describe_machine() -> dict[str, str]:
    """Return versions, processor and accelerator."""
    machine = {
        "realtime-adain": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": f"{processor_name()} ({torch.get_num_threads()} threads)",
    }
    for package in ("openvino", "onnxruntime"):
        with suppress(PackageNotFoundError):
            machine[package] = version(package)
    if torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    return machine


def resident_mb() -> float:
    """Return this process's resident memory in MB; NaN where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return float("nan")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
