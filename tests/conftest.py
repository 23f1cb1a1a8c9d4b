"""What many tests use: a tiny seeded network, pictures made on the spot."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from realtime_adain.frame import Frame
from realtime_adain.networks import LeanNetwork
from realtime_adain.pictures import write_picture
from realtime_adain.sinks.base import Sink
from realtime_adain.sinks.output_file import OutputFile
from realtime_adain.weights import save_network

torch.set_num_threads(1)  # the networks here are tiny: more threads only wait for each other

TINY = {"widths": [8, 8, 16], "blocks": 1, "style_widths": [4, 4, 8, 8], "style_hidden": 16}


@pytest.fixture(autouse=True)
def only_torch_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep `auto` from measuring the engines that happen to be installed, and the cache clean."""
    monkeypatch.setattr("realtime_adain.engines.auto.installed_engines", lambda: ("torch",))
    monkeypatch.setenv("REALTIME_ADAIN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_works() -> None:
    """Undo that a shell lets programs in the background ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk take three pictures of a film and no more."""
    room, mux = iter(range(3)), OutputFile.mux

    def mux_while_there_is_room(file: OutputFile, packets: Iterable[av.Packet]) -> None:
        if next(room, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        mux(file, packets)

    monkeypatch.setattr(OutputFile, "mux", mux_while_there_is_room)


@pytest.fixture
def tiny_network() -> LeanNetwork:
    """A lean network with random weights, the same every time."""
    torch.manual_seed(0)
    return LeanNetwork(**TINY).eval()


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights file of a tiny network, for `--model`."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_network(path, LeanNetwork(**TINY))
    return path


class NullSink(Sink):
    """Takes every frame and keeps none."""

    def write(self, frame: Frame) -> None:
        pass

    def close(self) -> None:
        pass


def picture(height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    """A picture with gradients, an edge and some grain; uint8 `(H, W, 3)` RGB."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    red = 255 * rows / max(height - 1, 1)
    green = 255 * columns / max(width - 1, 1)
    blue = np.where(columns > width // 2, 220.0, 30.0)
    pixels = np.stack([red, green, blue], -1) + random.normal(0, 8, (height, width, 3))
    return pixels.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def style_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A style picture on disk."""
    path = tmp_path_factory.mktemp("style") / "stripes.png"
    write_picture(path, picture(seed=3)[:, ::-1])
    return path
