"""Play the live program by itself: every control in random order, and what the picture suffers.

A real session runs on the demo scene at its own pace. Every half second a key is pressed, or the
strip of styles is clicked, in seeded random order, recordings, snapshots, grabs, cross-fades and
tours among them; there is no screen. Printed are the times from picture to picture, the latency
from capture to display, and the memory in use in the second and in the last quarter, so that a leak
shows: medians, because encoding a large style takes some for a moment. Grabbed pictures stay, as
they should; freed memory that the C library keeps for the next frame is told apart. Then frames are
painted in turn with one style and in the midst of a cross-fade, which says what a cross-fade costs.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.machine import resident_mb
from benchmarks.session import NoScreen, live_session
from realtime_adain import Style, Stylizer, command
from realtime_adain.frame import LIVE_FRAME_RATE
from realtime_adain.live import LiveSession
from realtime_adain.live.finish import Finish
from realtime_adain.live.keys import ACTIONS
from realtime_adain.live.ladder import QualityLadder
from realtime_adain.memory import release_freed_memory
from realtime_adain.sinks.window import Mouse, MouseEvent
from realtime_adain.sources import open_source
from realtime_adain.steady import DEFAULT_SMOOTHING
from realtime_adain.styles import builtin_style_paths

SECONDS_BETWEEN_KEYS = 0.5
LEFT_OUT_KEYS = {"q", "escape", "space", "y"}  # end, pause, or fill the disk
FADE_ROUNDS = 200
MEMORY_SAMPLES = 40


class Player(NoScreen):
    """A window without a screen in which somebody plays.

    Args:
        seed: of what is pressed.

    Attributes:
        fullscreen: whether the last press of `f` asked for it.
        pressed: how often each key was.
    """

    def __init__(self, seed: int) -> None:
        self.fullscreen = False
        self.pressed: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._keys = sorted(ACTIONS.keys() - LEFT_OUT_KEYS)
        self._next = time.perf_counter() + SECONDS_BETWEEN_KEYS
        self._clicks: list[MouseEvent] = []

    def poll_key(self, wait_ms: int) -> str | None:
        if time.perf_counter() < self._next:
            return None
        self._next += SECONDS_BETWEEN_KEYS
        key = self._random.choice([*self._keys, "click"])
        self.pressed[key] += 1
        if key != "click":
            return key
        height, width = self.pixels.shape[:2]
        x, y = self._random.randrange(width), height - 10
        self._clicks = [MouseEvent(Mouse.PRESS, x, y), MouseEvent(Mouse.RELEASE, x, y)]
        return None

    def poll_mouse(self) -> MouseEvent | None:
        return self._clicks.pop(0) if self._clicks else None

    def toggle_fullscreen(self) -> None:
        self.fullscreen = not self.fullscreen


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = command.make_parser("benchmarks.live", __doc__)
    parser.add_argument(
        "--seconds", type=command.number_in(4, 86400), default=60.0, help="(%(default)s)"
    )
    parser.add_argument(
        "--width", type=command.side_length, default=640, help="of the picture (%(default)s)"
    )
    parser.add_argument("--fps", type=Fraction, default=LIVE_FRAME_RATE, help="(%(default)s)")
    parser.add_argument("--model", default="lite", help="name or weights file (%(default)s)")
    parser.add_argument("--engine", default="auto", help="(%(default)s)")
    parser.add_argument(
        "--ladder",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="paint frames smaller where the rate is not held, as the program does",
    )
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    return command.run(parser, benchmark, argv)


def benchmark(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit status."""
    stylizer = Stylizer(args.model, engine=args.engine)
    with tempfile.TemporaryDirectory() as folder:
        player, session, gaps, memory_mb = play(stylizer, args, Path(folder))
    quarter = len(memory_mb) // 4
    if not gaps or not quarter:
        raise ValueError("too few frames were painted in that time: more --seconds, less --width")
    print(f"{sum(player.pressed.values())} controls used, {len(player.pressed)} different ones")
    print(session.timing.summary())
    middle, p95, p99 = np.percentile(gaps, (50, 95, 99))
    print(
        f"from picture to picture: {middle:.1f} ms median, {p95:.1f} ms p95, {p99:.1f} ms p99, "
        f"{max(gaps):.1f} ms most; p99 is {p99 / middle:.2f} times the median"
    )
    used = [mb for mb, _ in memory_mb]
    print(
        f"memory in use: {statistics.median(used[quarter : 2 * quarter]):.0f} MB in the second "
        f"quarter of the time, {statistics.median(used[-quarter:]):.0f} in the last; "
        f"{memory_mb[-1][1]:.0f} with what is kept for reuse"
    )
    plain, faded = fade_cost(stylizer, args.width)
    print(
        f"a frame: {plain:.2f} ms in one style, {faded:.2f} ms in a cross-fade "
        f"({100 * (faded / plain - 1):+.1f} %)"
    )
    return 0


def play(
    stylizer: Stylizer, args: argparse.Namespace, folder: Path
) -> tuple[Player, LiveSession, list[float], list[tuple[float, float]]]:
    """Run the session; return who played, the session, milliseconds from each new frame that was
    shown to the next, and `MEMORY_SAMPLES` times MB: in use, without and with freed blocks that the
    C library keeps. The frame after such a sample has to get these anew and is not counted."""
    size_wh = args.width, args.width * 3 // 4
    player = Player(args.seed)
    source = open_source("demo", size_wh=size_wh, frame_rate=args.fps)
    interval, ready_for = 1 / float(args.fps), stylizer.ready_for
    ladder = QualityLadder(stylizer.stylize, interval, ready_for) if args.ladder else None
    options = {"ladder": ladder, "finish": Finish(steady=DEFAULT_SMOOTHING), "folder": folder}
    with live_session(stylizer, source, window=player, **options) as session:
        began = time.perf_counter()
        last, gaps, memory_mb = None, [], []
        while (elapsed := time.perf_counter() - began) < args.seconds:
            session.run(session.timing.frames + 1)
            now = time.perf_counter()
            if last is not None:
                gaps.append(1000 * (now - last))
            last = now
            if elapsed > (len(memory_mb) + 1) / (MEMORY_SAMPLES + 1) * args.seconds:
                with_freed = resident_mb()
                release_freed_memory()
                memory_mb.append((resident_mb(), with_freed))
                last = None
        return player, session, gaps, memory_mb


def fade_cost(stylizer: Stylizer, width: int) -> tuple[float, float]:
    """Return the median milliseconds of a frame in one style and in the midst of a cross-fade."""
    frame = np.random.default_rng(0).integers(0, 256, (width * 3 // 4, width, 3), np.uint8)
    first, second = (stylizer.encode_style(path) for path in builtin_style_paths()[:2])
    times: tuple[list[float], list[float]] = ([], [])
    for round_number in range(FADE_ROUNDS):
        part = round_number / FADE_ROUNDS
        for fading in (False, True):
            began = time.perf_counter()
            style = Style.mix([first, second], [1 - part, part]) if fading else first
            stylizer.stylize(frame, style)
            times[fading].append(1000 * (time.perf_counter() - began))
    plain, faded = times
    return statistics.median(plain), statistics.median(faded)


if __name__ == "__main__":
    raise SystemExit(main())
