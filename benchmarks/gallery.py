"""Draw the README's picture: the demo scene in every built-in style, the style in the corner."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from realtime_adain import Stylizer
from realtime_adain.demo_scene import DemoScene
from realtime_adain.pictures import read_picture, resize, write_picture
from realtime_adain.styles import builtin_style_names, builtin_style_path

COLUMNS = 4
SCENE_SECONDS = 2.0


def main(argv: list[str] | None = None) -> int:
    """Draw the picture; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery", description=__doc__)
    parser.add_argument("--model", default="lite", help="name or weights file (%(default)s)")
    parser.add_argument("--content", type=Path, help="a picture in place of the demo scene")
    parser.add_argument("--side", type=int, default=320, help="width of a cell (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("models/gallery.jpg"))
    args = parser.parse_args(argv)

    content = (
        read_picture(args.content) if args.content else DemoScene((640, 480)).draw(SCENE_SECONDS)
    )
    stylizer = Stylizer(args.model, device="cpu")
    cells = []
    for name in builtin_style_names():
        style = read_picture(builtin_style_path(name))
        cells.append(
            cell(stylizer.stylize(content, stylizer.encode_style(style)), style, args.side)
        )
    cells.extend([np.full_like(cells[0], 255)] * (-len(cells) % COLUMNS))
    rows = [np.hstack(cells[start : start + COLUMNS]) for start in range(0, len(cells), COLUMNS)]
    write_picture(args.out, np.vstack(rows))
    print(args.out)
    return 0


def cell(picture: np.ndarray, style: np.ndarray, width: int) -> np.ndarray:
    """Return the picture at a width, with the style small and framed in its lower left corner."""
    height = round(width * picture.shape[0] / picture.shape[1])
    picture = resize(picture, (height, width)).copy()
    side = height // 4
    picture[-side - 4 :, : side + 4] = 255
    picture[-side:, :side] = resize(style, (side, side))
    return picture


if __name__ == "__main__":
    raise SystemExit(main())
