"""How good the pictures are: style and content loss, SSIM, flicker and warping error, cost.

Every content and style is resized to a short side of `--size` and centre-cropped to a square. The
losses are taken through a teacher, VGG-19 to relu4_1:

- style: sum over relu1_1, relu2_1, relu3_1, relu4_1 of the mean squared differences of channel
  means and of channel standard deviations of output and style;
- content: mean squared difference of output and content at relu4_1;
- SSIM: of output and content, grey, as scikit-image computes it by default;
- flicker: mean luma change per frame of a still content with camera noise of 2/255, over that of
  the content itself;
- warping: root of the mean squared difference (of [0, 1]) between an output and the previous
  output moved along, for a content that pans and zooms by a known motion, where both show the
  same place (Lai et al., "Learning blind video temporal consistency", ECCV 2018, with the exact
  flow in place of an estimated one).

The identity (output = content) and the style copy (output = style) are always printed beside the
models: each of them wins some of the columns.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from realtime_adain import Stylizer, command
from realtime_adain.colour import LUMA
from realtime_adain.engines import ENGINES, PRECISIONS
from realtime_adain.losses import PerceptualLoss
from realtime_adain.pictures import cover, list_pictures, read_picture, resize, write_picture
from realtime_adain.tensors import to_tensor
from realtime_adain.training.logbook import multiply_accumulates_per_pixel
from realtime_adain.weights import SHA256, load_teacher

CAMERA_NOISE = 2.0
"""Standard deviation of the noise on still frames, of 255."""

Repaint = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class PairScore:
    """What one model scores on one pair."""

    content_name: str
    style_name: str
    style: float
    content: float
    ssim: float
    flicker: float
    warping: float


class Judge:
    """Scores repainted pictures through a teacher.

    Args:
        teacher: path of the loss network's weights.
        seed: of the camera noise.
    """

    def __init__(self, teacher: Path, seed: int = 0) -> None:
        self.loss = PerceptualLoss(load_teacher(teacher)).to(memory_format=torch.channels_last)
        self.seed = seed

    @torch.inference_mode()
    def losses(self, output: np.ndarray, content: np.ndarray, style: np.ndarray):
        """Return content and style loss of uint8 `(H, W, 3)` pictures."""
        painted, *seen = (as_tensor(pixels) for pixels in (output, content, style))
        of_content, of_style = (self.loss.extract(image) for image in seen)
        targets = self.loss.targets(of_content, of_style.statistics)
        content_loss, style_loss = self.loss(painted, targets)
        return content_loss.item(), style_loss.item()

    def flicker(self, repaint: Repaint, content: np.ndarray, frames: int = 4) -> float:
        """Return the luma change per frame of a still scene, over that of the scene itself."""
        random = np.random.default_rng(self.seed)
        noisy = [with_camera_noise(content, random) for _ in range(frames)]
        return luma_change([repaint(frame) for frame in noisy]) / luma_change(noisy)

    def warping(self, repaint: Repaint, content: np.ndarray, frames: int = 4) -> float:
        """Return the warping error over a generated camera motion."""
        height, width = content.shape[:2]
        motions = [camera_motion(index, height, width) for index in range(frames)]
        return warping_error([repaint(warp(content, motion)) for motion in motions], motions)


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = command.make_parser("benchmarks.quality", __doc__)
    parser.add_argument("--content", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--style", type=Path, required=True, help="folder of artworks")
    parser.add_argument("--teacher", type=Path, required=True, help="weights of the loss network")
    parser.add_argument("--pairs", type=Path, help="CSV of content,style (default: all pairs)")
    parser.add_argument("--models", nargs="+", default=list(SHA256), help="names or weights files")
    parser.add_argument(
        "--size", type=command.side_length, default=512, help="side in pixels (%(default)s)"
    )
    parser.add_argument("--engine", choices=ENGINES, default="torch", help="(default: %(default)s)")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="(default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("quality"), help="folder of the results")
    return command.run(parser, benchmark, argv)


def benchmark(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit status."""
    pairs = [
        (content, style, square(content, args.size), square(style, args.size))
        for content, style in find_pairs(args.content, args.style, args.pairs)
    ]
    args.out.mkdir(parents=True, exist_ok=True)
    judge = Judge(args.teacher)
    print(
        f"{'model':28} {'kMAC/px':>8} {'style':>7} {'median':>7} {'content':>8} {'SSIM':>6} "
        f"{'flicker':>8} {'warping':>8}"
    )
    points = []
    outputs: dict[str, list[np.ndarray]] = {}
    for name, cost, painters in contestants(args, pairs):
        outputs[name] = []
        scores = []
        for (content_path, style_path, content, style), repaint in zip(
            pairs, painters, strict=True
        ):
            output = repaint(content)
            outputs[name].append(output)
            content_loss, style_loss = judge.losses(output, content, style)
            scores.append(
                PairScore(
                    content_path.name,
                    style_path.name,
                    style_loss,
                    content_loss,
                    ssim(output, content),
                    judge.flicker(repaint, content),
                    judge.warping(repaint, content),
                )
            )
        write_scores(args.out / f"{name}.csv", scores)
        means = {
            field.name: statistics.fmean(getattr(score, field.name) for score in scores)
            for field in fields(PairScore)[2:]
        }
        median = statistics.median(score.style for score in scores)
        print(
            f"{name:28} {cost / 1000:8.1f} {means['style']:7.3f} {median:7.3f} "
            f"{means['content']:8.3f} {means['ssim']:6.3f} {means['flicker']:8.2f} "
            f"{means['warping']:8.4f}",
            flush=True,
        )
        points.append((name, cost, means["style"], means["content"]))
    write_picture(args.out / "sheet.jpg", contact_sheet(pairs, outputs))
    plot_pareto(args.out / "pareto.png", points)
    print(f"per-pair scores, contact sheet and plot in {args.out}")
    return 0


