"""The line that tells how far a job has come."""

from __future__ import annotations

import io

import pytest

from realtime_adain.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """The time that the progress line reads, in seconds; a list of one."""
    now = [0.0]
    monkeypatch.setattr("realtime_adain.progress.time.perf_counter", lambda: now[0])
    return now


def test_progress_rewrites_its_line_in_a_terminal(clock) -> None:
    terminal = Terminal()
    with Progress(240, stream=terminal) as progress:
        for clock[0], frames in [(0.05, 1), (1.0, 24), (1.05, 25), (5.0, 120)]:
            progress.update(frames)
    shown = terminal.getvalue().split("\r")
    assert [text.rstrip() for text in shown if text.strip()] == [
        "24/240 frames  10 %  24.0 fps  9 s left",
        "120/240 frames  50 %  24.0 fps  5 s left",
    ]
    assert terminal.getvalue().endswith("\r") and "\n" not in terminal.getvalue()
    assert (progress.done, progress.seconds) == (120, 5.0)


def test_progress_is_sparse_elsewhere(clock) -> None:
    log = io.StringIO()
    with Progress(None, stream=log) as progress:
        for second in range(25):
            clock[0] = second
            progress.update(20 * second)
    assert log.getvalue() == "200 frames  20.0 fps\n400 frames  20.0 fps\n"


def test_quiet_progress_only_counts(clock) -> None:
    terminal = Terminal()
    with Progress(9000, stream=terminal, quiet=True) as progress:
        clock[0] = 100.0
        progress.update(100)
    assert terminal.getvalue() == ""
    assert progress.line() == "100/9000 frames  1 %  1.0 fps  2:28 h left"
    progress.update(9100)  # the total was an estimate
    assert "100 %" in progress.line() and progress.line().endswith("0 s left")
