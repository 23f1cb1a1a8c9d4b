"""What the steady filter does: flicker, warping error and ghosts, without it and at smoothings.

All of the demo scene with camera noise of 2/255, repainted in some built-in styles, frame by frame:

- flicker: mean luma change per frame, of 255, of a scene that stands still, and what is left of it;
- warping: that of `benchmarks.quality`, of a camera that pans by 1.5 % and zooms by 1 % per frame
  (fast), and of one ten times as slow;
- moving flicker: what is left of the luma change per frame in the scene as it plays;
- ghosts: mean luma difference, of 255, from the picture without the filter, in the scene as it
  plays, where the original moves; and the part of these places where it is above 20;
- style: with `--teacher`, the style loss of the last frames of the still scene and of the playing.

The original, not repainted, is printed first, and then the network without the filter.
"""

from __future__ import annotations

import argparse
import math
import statistics
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from benchmarks.quality import (
    Judge,
    camera_motion,
    luma_change,
    warp,
    warping_error,
    with_camera_noise,
)
from realtime_adain import Stylizer, command
from realtime_adain.demo_scene import DemoScene
from realtime_adain.pictures import read_picture
from realtime_adain.steady import SteadyFilter
from realtime_adain.styles import builtin_style_path

SMOOTHINGS = (0.0, 0.6, 0.7, 0.8, 0.9)
WARM_UP = 8
"""Frames in which the filter learns the noise; left out of the flicker."""
MOVING = 4.0
"""Change of the blurred luma since the frame before, of 255, from which a place moves."""
GHOST = 20.0
"""Luma difference, of 255, that is seen as a ghost."""

Frames = list[np.ndarray]


class Scenes(NamedTuple):
    """Frames of the still scene, the two camera motions and the scene as it plays."""

    still: Frames
    fast: Frames
    slow: Frames
    playing: Frames

    def filtered(self, painted: Scenes, smoothing: float) -> Scenes:
        """Return the painted scenes, each through a filter of its own."""
        return Scenes(
            *(
                list(map(SteadyFilter(smoothing), stylized, originals))
                for stylized, originals in zip(painted, self, strict=True)
            )
        )


class Score(NamedTuple):
    """One row of the table."""

    flicker: float
    flicker_left: float
    warping_fast: float
    warping_slow: float
    moving_flicker: float
    ghost: float
    ghost_share: float
    style: float


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = command.make_parser("benchmarks.steadiness", __doc__)
    parser.add_argument("--model", default="lite", help="name or weights file (%(default)s)")
    parser.add_argument(
        "--styles", nargs="+", default=["starry", "mosaic", "neon"], help="built-in styles"
    )
    parser.add_argument("--teacher", type=Path, help="loss network; without it no style loss")
    parser.add_argument(
        "--side", type=command.side_length, default=360, help="short side in pixels (%(default)s)"
    )
    parser.add_argument(
        "--frames",
        type=command.count_from(WARM_UP + 2),
        default=30,
        help="per scene (%(default)s)",
    )
    return command.run(parser, benchmark, argv)


def benchmark(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit status."""
    stylizer = Stylizer(args.model, device="cpu", engine="torch", dtype=torch.float32)
    originals = make_scenes((args.side * 4 // 3, args.side), args.frames)
    print(
        f"{'':14} {'flicker':>8} {'left':>6} {'warp fast':>10} {'warp slow':>10} "
        f"{'moving left':>12} {'ghost':>6} {'share':>7} {'style':>7}"
    )
    critic = None if args.teacher is None else Judge(args.teacher)
    print_row("original", [judge(originals, originals, originals)])
    scores: dict[float, list[Score]] = {smoothing: [] for smoothing in SMOOTHINGS}
    for name in args.styles:
        artwork = read_picture(builtin_style_path(name))
        style = stylizer.encode_style(artwork)
        painted = Scenes(
            *([stylizer.stylize(frame, style) for frame in frames] for frames in originals)
        )
        for smoothing in SMOOTHINGS:
            filtered = originals.filtered(painted, smoothing)
            score = judge(originals, painted, filtered)
            if critic is not None:
                lasts = filtered.still[-1], filtered.playing[-1]
                losses = [critic.losses(last, last, artwork)[1] for last in lasts]
                score = score._replace(style=statistics.fmean(losses))
            scores[smoothing].append(score)
    for smoothing in SMOOTHINGS:
        print_row(f"smoothing {smoothing:g}", scores[smoothing])
    return 0


def make_scenes(size_wh: tuple[int, int], count: int, seed: int = 0) -> Scenes:
    """Return the original frames, uint8 `(H, W, 3)` RGB with camera noise."""
    scene, random = DemoScene(size_wh), np.random.default_rng(seed)
    view = scene.draw(2.0)

    def noisy(pixels: np.ndarray) -> np.ndarray:
        return with_camera_noise(pixels, random)

    return Scenes(
        still=[noisy(view) for _ in range(count)],
        fast=[noisy(warp(view, motion)) for motion in motions(size_wh, count, 1.0)],
        slow=[noisy(warp(view, motion)) for motion in motions(size_wh, count, 0.1)],
        playing=[noisy(scene.draw(index / 30)) for index in range(count)],
    )


def motions(size_wh: tuple[int, int], count: int, speed: float) -> list[np.ndarray]:
    """Return the 3x3 transforms of the frames of a moving camera, back and forth in ten steps."""
    steps = [10 - abs(index % 20 - 10) for index in range(count)]
    return [camera_motion(speed * step, size_wh[1], size_wh[0]) for step in steps]


def judge(originals: Scenes, painted: Scenes, filtered: Scenes) -> Score:
    """Return the figures of filtered frames beside the painted ones they were made of."""
    height, width = originals.still[0].shape[:2]
    size_wh = (width, height)

    def flicker(frames: Frames) -> float:
        return luma_change(frames[WARM_UP:])

    ghost, share = ghosts(originals.playing, painted.playing, filtered.playing)
    return Score(
        flicker(filtered.still),
        flicker(filtered.still) / flicker(painted.still),
        warping_error(filtered.fast, motions(size_wh, len(filtered.fast), 1.0)),
        warping_error(filtered.slow, motions(size_wh, len(filtered.slow), 0.1)),
        flicker(filtered.playing) / flicker(painted.playing),
        ghost,
        share,
        style=math.nan,
    )


def ghosts(originals: Frames, painted: Frames, filtered: Frames) -> tuple[float, float]:
    """Return the mean luma difference, of 255, from the unfiltered frames where the originals
    move, and the part of these places where it is above `GHOST`."""
    differences = [np.zeros(0)]
    for index in range(1, len(originals)):
        before, now, plain, steady = (
            cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
            for pixels in (originals[index - 1], originals[index], painted[index], filtered[index])
        )
        moving = np.abs(cv2.blur(now - before, (5, 5))) > MOVING
        differences.append(np.abs(steady - plain)[moving])
    all_differences = np.concatenate(differences)
    if not all_differences.size:
        return 0.0, 0.0
    return float(all_differences.mean()), float((all_differences > GHOST).mean())


def print_row(name: str, scores: list[Score]) -> None:
    """Print the mean over the styles."""
    row = Score(*map(statistics.fmean, zip(*scores, strict=True)))
    print(
        f"{name:14} {row.flicker:8.2f} {row.flicker_left:6.2f} {row.warping_fast:10.4f} "
        f"{row.warping_slow:10.4f} {row.moving_flicker:12.2f} {row.ghost:6.2f} "
        f"{row.ghost_share:7.2%} {row.style:7.3f}",
        flush=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
