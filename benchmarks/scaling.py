"""How cost grows: with the pixels, the styles that are mixed, the cores, and the length of a film.

Pixels, styles and memory are measured with the engine that is named, cores with plain PyTorch,
whose threads can be counted; milliseconds are medians. The film is the demo scene, repainted and
encoded to a file; the memory of the whole program is read as it grows.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

from benchmarks.machine import describe_machine, resident_mb
from benchmarks.timing import measure
from realtime_adain import Style, Stylizer, command
from realtime_adain.demo_scene import DemoScene
from realtime_adain.frame import LIVE_FRAME_RATE, Frame
from realtime_adain.pipeline import run_pipeline
from realtime_adain.sinks.video_file import VideoFileSink
from realtime_adain.sources.demo import DemoSource
from realtime_adain.styles import builtin_style_paths

SIDES = (128, 256, 512, 1024)
STYLES = (1, 2, 4, 8)
SIDE = 256
"""Of the frames for everything but the pixels."""
MEMORY_POINTS = 10


class Film(DemoSource):
    """The first frames of the demo scene."""

    def __init__(self, frames: int, side: int) -> None:
        super().__init__((side, side), LIVE_FRAME_RATE)
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        return itertools.islice(super().__iter__(), self._frames)


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = command.make_parser("benchmarks.scaling", __doc__)
    parser.add_argument("--model", default="lite", help="name or weights file (%(default)s)")
    parser.add_argument(
        "--engine",
        default="torch",
        help="(%(default)s); auto would be at its trials in the rounds",
    )
    parser.add_argument(
        "--rounds", type=command.count, default=30, help="timed frames (%(default)s)"
    )
    parser.add_argument(
        "--film",
        type=command.count_from(MEMORY_POINTS),
        default=10_000,
        help="its frames (%(default)s)",
    )
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    return command.run(parser, benchmark, argv)


def benchmark(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit status."""
    machine = describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    stylizer = Stylizer(args.model, engine=args.engine)
    styles = [stylizer.encode_style(path) for path in builtin_style_paths()]
    results = {
        "pixels": {
            f"{side}x{side}": frame_ms(stylizer, styles[0], side, args.rounds) for side in SIDES
        },
        "styles mixed": {
            str(count): mixing_ms(stylizer, styles[:count], args.rounds) for count in STYLES
        },
        "cores": {
            str(cores): cores_ms(args.model, cores, args.rounds)
            for cores in range(1, torch.get_num_threads() + 1)
        },
    }
    for what, row in results.items():
        print(f"{what:>13}: " + ", ".join(f"{key} {ms:.2f} ms" for key, ms in row.items()))
    results["memory of a film"] = memory = film_memory(stylizer, styles[0], args.film)
    print("       memory: " + ", ".join(f"{key} frames {mb:.0f} MB" for key, mb in memory.items()))
    if args.json:
        args.json.write_text(json.dumps({"machine": machine, **results}, indent=2) + "\n")
    return 0


def frame_ms(stylizer: Stylizer, style: Style, side: int, rounds: int) -> float:
    """Return the milliseconds of a square frame."""
    pixels = DemoScene((side, side)).draw(0.0)
    return _median_ms(stylizer, lambda: stylizer.stylize(pixels, style), rounds)


def _median_ms(stylizer: Stylizer, step: Callable[[], object], rounds: int) -> float:
    return measure(step, str(stylizer.device), warmup=rounds, frames=rounds)["median_ms"]


def mixing_ms(stylizer: Stylizer, styles: list[Style], rounds: int) -> float:
    """Return the milliseconds of a frame for which the styles are mixed anew."""
    pixels = DemoScene((SIDE, SIDE)).draw(0.0)
    weights = [1 / len(styles)] * len(styles)
    return _median_ms(
        stylizer, lambda: stylizer.stylize(pixels, Style.mix(styles, weights)), rounds
    )


def cores_ms(model: str, cores: int, rounds: int) -> float:
    """Return the milliseconds of a frame on so many cores, by PyTorch."""
    usual = torch.get_num_threads()
    torch.set_num_threads(cores)
    try:
        stylizer = Stylizer(model, device="cpu", engine="torch")
        style = stylizer.encode_style(builtin_style_paths()[0])
        return frame_ms(stylizer, style, SIDE, rounds)
    finally:
        torch.set_num_threads(usual)


def film_memory(stylizer: Stylizer, style: Style, frames: int) -> dict[str, float]:
    """Return the program's memory in MB by the number of frames repainted and written."""
    memory: dict[str, float] = {}

    def note(done: int) -> None:
        if done % (frames // MEMORY_POINTS) == 0:
            memory[str(done)] = resident_mb()

    with (
        tempfile.TemporaryDirectory() as folder,
        Film(frames, SIDE) as source,
        VideoFileSink(
            Path(folder) / "film.mp4", size_hw=source.size_hw, frame_rate=LIVE_FRAME_RATE
        ) as sink,
    ):
        run_pipeline(source, partial(stylizer.stylize_all, style=style), sink, note)
    return memory


if __name__ == "__main__":
    raise SystemExit(main())
