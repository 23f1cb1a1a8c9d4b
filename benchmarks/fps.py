"""Frames per second, of the network alone and end to end, by every engine, at any sizes.

"end to end" is a frame of the demo scene drawn, uploaded, repainted and fetched, one after the
other, as a live picture needs it; "film" the same for many, some at a time, as `video` does it.

The paper's figures stand beside ours: Huang & Belongie (ICCV 2017), Table 1, style cached, on a
Titan X (Pascal): 0.018 s at 256 pixels and 0.065 s at 512, that is 56 and 15 frames per second.

The network alone is compared. "x plain" is the gain over the paper's network in plain PyTorch
(float32, operation by operation), "x micro" that over MicroAST (AAAI 2023) in plain PyTorch, the
leanest published network of this kind, its style cached too. They are timed beside every row, in
turns with it, so that the gains hold on a machine that others use as well, where the milliseconds
of two rows may not be comparable. "% limit" is what the roofline leaves as the least time, as a
part of the measured one: the arithmetic of all convolutions at the rate of a large matrix product
or convolution, or their inputs, weights and outputs, each moved once, at the rate of a large copy,
whichever takes longer. A cache can beat the copy, so more than 100 is possible. With int8 it is
left open: only a part of the network is computed in integers.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch

from benchmarks.limits import Limits
from benchmarks.machine import describe_machine
from benchmarks.microast import MicroAST
from benchmarks.plain import PlainNetwork
from benchmarks.timing import ROUNDS, Timed, measure, measure_in_turns
from realtime_adain import Style, Stylizer, command
from realtime_adain.adain import adain
from realtime_adain.demo_scene import DemoScene
from realtime_adain.engines import PRECISIONS, installed_engines
from realtime_adain.engines.eager import TorchEngine
from realtime_adain.errors import RealtimeAdainError
from realtime_adain.networks import VGG19_WIDTHS, VGGNetwork
from realtime_adain.styles import builtin_style_paths
from realtime_adain.tensors import as_bytes, as_unit, download, upload
from realtime_adain.weights import SHA256
from realtime_adain.writing import why_not_writable

PAPER_SECONDS = {(256, 256): 0.018, (512, 512): 0.065}
MODEL, END_TO_END, FILM = "model", "end to end", "film"
"""What is timed, by the names in the table: the network alone, a frame at a time, many frames."""

PLAIN = "plain"
"""The engine, by its name in the table, of what everything is compared with."""

FILM_FRAMES = 8
"""Frames of a film that are timed together, as several are done at a time."""

PAPER = "paper-vgg19"
PAPER_WIDTHS = VGG19_WIDTHS
MICROAST = "microast"
RIVALS = {PAPER: "times_plain", MICROAST: "times_microast"}
"""What everything is compared with, in plain PyTorch, and the name of the gain over it."""

RIVAL_FRAMES = 3 * ROUNDS
RIVAL_SECONDS = 0.5 * ROUNDS
"""For how many frames, and for how long at most, each of them is timed beside a row."""

HEADER = (
    f"{'model':18} {'device':>8} {'size':>9} {'path':>10} {'median ms':>10} {'p95 ms':>8} "
    f"{'fps':>8} {'paper fps':>10} {'engine':>9} {'precision':>9} {'x plain':>8} "
    f"{'x micro':>8} {'% limit':>8}"
)


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = command.make_parser("benchmarks.fps", __doc__)
    parser.add_argument(
        "--frames", type=command.count, default=30, help="timed frames (default %(default)s)"
    )
    parser.add_argument(
        "--warmup", type=command.count, default=5, help="frames before (default %(default)s)"
    )
    parser.add_argument(
        "--sizes",
        nargs="+",
        type=frame_size,
        default=sorted(PAPER_SECONDS),
        metavar="WxH",
        help="of the frames, such as 1280x720 (default: 256x256 and 512x512)",
    )
    parser.add_argument(
        "--models",
        nargs="+",
        choices=[*SHA256, *RIVALS],
        help=f"default: all; without {' or '.join(RIVALS)} nothing is compared with it",
    )
    parser.add_argument(
        "--precision", nargs="+", choices=PRECISIONS, help="default: what suits each engine"
    )
    parser.add_argument("--stages", action="store_true", help="also time what a frame goes through")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    parser.add_argument("--plot", type=Path, help="also draw them, into this file")
    return command.run(parser, benchmark, argv)


def benchmark(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit status."""
    for path in filter(None, (args.json, args.plot)):
        if reason := why_not_writable(path):
            raise ValueError(f"{path}: {reason}")
    machine = describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(HEADER)
    rows, limits = [], {}
    for device in devices():
        limits[device] = Limits(device)
        rivals = open_rivals(device, args.models)
        plain = [(name, PLAIN, stylizer) for name, stylizer in rivals.items()]
        others = candidates(device, args.models, args.precision)
        for (name, engine, stylizer), size_hw in itertools.product(
            itertools.chain(plain, others), args.sizes
        ):
            dtype = stylizer.engine.dtype
            for path, result in times(stylizer, rivals, size_hw, args.warmup, args.frames).items():
                row = {
                    "model": name,
                    "device": device,
                    "engine": engine,
                    "precision": str(dtype).removeprefix("torch."),
                    "size": f"{size_hw[1]}x{size_hw[0]}",
                    "path": path,
                    **result,
                }
                if path == MODEL and dtype.is_floating_point:
                    style = encode_builtin(stylizer).statistics
                    least = limits[device].least_ms(stylizer.network, style, size_hw, dtype)
                    row["percent_of_limit"] = round(100 * least / row["median_ms"], 1)
                if path == END_TO_END and args.stages and engine == "torch":
                    row["stages_ms"] = stage_times(stylizer, size_hw, args.warmup, args.frames)
                rows.append(row)
                print_row(row, PAPER_SECONDS.get(size_hw))
    for device, limit in limits.items():
        print(f"{device}: {limit}")
    if args.json:
        measured = {device: limit.measured for device, limit in limits.items()}
        results = {"machine": machine, "limits": measured, "results": rows}
        args.json.write_text(json.dumps(results, indent=2) + "\n")
    if args.plot:
        draw_plot(args.plot, rows, machine["processor"])
    return 0


