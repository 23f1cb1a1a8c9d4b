"""Ctrl-C, SIGTERM and a closed terminal: once, and not in the middle of what must be whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM until the body has finished."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears them
        return
    heard: list[tuple] = []
    before = {number: signal.getsignal(number) for number in _SIGNALS}
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
def interrupted_once(*, is_program: bool) -> Iterator[None]:
    """Make SIGTERM and a closed terminal end the program the way Ctrl-C does, so that nothing half
    done stays behind.

    Once is enough: what comes after it is ignored, for it would break off the finishing of a file.
    What was ignored before stays ignored: Ctrl-C in jobs of a script, the terminal under `nohup`.

    Args:
        is_program: the process ends with the program, and Python's own end is not to be broken off
            either.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may ask for signals
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    before = {number: usual for number, usual in before.items() if usual is not signal.SIG_IGN}
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
