"""Repaint a video file; its sound, its subtitles and the time of every frame stay as they are.

Several styles are mixed in equal parts into one. The output gets its name only when it is
complete; when the input breaks off midway, the frames before are kept, and the exit status is 1.
With --resume what is painted is kept when the program ends early, in whatever way, in a folder
beside the output; the same command goes on there.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import av
from av.codec.hwaccel import hwdevices_available

from . import cli, command
from .errors import SourceError
from .frame import FILM_FRAME_RATE
from .painter import Painter
from .pictures import list_pictures
from .pipeline import run_pipeline
from .progress import Progress
from .sinks.encoding import Encoding
from .sinks.resumable import ResumableSink
from .sinks.video_file import VideoFileSink
from .sources.pictures import PictureFolderSource
from .sources.video_file import VideoFileSource

_Source = VideoFileSource | PictureFolderSource
_Sink = VideoFileSink | ResumableSink

_NOT_IN_THE_PICTURE = {"debug", "device", "engine", "output", "quiet", "resume"}
"""Options that may differ when a film is resumed: but for rounding, they do not change its frames.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = command.make_parser("realtime_adain.video", __doc__)
    cli.add_file_arguments(
        parser,
        source="video file, or folder of pictures (25 a second)",
        target="video to write: .mp4 .m4v .mov .mkv or .webm",
    )
    parser.add_argument(
        "--hwaccel",
        choices=hwdevices_available(),
        help="device that decodes the input (default: the processor)",
    )
    parser.add_argument("--codec", help="FFmpeg encoder (default: libx264, in .webm libvpx-vp9)")
    parser.add_argument(
        "--crf", type=int, metavar="N", help="quality, lower is better (default: 18 with libx264)"
    )
    parser.add_argument("--preset", help="speed of the encoder (default: veryfast with libx264)")
    parser.add_argument("--no-audio", action="store_true", help="leave the sound out")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep what is painted when the program ends early, and go on there the next time",
    )
    parser.add_argument("--quiet", action="store_true", help="print only what goes wrong")
    cli.add_stylizer_arguments(parser)
    cli.add_painting_arguments(parser)

    def body(args: argparse.Namespace) -> int:
        return _repaint(cli.complete(parser, args, argv))

    return command.run(parser, body, argv, intermixed=True)


def _repaint(args: argparse.Namespace) -> int:
    if not args.debug:
        av.logging.set_libav_level(av.logging.PANIC)  # its complaints come as our errors
        os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder's own
    options = cli.painting_options(args)
    with (
        _open_source(args) as source,
        _open_sink(args, source, options.styles) as sink,
        cli.make_stylizer(args) as stylizer,
    ):
        if sink.has_full_chroma:
            height, width = source.size_hw
            command.warn(
                f"{args.output}: {width}x{height} has an odd side and is written in 4:4:4, which "
                "some players and browsers do not show"
            )
        for stream in sink.left_out:
            may_hold = stream.startswith("subtitle") and args.output.suffix.lower() != ".mkv"
            hint = "; .mkv may" if may_hold else ""
            command.warn(f"{args.output}: does not hold {stream} of the input{hint}")
        seconds = 1 / float(source.frame_rate or FILM_FRAME_RATE)
        painter = Painter(stylizer, options, seconds)
        before = sink.done if isinstance(sink, ResumableSink) else 0
        with Progress(source.frame_count, before=before, quiet=args.quiet) as progress:
            try:
                with _telling_what_is_kept(sink):
                    run_pipeline(
                        source,
                        painter.paint_all,
                        sink,
                        progress.update,
                        skipped_frames=before,
                        on_skipped=painter.skip,
                    )
            except SourceError as error:
                _keep_the_beginning(sink, progress.done, error)
    _report(args, source, sink, progress)
    return 0


