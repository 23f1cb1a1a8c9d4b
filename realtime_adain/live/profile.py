"""Settings that are kept: profiles, read at the beginning and written at the end.

They are TOML files whose keys are the program's options, so that whatever can be said on the
command line can be written there by hand too: `tour = 20` is `--tour 20`. Styles are named as on
the command line; a name of a file beside the profile is that file.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from ..command import parse_weighted
from ..errors import ProfileError
from ..folders import config_folder
from ..stylebook import STYLE_SIZE, find_first, find_styles, style_name
from ..styles import builtin_style_names
from ..writing import whole_file

PRESET_NAME = "preset.toml"

_NAMING_FILES = {"style", "first", "watch"}  # options whose words may be files beside the profile
_OVERRULED = {
    "style": {"first", "mix"},
    "first": {"mix"},
    "mix": {"first", "tour"},
    "tour": {"mix"},
    "alpha": {"strengths"},
    "style_size": {"strokes"},
    "model": {"checkpoint"},
    "checkpoint": {"model"},
}
"""For each option typed: the profile's settings that would hide its effect, and are therefore
ignored."""

_LOOK = ("alpha", "style_size", "colour", "saturation", "steady", "model", "checkpoint")
"""Settings that films and pictures know too, beside the styles."""


def profile_path(name: str) -> Path:
    """Return the file of a profile: a preset's, a path where it looks like one, else the user's.

    Raises:
        ProfileError: it is no name.
    """
    path = Path(name)
    if (path / PRESET_NAME).is_file():
        return path / PRESET_NAME
    if path.suffix == ".toml" or os.path.basename(name) != name:
        return path
    if name in ("", ".", ".."):
        raise ProfileError(f"a profile needs a name, got {name!r}")
    return config_folder() / f"{name}.toml"


def read_profile(path: Path) -> dict[str, object]:
    """Return the settings of a profile; none where there is no such file yet.

    Raises:
        ProfileError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # as Windows' Notepad writes it
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ProfileError(f"{path}: not a profile: {error}") from error


def profile_arguments(path: Path, known: Collection[str], given: Collection[str] = ()) -> list[str]:
    """Return the settings of a profile as arguments of the command line.

    Args:
        path: the profile.
        known: names of all settings.
        given: names of those that are set on the command line; they, and the settings that they
            overrule, are left out.

    Raises:
        ProfileError: it cannot be read, or has a setting that is unknown or of an unfit type.
    """
    settings = read_profile(path)
    for name in settings:
        if name not in known:
            raise ProfileError(f"{path}: there is no setting named {name!r}")
    return _arguments(path, settings, _overruled(given))


def look_arguments(path: Path, given: Collection[str] = ()) -> list[str]:
    """Return the look of a profile as arguments of a program that paints films or pictures: the
    style or the mix in use, its strength and strokes, the colours, the network.

    Args:
        path: the profile.
        given: as of `profile_arguments`.

    Raises:
        ProfileError: there is none, it cannot be read, or a setting is of an unfit type.
    """
    if not path.exists():
        raise ProfileError(f"{path}: no such profile")
    settings = read_profile(path)
    look = {name: settings[name] for name in _LOOK if name in settings}
    if {"style", "mix"}.isdisjoint(given):
        look |= _in_use(path, settings)
    return _arguments(path, look, _overruled(given))


def _in_use(path: Path, settings: Mapping[str, object]) -> dict[str, object]:
    """Return the settings of the style or the mix in use, of its strength and its strokes."""
    if settings.get("mix"):
        use = {"mix": settings["mix"]}
        parts = _weighted(path, "mix", str(settings["mix"]))
    elif "first" in settings:
        first = _first_style(path, settings)
        use, parts = {"style": [first]}, {first: 1.0}
    else:
        return {"style": settings["style"]} if "style" in settings else {}
    if strengths := _of_parts(path, settings, "strengths", "alpha", 1.0, parts):
        mean = sum(parts[word] * strength for word, strength in strengths.items())
        use["alpha"] = f"{mean / sum(parts.values()):g}"
    if strokes := _of_parts(path, settings, "strokes", "style_size", STYLE_SIZE, parts):
        # Of a mix, the strokes of the style that has the largest part.
        use["style_size"] = f"{strokes[max(parts, key=parts.get)]:g}"
    return use


