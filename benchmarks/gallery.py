"""Draw the README's pictures: the demo scene in every built-in style, and the live window."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.session import NoScreen, live_session
from realtime_adain import Stylizer, command
from realtime_adain.demo_scene import DemoScene
from realtime_adain.live.view import Layout, View
from realtime_adain.pictures import read_picture, resize, write_picture
from realtime_adain.sources import open_source
from realtime_adain.styles import builtin_style_names, builtin_style_path

COLUMNS = 4
SCENE_SECONDS = 2.0
LIVE_FRAMES = 60


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = command.make_parser("benchmarks.gallery", __doc__)
    parser.add_argument("--model", default="lite", help="name or weights file (%(default)s)")
    parser.add_argument("--content", type=Path, help="a picture in place of the demo scene")
    parser.add_argument(
        "--side", type=command.side_length, default=320, help="width of a cell (%(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder (%(default)s)")
    return command.run(parser, draw, argv)


def draw(args: argparse.Namespace) -> int:
    """Draw the pictures; return the exit status."""
    scene = (
        read_picture(args.content) if args.content else DemoScene((640, 480)).draw(SCENE_SECONDS)
    )
    stylizer = Stylizer(args.model)
    write_picture(args.out / "gallery.jpg", gallery(stylizer, scene, args.side))
    write_picture(args.out / "window.jpg", live_window(stylizer))
    print(f"gallery.jpg and window.jpg in {args.out}")
    return 0


def gallery(stylizer: Stylizer, scene: np.ndarray, width: int) -> np.ndarray:
    """Return a table of the scene in every built-in style, cells `width` pixels wide."""
    cells = []
    for name in builtin_style_names():
        style = read_picture(builtin_style_path(name))
        painted = stylizer.stylize(scene, stylizer.encode_style(style))
        cells.append(cell(painted, style, width))
    cells.extend([np.full_like(cells[0], 255)] * (-len(cells) % COLUMNS))
    rows = [np.hstack(cells[start : start + COLUMNS]) for start in range(0, len(cells), COLUMNS)]
    return np.vstack(rows)


def cell(picture: np.ndarray, style: np.ndarray, width: int) -> np.ndarray:
    """Return the picture at a width, with the style small and framed in its lower left corner."""
    height = round(width * picture.shape[0] / picture.shape[1])
    picture = resize(picture, (height, width)).copy()
    side = height // 4
    picture[-side - 4 :, : side + 4] = 255
    picture[-side:, :side] = resize(style, (side, side))
    return picture


def live_window(stylizer: Stylizer) -> np.ndarray:
    """Return what the live window shows after some frames, side by side with the help on."""
    window = NoScreen()
    view = View(layout=Layout.BESIDE)
    with live_session(stylizer, open_source("demo"), view=view, window=window) as session:
        session.text.toggle_help()
        session.run(LIVE_FRAMES)
    return window.pixels


if __name__ == "__main__":
    raise SystemExit(main())
