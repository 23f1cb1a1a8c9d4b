"""Where programs keep what is theirs, on each system."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_OWN = "realtime-adain"


def cache_folder() -> Path:
    """Return the folder of what can be had again: the system's, or `$REALTIME_ADAIN_CACHE`."""
    if chosen := os.environ.get("REALTIME_ADAIN_CACHE"):
        return Path(chosen)
    return _base("LOCALAPPDATA", "AppData/Local", "Library/Caches", "XDG_CACHE_HOME", ".cache")


def config_folder() -> Path:
    """Return the folder of the user's settings."""
    return _base(
        "APPDATA",
        "AppData/Roaming",
        "Library/Application Support",
        "XDG_CONFIG_HOME",
        ".config",
    )


def _base(windows_variable: str, windows: str, macos: str, xdg_variable: str, others: str) -> Path:
    if sys.platform == "darwin":
        return Path.home() / macos / _OWN
    variable, usual = (
        (windows_variable, windows) if sys.platform == "win32" else (xdg_variable, others)
    )
    return Path(os.environ.get(variable) or Path.home() / usual) / _OWN