def _first_style(path: Path, settings: Mapping[str, object]) -> str:
    """Return what the style to begin with is called, where it may be a number or random."""
    first = str(settings["first"])
    if not first.isdecimal() and first != "random":
        return first
    words = settings.get("style") or builtin_style_names()
    [found] = find_first(first, find_styles([_found_beside(path, "style", word) for word in words]))
    return str(found)


def _of_parts(
    path: Path,
    settings: Mapping[str, object],
    of_one: str,
    of_all: str,
    default: float,
    parts: Collection[str],
) -> dict[str, float]:
    """Return what a setting of single styles says of those in use, by what they are called, and of
    those that it leaves out what the setting of all says; nothing where it leaves out all."""
    if not settings.get(of_one):
        return {}
    own = _weighted(path, of_one, str(settings[of_one]))
    names = {word: style_name(Path(_found_beside(path, "style", word))) for word in parts}
    if own.keys().isdisjoint(names.values()):
        return {}
    for_all = float(settings.get(of_all, default))
    return {word: own.get(name, for_all) for word, name in names.items()}


def _overruled(given: Collection[str]) -> set[str]:
    """Return the settings that are left out where some are given, these among them."""
    return set(given).union(*(_OVERRULED.get(name, ()) for name in given))


def _arguments(path: Path, settings: Mapping[str, object], left_out: set[str]) -> list[str]:
    """Return settings of a profile as arguments of the command line."""
    arguments = []
    for name, value in settings.items():
        if name in left_out:
            continue
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(option if value else option.replace("--", "--no-", 1))
        elif isinstance(value, list) and all(isinstance(word, str) for word in value):
            words = [_found_beside(path, name, word) for word in value]
            arguments += [option, *words] if words else []
        elif isinstance(value, (str, int, float)):
            arguments.append(f"{option}={_found_beside(path, name, str(value))}")
        else:
            raise ProfileError(f"{path}: {name} cannot be {value!r}")
    return arguments


def write_profile(path: Path, settings: Mapping[str, object]) -> None:
    """Write settings over those of a profile; the others in it stay.

    Args:
        path: the profile; its folder is made where it is missing.
        settings: texts, numbers, truths, lists of texts and numbers by name; None removes.

    Raises:
        ProfileError: the old one cannot be read, or the new one not be written.
    """
    merged = {**read_profile(path), **settings}
    kept = {name: value for name, value in merged.items() if value is not None and value != {}}
    lines = [f"{name} = {_toml(value)}\n" for name, value in kept.items()]
    make_folder(path.parent)
    try:
        with whole_file(path) as part:
            part.write_text("".join(lines), encoding="utf-8", newline="\n")
    except OSError as error:
        raise ProfileError(f"{path}: cannot be written ({error.strerror})") from error


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where it is missing.

    Raises:
        ProfileError: it cannot be made, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProfileError(f"{folder}: cannot be made ({error.strerror})") from error
    if not os.access(folder, os.W_OK):
        raise ProfileError(f"{folder}: nothing can be written there")


def _found_beside(path: Path, name: str, word: str) -> str:
    """Return a setting's word, or the path of the file that it names beside the profile."""
    if name == "mix":
        parts = _weighted(path, name, word).items()
        return ",".join(f"{_found_beside(path, 'style', part)}:{w}" for part, w in parts)
    beside = path.parent.absolute() / word
    return str(beside) if name in _NAMING_FILES and word and beside.exists() else word


def _weighted(path: Path, name: str, text: str) -> dict[str, float]:
    try:
        return parse_weighted(text)
    except ValueError as error:
        raise ProfileError(f"{path}: {name} {error}") from error


def _is_said(name: str) -> bool:
    """Return whether `NAME:NUMBER` is read as it is meant; not so a name such as `16:9, blue`."""
    try:
        return list(parse_weighted(f"{name}:1")) == [name]
    except ValueError:
        return False


def _toml(value: object) -> str:
    """Return a value in TOML."""
    if isinstance(value, Mapping):
        return _toml(
            ",".join(f"{name}:{number}" for name, number in value.items() if _is_said(name))
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        # A JSON string is a TOML one, but for the control character that JSON lets pass.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "[" + ", ".join(_toml(item) for item in value) + "]"
