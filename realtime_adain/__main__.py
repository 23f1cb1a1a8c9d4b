"""Run one of the programs of the package, or list them."""

from __future__ import annotations

import sys
from importlib import import_module

from . import __version__
from .command import OneLineParser

PROGRAMS = {
    "webcam": "repaint a camera, a video or a demo scene live, in a window",
    "video": "repaint a video file, sound and timing kept",
    "image": "repaint a picture or a folder of pictures",
    "refine": "make a style file that is painted better than its picture by itself",
    "train": "train a network on your own photographs and artworks",
    "export": "write a network as ONNX for other programs",
    "weights": "fetch the paper's own weights",
}


def main(argv: list[str] | None = None) -> int:
    """Run a program, or print what there are; return the exit status."""
    words = sys.argv[1:] if argv is None else argv
    if words and words[0] in PROGRAMS:
        module = "weights.__main__" if words[0] == "weights" else words[0]
        program = import_module(f".{module}", __package__)
        if argv is not None:
            return program.main(words[1:])
        del sys.argv[1]  # the rest are those of the program, as if the process had begun with it
        return program.main()
    parser = OneLineParser(
        prog="realtime-adain",
        usage="%(prog)s [-h] [--version] [PROGRAM ...]",
        description=__doc__,
    )
    parser.add_argument("--version", action="version", version=f"realtime-adain {__version__}")
    if words and not words[0].startswith("-"):
        parser.error(f"no program named {words[0]!r}, there are {', '.join(PROGRAMS)}")
    parser.parse_args(words)
    print(f"realtime-adain {__version__}: any painting, any camera, video or picture, live\n")
    for name, purpose in PROGRAMS.items():
        print(f"  realtime-adain {name:8} {purpose}")
    print("\nEach explains itself with --help, and is python -m realtime_adain.NAME too.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
