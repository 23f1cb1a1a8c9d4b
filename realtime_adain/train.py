"""Train a network on a folder of photographs and a folder of artworks."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import cli


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = cli.make_parser("train", __doc__)
    parser.add_argument("run", type=Path, help="folder of the run; one that exists is gone on with")
    parser.add_argument("--content", required=True, help="folder of photographs, any sizes")
    parser.add_argument("--style", required=True, help="folder of artworks, any sizes")
    parser.add_argument("--teacher", required=True, help="weights of the loss network (VGG)")
    parser.add_argument("--device", help="cpu, cuda, ... (default: the best there is)")
    # Left out, these take the defaults of `training.TrainingOptions`.
    for name, kind, purpose in (
        ("initial", str, "weights file to start from, of the same network"),
        ("steps", int, "length of the run"),
        ("batch", int, "pairs in a step"),
        ("crop", int, "side of the training pictures in pixels"),
        ("learning-rate", float, "peak learning rate"),
        ("style-weight", float, "of the style loss, beside a content loss of weight one"),
        ("seed", int, "of all that is random"),
    ):
        parser.add_argument(f"--{name}", type=kind, help=purpose, default=argparse.SUPPRESS)
    return cli.run(parser, _train, argv)


def _train(args: argparse.Namespace) -> int:
    import dataclasses

    from .memory import keep_freed_memory
    from .stylizer import resolve_device
    from .training import TrainingOptions, train
    from .weights import load_teacher

    keep_freed_memory()
    names = {field.name for field in dataclasses.fields(TrainingOptions)}
    options = TrainingOptions(
        **{name: value for name, value in vars(args).items() if name in names}
    )
    weights = train(
        options, args.run, load_teacher(args.teacher), device=resolve_device(args.device)
    )
    print(f"wrote {weights}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
