"""The options from which programs make their stylizer."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .colour import MAX_SATURATION, ColourMode
from .command import (
    check,
    number_in,
    parse,
    side_length,
    typed_options,
    unit_interval,
    warn,
    weighted,
)
from .engines import ENGINES, PRECISIONS
from .errors import PictureError, StyleError
from .pictures import read_picture
from .steady import MAX_SMOOTHING
from .stylebook import DEFAULT_MODEL, STYLE_SIZE, find_mix, find_styles, is_saved_style
from .styles import builtin_style_names

if TYPE_CHECKING:
    import numpy as np

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
        "--mix",
        type=weighted,
        metavar="STYLE:W,...",
        help="a mix of styles instead, such as waves:0.7,my.jpg:0.3",
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
        help="of the arithmetic; int8 for OpenVINO alone (default: what suits device and engine)",
    )


def add_file_arguments(parser: argparse.ArgumentParser, *, source: str, target: str) -> None:
    """Add `input` and `output`, to be completed by `complete`, with their help."""
    parser.usage = "%(prog)s input output [options]"
    parser.add_argument("input", nargs="?", help=source)
    parser.add_argument("output", nargs="?", help=target)


class _Word(str):
    """A word of the command line that knows its place there."""

    place: int

    @classmethod
    def all_of(cls, words: Sequence[str]) -> list[Self]:
        placed = [cls(word) for word in words]
        for place, word in enumerate(placed):
            word.place = place
        return placed


def complete(
    parser: argparse.ArgumentParser, args: argparse.Namespace, argv: Sequence[str] | None
) -> argparse.Namespace:
    """Apply the profile's look, if there is one, beneath the typed options, and turn `input` and
    `output` into paths. `--style` takes every word after it, so files that follow the styles are
    taken back out of it here."""
    argv = sys.argv[1:] if argv is None else argv
    look = []
    if args.profile is not None:
        from .live.profile import look_arguments, profile_path

        typed = typed_options(parser, argv, intermixed=True)
        profile = profile_path(args.profile)
        look = look_arguments(profile, typed)
        check(parser, look, profile)
    args = parse(parser, [*look, *argv], intermixed=True)
    placed = parse(parser, [*look, *_Word.all_of(argv)], intermixed=True)
    missing = [name for name in ("input", "output") if getattr(placed, name) is None]
    styles = len(placed.style) - len(missing)
    if missing and (styles < 1 or placed.style is parser.get_default("style")):
        parser.error(f"the following arguments are required: {', '.join(missing)}")
    if args.mix is not None and placed.style is not parser.get_default("style"):
        parser.error("--mix names its styles itself: leave --style out")
    words = [placed.input, placed.output, *placed.style[styles:]]
    files = [word for word in words if word is not None]
    if "" in files:
        parser.error("the name of a file is empty")
    args.input, args.output = map(Path, sorted(files, key=lambda word: word.place))
    args.style = args.style[:styles]
    return args


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
        type=number_in(0.0, MAX_SMOOTHING),
        default=steady,
        metavar="S",
        help="how much flicker is averaged away where nothing moves, 0 (off) to "
        f"{MAX_SMOOTHING:g} (default %(default)s)",
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
    group.add_argument(
        "--profile",
        metavar="NAME|FILE|PRESET",
        help="begin with the style or mix, the strength and the colours of a profile or preset of "
        "the live program; what else is given here wins",
    )
    add_colour_arguments(group, steady=0.0)


def painting_options(args: argparse.Namespace) -> PaintingOptions:
    """Return what the options of `add_stylizer_arguments` and `add_painting_arguments` say.

    Raises:
        PictureError, StyleError: a style is not there, or the mask cannot be read.
        ValueError: the mask has fewer colours than there are styles, or comes with a mix.
    """
    from .painter import PaintingOptions

    if args.mask is not None and args.mix is not None:
        raise ValueError("with a mask every style has a region: name them by --style, not --mix")
    mix = find_mix(args.mix)
    styles = list(mix) or [path for word in args.style for path in _readable(word)]
    return PaintingOptions(
        styles=styles,
        weights=list(mix.values()) or None,
        masks=None if args.mask is None else read_masks(args.mask, len(styles)),
        style_size=args.style_size,
        alpha=args.alpha,
        colour=ColourMode(args.colour),
        saturation=args.saturation,
        steady=args.steady,
    )


def read_masks(path: Path, styles: int, *, all_styles: bool = True) -> np.ndarray:
    """Return one region per style; warn when the mask has more colours than there are styles.

    Args:
        path: of the mask.
        styles: how many there are.
        all_styles: whether each has to have a region, or may be left over.

    Raises:
        PictureError: the mask cannot be read.
        ValueError: it cannot be split into so many regions.
    """
    from .regions import count_colours, masks_from_picture

    picture = read_picture(path)
    colours = count_colours(picture)
    if colours > styles:
        warn(f"{path}: has {colours} colours for {styles} styles; like colours share a style")
    count = styles if all_styles else min(styles, max(2, colours))
    try:
        return masks_from_picture(picture, count)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _readable(word: str) -> list[Path]:
    """Return the files of what the user calls a style; of a folder, those that can be read."""
    readable = []
    for path in find_styles([word]):
        try:
            if not is_saved_style(path):
                read_picture(path)
        except PictureError as error:
            if not Path(word).is_dir():
                raise
            warn(f"{error}, left out")
        else:
            readable.append(path)
    if not readable:
        raise StyleError(f"{word}: holds no picture that can be read")
    return readable


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
