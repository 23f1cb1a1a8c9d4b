"""What every program of the project is on its command line."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from . import __version__
from .errors import RealtimeAdainError, is_out_of_memory

Parser = TypeVar("Parser", bound=Callable[[str], object])


def make_parser(module: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every program, a module to be run, has."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"realtime-adain {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def run(parser: argparse.ArgumentParser, body: Callable[[argparse.Namespace], int], argv) -> int:
    """Parse, run the program's body and return its exit status.

    An error of the project, a value that the library refuses, a file that the system refuses, or a
    lack of memory becomes one line on standard error and status 1; Ctrl-C and SIGTERM give status
    130; with `--debug` the traceback is shown.

    Args:
        parser: of the command line.
        body: of the program; returns its exit status.
        argv: the arguments; None for those of the process, which then ends with the program.
    """
    args = parser.parse_args(argv)
    # OpenMP's idle threads spin by default. Beside an encoder, or any other busy program, that
    # makes a frame take many times as long. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        with _interrupted_once(is_program=argv is None):
            return body(args)
    except (RealtimeAdainError, ValueError) as error:
        if args.debug:
            raise
        warn(error)
        return 1
    except OSError as error:
        if args.debug or error.filename is None:
            raise
        warn(f"{error.filename}: {error.strerror}")
        return 1
    except Exception as error:
        if args.debug or not is_out_of_memory(error):
            raise
        warn("out of memory: smaller pictures need less")
        return 1
    except KeyboardInterrupt:
        warn("interrupted")
        return 130


def warn(message: object) -> None:
    """Print a line on standard error, after the program's name."""
    print(f"realtime-adain: {message}", file=sys.stderr)


def parses(what: str) -> Callable[[Parser], Parser]:
    """Set the name that argparse prints in 'invalid NAME value'."""

    def name(parser: Parser) -> Parser:
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


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until what is done meanwhile is whole."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears them
        return
    heard: list[tuple] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {number: handler for number, handler in before.items() if callable(handler)}
    for number in before:
        signal.signal(number, lambda *what: heard.append(what))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number, frame in heard[:1]:
        before[number](number, frame)


@contextmanager
def _interrupted_once(*, is_program: bool) -> Iterator[None]:
    """Make SIGTERM end the program the way Ctrl-C does, so that nothing half done stays behind.

    Once is enough: what comes after it is ignored, for it would break off the finishing of a file.
    Ctrl-C stays ignored where it was, as in jobs of a script.

    Args:
        is_program: the process ends with the program, and Python's own end is not to be broken off
            either.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may ask for signals
        return
    before = {signal.SIGTERM: signal.getsignal(signal.SIGTERM)}
    if (usual := signal.getsignal(signal.SIGINT)) is not signal.SIG_IGN:
        before[signal.SIGINT] = usual
    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        if not (interrupted and is_program):
            for number, handler in before.items():
                signal.signal(number, handler)
