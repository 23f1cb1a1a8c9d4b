"""Make a style file of an artwork that is painted better than the artwork by itself.

The network stays as it is; what it is told of this one style is optimised under a loss network,
for a minute or two. The file is then a style like any other, at no cost per frame.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import command
from .errors import PictureError, StyleError
from .stylebook import (
    DEFAULT_MODEL,
    SAVED_STYLE_SUFFIX,
    STYLE_SIZE,
    THUMBNAIL_SIDE,
    find_styles,
    is_saved_style,
)
from .writing import why_not_writable

if TYPE_CHECKING:
    import numpy as np

CROP = 256
"""Side of the contents in pixels."""
MOST_CONTENTS = 32
STYLE_WEIGHT = 3.0
"""Half of what networks are trained with: a style that is looked at long swallows the content."""
DEMO_SECONDS = range(0, 60, 5)
"""When the demo scene is looked at, once for every built-in style."""


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = command.make_parser("realtime_adain.refine", __doc__)
    parser.usage = "%(prog)s style OUT.safetensors [options]"
    parser.add_argument("style", help="picture, or name of a built-in style")
    parser.add_argument("output", type=Path, metavar="OUT.safetensors", help="style to write")
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="FILE",
        help="loss network: the published vgg_normalised.pth or VGG-shaped safetensors (default: "
        "what 'python -m realtime_adain.weights fetch vgg19' has fetched)",
    )
    parser.add_argument(
        "--content",
        type=Path,
        metavar="FOLDER",
        help="photographs to practise on (default: the demo scene and the built-in styles)",
    )
    parser.add_argument("--steps", type=command.count, default=100, help="(default %(default)s)")
    parser.add_argument(
        "--style-weight",
        type=command.number_in(0.0, 1000.0),
        default=STYLE_WEIGHT,
        metavar="W",
        help="more style for less content (default %(default)g)",
    )
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="NAME|FILE",
        help="shipped model or weights file (default %(default)s)",
    )
    parser.add_argument("--device", help="cpu, cuda, ... (default: the best there is)")
    parser.add_argument(
        "--style-size",
        type=command.side_length,
        default=STYLE_SIZE,
        metavar="PIXELS",
        help="short side at which the style is encoded (default %(default)s)",
    )
    return command.run(parser, _refine, argv)


def _refine(args: argparse.Namespace) -> int:
    if not is_saved_style(args.output):
        raise StyleError(f"{args.output}: the name must end in {SAVED_STYLE_SUFFIX}")
    if reason := why_not_writable(args.output):
        raise StyleError(f"{args.output}: {reason}")
    paths = find_styles([args.style])
    if len(paths) != 1 or is_saved_style(paths[0]):
        raise StyleError(f"{args.style}: must be one picture")

    import torch

    from .losses import PerceptualLoss
    from .pictures import middle_square, read_picture
    from .progress import Progress
    from .style import Style
    from .stylizer import Stylizer
    from .tensors import style_image, to_tensor
    from .training.refining import LEAST_CONTENTS, refine
    from .weights import fetched_teacher, load_teacher

    pictures = _contents(args.content)
    if len(pictures) < LEAST_CONTENTS:
        raise PictureError(
            f"{args.content}: at least {LEAST_CONTENTS} pictures that can be read are needed"
        )
    teacher = load_teacher(args.teacher or fetched_teacher())
    stylizer = Stylizer(args.model, device=args.device, engine="torch")
    picture = read_picture(paths[0])
    style = stylizer.encode_style(picture, size=args.style_size, name=paths[0].stem)
    contents = [to_tensor(crop, stylizer.device, torch.float32) for crop in pictures]
    with Progress(args.steps, unit="steps") as progress:
        statistics, verdicts = refine(
            stylizer.network,
            style.statistics,
            style_image(picture, stylizer.device, args.style_size),
            torch.cat(contents),
            PerceptualLoss(teacher.to(stylizer.device, memory_format=torch.channels_last)),
            steps=args.steps,
            style_weight=args.style_weight,
            on_step=progress.update,
        )
    thumbnail = middle_square(picture, THUMBNAIL_SIDE)
    Style(style.name, statistics, style.fingerprint, thumbnail).save(args.output)
    for when, (content_loss, style_loss) in zip(("before", "after"), verdicts, strict=True):
        print(f"{when:>6}: style loss {style_loss:.3f}, content loss {content_loss:.3f}")
    print(args.output)
    return 0


def _contents(folder: Path | None) -> list[np.ndarray]:
    """Return square pictures to practise on, uint8 `(CROP, CROP, 3)` RGB, in an order that mixes
    them."""
    from .demo_scene import DemoScene
    from .pictures import list_pictures, middle_square, read_picture
    from .styles import builtin_style_paths

    if folder is not None:
        paths = list_pictures(folder)
        pictures = list(_readable(paths[:: -(-len(paths) // MOST_CONTENTS)]))
    else:
        scene = DemoScene((640, 480))
        views = [scene.draw(float(seconds)) for seconds in DEMO_SECONDS]
        artworks = [read_picture(path) for path in builtin_style_paths()]
        pictures = [picture for pair in zip(artworks, views, strict=True) for picture in pair]
    return [middle_square(picture, CROP) for picture in pictures]


def _readable(paths: Sequence[Path]) -> Iterator[np.ndarray]:
    """Yield the pictures that can be read, and tell of the others."""
    from .pictures import read_picture

    for path in paths:
        try:
            yield read_picture(path)
        except PictureError as error:
            command.warn(error)


if __name__ == "__main__":
    raise SystemExit(main())