def _open_source(args: argparse.Namespace) -> _Source:
    if args.input.is_dir():
        return PictureFolderSource(args.input)
    # WebM, and every file of these codecs, would have the right size and the wrong shape.
    forgets_aspect = args.output.suffix.lower() == ".webm" or (args.codec or "").startswith(
        ("libvpx", "libaom", "libsvtav1", "librav1e")
    )
    source = VideoFileSource(args.input, hwaccel=args.hwaccel, square_pixels=forgets_aspect)
    if source.transparent:
        command.warn(f"{args.input}: its transparency is not kept")
    if args.hwaccel is not None and not source.accelerated:
        command.warn(f"{args.hwaccel} does not decode {args.input} here, the processor does")
    return source


def _open_sink(
    args: argparse.Namespace,
    source: _Source,
    style_paths: Sequence[Path],
) -> _Sink:
    options = {
        "size_hw": source.size_hw,
        "frame_rate": source.frame_rate,
        "time_base": source.time_base,
        "encoding": Encoding(args.codec, args.crf, args.preset),
    }
    if isinstance(source, VideoFileSource):
        options |= {
            "pixel_aspect": source.pixel_aspect,
            "copy_from": source.path,
            "copy_audio": not args.no_audio,
        }
    if args.resume:
        return ResumableSink(args.output, settings=_settings(args, style_paths), **options)
    return VideoFileSink(args.output, **options)


def _settings(args: argparse.Namespace, style_paths: Sequence[Path]) -> dict[str, object]:
    """Return what the painted frames depend on."""
    chosen = {name: value for name, value in vars(args).items() if name not in _NOT_IN_THE_PICTURE}
    model = [Path(args.model)] if args.model and Path(args.model).is_file() else []
    for name, files in (
        ("input", list_pictures(args.input) if args.input.is_dir() else [args.input]),
        ("style", style_paths),
        ("mask", [args.mask] if args.mask else []),
        ("model", model),
        ("checkpoint", map(Path, args.checkpoint or ())),
    ):
        if states := [_state(path) for path in files]:
            chosen[name] = states
    return chosen


def _state(path: Path) -> tuple[str, int, int]:
    """Return what changes when another file is put in the place of one."""
    status = path.stat()
    return str(path.resolve()), status.st_size, status.st_mtime_ns


@contextmanager
def _telling_what_is_kept(sink: _Sink) -> Iterator[None]:
    """Say how to go on with work that ends early."""
    try:
        yield
    except SourceError:
        raise  # the work is done as far as it can be
    except BaseException:
        sink.abort()
        if isinstance(sink, ResumableSink) and sink.frames:
            command.warn(
                f"{sink.frames} painted frames are kept; the same command goes on after them"
            )
        raise


def _keep_the_beginning(sink: _Sink, frames: int, error: SourceError) -> None:
    """Finish the output of an input that breaks off, then raise its error."""
    if not frames:
        raise error
    sink.close()
    raise SourceError(f"{error}; the {_good(frames)} in {sink.path}") from error


def _good(frames: int) -> str:
    return "good frame is" if frames == 1 else f"{frames} good frames are"


def _report(
    args: argparse.Namespace,
    source: _Source,
    sink: _Sink,
    progress: Progress,
) -> None:
    if isinstance(source, VideoFileSource) and source.damaged_packets:
        command.warn(
            f"{args.input}: {source.damaged_packets} damaged packets, their frames are missing"
        )
    if isinstance(source, PictureFolderSource):
        for path in source.unreadable:
            command.warn(f"{path}: not a picture that can be read, left out")
    if sink.lost_packets:
        command.warn(
            f"{args.output}: {sink.lost_packets} packets of the input's other streams could not be "
            "copied"
        )
    if not args.quiet:
        frames, before = progress.done - progress.before, progress.before
        earlier = f" ({before} earlier)" if before else ""
        speed = f"{progress.seconds:.1f} s, {progress.rate:.1f} fps"
        print(f"{frames} frames{earlier} in {speed}: {args.output}")


if __name__ == "__main__":
    raise SystemExit(main())
