"""Export a network as ONNX: one file for every style, strength and frame size."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from . import command
from .errors import RealtimeAdainError
from .stylebook import DEFAULT_MODEL
from .writing import whole_file, why_not_writable

if TYPE_CHECKING:
    from .networks import StyleNetwork

CHECKED_SIZES_HW = ((64, 96), (136, 72))
LARGEST_DIFFERENCE = 2
"""Between PyTorch's and ONNX Runtime's picture, of 255."""


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = command.make_parser("realtime_adain.export", __doc__)
    parser.add_argument("output", type=Path, metavar="OUT.onnx", help="file to write")
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="NAME|FILE",
        help="shipped model or weights file (default %(default)s)",
    )
    return command.run(parser, _export, argv)


def _export(args: argparse.Namespace) -> int:
    if args.output.suffix != ".onnx":
        raise ValueError(f"{args.output}: the name must end in .onnx")
    if reason := why_not_writable(args.output):
        raise ValueError(f"{args.output}: {reason}")

    from .engines import missing_packages
    from .engines.graph import export_onnx
    from .stylizer import Stylizer

    network = Stylizer(args.model, device="cpu", engine="torch").network
    graph = export_onnx(network)
    if missing_packages("onnx"):
        verdict = "not checked, onnxruntime is missing"
    else:
        difference = largest_difference(graph, network)
        if difference > LARGEST_DIFFERENCE:
            raise RealtimeAdainError(
                f"ONNX Runtime's picture differs from PyTorch's by {difference} of 255"
            )
        verdict = f"within {difference} of 255 of PyTorch"
    try:
        with whole_file(args.output) as part:
            part.write_bytes(graph)
    except OSError as error:
        raise RealtimeAdainError(f"{args.output}: cannot be written ({error.strerror})") from error
    print(f"{args.output}: {len(graph) / 1e6:.1f} MB, {verdict}")
    print(f"  frame     uint8 (H, W, 3) RGB, H and W multiples of {network.stride} from 16 on")
    print(f"  style     float32 (2, {sum(network.layer_widths)}), means and standard deviations")
    print("  alpha     float32, 0 to 1")
    print("  stylized  uint8 (H, W, 3) RGB")
    return 0


def largest_difference(graph: bytes, network: StyleNetwork) -> int:
    """Return the largest difference, of 255, between ONNX Runtime's and PyTorch's pictures.

    Two sizes, two styles and two strengths are compared, on noise.

    Args:
        graph: what `engines.graph.export_onnx` returned for the network.
        network: in float32 on the processor.
    """
    import numpy as np
    import torch

    from .adain import pack_statistics
    from .engines.eager import TorchEngine
    from .engines.onnx import import_onnxruntime

    session = import_onnxruntime().InferenceSession(graph, providers=["CPUExecutionProvider"])
    torch_engine = TorchEngine(network, dtype=torch.float32)
    random = np.random.default_rng(0)
    difference = 0
    for size_hw, alpha in zip(CHECKED_SIZES_HW, (1.0, 0.6), strict=True):
        frame = random.integers(0, 256, (*size_hw, 3), np.uint8)
        with torch.inference_mode():
            image = torch.from_numpy(random.random((1, 3, 64, 64), np.float32))
            style = network.encode_style(image)
        inputs = {
            "frame": frame,
            "style": pack_statistics(style).numpy(),
            "alpha": np.array(alpha, np.float32),
        }
        (stylized,) = session.run(["stylized"], inputs)
        expected = torch_engine.stylize(frame, style, alpha)
        difference = max(difference, int(abs(stylized.astype(int) - expected).max()))
    return difference


if __name__ == "__main__":
    raise SystemExit(main())
