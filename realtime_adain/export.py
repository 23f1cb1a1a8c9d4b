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
    from .stylizer import Stylizer

CHECKED = {(64, 96): 1.0, (136, 72): 0.6, (72, 64): 0.1}
"""Sizes at which the graph is checked, and the strengths."""

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

    import torch

    from .engines import missing_packages
    from .engines.graph import export_onnx
    from .stylizer import Stylizer

    stylizer = Stylizer(args.model, device="cpu", engine="torch", dtype=torch.float32)
    network = stylizer.network
    graph = export_onnx(network, fades=True)
    if missing_packages("onnx"):
        verdict = "not checked, onnxruntime is missing"
    else:
        difference = largest_difference(graph, stylizer)
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


def largest_difference(graph: bytes, stylizer: Stylizer) -> int:
    """Return the largest difference, of 255, between ONNX Runtime's and PyTorch's pictures.

    Several sizes, styles and strengths are compared, on noise.

    Args:
        graph: what `engines.graph.export_onnx` returned for the stylizer's network, fading.
        stylizer: paints by PyTorch in float32 on the processor.
    """
    import numpy as np

    from .engines.onnx import import_onnxruntime

    session = import_onnxruntime().InferenceSession(graph, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    difference = 0
    for size_hw, alpha in CHECKED.items():
        frame, painting = (
            random.integers(0, 256, (*hw, 3), np.uint8) for hw in (size_hw, (64, 64))
        )
        style = stylizer.encode_style(painting, size=64)
        inputs = {"frame": frame, "style": style.packed(), "alpha": np.array(alpha, np.float32)}
        (stylized,) = session.run(["stylized"], inputs)
        expected = stylizer.stylize(frame, style, alpha)
        difference = max(difference, int(abs(stylized.astype(int) - expected).max()))
    return difference


if __name__ == "__main__":
    raise SystemExit(main())
