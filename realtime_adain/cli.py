"""The options from which programs make their stylizer."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .colour import MAX_SATURATION, ColourMode
from .command import number_in, side_length, unit_interval
from .engines import ENGINES, PRECISIONS
from .steady import MAX_STRENGTH
from .stylebook import DEFAULT_MODEL, STYLE_SIZE
from .styles import builtin_style_names

if TYPE_CHECKING:
    from .painter import PaintingOptions
    from .stylizer import Stylizer


def add_stylizer_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options from which `make_stylizer` makes the stylizer, and `--style`, `--alpha`."""
    group = parser.add_argument_group("style and network")
    group.add_argument(
        "--style",
        nargs="+",
        default=[builtin_style_names()[0]],
        metavar="STYLE",
        help="pictures, folders of pictures, saved styles or built-in names: "
        + ", ".join(builtin_style_names()),
    )
    group.add_argument(
        "--alpha",
        type=unit_interval,
        default=1.0,
        metavar="A",
        help="style strength, 0 to 1 (default %(default)s)",
    )
    group.add_argument(
        "--style-size",
        type=side_length,
        default=STYLE_SIZE,
        metavar="PIXELS",
        help="short side at which styles are encoded: larger gives larger strokes "
        "(default %(default)s)",
    )
    group.add_argument(
        "--size",
        type=side_length,
        metavar="PIXELS",
        help="short side at which frames are processed (default: their own); smaller is faster, "
        "and gives larger strokes",
    )
    network = group.add_mutually_exclusive_group()
    network.add_argument(
        "--model",
        metavar="NAME|FILE",
        help=f"lite, base, vgg19 once fetched, or a weights file (default: {DEFAULT_MODEL})",
    )
    network.add_argument(
        "--checkpoint",
        nargs=2,
        metavar=("ENCODER", "DECODER"),
        help="the paper's network from a published pair, vgg_normalised.pth and decoder.pth",
    )
    group.add_argument("--device", help="cpu, cuda, cuda:1, mps ... (default: the best there is)")
    group.add_argument(
        "--engine",
        choices=ENGINES,
        default=ENGINES[0],
        help="what computes the frames (default: auto, the fastest that is installed)",
    )
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="of the arithmetic (default: what suits device and engine)",
    )


def add_file_arguments(parser: argparse.ArgumentParser, *, source: str, target: str) -> None:
    """Add `input` and `output`, to be completed by `take_files`, with their help."""
    parser.usage = "%(prog)s input output [options]"
    parser.add_argument("input", type=Path, nargs="?", help=source)
    parser.add_argument("output", type=Path, nargs="?", help=target)


def take_files(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Find `input` and `output` where they came after the styles and were taken for such."""
    missing = [name for name in ("input", "output") if getattr(args, name) is None]
    if not missing:
        return
    if len(args.style) <= len(missing) or args.style is parser.get_default("style"):
        parser.error(f"the following arguments are required: {', '.join(missing)}")
    args.style, files = args.style[: -len(missing)], args.style[-len(missing) :]
    for name, file in zip(missing, files, strict=True):
        setattr(args, name, Path(file))


def add_colour_arguments(
    group: argparse.ArgumentParser | argparse._ArgumentGroup, *, steady: float
) -> None:
    """Add `--colour`, `--saturation` and `--steady`, with the default of the last."""
    group.add_argument(
        "--colour",
        choices=[str(choice) for choice in ColourMode],
        default=str(ColourMode.STYLE),
        help="whose colours: the style's, the content's, or the style's matched to them",
    )
    group.add_argument(
        "--saturation",
        type=number_in(0.0, MAX_SATURATION),
        default=1.0,
        metavar="S",
        help=f"0 (grey) to {MAX_SATURATION:g} (default %(default)s)",
    )
    group.add_argument(
        "--steady",
        type=number_in(0.0, MAX_STRENGTH),
        default=steady,
        metavar="S",
        help="how much flicker is averaged away where nothing moves, 0 (off) to "
        f"{MAX_STRENGTH:g} (default %(default)s)",
    )


def add_painting_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `painting_options` wants beside those of the stylizer."""
    group = parser.add_argument_group("picture")
    group.add_argument(
        "--mask",
        type=Path,
        metavar="PICTURE",
        help="a style for each of its colours, the first for the darkest, instead of a mix",
    )
    add_colour_arguments(group, steady=0.0)


def painting_options(args: argparse.Namespace) -> PaintingOptions:
    """Return what the options of both functions above say of painting."""
    from .painter import PaintingOptions

    return PaintingOptions(
        style_size=args.style_size,
        alpha=args.alpha,
        colour=ColourMode(args.colour),
        saturation=args.saturation,
        steady=args.steady,
        mask=args.mask,
    )


def make_stylizer(args: argparse.Namespace) -> Stylizer:
    """Return the stylizer that the options of `add_stylizer_arguments` describe."""
    import torch

    from .stylizer import Stylizer

    settings = {
        "device": args.device,
        "size": args.size,
        "dtype": args.precision and getattr(torch, args.precision),
        "engine": args.engine,
    }
    if args.checkpoint is not None:
        return Stylizer.from_checkpoint(*args.checkpoint, **settings)
    return Stylizer(args.model or DEFAULT_MODEL, **settings)
