"""Fixtures of many tests: a tiny seeded network, a style on disk, a full disk."""

from __future__ import annotations

import errno
import random
import signal
from collections.abc import Iterable
from pathlib import Path

import av
import pytest
import torch

from realtime_adain.networks import LeanNetwork
from realtime_adain.pictures import write_picture
from realtime_adain.sinks.output_file import OutputFile
from realtime_adain.weights import save_network

from .helpers import TINY, picture

torch.set_num_threads(1)  # the networks here are tiny: more threads only wait for each other


@pytest.fixture(autouse=True)
def only_torch_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep `auto` from measuring the engines that happen to be installed, and the cache clean."""
    monkeypatch.setattr("realtime_adain.engines.auto.installed_engines", lambda: ("torch",))
    monkeypatch.setenv("REALTIME_ADAIN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # the servers here are asked directly


@pytest.fixture(autouse=True)
def same_random_numbers_every_time() -> None:
    torch.manual_seed(0)
    random.seed(0)


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


@pytest.fixture(scope="session")
def style_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A style picture on disk."""
    path = tmp_path_factory.mktemp("style") / "stripes.png"
    write_picture(path, picture(seed=3)[:, ::-1])
    return path