@command.parses("size")
def frame_size(text: str) -> tuple[int, int]:
    """Parse WIDTHxHEIGHT to height and width, multiples of 8 pixels."""
    width, height = map(int, text.split("x"))
    if width < 16 or height < 16 or width % 8 or height % 8:
        raise argparse.ArgumentTypeError(f"sides must be multiples of 8 from 16 on, got {text}")
    return height, width


def models() -> dict[str, object]:
    """Return what is measured: the shipped models and the paper's network (time does not depend on
    the weights, so those are random)."""
    return {**{name: name for name in SHA256}, PAPER: VGGNetwork(PAPER_WIDTHS)}


def open_rivals(device: str, wanted: Sequence[str] | None) -> dict[str, Stylizer]:
    """Return the stylizers of those of `RIVALS` that are wanted; None for all."""
    networks = {PAPER: PlainNetwork(PAPER_WIDTHS), MICROAST: MicroAST()}
    return {
        name: PlainStylizer(network, device)
        for name, network in networks.items()
        if wanted is None or name in wanted
    }


def candidates(
    device: str, wanted: Sequence[str] | None, precisions: Sequence[str] | None
) -> Iterator[tuple[str, str, Stylizer]]:
    """Yield the name of a model, of an engine and the stylizer of both.

    Args:
        device: on which they run.
        wanted: names of models; None for all.
        precisions: of `PRECISIONS`, engines that do not know one left out; None for the best of
            each engine.
    """
    chosen = [pair for pair in models().items() if wanted is None or pair[0] in wanted]
    dtypes = [getattr(torch, precision) for precision in precisions] if precisions else [None]
    engines = installed_engines() if device == "cpu" else ("torch",)
    for (name, model), engine, dtype in itertools.product(chosen, engines, dtypes):
        try:
            stylizer = Stylizer(model, device=device, engine=engine, dtype=dtype)
        except RealtimeAdainError:
            raise  # of which some are value errors too
        except ValueError:  # another precision
            continue
        yield name, engine, stylizer


