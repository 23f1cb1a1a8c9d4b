"""The keys of a live session, in one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .session import LiveSession

Action = Callable[["LiveSession"], None]

STRENGTH_STEP = 0.1


def _use_style(number: int) -> Action:
    return lambda live: live.select_style(number)


def _next_style(live: LiveSession) -> None:
    live.turn_style(1)


def _previous_style(live: LiveSession) -> None:
    live.turn_style(-1)


def _weaker(live: LiveSession) -> None:
    live.change_strength(-STRENGTH_STEP)


def _stronger(live: LiveSession) -> None:
    live.change_strength(STRENGTH_STEP)


_TABLE: tuple[tuple[str, str, dict[str, Action]], ...] = (
    (
        "n p  right left",
        "next, previous style",
        {"n": _next_style, "right": _next_style, "p": _previous_style, "left": _previous_style},
    ),
    ("1 ... 9", "that style", {str(number): _use_style(number) for number in range(1, 10)}),
    (
        "[ ]  down up",
        "weaker, stronger",
        {"[": _weaker, "down": _weaker, "]": _stronger, "up": _stronger},
    ),
    ("m", "mirror", {"m": lambda live: live.toggle_mirror()}),
    ("b", "original beside it", {"b": lambda live: live.toggle_side_by_side()}),
    ("space", "freeze", {"space": lambda live: live.toggle_freeze()}),
    ("s", "save a snapshot", {"s": lambda live: live.save_snapshot()}),
    ("r", "record, stop", {"r": lambda live: live.toggle_recording()}),
    ("f", "full screen", {"f": lambda live: live.toggle_fullscreen()}),
    ("i", "style and speed", {"i": lambda live: live.toggle_status()}),
    ("h", "this help", {"h": lambda live: live.toggle_help()}),
    ("q  Esc", "quit", {"q": lambda live: live.quit(), "escape": lambda live: live.quit()}),
)

ACTIONS: dict[str, Action] = {
    key: action for _, _, actions in _TABLE for key, action in actions.items()
}
"""What each key, as `sinks.window.key_name` names it, does."""

HELP: tuple[tuple[str, str], ...] = tuple((shown, purpose) for shown, purpose, _ in _TABLE)
"""Keys and what they do, for the screen."""
