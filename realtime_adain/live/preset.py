"""What is saved of a session: all it takes to go on in its profile, or a preset to give away."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..style_deck import Card
from ..stylebook import SAVED_STYLE_SUFFIX
from ..styles import builtin_style_names, builtin_style_path
from ..writing import free_path
from .profile import PRESET_NAME, make_folder, write_profile


def save_session(
    path: Path,
    settings: Mapping[str, object],
    words: Sequence[str],
    cards: Sequence[Card],
    chosen: Card,
    weights: Mapping[Card, float],
) -> None:
    """Write a profile with the styles of a session; those without a file are saved beside it.

    Args:
        path: the profile.
        settings: all but the styles.
        words: what the user called the styles.
        cards: the styles that are ready.
        chosen: the one in use.
        weights: the parts of the mix in use; empty for none.

    Raises:
        ProfileError, StyleError: a file cannot be written.
    """
    names = {}
    for card in cards:
        if card.grabbed:
            folder = path.with_name(f"{path.stem}-styles")
            make_folder(folder)
            file = _style_file(folder, card.name)
            _save(card, file)
            names[card] = _seen_from(path, file)
        else:
            names[card] = _word(path, card.source)
    known = [_seen_from(path, Path(word)) if Path(word).exists() else word for word in words]
    grabbed = [names[card] for card in cards if card.grabbed]
    style = list(dict.fromkeys([*known, *grabbed]))
    write_profile(path, {**settings, "style": style, **_use(names, chosen, weights)})


def save_preset(
    folder: Path,
    settings: Mapping[str, object],
    cards: Sequence[Card],
    chosen: Card,
    weights: Mapping[Card, float],
) -> Path:
    """Write a folder that can be given away: the settings, and every style as its statistics.

    Args:
        folder: made anew.
        settings: all but the styles.
        cards: the styles.
        chosen: the one in use.
        weights: the parts of the mix in use; empty for none.

    Returns:
        The profile in it, for `--profile`.

    Raises:
        ProfileError, StyleError: a file cannot be written.
    """
    make_folder(folder)
    names = {}
    for card in cards:
        file = _style_file(folder, card.name)
        _save(card, file)
        names[card] = file.name
    path = folder / PRESET_NAME
    # Strokes are in the statistics, and a folder that is watched stays at home.
    given = {name: value for name, value in settings.items() if name != "strokes"}
    write_profile(path, {**given, "style": list(names.values()), **_use(names, chosen, weights)})
    return path


def _save(card: Card, file: Path) -> None:
    """Write a style with what its painting looks like, for the strip."""
    replace(card.style, thumbnail=card.thumbnail).save(file)


def _use(
    names: Mapping[Card, str], chosen: Card, weights: Mapping[Card, float]
) -> dict[str, object]:
    mix = {names[card]: round(weight, 4) for card, weight in weights.items()}
    return {"first": names[chosen], "mix": mix or None}


def _word(profile: Path, path: Path) -> str:
    """Return what a style's file is called in a profile: a built-in style's name, or a path."""
    if path.stem in builtin_style_names() and path == builtin_style_path(path.stem):
        return path.stem
    return _seen_from(profile, path)


def _seen_from(profile: Path, path: Path) -> str:
    """Return a path as it is written in a profile, so that a folder with both can be moved."""
    path, folder = path.absolute(), profile.parent.absolute()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _style_file(folder: Path, name: str) -> Path:
    """Return a path for a saved style at which there is nothing yet."""
    return free_path(folder, re.sub(r"[^\w -]", "_", name)[:80] or "style", SAVED_STYLE_SUFFIX)