class PlainStylizer(Stylizer):
    """What everything is compared with: float32, channels first, one operation at a time."""

    def __init__(self, network: PlainNetwork | MicroAST, device: str) -> None:
        super().__init__(network, device=device, engine="torch")
        self.engine = TorchEngine(self.network, dtype=torch.float32)
        self.network.to(memory_format=torch.contiguous_format)


def devices() -> list[str]:
    """Return the processor and every accelerator found."""
    kind = torch.accelerator.current_accelerator(check_available=True)
    accelerators = []
    if kind is not None:
        accelerators = [f"{kind.type}:{i}" for i in range(torch.accelerator.device_count())]
    return ["cpu", *accelerators]


def times(
    stylizer: Stylizer,
    rivals: Mapping[str, Stylizer],
    size_hw: tuple[int, int],
    warmup: int,
    frames: int,
) -> dict[str, dict[str, float]]:
    """Return what was measured, by path; of the network alone with the gains over the rivals."""
    device = str(stylizer.device)
    timed = {
        MODEL: Timed(model_step(stylizer, size_hw), warmup, frames),
        END_TO_END: Timed(end_to_end_step(stylizer, size_hw), warmup, frames),
    }
    for name, rival in rivals.items():
        timed[name] = Timed(model_step(rival, size_hw), 1, RIVAL_FRAMES, RIVAL_SECONDS)
    results = measure_in_turns(timed, device)
    for name in rivals:
        gain = results.pop(name)["median_ms"] / results[MODEL]["median_ms"]
        results[MODEL][RIVALS[name]] = round(gain, 1)
    film = film_step(stylizer, size_hw)
    results[FILM] = measure(film, device, warmup=warmup, frames=frames, frames_per_step=FILM_FRAMES)
    return results


def model_step(stylizer: Stylizer, size_hw: tuple[int, int]) -> Callable[[], object]:
    """Return one pass of content encoder, AdaIN and decoder, its input in place throughout."""
    return stylizer.engine.network_pass(size_hw, encode_builtin(stylizer).statistics)


def end_to_end_step(stylizer: Stylizer, size_hw: tuple[int, int]) -> Callable[[], object]:
    """Return one frame of the demo scene drawn, uploaded, repainted and fetched."""
    scene, style = DemoScene(size_hw[::-1]), encode_builtin(stylizer)
    clock = iter(range(sys.maxsize))
    return lambda: stylizer.stylize(scene.draw(next(clock) / 30), style)


def film_step(stylizer: Stylizer, size_hw: tuple[int, int]) -> Callable[[], object]:
    """Return the next `FILM_FRAMES` frames of an endless film of the demo scene."""
    scene, style = DemoScene(size_hw[::-1]), encode_builtin(stylizer)
    film = stylizer.stylize_all((scene.draw(number / 30) for number in itertools.count()), style)
    return lambda: [next(film) for _ in range(FILM_FRAMES)]


