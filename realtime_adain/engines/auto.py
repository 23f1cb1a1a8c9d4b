"""The fastest engine on this machine: measured once, then remembered."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from .. import __version__
from ..adain import Regional, Statistics
from ..networks import StyleNetwork
from ..tensors import working_size
from ..weights import cache_folder
from .base import Engine, EngineError, Made
from .eager import TorchEngine
from .processor import processor_name
from .registry import ENGINES, installed_engines, open_named

SAME_PICTURE_DB = 35.0
"""Peak signal-to-noise ratio, in dB, from which on two engines' pictures count as the same."""

MEASURED_SECONDS = 0.4
MEASURED_ROUNDS = 8


class AutoEngine(Engine):
    """Hands every frame to the engine that is the fastest at its size.

    Before the first frame of a size class, the engines that are installed repaint that very frame
    in turn; one that fails, or whose picture differs from PyTorch's, is out. The choice is kept in
    the user's cache folder for this machine, network, dtype, size class and these versions. A size
    class is a power of two of pixels, so that a folder of pictures is not a folder of choices.

    Args:
        network: in float32, on the processor; not changed.
        size: short side in pixels at which larger frames are processed; None for their own.
        dtype: None for the best of each engine.
        choices: file in which the choices are kept; None for the one in the cache folder.
    """

    name = "auto"

    def __init__(
        self,
        network: StyleNetwork,
        *,
        size: int | None = None,
        dtype: torch.dtype | None = None,
        choices: Path | None = None,
    ) -> None:
        self._network = network
        self._options = {"size": size, "dtype": dtype}
        self._choices = choices or cache_folder() / "engines.json"
        torch_engine = TorchEngine(network, **self._options)
        self.dtype = torch_engine.dtype
        self._opened: dict[str, Engine] = {torch_engine.name: torch_engine}
        self._chosen: dict[int, Engine] = {}
        self._choosing = threading.Lock()
        self._latest: Engine = torch_engine

    def stylize(
        self, frame: np.ndarray, style: Statistics | Regional, alpha: float = 1.0
    ) -> np.ndarray:
        regional = isinstance(style, Regional)
        engine = self._opened["torch"] if regional else self.engine_for(frame, style)
        self._latest = engine
        return engine.stylize(frame, style, alpha)

    def run_all(self, tasks: Iterable[Callable[[], Made]]) -> Generator[Made, None, None]:
        """Run the first task by itself, which chooses the engine for its size, and the others as
        that engine does."""
        tasks = iter(tasks)
        for task in islice(tasks, 1):
            yield task()
        yield from self._latest.run_all(tasks)

    def network_pass(self, size_hw: tuple[int, int], style: Statistics) -> Callable[[], object]:
        frame = np.zeros((*size_hw, 3), np.uint8)
        return self.engine_for(frame, style).network_pass(size_hw, style)

    def engine_for(self, frame: np.ndarray, style: Statistics) -> Engine:
        """Return the engine for a frame, uint8 `(H, W, 3)`; measured now unless it is known."""
        height, width = working_size(frame.shape[:2], self._options["size"])
        size_class = round(math.log2(height * width))
        with self._choosing:
            if size_class not in self._chosen:
                self._chosen[size_class] = self._choose(size_class, frame, style)
            return self._chosen[size_class]

    def _choose(self, size_class: int, frame: np.ndarray, style: Statistics) -> Engine:
        if installed_engines() == ("torch",):
            return self._opened["torch"]
        key = self._key(size_class)
        remembered = _read_choices(self._choices).get(key)
        if remembered in ENGINES[1:] and (engine := self._open(remembered)):
            return engine
        engines = [engine for name in installed_engines() if (engine := self._open(name))]
        chosen = fastest_engine(engines, frame, style)
        _write_choices(self._choices, _read_choices(self._choices) | {key: chosen.name})
        return chosen

    def _open(self, name: str) -> Engine | None:
        """Return an engine by its name; None if it fails or does not know the dtype."""
        try:
            if name not in self._opened:
                self._opened[name] = open_named(name, self._network, **self._options)
        except (EngineError, ValueError):
            return None
        return self._opened[name]

    def _key(self, size_class: int) -> str:
        """Return all that a choice depends on."""
        parameters = sum(parameter.numel() for parameter in self._network.parameters())
        versions = [f"realtime-adain {__version__}", f"torch {torch.__version__}"]
        for package in ("openvino", "onnxruntime"):
            try:
                versions.append(f"{package} {importlib.metadata.version(package)}")
            except importlib.metadata.PackageNotFoundError:
                continue
        return ", ".join(
            [
                f"{processor_name()} ({torch.get_num_threads()} threads)",
                f"{type(self._network).__name__} of {parameters} parameters",
                f"{2**size_class} pixels, {self._options['dtype'] or 'any dtype'}",
                *versions,
            ]
        )


def fastest_engine(engines: list[Engine], frame: np.ndarray, style: Statistics) -> Engine:
    """Return the engine that repaints a frame in the least time.

    They take turns, and the shortest time of each counts, so that what else the machine does hits
    all of them.

    Args:
        engines: the first one gives the picture that the others must give too; one of these that
            fails or gives another is out.
        frame: uint8 `(H, W, 3)` RGB.
    """
    expected = engines[0].stylize(frame, style)
    same = [engines[0]]
    for engine in engines[1:]:
        try:
            picture = engine.stylize(frame, style)
        except EngineError:
            continue
        if signal_to_noise_db(picture, expected) >= SAME_PICTURE_DB:
            same.append(engine)
    seconds = dict.fromkeys(same, float("inf"))
    began = time.perf_counter()
    for _ in range(MEASURED_ROUNDS):
        for engine in same:
            started = time.perf_counter()
            engine.stylize(frame, style)
            seconds[engine] = min(seconds[engine], time.perf_counter() - started)
        if time.perf_counter() - began > MEASURED_SECONDS:
            break
    return min(same, key=seconds.__getitem__)


def signal_to_noise_db(pixels: np.ndarray, expected: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio of two uint8 pictures in dB; infinite if equal."""
    error = np.square(pixels.astype(np.float32) - expected).mean()
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def _read_choices(path: Path) -> dict[str, str]:
    """Return the remembered choices; none where there are none or they are damaged."""
    try:
        choices = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return choices if isinstance(choices, dict) else {}


def _write_choices(path: Path, choices: dict[str, str]) -> None:
    """Remember the choices; where that is impossible, the next start measures again."""
    part = path.with_suffix(f".{os.getpid()}.part")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(choices, indent=2) + "\n")
        os.replace(part, path)
