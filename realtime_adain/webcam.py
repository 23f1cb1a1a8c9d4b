"""Repaint a camera, a video or the demo scene live, in a window."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path

from . import cli
from .capture import LatestFrame
from .errors import SinkError
from .live import LiveOptions, LiveSession
from .sinks.window import Window, check_display
from .sources import SOURCE_SYNTAX, open_source
from .style_deck import StyleDeck, check_one_readable
from .stylebook import find_styles
from .styles import builtin_style_names

TITLE = "realtime-adain"


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    return cli.run(_make_parser(), _run_live, argv)


def _make_parser() -> argparse.ArgumentParser:
    parser = cli.make_parser("webcam", f"{__doc__} In the window, h shows the keys.")
    parser.add_argument("--source", default="0", help=f"{SOURCE_SYNTAX} (default %(default)s)")
    parser.add_argument(
        "--camera-size",
        type=_size_wh,
        metavar="WxH",
        help="size to ask the camera or the demo scene for, such as 1280x720",
    )
    parser.add_argument("--fps", type=_frame_rate, help="frame rate to ask the camera for")
    parser.add_argument("--mirror", action="store_true", help="begin mirrored")
    parser.add_argument("--side-by-side", action="store_true", help="begin beside the original")
    parser.add_argument("--fullscreen", action="store_true", help="begin in full screen")
    parser.add_argument("--record", type=Path, metavar="FILE", help="record from the beginning")
    parser.add_argument(
        "--snapshots",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="where the keys s and r save (default: the current folder)",
    )
    parser.add_argument("--no-window", action="store_true", help="show nothing, until Ctrl-C")
    parser.add_argument("--frames", type=_count, metavar="N", help="end after so many frames")
    cli.add_stylizer_arguments(parser)
    parser.set_defaults(style=list(builtin_style_names()))
    return parser


def _run_live(args: argparse.Namespace) -> int:
    style_paths = find_styles(args.style)
    _check(args, style_paths)
    options = LiveOptions(args.alpha, args.mirror, args.side_by_side, args.snapshots)
    with ExitStack() as opened:
        source = open_source(args.source, size_wh=args.camera_size, frame_rate=args.fps)
        frames = opened.enter_context(LatestFrame(source))
        stylizer = cli.make_stylizer(args)
        deck = StyleDeck(style_paths, lambda path: cli.make_style(stylizer, [path], args))
        opened.enter_context(closing(deck))
        window = None
        if not args.no_window:
            size_wh = frames.size_hw[1] * (2 if args.side_by_side else 1), frames.size_hw[0]
            window = opened.enter_context(Window(TITLE, size_wh, fullscreen=args.fullscreen))
        session = LiveSession(frames, deck, stylizer.stylize, options, window)
        if args.record is not None:
            session.start_recording(args.record)
        try:
            session.run(args.frames)
        finally:
            session.close()
            print(session.timing.summary())
    return 0


def _check(args: argparse.Namespace, style_paths: Sequence[Path]) -> None:
    """Find at once what would go wrong after the network is loaded."""
    check_one_readable(style_paths)
    if not args.no_window:
        check_display()
    if not args.snapshots.is_dir():
        raise SinkError(f"{args.snapshots}: no such folder")


def _size_wh(text: str) -> tuple[int, int]:
    width, height = text.lower().split("x")
    return cli.side_length(width), cli.side_length(height)


def _frame_rate(text: str) -> Fraction:
    rate = Fraction(text)
    if not 0 < rate <= 1000:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1000, got {text}")
    return rate


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return count


if __name__ == "__main__":
    raise SystemExit(main())
