"""The fastest engine on this machine: found out while painting, then remembered."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..adain import RegionalStatistics, Statistics
from ..ahead import Made
from ..folders import cache_folder
from ..networks import StyleNetwork
from ..pictures import read_picture
from ..styles import builtin_style_paths
from ..tensors import resize_pixels, style_image, working_size
from .base import Engine, EngineError
from .choices import Choices
from .eager import TorchEngine
from .registry import installed_engines, open_named
from .trial import Trial, same_picture

_LONGEST_TRIAL = 64
"""`run_all` paints at most so many frames singly, beside those while engines are prepared; if none
has won by then, PyTorch paints the rest."""

_PASSING_FRAMES = 2
"""Nothing is prepared for a size before more frames than that are painted at it, one after the
other: single pictures differ in size, and a live picture soon becomes smaller on a slow machine."""

_PATCH = 16
"""Pixels from one colour to the next in the picture on which engines are compared."""

_STYLE_SIDE = 128
"""Short side in pixels of the style in which they are."""


@dataclass
class _SizeClass:
    """Frames of about the same number of pixels, a power of two.

    Attributes:
        pixels: of a frame, about.
        chosen: name of their engine; None as long as it is not known.
        trial: of the engines until then; None as long as they are not prepared.
        complete: whether all engines that could take part in the trial did.
    """

    pixels: int
    chosen: str | None
    trial: Trial | None = None
    complete: bool = True


class AutoEngine(Engine):
    """Hands every frame to the engine that is the fastest at its size; no frame waits for one.

    PyTorch paints at once. When some frames of a size have followed each other, a thread prepares
    the other engines that are installed; one that fails, or paints another picture than PyTorch, is
    out. The others then take turns, frame by frame, until one is known to be the fastest. Unless
    one was out, which may have been an accident, that is remembered in the user's cache folder for
    this machine, network, dtype, size class and these versions. What an engine has to prepare for a
    size, it prepares while PyTorch paints.

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
        self._torch = TorchEngine(network, **self._options)
        self.dtype = self._torch.dtype
        self._choices = Choices(choices or cache_folder() / "engines.json", network, dtype)
        self._others = [name for name in installed_engines() if name != self._torch.name]
        self._opened: dict[str, Engine] = {self._torch.name: self._torch}
        self._classes: dict[int, _SizeClass] = {}
        self._state = threading.Lock()
        self._preparer = ThreadPoolExecutor(1, "engines")
        self._preparing: set[tuple[int, int]] = set()
        self._closed = False
        self._last_hw: tuple[int, int] | None = None
        self._frames = 0  # of that size, one after the other
        self._only: Engine | None = None if self._others else self._torch
        self._settled: Engine | None = None  # the engine of the last frame, where it is chosen

    def stylize(
        self, frame: np.ndarray, style: Statistics | RegionalStatistics, alpha: float = 1.0
    ) -> np.ndarray:
        if self._only is not None:
            return self._paint(self._only, frame, style, alpha)
        if isinstance(style, RegionalStatistics):
            self._settled = self._torch
            return self._torch.stylize(frame, style, alpha)
        size_hw = working_size(frame.shape[:2], self._options["size"])
        with self._state:
            size_class = self._class_of(size_hw)
            self._frames = self._frames + 1 if size_hw == self._last_hw else 1
            self._last_hw = size_hw
            engine = self._whose_turn(size_class, size_hw)
            if engine is None:
                engine = self._torch
                if self._frames > _PASSING_FRAMES:
                    self._begin_to_prepare(size_class, size_hw)
        began = time.perf_counter()
        painted = self._paint(engine, frame, style, alpha)
        with self._state:
            self._learn(size_class, engine, time.perf_counter() - began)
        return painted

    def ready_for(self, size_hw: tuple[int, int]) -> bool:
        if self._only is not None:
            return self._only.ready_for(size_hw)
        with self._state:
            size_class = self._class_of(size_hw)
            ready = self._whose_turn(size_class, size_hw) is not None
            if not ready:
                self._begin_to_prepare(size_class, size_hw)
        return ready

    def close(self) -> None:
        self._closed = True
        self._preparer.shutdown(wait=False, cancel_futures=True)
        for engine in list(self._opened.values()):
            engine.close()

    def run_all(self, tasks: Iterable[Callable[[], Made]]) -> Generator[Made, None, None]:
        """Run the tasks one by one until the engine for their size is known, and all that follow
        as that engine does."""
        tasks = iter(tasks)
        before, self._settled = self._only, self._only
        tried = 0
        while self._settled is None and tried < _LONGEST_TRIAL:
            try:
                task = next(tasks)
            except StopIteration:
                break
            yield task()
            tried += not self._preparing
        self._only = self._settled or self._torch
        try:
            yield from self._only.run_all(tasks)
        finally:
            self._only = before

    def network_pass(self, size_hw: tuple[int, int], style: Statistics) -> Callable[[], object]:
        """Return one pass by the engine of the last frame."""
        return (self._settled or self._torch).network_pass(size_hw, style)

    def _paint(
        self,
        engine: Engine,
        frame: np.ndarray,
        style: Statistics | RegionalStatistics,
        alpha: float,
    ) -> np.ndarray:
        """Return what an engine paints, or PyTorch if it fails."""
        try:
            return engine.stylize(frame, style, alpha)
        except EngineError:
            if engine is self._torch:
                raise
            self._give_up(engine.name)
            return self._torch.stylize(frame, style, alpha)

    # With the state locked.

    def _class_of(self, size_hw: tuple[int, int]) -> _SizeClass:
        order = round(math.log2(size_hw[0] * size_hw[1]))
        if order not in self._classes:
            chosen = self._choices.get(2**order)
            if chosen not in self._opened and chosen not in self._others:
                chosen = None  # of another installation
            self._classes[order] = _SizeClass(2**order, chosen)
        return self._classes[order]

    def _whose_turn(self, size_class: _SizeClass, size_hw: tuple[int, int]) -> Engine | None:
        """Return the engine for a frame; None where one must be prepared first."""
        if size_class.chosen is None:
            return size_class.trial and size_class.trial.next(size_hw)
        engine = self._opened.get(size_class.chosen)
        return engine if engine is not None and engine.is_prepared(size_hw) else None

    def _begin_to_prepare(self, size_class: _SizeClass, size_hw: tuple[int, int]) -> None:
        if size_hw not in self._preparing:
            self._preparing.add(size_hw)
            self._preparer.submit(self._prepare, size_class, size_hw)

    def _learn(self, size_class: _SizeClass, engine: Engine, seconds: float) -> None:
        """Take note of how long an engine took, and whether another frame would be its own."""
        if size_class.chosen is None and size_class.trial is not None:
            size_class.trial.add(engine, seconds)
            if (winner := size_class.trial.winner) is not None:
                size_class.chosen = winner.name
                if size_class.complete:
                    self._choices.remember(size_class.pixels, winner.name)
        self._settled = engine if engine.name == size_class.chosen else None

    # In the preparing thread, or wherever an engine fails.

    def _prepare(self, size_class: _SizeClass, size_hw: tuple[int, int]) -> None:
        """Prepare for a size the chosen engine, or all that may become it."""
        unknown = size_class.chosen is None
        names = self._others if unknown else [size_class.chosen]
        prepared, complete = [self._torch], True
        try:
            if unknown:
                frame, style = _many_colours(size_hw), _plain_style(self._network)
                expected = self._torch.stylize(frame, style)
        except Exception:  # two frames at a time are too much here, or the next one tells
            names, complete = [], False
        for name in names:
            try:
                engine = self._opened.get(name) or open_named(name, self._network, **self._options)
                if self._closed:  # nobody waits for the rest
                    return
                engine.prepare(size_hw)
                if unknown and not same_picture(engine.stylize(frame, style), expected):
                    raise EngineError(f"engine {name!r} paints another picture")
            except Exception as error:
                self._give_up(name)
                # One that does not know the dtype never will.
                complete = complete and isinstance(error, ValueError)
                continue
            self._opened[name] = engine
            prepared.append(engine)
        with self._state:
            if unknown and size_class.trial is None:
                size_class.trial, size_class.complete = Trial(prepared), complete
            self._preparing.discard(size_hw)

    def _give_up(self, name: str) -> None:
        """Paint without an engine from now on."""
        with self._state:
            if self._only is not None and self._only.name == name:
                self._only = self._torch
            self._others = [other for other in self._others if other != name]
            engine = self._opened.pop(name, None)
            for size_class in self._classes.values():
                if size_class.chosen == name:
                    size_class.chosen = self._torch.name
                if size_class.trial is not None and engine is not None:
                    size_class.trial.leave(engine)


@torch.inference_mode()
def _plain_style(network: StyleNetwork) -> Statistics:
    """Return the style in which engines are compared: in the boldest ones rounding shows."""
    painting = read_picture(builtin_style_paths()[0])
    return network.encode_style(style_image(painting, torch.device("cpu"), _STYLE_SIDE))


def _many_colours(size_hw: tuple[int, int]) -> np.ndarray:
    """Return a picture on which engines are compared, uint8 `(H, W, 3)` RGB.

    What a camera shows may be dark or flat, and there rounding alone tells pictures apart.
    """
    patches = (*(-(-side // _PATCH) for side in size_hw), 3)
    colours = np.random.default_rng(0).integers(0, 256, patches, np.uint8)
    return resize_pixels(colours, size_hw)
