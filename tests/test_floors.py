"""The house: imports run downwards only, and heavy packages stay in their own rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "realtime_adain"

FLOORS = [
    {
        "ahead",
        "closing",
        "command",
        "errors",
        "folders",
        "frame",
        "interrupts",
        "writing",
        "__init__",
    },
    {
        "adain",
        "colour",
        "containers",
        "demo_scene",
        "faint",
        "losses",
        "memory",
        "networks",
        "pictures",
        "reduced",
        "regions",
        "steady",
        "styles",
        "tensors",
    },
    {
        "capture",
        "dataset",
        "engines",
        "overlay",
        "progress",
        "sinks",
        "sources",
        "style",
        "stylebook",
        "stylizer",
        "timing",
        "weights",
    },
    {"cli", "live", "painter", "pipeline", "style_deck", "training"},
    {"__main__", "export", "image", "refine", "train", "video", "webcam"},
]
"""Rooms (modules or folders of the package) by floor, the ground first."""

WITHOUT_TORCH = FLOORS[0] | {
    "capture",
    "colour",
    "containers",
    "demo_scene",
    "faint",
    "live",
    "overlay",
    "painter",
    "pictures",
    "pipeline",
    "progress",
    "reduced",
    "regions",
    "sinks",
    "sources",
    "steady",
    "style_deck",
    "stylebook",
    "styles",
    "timing",
}
WITHOUT_VIDEO = {
    "adain",
    "engines",
    "losses",
    "networks",
    "tensors",
    "style",
    "stylizer",
    "weights",
}

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def floor_of(room: str) -> int:
    floors = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    assert len(floors) == 1, f"the room {room!r} must stand on exactly one floor"
    return floors[0]


def imports_of(path: Path) -> set[str]:
    """Return the imported modules, those of the package written `.room.sub`."""
    imported = set()
    package = path.relative_to(PACKAGE.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            inside = ".".join(base[1:] + tuple((node.module or "").split(".")))
            targets = [inside] if node.module else [alias.name for alias in node.names]
            imported.update(f".{target}" for target in targets)
    return imported


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return  # the package's face names what is inside, lazily
    for module in imports_of(path):
        if module.startswith("."):
            other = module[1:].split(".")[0] or "__init__"
            if other == "__version__":
                continue
            assert floor_of(other) <= floor_of(room), f"{room} must not import {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_packages_stay_in_their_rooms(path: Path) -> None:
    heavy = {module.split(".")[0] for module in imports_of(path)}
    if room_of(path) in WITHOUT_TORCH:
        assert not heavy & {"torch", "safetensors"}
    if room_of(path) in WITHOUT_VIDEO:
        assert not heavy & {"cv2", "av"}


@pytest.mark.parametrize("program", ["webcam", "video", "image", "refine", "train", "export"])
def test_help_does_not_wait_for_torch(program: str) -> None:
    code = (
        "import sys\n"
        f"from realtime_adain.{program} import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("usage: python -m realtime_adain")