def stage_times(
    stylizer: Stylizer, size_hw: tuple[int, int], warmup: int, frames: int
) -> dict[str, float]:
    """Return the median milliseconds of what a frame goes through, operation by operation, and of
    encoding a style of the frame's size, which caching does once.

    Of the lean network encoder, AdaIN and decoder count as one: it interleaves them.
    """
    device, dtype = stylizer.device, stylizer.engine.dtype
    engine = TorchEngine(stylizer.network, dtype=dtype)
    network = engine.network
    pixels = DemoScene(size_hw[::-1]).draw(0.0)
    statistics = encode_builtin(stylizer).statistics
    frame = upload(pixels, device)
    image = as_unit(frame, dtype)
    stages = {"upload": lambda: upload(pixels, device), "convert": lambda: as_unit(frame, dtype)}
    if isinstance(network, VGGNetwork):
        with torch.inference_mode():
            features = network.encoder(image)[-1]
            mixed = adain(features, *statistics[0])
        stages |= {
            "content encoder": lambda: network.encoder(image),
            "AdaIN": lambda: adain(features, *statistics[0]),
            "decoder": lambda: network.decoder(mixed),
        }
    else:
        stages["network"] = engine.network_pass(size_hw, statistics)
    stages |= {
        "convert back": lambda: as_bytes(image),
        "download": lambda: download(frame),
        "style encoder, once": lambda: stylizer.network.encode_style(image.float()),
    }
    with torch.inference_mode():
        return {
            stage: measure(step, str(device), warmup=warmup, frames=frames)["median_ms"]
            for stage, step in stages.items()
        }


def encode_builtin(stylizer: Stylizer) -> Style:
    """Return the first built-in style, encoded."""
    return stylizer.encode_style(builtin_style_paths()[0])


def print_row(row: dict, paper_seconds: float | None) -> None:
    """Print one line of the table, and the stages below it."""
    paper_fps = f"{1 / paper_seconds:.0f}" if paper_seconds else ""
    limit = f"{row['percent_of_limit']:.0f}" if "percent_of_limit" in row else ""
    gains = " ".join(f"{row.get(gain, ''):>8}" for gain in RIVALS.values())
    print(
        f"{row['model']:18} {row['device']:>8} {row['size']:>9} {row['path']:>10} "
        f"{row['median_ms']:>10.1f} {row['p95_ms']:>8.1f} {row['fps']:>8.1f} "
        f"{paper_fps:>10} {row['engine']:>9} {row['precision']:>9} "
        f"{gains} {limit:>8}",
        flush=True,
    )
    if "stages_ms" in row:
        print("  ", ", ".join(f"{stage} {ms:.2f} ms" for stage, ms in row["stages_ms"].items()))


def draw_plot(path: Path, rows: list[dict], processor: str) -> None:
    """Draw frames per second by network, engine and precision, one field per device and size."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    fields = list(dict.fromkeys((row["device"], row["size"]) for row in rows))
    figure, all_axes = pyplot.subplots(
        1, len(fields), figsize=(2 + 4.2 * len(fields), 5), layout="constrained", squeeze=False
    )
    for axes, field in zip(all_axes[0], fields, strict=True):
        paths: dict[str, dict[str, float]] = {}
        for row in rows:
            if (row["device"], row["size"]) == field:
                name = f"{row['model']}, {row['engine']}, {row['precision']}"
                paths.setdefault(row["path"], {})[name] = row["fps"]
        for place, (label, bars) in enumerate(paths.items()):
            heights = [number + (place - 1) * 0.27 for number in range(len(bars))]
            axes.barh(heights, list(bars.values()), 0.27, label=label)
        names = list(paths[MODEL])
        axes.set_yticks(range(len(names)), names if axes is all_axes[0][0] else [])
        axes.invert_yaxis()
        axes.set(title=f"{field[1]} on {processor if field[0] == 'cpu' else field[0]}")
        axes.set(xscale="log", xlabel="frames per second")
        axes.xaxis.set_major_formatter("{x:g}")
        width, height = map(int, field[1].split("x"))
        if (height, width) in PAPER_SECONDS:
            label = "the paper's network, Titan X (Pascal)"
            axes.axvline(1 / PAPER_SECONDS[height, width], color="black", ls=":", label=label)
        axes.grid(axis="x", which="both", alpha=0.3)
    handles, labels = all_axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    raise SystemExit(main())
