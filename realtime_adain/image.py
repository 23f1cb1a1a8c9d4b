"""Repaint a picture, or every picture of a folder."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from . import cli, command
from .errors import PictureError
from .painter import Painter
from .pictures import (
    WRITABLE_SUFFIXES,
    Picture,
    check_picture_suffix,
    list_pictures,
    load_picture,
    writable_name,
    write_picture,
)
from .writing import why_not_writable

_NAMED = 5  # of the files that are left out
_LARGE_SIDE = 2000  # short side in pixels beyond which strokes hardly show in the whole picture
_SUGGESTED_SIZE = 1440


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = command.make_parser("realtime_adain.image", __doc__)
    cli.add_file_arguments(
        parser,
        source="picture, or folder of pictures",
        target="picture to write, or of a folder a folder (made if missing)",
    )
    cli.add_stylizer_arguments(parser)
    cli.add_painting_arguments(parser)

    def body(args: argparse.Namespace) -> int:
        return _repaint(cli.complete(parser, args, argv))

    return command.run(parser, body, argv, intermixed=True)


def _repaint(args: argparse.Namespace) -> int:
    jobs = _plan(args.input, args.output)
    options = cli.painting_options(args)
    _check_targets(jobs, [*options.styles, *([args.mask] if args.mask else [])])
    with cli.make_stylizer(args) as stylizer:
        painter = Painter(stylizer, options)
        if args.input.is_dir():
            args.output.mkdir(parents=True, exist_ok=True)
        return _paint(painter, jobs, suggests_size=args.size is None)


def _paint(painter: Painter, jobs: Sequence[tuple[Path, Path]], *, suggests_size: bool) -> int:
    """Paint the pictures that can be read and written; return the exit status."""
    begun: deque[tuple[Path, Picture]] = deque()
    errors: list[PictureError] = []

    def tell(error: PictureError) -> None:
        errors.append(error)
        command.warn(error)

    def pictures() -> Iterator[np.ndarray]:
        suggests = suggests_size
        for source, target in jobs:
            try:
                picture = load_picture(source)
            except PictureError as error:
                tell(error)
            else:
                if picture.moves:
                    command.warn(f"{source}: moves; its first picture is painted, all by `video`")
                height, width = picture.pixels.shape[:2]
                if suggests and min(height, width) > _LARGE_SIDE:
                    suggests = False
                    command.warn(
                        f"{source}: strokes are fine at {width}x{height} pixels; "
                        f"--size {_SUGGESTED_SIZE} makes them larger, and is faster"
                    )
                begun.append((target, picture))
                yield picture.pixels

    for painted in painter.paint_all(pictures()):
        target, picture = begun.popleft()
        try:
            write_picture(target, painted, picture)
            print(target)
        except PictureError as error:
            tell(error)
    return 1 if errors else 0


def _plan(source: Path, target: Path) -> list[tuple[Path, Path]]:
    """Return pairs of picture to read and picture to write.

    Raises:
        PictureError: nothing to read, an output that cannot be written or is the input.
    """
    if not source.exists():
        raise PictureError(f"{source}: no such file or folder")
    if source.is_dir():
        if target.exists() and not target.is_dir():
            raise PictureError(f"{target}: is a file, but the input {source} is a folder")
        if target.exists() and target.samefile(source):
            raise PictureError(f"{target}: the output is the input; name another folder")
        if not target.exists() and target.suffix.lower() in WRITABLE_SUFFIXES:
            raise PictureError(f"{target}: is a picture's name, but the input {source} is a folder")
        pictures = list_pictures(source)
        _tell_what_is_left_out(source, pictures)
        pairs = [(path, target / writable_name(path)) for path in pictures]
        if target.exists() and (reason := why_not_writable(pairs[0][1])):
            raise PictureError(f"{pairs[0][1]}: {reason}")
        return pairs
    if target.is_dir():
        target = target / writable_name(source)
    check_picture_suffix(target)
    if reason := why_not_writable(target):
        raise PictureError(f"{target}: {reason}")
    if target.exists() and target.samefile(source):
        raise PictureError(f"{target}: the output is the input; name another file")
    return [(source, target)]


def _tell_what_is_left_out(folder: Path, pictures: Sequence[Path]) -> None:
    others = {path.name for path in folder.iterdir()} - {path.name for path in pictures}
    if shown := sorted(name for name in others if not name.startswith(".")):
        more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
        command.warn(f"{folder}: left out: {', '.join(shown[:_NAMED])}{more}")


def _check_targets(jobs: Sequence[tuple[Path, Path]], paths: Sequence[Path]) -> None:
    """Raise PictureError where a picture would be written over what is read or another result."""
    read = {path.resolve() for path in [*paths, *(source for source, _ in jobs)]}
    sources: dict[Path, Path] = {}
    for source, target in jobs:
        if target.resolve() in read:
            raise PictureError(f"{target}: is read too, as picture, style or mask; name another")
        if target in sources:
            raise PictureError(f"{target}: {sources[target]} and {source} would both become it")
        sources[target] = source


if __name__ == "__main__":
    raise SystemExit(main())
