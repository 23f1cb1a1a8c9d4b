"""Draw the built-in styles: `python -m realtime_adain.styles.drawing [FOLDER] [--only NAME]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ...styles import builtin_style_names
from .catalogue import DRAWINGS

_LARGEST_FILE = 90_000  # bytes: a dozen pictures then stay under 1.1 MB
_QUALITIES = range(95, 30, -5)


def encode(picture: np.ndarray) -> bytes:
    """Return uint8 `(H, W, 3)` RGB as a JPEG of the best quality that is small enough to ship."""
    for quality in _QUALITIES:
        options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
        if data.nbytes <= _LARGEST_FILE:
            break
    return data.tobytes()


def main(argv: Sequence[str] | None = None) -> int:
    """Draw all the styles, or one, into a folder and return 0."""
    parser = argparse.ArgumentParser(prog="python -m realtime_adain.styles.drawing")
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(__file__).parents[1],
        help="where the pictures go (default: the package's own folder)",
    )
    parser.add_argument("--only", choices=builtin_style_names(), help="draw this one")
    args = parser.parse_args(argv)
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in [args.only] if args.only else builtin_style_names():
        path = args.folder / f"{name}.jpg"
        path.write_bytes(encode(DRAWINGS[name]()))
        print(f"{path}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
