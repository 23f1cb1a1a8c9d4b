"""Command-line plumbing that all programs share."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from . import __version__
from .errors import RealtimeAdainError, is_out_of_memory, one_line
from .interrupts import interrupted_once

_WEIGHTED = re.compile(r"(.+?):([0-9]+\.?[0-9]*|\.[0-9]+)(?:,(?=.)|\Z)", re.DOTALL)

ValueParser = TypeVar("ValueParser", bound=Callable[[str], object])


class OneLineParser(argparse.ArgumentParser):
    """Tells what is wrong with a command line in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"realtime-adain: {message} (--help tells more)\n")


def make_parser(module: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every program, a module to be run, has."""
    parser = OneLineParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"realtime-adain {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def run(
    parser: argparse.ArgumentParser,
    body: Callable[[argparse.Namespace], int],
    argv: Sequence[str] | None,
    *,
    intermixed: bool = False,
) -> int:
    """Parse, run the program's body and return its exit status.

    An error of the project, a value that the library refuses, a file that the system refuses, or a
    lack of memory becomes one line on standard error and status 1; Ctrl-C and SIGTERM give status
    130; with `--debug` the traceback is shown.

    Args:
        parser: of the command line.
        body: of the program; returns its exit status.
        argv: the arguments; None for those of the process, which then ends with the program.
        intermixed: whether options may stand between files that can be left out.
    """
    _mend_streams()
    args = parse(parser, argv, intermixed=intermixed)
    _read_any_picture()
    # OpenMP's idle threads spin by default. Beside an encoder, or any other busy program, that
    # makes a frame take many times as long. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        with interrupted_once(is_program=argv is None):
            return body(args)
    except (RealtimeAdainError, ValueError) as error:
        if args.debug:
            raise
        warn(error)
        return 1
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if args.debug:
            raise
        file = "" if error.filename is None else f"{error.filename}: "
        warn(f"{file}{error.strerror or one_line(error)}")
        return 1
    except Exception as error:
        if args.debug or not is_out_of_memory(error):
            raise
        warn("out of memory: smaller pictures need less")
        return 1
    except KeyboardInterrupt:
        warn("interrupted")
        return 130


def _read_any_picture() -> None:
    """Let Pillow read pictures of any size (whether there is the memory is seen then), and say
    nothing of flaws in what the camera wrote."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    warnings.filterwarnings("ignore", module=r"PIL\.")


def _mend_streams() -> None:
    """Keep printing from failing: escape what the terminal cannot show, replace closed streams."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def parse(
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    namespace: argparse.Namespace | None = None,
    *,
    intermixed: bool = False,
) -> argparse.Namespace:
    """Return the options; `intermixed` as of `run`, the rest as of argparse."""
    words = sys.argv[1:] if argv is None else argv
    # What stands after "--", argparse takes for options again where files may stand anywhere.
    if intermixed and "--" not in words:
        return parser.parse_intermixed_args(argv, namespace)
    return parser.parse_args(argv, namespace)


def check(parser: argparse.ArgumentParser, words: Sequence[str], origin: object) -> None:
    """Check arguments that nobody has typed: raise ValueError, naming their origin, for what the
    parser refuses."""
    usual = parser.error

    def refuse(message: str) -> NoReturn:
        raise ValueError(f"{origin}: {message}")

    parser.error = refuse
    try:
        parse(parser, words, intermixed=True)
    finally:
        parser.error = usual


def typed_options(
    parser: argparse.ArgumentParser, argv: Sequence[str], *, intermixed: bool = False
) -> list[str]:
    """Return the names of the options typed, including those typed with their default value.

    A parser sets a default only where the namespace has no value yet, so one that is full of None
    holds afterwards what was typed and nothing else.
    """
    empty = dict.fromkeys(vars(parse(parser, argv, intermixed=intermixed)))
    namespace = argparse.Namespace(**empty)
    typed = vars(parse(parser, argv, namespace, intermixed=intermixed))
    return [name for name, value in typed.items() if value is not None]


def warn(message: object) -> None:
    """Print a line on standard error, after the program's name."""
    print(f"realtime-adain: {message}", file=sys.stderr)


def parses(what: str) -> Callable[[ValueParser], ValueParser]:
    """Set the name that argparse prints in 'invalid NAME value'."""

    def name(parser: ValueParser) -> ValueParser:
        parser.__name__ = what
        return parser

    return name


def number_in(low: float, high: float) -> Callable[[str], float]:
    """Return what parses a number in `low`..`high`."""

    @parses("number")
    def number(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be in {low:g}..{high:g}, got {text}")
        return value

    return number


unit_interval = number_in(0.0, 1.0)


@parses("number of pixels")
def side_length(text: str) -> int:
    """Parse a number of pixels, 16 to 8192."""
    value = int(text)
    if not 16 <= value <= 8192:
        raise argparse.ArgumentTypeError(f"must be 16 to 8192 pixels, got {text}")
    return value


def count_from(low: int) -> Callable[[str], int]:
    """Return what parses a whole number from `low` on."""

    @parses("whole number")
    def count(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, got {text}")
        return value

    return count


count = count_from(1)


def parse_weighted(text: str) -> dict[str, float]:
    """Return the numbers of a text such as `a.jpg:0.7,b.jpg:0.3`, by name.

    Raises:
        ValueError: it is not written like that.
    """
    pairs, end = {}, 0
    for match in _WEIGHTED.finditer(text):
        if match.start() != end:
            break
        name, end = match[1].strip(), match.end()
        if name in pairs:
            raise ValueError(f"must name {name} once, got {text!r}")
        pairs[name] = float(match[2])
    if not pairs or end != len(text):
        raise ValueError(f"must be written like a:0.7,b:0.3, got {text!r}")
    return pairs


@parses("weights")
def weighted(text: str) -> dict[str, float]:
    """Parse a text such as `a.jpg:0.7,b.jpg:0.3`, the numbers in 0..1."""
    try:
        weights = parse_weighted(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    for weight in weights.values():
        unit_interval(str(weight))
    return weights
