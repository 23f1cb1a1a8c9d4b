"""Fetch published weights."""

from __future__ import annotations

import argparse

from .. import command
from .fetched import FETCHED_MODEL, FILES, RELEASE, fetch


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = command.make_parser("realtime_adain.weights", __doc__)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("fetch", help=f"get {' and '.join(FILES)} from {RELEASE}")
    action.add_argument("model", choices=[FETCHED_MODEL])
    return command.run(parser, _fetch, argv)


def _fetch(args: argparse.Namespace) -> int:
    for path in fetch():
        print(f"fetched {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
