"""The options of a live session: with what its keys begin."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..cli import add_colour_arguments
from ..command import (
    number_in,
    parse_weighted,
    parses,
    side_length,
    unit_interval,
    weighted,
)
from ..steady import DEFAULT_SMOOTHING
from .person import Region
from .screen_text import Stats
from .styles_in_use import FADE_SECONDS
from .view import Layout

_LONGEST = 3600.0  # seconds that a style may stay or fade


def add_live_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for styles, picture and view while the program runs."""
    _add_style_arguments(parser)
    _add_picture_arguments(parser)
    _add_view_arguments(parser)


def _add_style_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("styles while it runs")
    group.add_argument(
        "--first", metavar="STYLE", help="the style to begin with: its number, name or 'random'"
    )
    group.add_argument(
        "--watch",
        type=Path,
        metavar="FOLDER",
        help="pictures in this folder are styles as well, as soon as they appear there",
    )
    group.add_argument(
        "--fade",
        type=number_in(0.0, _LONGEST),
        default=FADE_SECONDS,
        metavar="SECONDS",
        help="duration of the cross-fade from style to style, 0 for none (default %(default)s)",
    )
    group.add_argument(
        "--tour",
        type=number_in(0.1, _LONGEST),
        metavar="SECONDS",
        help="switch to the next style every so many seconds; ends a mix",
    )
    group.add_argument(
        "--strengths",
        type=weighted,
        metavar="STYLE:A,...",
        help="strengths of single styles by their names",
    )
    group.add_argument(
        "--strokes",
        type=_sizes,
        metavar="STYLE:PIXELS,...",
        help="--style-size of single styles by their names",
    )


def _add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("picture")
    add_colour_arguments(group, steady=DEFAULT_SMOOTHING)
    group.add_argument(
        "--region",
        choices=[str(choice) for choice in Region],
        default=str(Region.ALL),
        help="what is painted; the room is looked at first, without the person",
    )
    group.add_argument(
        "--mask",
        type=Path,
        metavar="PICTURE",
        help="a style for each of its colours, the first for the darkest; n and p move them on",
    )
    group.add_argument(
        "--ladder",
        action=argparse.BooleanOptionalAction,
        help="paint frames smaller while the machine is too slow for the source's rate (default: "
        "with a window)",
    )


def _add_view_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("view")
    switch = argparse.BooleanOptionalAction
    group.add_argument("--mirror", action=switch, default=False, help="begin mirrored")
    group.add_argument(
        "--layout",
        choices=[str(choice) for choice in Layout],
        default=str(Layout.SINGLE),
        help="the stylized picture alone, the original beside it, or both split by a divider",
    )
    for layout, option in ((Layout.BESIDE, "--side-by-side"), (Layout.SPLIT, "--split")):
        group.add_argument(
            option,
            action="store_const",
            dest="layout",
            const=str(layout),
            help=f"the same as --layout {layout}",
        )
    group.add_argument(
        "--divider",
        type=unit_interval,
        default=0.5,
        metavar="X",
        help="place of the divider, 0 (left) to 1 (default %(default)s)",
    )
    group.add_argument(
        "--strip", action=switch, default=False, help="begin with the strip of styles"
    )
    group.add_argument(
        "--stats",
        choices=[str(choice) for choice in Stats],
        default=str(Stats.LINE),
        help="style and speed as a line, with a graph of the latency, or not at all",
    )
    group.add_argument("--fullscreen", action=switch, default=False, help="begin in full screen")


@parses("sizes")
def _sizes(text: str) -> dict[str, int]:
    return {name: side_length(f"{size:.10g}") for name, size in parse_weighted(text).items()}
