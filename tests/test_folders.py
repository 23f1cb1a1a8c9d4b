"""Where programs keep what is theirs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from realtime_adain.folders import cache_folder, config_folder


@pytest.fixture(autouse=True)
def bare_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    for variable in (
        *("REALTIME_ADAIN_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
        *("APPDATA", "LOCALAPPDATA"),
    ):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("platform", "cache", "config"),
    [
        ("linux", ".cache", ".config"),
        ("darwin", "Library/Caches", "Library/Application Support"),
        ("win32", "AppData/Local", "AppData/Roaming"),
    ],
)
def test_folders_are_where_the_system_has_them(
    platform: str, cache: str, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path("home") / cache / "realtime-adain"
    assert config_folder() == Path("home") / config / "realtime-adain"


def test_variables_move_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/big")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/mine")
    assert cache_folder() == Path("/big/realtime-adain")
    assert config_folder() == Path("/mine/realtime-adain")
    monkeypatch.setenv("REALTIME_ADAIN_CACHE", "/elsewhere")
    assert cache_folder() == Path("/elsewhere")
