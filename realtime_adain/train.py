"""Train a network on a folder of photographs and a folder of artworks."""

from __future__ import annotations

import argparse
import json
from dataclasses import MISSING, fields
from pathlib import Path

from . import command
from .training.options import TrainingOptions


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    return command.run(_make_parser(), _train, argv)


def _make_parser() -> argparse.ArgumentParser:
    parser = command.make_parser("realtime_adain.train", __doc__)
    parser.usage = "%(prog)s run --content FOLDER --style FOLDER [options]"
    parser.add_argument("run", type=Path, help="folder of the run; an existing run is resumed")
    parser.add_argument("--device", help="cpu, cuda, ... (default: the best there is)")
    for name, default, purpose in (
        ("workers", 1, "threads that read pictures"),
        ("save-every", 500, "steps between checkpoints"),
        ("sheet-every", 1000, "steps between contact sheets"),
    ):
        parser.add_argument(
            f"--{name}", type=command.count, default=default, help=f"{purpose} (%(default)s)"
        )
    group = parser.add_argument_group("what is learnt", "defaults are those of the recipe student")
    for option in fields(TrainingOptions):
        required = option.default is MISSING and option.default_factory is MISSING
        shown = "" if required or option.default in (None, MISSING) else f" ({option.default})"
        keywords = {"default": argparse.SUPPRESS, "help": option.metadata["purpose"] + shown}
        if option.type == "bool":
            keywords["action"] = argparse.BooleanOptionalAction
        else:
            keywords |= {"type": _PARSERS[option.type], "required": required, "metavar": "VALUE"}
        group.add_argument("--" + option.name.replace("_", "-"), **keywords)
    return parser


@command.parses("JSON")
def _json(text: str) -> object:
    return json.loads(text)


_PARSERS = {"str": str, "str | None": str, "int": int, "float": float, "dict": _json}


def _train(args: argparse.Namespace) -> int:
    from .memory import keep_freed_memory
    from .stylizer import resolve_device
    from .training.loop import train
    from .training.options import make_options
    from .weights import fetched_teacher, load_teacher

    keep_freed_memory()
    names = {option.name for option in fields(TrainingOptions)}
    options = make_options({name: value for name, value in vars(args).items() if name in names})
    weights = train(
        options,
        args.run,
        load_teacher(options.teacher or fetched_teacher()),
        device=resolve_device(args.device),
        workers=args.workers,
        save_every=args.save_every,
        sheet_every=args.sheet_every,
    )
    print(f"wrote {weights}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
