"""Profiles and presets: written, read again, and what the command line makes of them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from realtime_adain.command import parse_weighted
from realtime_adain.errors import ProfileError
from realtime_adain.live import profile
from realtime_adain.live.preset import save_preset, save_session
from realtime_adain.live.profile import (
    look_arguments,
    profile_arguments,
    profile_path,
    read_profile,
    write_profile,
)
from realtime_adain.style import Style
from realtime_adain.style_deck import Card
from realtime_adain.styles import builtin_style_names, builtin_style_path


def style(name: str) -> Style:
    return Style(name, ((torch.ones(1, 2, 1, 1), torch.ones(1, 2, 1, 1)),), "network")


def card(order: int, name: str, source: object) -> Card:
    return Card(order, source, style(name), 512, np.full((96, 96, 3), order, np.uint8))


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        'quo"te \\ back\nline\ttab \x00 \x1b \x7f end',
        "Bäume 木 🎨 \u2028",
        True,
        False,
        0,
        -3,
        0.1,
        1e-07,
        1e22,
        ["a", 'b"', "c\\d"],
        [],
    ],
)
def test_what_is_written_is_read_again(value: object, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "p.toml"
    write_profile(path, {"key": value})
    assert read_profile(path) == {"key": value}
    assert type(read_profile(path)["key"]) is type(value)
    assert [file.name for file in path.parent.iterdir()] == ["p.toml"]


def test_settings_are_written_over_those_of_before(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('source = "3"\nalpha = 0.2\ntour = 5.0\n')
    write_profile(path, {"alpha": 0.5, "tour": None, "strengths": {}})
    assert tomllib.loads(path.read_text()) == {"source": "3", "alpha": 0.5}


def test_a_failed_write_leaves_the_profile_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.toml"
    write_profile(path, {"alpha": 0.5})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ProfileError, match=r"p.toml: cannot be written \(No space left"):
        write_profile(path, {"alpha": 0.7})
    assert read_profile(path) == {"alpha": 0.5}
    assert list(tmp_path.iterdir()) == [path]


def test_where_profiles_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(profile, "config_folder", lambda: tmp_path)
    assert profile_path("stage") == tmp_path / "stage.toml"
    assert profile_path("stage.toml") == Path("stage.toml")
    assert profile_path("shows/stage") == Path("shows/stage")
    assert profile_path("./my.jpg") == Path("my.jpg")
    for name in ("", ".", ".."):
        with pytest.raises(ProfileError, match="needs a name"):
            profile_path(name)


def test_the_folder_of_a_preset_is_a_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waves = card(0, "waves", builtin_style_path("waves"))
    path = save_preset(tmp_path / "evening", {}, [waves], waves, {})
    (tmp_path / "stage").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("evening", "./evening", str(path.parent), str(path)):
        assert profile_path(name).absolute() == path
    assert profile_path("stage").name == "stage.toml"  # a folder, but no preset


def test_settings_become_arguments(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    (tmp_path / "my.safetensors").touch()
    path.write_text(
        'style = ["my.safetensors", "waves"]\nalpha = 0.5\nmirror = true\nstrip = false\n'
        'layout = "split"\nmix = "my.safetensors:0.7,waves:0.3"\nstyle_size = 300\n'
    )
    known = ["style", "alpha", "mirror", "strip", "layout", "mix", "style_size"]
    mine = str(tmp_path / "my.safetensors")
    assert profile_arguments(path, known) == [
        *("--style", mine, "waves"),
        "--alpha=0.5",
        "--mirror",
        "--no-strip",
        "--layout=split",
        f"--mix={mine}:0.7,waves:0.3",
        "--style-size=300",
    ]
    assert profile_arguments(tmp_path / "new.toml", known) == []


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("style", {"tour", "alpha", "strengths", "model"}),
        ("first", {"style", "tour", "alpha", "strengths", "model"}),
        ("mix", {"style", "alpha", "strengths", "model"}),
        ("tour", {"style", "first", "alpha", "strengths", "model"}),
        ("alpha", {"style", "first", "mix", "tour", "model"}),
        ("checkpoint", {"style", "first", "mix", "tour", "alpha", "strengths"}),
    ],
)
def test_what_is_given_overrules_the_profile(given: str, left: set[str], tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(
        'style = "waves"\nfirst = "mosaic"\nmix = "waves:0.5,ink:0.5"\ntour = 5\n'
        'alpha = 0.5\nstrengths = "waves:0.2"\nmodel = "lean"\n'
    )
    arguments = profile_arguments(path, {*read_profile(path), given}, [given])
    assert {argument.split("=")[0].removeprefix("--") for argument in arguments} == left


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("alpha = ", "not a profile: Invalid value"),
        ("colour_of_hair = 1", "no setting named 'colour_of_hair'"),
        ("[alpha]\nx = 1", "alpha cannot be {'x': 1}"),
        ("style = [1, 2]", r"style cannot be \[1, 2\]"),
    ],
)
def test_what_is_no_profile(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(ProfileError, match=f"p.toml: .*{problem}"):
        profile_arguments(path, ["alpha", "style"])


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a.jpg:0.7,b.jpg:0.3", {"a.jpg": 0.7, "b.jpg": 0.3}),
        ("C:\\x, y.jpg:1", {"C:\\x, y.jpg": 1}),
        ("grab 1:.5", {"grab 1": 0.5}),
    ],
)
def test_weighted_names(text: str, pairs: dict[str, float]) -> None:
    assert parse_weighted(text) == pairs


@pytest.mark.parametrize(
    "text", ["", "a", "a:", ":1", "a:x", "a:1,b", "a:1,", "a:1.2.3", "a:.", "a:1,a:0"]
)
def test_what_is_not_weighted(text: str) -> None:
    with pytest.raises(ValueError, match="must (be written like|name a once)"):
        parse_weighted(text)


def test_a_session_is_kept_with_what_was_grabbed(tmp_path: Path) -> None:
    path, picture = tmp_path / "p.toml", tmp_path / "my.png"
    picture.touch()
    cards = [
        card(0, "waves", builtin_style_path("waves")),
        card(1, "my", picture),
        card(2, "grab 1", torch.zeros(2, 2, 3, dtype=torch.uint8).numpy()),
    ]
    weights = {cards[0]: 0.25, cards[2]: 0.75}
    save_session(path, {"alpha": 1.0}, ["waves", str(picture)], cards, cards[2], weights)
    grabbed = "p-styles/grab 1.safetensors"
    assert read_profile(path) == {
        "alpha": 1.0,
        "style": ["waves", "my.png", grabbed],
        "first": grabbed,
        "mix": f"waves:0.25,{grabbed}:0.75",
    }
    assert Style.load(tmp_path / grabbed).name == "grab 1"
    save_session(path, {}, ["waves"], cards, cards[1], {})
    assert read_profile(path)["style"] == ["waves", "p-styles/grab 1-2.safetensors"]
    assert "mix" not in read_profile(path)


def test_a_preset_holds_every_style_and_can_be_moved(tmp_path: Path) -> None:
    cards = [
        card(0, "waves", builtin_style_path("waves")),
        card(1, "a/b", Path("/elsewhere/x.png")),
        card(2, "waves", Path("/elsewhere/waves.png")),
    ]
    settings = {"strokes": {"waves": 300}, "mirror": True}
    path = save_preset(tmp_path / "new", settings, cards, cards[1], {})
    moved = (tmp_path / "new").rename(tmp_path / "moved")
    assert path == tmp_path / "new" / "preset.toml"
    arguments = profile_arguments(moved / "preset.toml", ["mirror", "style", "first"])
    files = [str(moved / f"{name}.safetensors") for name in ("waves", "a_b", "waves-2")]
    assert arguments == ["--mirror", "--style", *files, f"--first={files[1]}"]
    styles = [Style.load(file) for file in files]
    assert [style.name for style in styles] == ["waves", "a/b", "waves"]
    for style, kept in zip(styles, cards, strict=True):
        np.testing.assert_array_equal(style.thumbnail, kept.thumbnail)


def test_the_first_style_of_a_look_may_be_a_number(tmp_path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('style = ["waves", "ink"]\nfirst = 2\nstrengths = "ink:0.4"\n')
    assert look_arguments(path) == ["--style", str(builtin_style_path("ink")), "--alpha=0.4"]
    path.write_text('first = "random"\n')
    assert Path(look_arguments(path)[1]).stem in builtin_style_names()


def test_the_strength_of_a_preset_is_found_by_the_styles_own_name(tmp_path: Path) -> None:
    mine = card(0, "starry.night", tmp_path / "starry.night.png")
    settings = {"strengths": {"starry.night": 0.4}}
    path = save_preset(tmp_path / "preset", settings, [mine], mine, {})
    [style] = (tmp_path / "preset").glob("*.safetensors")
    assert style.stem != mine.name
    assert set(look_arguments(path)) == {"--style", str(style), "--alpha=0.4"}


@pytest.mark.parametrize(
    ("settings", "given", "look"),
    [
        (
            'style = ["waves", "ink"]\nfirst = "ink"\nalpha = 0.9\nstrengths = "ink:0.4"\n'
            'colour = "content"\nstrip = true\ntour = 9\nstrokes = "waves:300"\n',
            [],
            ["--alpha=0.4", "--colour=content", "--style", "ink"],
        ),
        (
            'first = "waves"\nstrengths = "ink:0.4"\nstrokes = "waves:300"\n',
            [],
            ["--style", "waves", "--style-size=300"],
        ),
        (
            'first = "waves"\nmix = "waves:0.7,ink:0.3"\nsteady = 0.5\nstrokes = "waves:300"\n',
            [],
            ["--steady=0.5", "--mix=waves:0.7,ink:0.3", "--style-size=300"],
        ),
        (
            'mix = "waves:0.75,ink:0.25"\nalpha = 0.8\nstrengths = "waves:0.4"\n',
            [],
            ["--alpha=0.5", "--mix=waves:0.75,ink:0.25"],
        ),
        ('first = "waves"\nmix = "waves:0.7,ink:0.3"\nalpha = 0.5\n', ["style", "alpha"], []),
        ('first = "waves"\nstrokes = "waves:300"\nmodel = "base"\n', ["mix", "checkpoint"], []),
    ],
    ids=["a style", "strokes", "a mix", "its strength", "what is given wins", "its network too"],
)
def test_a_look_is_what_films_know_of_a_profile(
    settings: str, given: list[str], look: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "p.toml"
    path.write_text(settings)
    assert look_arguments(path, given) == look


def test_a_profile_opens_whatever_the_names_of_its_styles(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("p.toml")
    Path("-x.jpg").write_bytes(b"")
    strengths = {"Ratio 16:9, blue": 0.9, "two\nlines": 0.5, "ink": 0.4}
    write_profile(path, {"style": ["-x.jpg", "ink"], "strengths": strengths})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as Windows' Notepad does
    assert profile_arguments(path, {"style", "strengths"}) == [
        "--style",
        str(tmp_path / "-x.jpg"),
        "ink",
        "--strengths=two\nlines:0.5,ink:0.4",
    ]


def test_a_look_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="p.toml: no such profile"):
        look_arguments(tmp_path / "p.toml")
