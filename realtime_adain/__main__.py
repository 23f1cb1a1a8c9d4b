"""List the programs of the package."""

from __future__ import annotations

import argparse

from . import __version__

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
    """Print the programs; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m realtime_adain", description=__doc__)
    parser.add_argument("--version", action="version", version=f"realtime-adain {__version__}")
    parser.parse_args(argv)
    print(f"realtime-adain {__version__}: any painting, any camera, video or picture, live\n")
    for name, purpose in PROGRAMS.items():
        print(f"  python -m realtime_adain.{name:8} {purpose}")
    print("\nEach explains itself with --help.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
