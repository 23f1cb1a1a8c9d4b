"""Repaint a camera, a video or the demo scene live, in a window; h in it shows the keys."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from . import cli, command
from .capture import LatestFrame
from .colour import ColourMode
from .errors import PictureError, SinkError, StyleError
from .frame import LIVE_FRAME_RATE
from .live import LiveSession, StylesInUse
from .live.finish import Finish
from .live.ladder import QualityLadder
from .live.options import add_live_arguments
from .live.person import Region
from .live.preset import save_session
from .live.profile import make_folder, profile_arguments, profile_path
from .live.regional import RegionalStylize
from .live.screen_text import ScreenText, Stats
from .live.strip import Strip
from .live.view import Layout, View
from .live.watch import FolderWatch
from .sinks.base import Sink
from .sinks.window import Window, check_display
from .sources import SOURCE_SYNTAX, open_source
from .sources.cameras import list_cameras
from .sources.microphone import Microphone
from .style_deck import StyleDeck, check_one_readable
from .stylebook import find_first, find_mix, find_styles, style_name
from .styles import builtin_style_names

TITLE = "realtime-adain"
LARGEST_WINDOW_HW = (720, 1280)
"""At first, in pixels, so that it fits on a small screen; it can be made larger."""
SMALLEST_WINDOW_SIDE = 360
"""Short side at first, in pixels, where that fits: the keys are to be read in it."""


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = _make_parser()

    def body(args: argparse.Namespace) -> int:
        return _run_live(_with_profile(parser, args, argv))

    return command.run(parser, body, argv)


def _make_parser() -> argparse.ArgumentParser:
    parser = command.make_parser("realtime_adain.webcam", __doc__)
    parser.usage = "%(prog)s [options]"
    parser.add_argument("--source", default="0", help=f"{SOURCE_SYNTAX} (default %(default)s)")
    parser.add_argument(
        "--camera-size",
        type=_size_wh,
        metavar="WxH",
        help="size to ask the camera or the demo scene for, such as 1280x720",
    )
    parser.add_argument(
        "--fps",
        type=_frame_rate,
        help="frame rate to ask of the camera, the screen, the demo scene or a folder",
    )
    parser.add_argument("--list-cameras", action="store_true", help="print the cameras and end")
    parser.add_argument("--record", type=Path, metavar="FILE", help="record from the beginning")
    parser.add_argument(
        "--microphone",
        nargs="?",
        const="",
        metavar="DEVICE",
        help="record its sound too; a number or a part of its name (default: the system's own)",
    )
    parser.add_argument(
        "--snapshots",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="where the keys s, w, r and y save (default: the current folder)",
    )
    parser.add_argument(
        "--profile",
        metavar="NAME|FILE|PRESET",
        help="begin with the settings kept under that name, in that file or in a preset's folder, "
        "and keep those of the end there; what else is given here wins",
    )
    parser.add_argument(
        "--serve",
        type=_address,
        nargs="?",
        const=("127.0.0.1", 8080),
        metavar="[HOST:]PORT",
        help="show the picture over HTTP as well, to a browser or OBS (8080, on this machine only)",
    )
    parser.add_argument(
        "--virtual-camera",
        nargs="?",
        const="",
        metavar="DEVICE",
        help="give the picture to other programs as a camera as well",
    )
    parser.add_argument("--no-window", action="store_true", help="show nothing, until Ctrl-C")
    parser.add_argument("--frames", type=command.count, metavar="N", help="stop after N frames")
    cli.add_stylizer_arguments(parser)
    add_live_arguments(parser)
    parser.set_defaults(style=list(builtin_style_names()))
    return parser


def _with_profile(
    parser: argparse.ArgumentParser, args: argparse.Namespace, argv: Sequence[str] | None
) -> argparse.Namespace:
    """Return the options, where there is a profile with its settings as defaults beneath them."""
    if args.profile is None:
        return args
    argv = sys.argv[1:] if argv is None else argv
    typed = command.typed_options(parser, argv)
    profile = profile_path(args.profile)
    kept = profile_arguments(profile, vars(args), typed)
    command.check(parser, kept, profile)
    args = parser.parse_args([*kept, *argv])
    args.kept_styles, args.kept_watch = args.style, args.watch
    _leave_out_vanished(args, typed)
    return args


def _leave_out_vanished(args: argparse.Namespace, typed: Collection[str]) -> None:
    """Tell which styles are not there, but for those that are typed, and do without them; they may
    be there again another time."""
    problems = []

    def is_there(find: Callable[..., object], *wanted: object) -> bool:
        try:
            find(*wanted)
        except (PictureError, StyleError) as error:
            problems.append(str(error))
            return False
        return True

    if "style" not in typed:
        there = [word for word in args.style if is_there(find_styles, [word])]
        args.style = there or list(builtin_style_names())
    if "mix" not in typed and args.mix is not None:
        args.mix = {word: w for word, w in args.mix.items() if is_there(find_styles, [word])}
    if "first" not in typed and not is_there(find_first, args.first, find_styles(args.style)):
        args.first = None
    if "watch" not in typed and args.watch is not None and not is_there(FolderWatch, args.watch):
        args.watch = None
    for problem in dict.fromkeys(problems):
        command.warn(problem)


def _run_live(args: argparse.Namespace) -> int:
    if args.list_cameras:
        print("\n".join(map(str, list_cameras())) or "no cameras found")
        return 0
    style_paths = find_styles(args.style)
    mix = find_mix(args.mix)
    at_once = [*find_first(args.first, style_paths), *mix]
    style_paths = list(dict.fromkeys([*style_paths, *at_once]))
    _check_before_loading(args, style_paths)
    masks = None
    if args.mask is not None:
        masks = cli.read_masks(args.mask, len(style_paths), all_styles=False)
    watch = FolderWatch(args.watch) if args.watch is not None else None
    with ExitStack() as opened:
        source = open_source(args.source, size_wh=args.camera_size, frame_rate=args.fps)
        frames = opened.enter_context(LatestFrame(source))
        view = View(mirror=args.mirror, layout=Layout(args.layout), divider=args.divider)
        sinks = _open_sinks(args, opened, frames, view.layout)
        sound_source = _open_microphone(args, opened)
        stylizer = opened.enter_context(cli.make_stylizer(args))
        deck = opened.enter_context(
            StyleDeck(
                style_paths,
                stylizer.encode_style,
                size=args.style_size,
                at_once=at_once,
                sizes=args.strokes,
                find_new=watch.find_new if watch is not None else None,
            )
        )
        styles = _make_styles(args, deck, at_once, mix)
        window = _open_window(args, opened, view.layout.size_hw(frames.size_hw))
        stylize = stylizer.stylize
        if masks is not None:
            styles.regions = len(masks)
            stylize = RegionalStylize(stylizer.stylize_regions, masks, lambda: styles.others)
        ladder = None
        has_ladder = window is not None if args.ladder is None else args.ladder
        if has_ladder:
            interval = 1 / float(frames.frame_rate or LIVE_FRAME_RATE)
            ladder = QualityLadder(stylize, interval, stylizer.ready_for)
        session = LiveSession(
            frames,
            stylize,
            deck,
            styles,
            ladder=ladder,
            view=view,
            finish=Finish(
                colour=ColourMode(args.colour),
                saturation=args.saturation,
                steady=args.steady,
                region=Region(args.region),
            ),
            strip=Strip(visible=args.strip),
            text=ScreenText(Stats(args.stats)),
            folder=args.snapshots,
            window=window,
            sinks=sinks,
            sound_source=sound_source,
            network_options=_network_options(args),
        )
        try:
            with session:
                if args.record is not None:
                    session.start_recording(args.record)
                session.run(args.frames)
        finally:
            print(session.timing.summary())
            if args.profile is not None:
                _save_profile(args, session, deck)
    return 0


def _network_options(args: argparse.Namespace) -> dict[str, object]:
    """Return the options that name the network; those that are files, from anywhere."""
    files = [str(Path(file).absolute()) for file in args.checkpoint or ()]
    is_file = args.model is not None and Path(args.model).is_file()
    model = str(Path(args.model).absolute()) if is_file else args.model
    return {"model": model, "checkpoint": files or None}


def _open_sinks(
    args: argparse.Namespace, opened: ExitStack, frames: LatestFrame, layout: Layout
) -> list[Sink]:
    """Open what takes the picture beside the window, and tell where to find it."""
    sinks = []
    if args.serve is not None:
        from .sinks.mjpeg_server import MjpegServerSink

        server = opened.enter_context(MjpegServerSink(*args.serve))
        print(f"serving {server.url}", flush=True)
        sinks.append(server)
    if args.virtual_camera is not None:
        from .sinks.virtual_camera import VirtualCameraSink

        camera = opened.enter_context(
            VirtualCameraSink(
                size_hw=layout.size_hw(frames.size_hw),
                frame_rate=frames.frame_rate,
                device=args.virtual_camera or None,
            )
        )
        print(f"virtual camera {camera.device}", flush=True)
        sinks.append(camera)
    return sinks


def _open_microphone(args: argparse.Namespace, opened: ExitStack) -> Microphone | None:
    if args.microphone is None:
        return None
    microphone = opened.enter_context(Microphone(args.microphone or None))
    print(f"microphone {microphone.name}", flush=True)
    return microphone


def _open_window(
    args: argparse.Namespace, opened: ExitStack, size_hw: tuple[int, int]
) -> Window | None:
    if args.no_window:
        return None
    height, width = size_hw
    fitting = min(most / side for most, side in zip(LARGEST_WINDOW_HW, size_hw, strict=True))
    scale = min(max(1.0, SMALLEST_WINDOW_SIDE / min(size_hw)), fitting)
    size_wh = (round(width * scale), round(height * scale))
    return opened.enter_context(Window(TITLE, size_wh, fullscreen=args.fullscreen))


def _make_styles(
    args: argparse.Namespace, deck: StyleDeck, at_once: Sequence[Path], mix: Mapping[Path, float]
) -> StylesInUse:
    from .style import Style

    return StylesInUse(
        deck,
        Style.mix,
        alpha=args.alpha,
        strengths=args.strengths,
        first=deck.find(at_once[0]) if at_once else None,
        weights={deck.find(path): weight for path, weight in mix.items()},
        fade_seconds=args.fade,
        tour_seconds=args.tour,
    )


def _save_profile(args: argparse.Namespace, session: LiveSession, deck: StyleDeck) -> None:
    styles = session.styles
    settings = session.settings()
    settings["style_size"] = args.style_size
    watch = args.kept_watch
    settings["watch"] = watch and str(watch.absolute() if watch.exists() else watch)
    path = profile_path(args.profile)
    save_session(path, settings, args.kept_styles, deck.cards, styles.chosen, styles.mix_weights)


def _check_before_loading(args: argparse.Namespace, style_paths: Sequence[Path]) -> None:
    """Find at once what would go wrong after the network is loaded."""
    check_one_readable(style_paths)
    if args.profile is None and args.watch is None:  # or they may name styles of another time
        names = {style_name(path) for path in style_paths}
        for option in ("strengths", "strokes"):
            for name in sorted((getattr(args, option) or {}).keys() - names):
                command.warn(f"--{option}: there is no style named {name!r}")
    if not args.no_window:
        check_display()
    if args.profile is not None:
        make_folder(profile_path(args.profile).parent)
    if args.record is not None:
        from .sinks.output_file import check_video_path

        check_video_path(args.record, replaces=False)
        if _is_same_file(args.record, args.source):
            raise SinkError(f"{args.record}: the recording is the source; name another file")
    try:
        args.snapshots.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"{args.snapshots}: cannot be made ({error.strerror})") from error


def _is_same_file(path: Path, source: str) -> bool:
    try:
        return path.samefile(source)
    except OSError:  # one of them is no file
        return False


def _address(text: str) -> tuple[str, int]:
    from .sinks.mjpeg_server import parse_address

    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


@command.parses("size")
def _size_wh(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not width or not height:
        raise argparse.ArgumentTypeError(f"must be written like 1280x720, got {text!r}")
    return command.side_length(width), command.side_length(height)


@command.parses("frame rate")
def _frame_rate(text: str) -> Fraction:
    try:
        rate = Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(text) from error
    if not 0 < rate <= 1000:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1000, got {text}")
    return rate


if __name__ == "__main__":
    raise SystemExit(main())