def contestants(args: argparse.Namespace, pairs: list):
    """Yield name, multiply-accumulates per pixel and one painter per pair for everything judged."""
    yield "identity", 0.0, [lambda frame: frame for _ in pairs]
    yield "style copy", 0.0, [lambda frame, style=style: style for *_, style in pairs]
    dtype = getattr(torch, args.precision)
    for model in args.models:
        stylizer = Stylizer(model, device="cpu", engine=args.engine, dtype=dtype)
        styles = [stylizer.encode_style(style, size=args.size) for *_, style in pairs]
        painters = [lambda frame, s=style, z=stylizer: z.stylize(frame, s) for style in styles]
        path = Path(model)
        name = "-".join(filter(None, (path.parent.name, path.stem)))
        cost = multiply_accumulates_per_pixel(stylizer.network, stylizer.device, args.size)
        yield name, cost, painters


def with_camera_noise(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a picture as a camera would see it, uint8 `(H, W, 3)` RGB both."""
    noise = random.normal(0, CAMERA_NOISE, pixels.shape)
    return np.rint(pixels + noise).clip(0, 255).astype(np.uint8)


def find_pairs(contents: Path, styles: Path, table: Path | None) -> list[tuple[Path, Path]]:
    """Return the pairs of a table, or of every content with every style."""
    if table is None:
        return [(c, s) for c in list_pictures(contents) for s in list_pictures(styles)]
    with table.open(newline="") as file:
        return [(contents / row["content"], styles / row["style"]) for row in csv.DictReader(file)]


def square(path: Path, side: int) -> np.ndarray:
    """Return the picture's centre, its short side resized to `side`."""
    return cover(read_picture(path), (side, side))


def as_tensor(pixels: np.ndarray) -> Tensor:
    """Return uint8 `(H, W, 3)` as float32 `(1, 3, H, W)` on the processor."""
    return to_tensor(pixels, torch.device("cpu"), torch.float32)


def ssim(first: np.ndarray, second: np.ndarray) -> float:
    """Return the structural similarity of two pictures in grey."""
    from skimage.metrics import structural_similarity

    greys = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) / 255.0 for pixels in (first, second)]
    return float(structural_similarity(*greys, data_range=1.0))


def luma_change(frames: list[np.ndarray]) -> float:
    """Return the mean absolute luma difference, of 255, between neighbouring frames."""
    lumas = [frame @ LUMA for frame in frames]
    return float(np.mean([np.abs(b - a).mean() for a, b in itertools.pairwise(lumas)]))


def camera_motion(index: int, height: int, width: int) -> np.ndarray:
    """Return the 3x3 transform of frame `index`: a pan of 1.5 % and a zoom of 1 % per frame."""
    zoom, shift = 1.01**index, 0.015 * index * width
    centre_x, centre_y = width / 2, height / 2
    return np.array(
        [
            [zoom, 0.0, centre_x * (1 - zoom) + shift],
            [0.0, zoom, centre_y * (1 - zoom) + shift / 3],
            [0.0, 0.0, 1.0],
        ]
    )


def warp(pixels: np.ndarray, motion: np.ndarray, border: int | None = None) -> np.ndarray:
    """Return the picture moved by a 3x3 affine transform, mirrored beyond its edges or filled."""
    mode = cv2.BORDER_REFLECT if border is None else cv2.BORDER_CONSTANT
    size_wh = (pixels.shape[1], pixels.shape[0])
    return cv2.warpAffine(pixels, motion[:2], size_wh, flags=cv2.INTER_LINEAR, borderMode=mode)


def warping_error(frames: list[np.ndarray], motions: list[np.ndarray]) -> float:
    """Return the root mean square difference, of [0, 1], of frames and the ones before, moved.

    Args:
        frames: uint8 `(H, W, 3)` each.
        motions: the 3x3 transform of each, from the picture that stands still.
    """
    errors = []
    everywhere = np.full(frames[0].shape, 255, np.uint8)
    for index in range(1, len(frames)):
        step = motions[index] @ np.linalg.inv(motions[index - 1])
        moved = warp(frames[index - 1], step).astype(np.float64)
        visible = warp(everywhere, step, border=0) == 255
        errors.append(np.mean(((frames[index] - moved)[visible] / 255) ** 2))
    return float(np.sqrt(np.mean(errors)))


def write_scores(path: Path, scores: list[PairScore]) -> None:
    """Write one line per pair."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(PairScore)])
        writer.writeheader()
        writer.writerows(asdict(score) for score in scores)


def contact_sheet(pairs: list, outputs: dict[str, list[np.ndarray]], side: int = 192) -> np.ndarray:
    """Return a table: a row per pair with content, style and every model's output."""
    models = [name for name in outputs if name not in ("identity", "style copy")]
    rows = []
    for index, (*_, content, style) in enumerate(pairs):
        row = [content, style, *(outputs[name][index] for name in models)]
        rows.append(np.hstack([resize(pixels, (side, side)) for pixels in row]))
    return np.vstack(rows)


def plot_pareto(path: Path, points: list[tuple[str, float, float, float]]) -> None:
    """Draw cost against style loss, the content loss beside each point."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for name, cost, style, content in points:
        if cost > 0:
            axes.scatter(cost / 1000, style)
            label = f" {name}\n content {content:.2f}"
            axes.annotate(label, (cost / 1000, style), fontsize=8, va="center")
    axes.set(xscale="log", yscale="log", xlabel="thousand multiply-accumulates per pixel")
    axes.set_ylabel("style loss (relu1_1 ... relu4_1)")
    axes.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    raise SystemExit(main())
