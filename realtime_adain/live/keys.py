"""The keys of a live session, in one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .finish import SATURATION_STEP
from .styles_in_use import STRENGTH_STEP, STROKE_STEP, WEIGHT_STEP
from .view import Layout

if TYPE_CHECKING:
    from .session import LiveSession

Action = Callable[["LiveSession"], "str | None"]
"""Does what a key is for and returns a line for the user, where there is something to say."""


def _turn(steps: int) -> Action:
    return lambda live: live.styles.turn(steps)


def _use(number: int) -> Action:
    return lambda live: live.styles.choose_number(number)


def _strength(by: float) -> Action:
    return lambda live: live.styles.change_strength(by)


def _strokes(factor: float) -> Action:
    return lambda live: live.styles.change_strokes(factor)


def _weight(by: float) -> Action:
    return lambda live: live.styles.change_weight(by)


def _saturation(by: float) -> Action:
    return lambda live: live.finish.change_saturation(by)


def _layout(layout: Layout) -> Action:
    return lambda live: live.view.toggle_layout(layout)


_TABLE: tuple[tuple[str, str, dict[str, Action]], ...] = (
    (
        "n p  right left",
        "next, previous style",
        {"n": _turn(1), "right": _turn(1), "p": _turn(-1), "left": _turn(-1)},
    ),
    ("1 ... 9", "that style", {str(number): _use(number) for number in range(1, 10)}),
    ("0", "a random style", {"0": lambda live: live.styles.choose_random()}),
    (
        "[ ]  down up",
        "weaker, stronger",
        {
            "[": _strength(-STRENGTH_STEP),
            "down": _strength(-STRENGTH_STEP),
            "]": _strength(STRENGTH_STEP),
            "up": _strength(STRENGTH_STEP),
        },
    ),
    (
        ", .",
        "finer, larger strokes",
        {",": _strokes(1 / STROKE_STEP), ".": _strokes(STROKE_STEP)},
    ),
    ("a", "mix styles, or not", {"a": lambda live: live.styles.toggle_mix()}),
    (
        "- + =",
        "less, more of the style in the mix",
        {"-": _weight(-WEIGHT_STEP), "+": _weight(WEIGHT_STEP), "=": _weight(WEIGHT_STEP)},
    ),
    ("x", "cross-fade on, off", {"x": lambda live: live.styles.toggle_fade()}),
    ("o", "tour of the styles", {"o": lambda live: live.styles.toggle_tour()}),
    ("v", "strip of styles, to click", {"v": lambda live: live.strip.toggle()}),
    ("g  mouse", "grab picture, piece as a style", {"g": lambda live: live.grab()}),
    ("c", "whose colours", {"c": lambda live: live.turn_colour()}),
    (
        "j k",
        "weaker, stronger colours",
        {"j": _saturation(-SATURATION_STEP), "k": _saturation(SATURATION_STEP)},
    ),
    ("t", "steady picture on, off", {"t": lambda live: live.finish.toggle_steady()}),
    ("e", "paint all, person, room", {"e": lambda live: live.finish.person.turn()}),
    ("z", "look at the empty room anew", {"z": lambda live: live.finish.person.learn()}),
    ("m", "mirror", {"m": lambda live: live.toggle_mirror()}),
    ("b", "original beside it", {"b": _layout(Layout.BESIDE)}),
    ("d", "original in it, divider to drag", {"d": _layout(Layout.SPLIT)}),
    ("space", "freeze", {"space": lambda live: live.toggle_freeze()}),
    (
        "s  w",
        "snapshot, with the original",
        {
            "s": lambda live: live.save_snapshot(),
            "w": lambda live: live.save_snapshot(Layout.BESIDE),
        },
    ),
    ("r", "record, stop", {"r": lambda live: live.toggle_recording()}),
    ("y", "save all this as a preset", {"y": lambda live: live.save_preset()}),
    ("f", "full screen", {"f": lambda live: live.toggle_fullscreen()}),
    ("i", "style and speed, graph, nothing", {"i": lambda live: live.text.turn_stats()}),
    ("h", "this help", {"h": lambda live: live.text.toggle_help()}),
    ("q  Esc", "quit", {"q": lambda live: live.quit(), "escape": lambda live: live.quit()}),
)

ACTIONS: dict[str, Action] = {
    key: action for _, _, actions in _TABLE for key, action in actions.items()
}
"""What each key, as `sinks.window.key_name` names it, does."""

HELP: tuple[tuple[str, str], ...] = tuple((shown, purpose) for shown, purpose, _ in _TABLE)
"""Keys and what they do, for the screen."""
