"""Frames per second at 256x256 and 512x512, of the network alone and end to end.

The paper's figures stand beside ours: Huang & Belongie (ICCV 2017), Table 1, style cached, on a
Titan X (Pascal): 0.018 s at 256 pixels and 0.065 s at 512, that is 56 and 15 frames per second.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from realtime_adain import Stylizer, __version__
from realtime_adain.demo_scene import DemoScene
from realtime_adain.networks import VGGNetwork
from realtime_adain.styles import builtin_style_names, builtin_style_path
from realtime_adain.weights import SHA256

PAPER_SECONDS = {256: 0.018, 512: 0.065}
SIZES = (256, 512)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fps",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--frames", type=int, default=30, help="timed frames (default %(default)s)")
    parser.add_argument("--warmup", type=int, default=5, help="frames before (default %(default)s)")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    args = parser.parse_args(argv)

    machine = describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    header = ("model", "device", "size", "path", "median ms", "p95 ms", "fps", "paper fps")
    print("{:18} {:>8} {:>5} {:>10} {:>10} {:>8} {:>8} {:>10}".format(*header))
    rows = []
    for device in devices():
        for name, model in models().items():
            stylizer = Stylizer(model, device=device)
            for size in SIZES:
                for path, step in (
                    ("model", model_step(stylizer, size)),
                    ("end to end", end_to_end_step(stylizer, size)),
                ):
                    row = measure(step, device, args.warmup, args.frames)
                    row = {"model": name, "device": device, "size": size, "path": path, **row}
                    rows.append(row)
                    print_row(row)
    if args.json:
        args.json.write_text(json.dumps({"machine": machine, "results": rows}, indent=2) + "\n")
    return 0


def models() -> dict[str, object]:
    """Return what is measured: the shipped models and the paper's network (time does not depend on
    the weights, so those are random)."""
    return {**{name: name for name in SHA256}, "vgg19 (paper)": VGGNetwork()}


def devices() -> list[str]:
    """Return the processor and every accelerator found."""
    kind = torch.accelerator.current_accelerator(check_available=True)
    accelerators = []
    if kind is not None:
        accelerators = [f"{kind.type}:{i}" for i in range(torch.accelerator.device_count())]
    return ["cpu", *accelerators]


def model_step(stylizer: Stylizer, size: int) -> Callable[[], object]:
    """Return one pass of content encoder, AdaIN and decoder, tensors on the device throughout."""
    network, style = stylizer.network, encode_builtin(stylizer)
    content = torch.rand(1, 3, size, size, device=stylizer.device, dtype=stylizer.dtype)
    content = content.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def step() -> object:
        return network(content, style.statistics)

    return step


def end_to_end_step(stylizer: Stylizer, size: int) -> Callable[[], object]:
    """Return one frame of the demo scene drawn, uploaded, repainted and fetched."""
    scene, style = DemoScene((size, size)), encode_builtin(stylizer)
    clock = iter(range(sys.maxsize))
    return lambda: stylizer.stylize(scene.draw(next(clock) / 30), style)


def encode_builtin(stylizer: Stylizer):
    """Return the first built-in style, encoded."""
    return stylizer.encode_style(builtin_style_path(builtin_style_names()[0]))


def measure(step: Callable[[], object], device: str, warmup: int, frames: int) -> dict[str, float]:
    """Time `step`, each call with the device's work done; return milliseconds and their rate."""

    def synchronise() -> None:
        if device != "cpu":
            torch.accelerator.synchronize(torch.device(device))

    for _ in range(warmup):
        step()
    synchronise()
    milliseconds = []
    for _ in range(frames):
        started = time.perf_counter()
        step()
        synchronise()
        milliseconds.append(1000 * (time.perf_counter() - started))
    median = statistics.median(milliseconds)
    return {
        "median_ms": round(median, 2),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 2),
        "fps": round(1000 / median, 1),
    }


def print_row(row: dict) -> None:
    """Print one line of the table."""
    print(
        f"{row['model']:18} {row['device']:>8} {row['size']:>5} {row['path']:>10} "
        f"{row['median_ms']:>10.1f} {row['p95_ms']:>8.1f} {row['fps']:>8.1f} "
        f"{1 / PAPER_SECONDS[row['size']]:>10.0f}",
        flush=True,
    )


def describe_machine() -> dict[str, str]:
    """Return what a reader must know to compare: versions, processor, accelerator."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        processor = names[0].split(":", 1)[1].strip() if names else processor
    machine = {
        "realtime-adain": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": f"{processor} ({torch.get_num_threads()} threads)",
    }
    if torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    return machine


if __name__ == "__main__":
    raise SystemExit(main())
