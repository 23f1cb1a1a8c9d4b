"""Every engine gives the same picture, takes its turn by measurement, and says what it lacks."""

from __future__ import annotations

import gc
import itertools
import json
import os
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from operator import truediv
from types import NoneType, SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from realtime_adain import Style, Stylizer
from realtime_adain.adain import (
    RegionalStatistics,
    adain,
    exportable_adain,
    pack_statistics,
    unpack_statistics,
)
from realtime_adain.engines import auto, crew, cuda_graph, installed_engines, open_engine, registry
from realtime_adain.engines.auto import AutoEngine
from realtime_adain.engines.base import EngineError, PerSize, exclusive
from realtime_adain.engines.choices import Choices
from realtime_adain.engines.cuda_graph import CudaGraphEngine
from realtime_adain.engines.eager import TorchEngine
from realtime_adain.engines.kept_quantizers import kept_quantizers
from realtime_adain.engines.processor import (
    gains_by_bfloat16,
    has_bfloat16,
    native_dtype,
    processor_name,
)
from realtime_adain.engines.quantization import LEAST_ALPHA, calibrate, quantized
from realtime_adain.engines.trial import signal_to_noise_db
from realtime_adain.errors import is_out_of_memory
from realtime_adain.networks import LeanNetwork, VGGNetwork
from realtime_adain.weights import SHA256

from .helpers import TINY, picture, wait_until

SAME_DB = 50.0
"""Of float32 engines: an error of less than one of 255 (root mean square)."""

BFLOAT16_DB = 45.0
"""Of bfloat16, which has eight bits itself: about one and a half of 255."""

SHIPPED_BFLOAT16_DB = 40.0
"""Of bfloat16 with trained weights, whose channels are less alike: about two and a half of 255."""

ROUNDED_DB = 38.0
"""Of integers of eight bits: about three of 255."""

WEAKLY_ROUNDED_DB = 32.0
"""The same at the least strength that is computed so: about six and a half."""

BOLDLY_ROUNDED_DB = 26.0
"""The same in black and white stripes, whose picture is all edges: about thirteen."""

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")


def needs(name: str):
    missing = registry.missing_packages(name)
    return pytest.mark.skipif(bool(missing), reason=f"needs {' and '.join(missing)}")


GRAPH_ENGINES = [pytest.param(name, marks=needs(name)) for name in ("openvino", "onnx")]
CPU_ENGINES = ["torch", *GRAPH_ENGINES]


def make_network(kind: str):
    """A tiny network with weights that keep its features, and so its picture, in range."""
    torch.manual_seed(0)
    if kind == "vgg":
        network = VGGNetwork((4, 6, 8, 10))
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        torch.nn.init.constant_(network.decoder.conv1_1.bias, 0.5)
    else:
        network = LeanNetwork(**TINY)
    return network.eval()


def make_style(network, seed: int = 1):
    """Statistics that no two seeds have alike."""
    random = torch.Generator().manual_seed(seed)
    return tuple(
        (
            torch.randn(1, width, 1, 1, generator=random) / 2,
            torch.rand(1, width, 1, 1, generator=random) + 0.5,
        )
        for width in network.layer_widths
    )


def reference(network, frame, style, alpha=1.0, size=None):
    engine = open_engine("torch", network, size=size, dtype=torch.float32)
    return engine.stylize(frame, style, alpha)


@pytest.mark.parametrize("kind", ["lean", "vgg"])
@pytest.mark.parametrize("name", CPU_ENGINES)
def test_engines_give_the_same_picture(name, kind) -> None:
    network = make_network(kind)
    engine = open_engine(name, network, dtype=torch.float32)
    assert engine.dtype == torch.float32 and engine.name == name
    for size_hw, alpha in (((48, 64), 1.0), ((37, 51), 0.6), ((8, 9), 0.3), ((48, 64), 0.0)):
        frame, style = picture(*size_hw), make_style(network, seed=size_hw[0])
        output = engine.stylize(frame, style, alpha)
        assert output.std() > 4
        assert output.shape == frame.shape and output.dtype == np.uint8
        assert signal_to_noise_db(output, reference(network, frame, style, alpha)) > SAME_DB


@pytest.mark.parametrize("name", CPU_ENGINES)
def test_engines_process_at_a_size_and_give_back_the_frames(name) -> None:
    network = make_network("lean")
    frame, style = picture(96, 132), make_style(network)
    output = open_engine(name, network, size=40, dtype=torch.float32).stylize(frame, style)
    assert output.shape == frame.shape
    assert signal_to_noise_db(output, reference(network, frame, style, size=40)) > SAME_DB - 3
    assert signal_to_noise_db(output, reference(network, frame, style)) < SAME_DB - 6


@pytest.mark.parametrize("name", ["torch", pytest.param("openvino", marks=needs("openvino"))])
def test_bfloat16_keeps_the_picture(name) -> None:
    network = make_network("lean")
    frame, style = picture(64, 96), make_style(network)
    output = open_engine(name, network, dtype=torch.bfloat16).stylize(frame, style)
    assert signal_to_noise_db(output, reference(network, frame, style)) > BFLOAT16_DB


@pytest.mark.parametrize("model", SHA256)
def test_bfloat16_keeps_the_picture_of_the_shipped_networks(model) -> None:
    stylizers = [
        Stylizer(model, device="cpu", engine="torch", dtype=dtype)
        for dtype in (torch.float32, torch.bfloat16)
    ]
    style = stylizers[0].encode_style(picture(96, 96, seed=1))
    frame = picture(96, 128)
    pictures = [stylizer.stylize(frame, style) for stylizer in stylizers]
    assert signal_to_noise_db(*pictures) > SHIPPED_BFLOAT16_DB


@pytest.mark.parametrize("model", SHA256)
def test_eight_bits_keep_the_picture_of_the_shipped_networks(model) -> None:
    stylizer = Stylizer(model, device="cpu", engine="torch", dtype=torch.float32)
    network, quantizers = stylizer.network, calibrate(stylizer.network)
    frames = [picture(96, 128), picture(96, 128) // 16 + 60]  # the second varies little
    style = stylizer.encode_style(picture(96, 96, seed=1))
    tolerances = {1.0: ROUNDED_DB, LEAST_ALPHA: WEAKLY_ROUNDED_DB}
    for frame, (alpha, least_db) in itertools.product(frames, tolerances.items()):
        expected = stylizer.stylize(frame, style, alpha)
        with quantized(network, quantizers):
            painted = stylizer.stylize(frame, style, alpha)
        assert signal_to_noise_db(painted, expected) > least_db
        assert (painted != expected).any(), "something is rounded"


@needs("openvino")
@pytest.mark.parametrize("kind", ["lean", "vgg"])
def test_openvino_computes_every_network_in_integers(kind) -> None:
    network = make_network(kind)
    engine = open_engine("auto", network, dtype=torch.int8)
    assert (engine.name, engine.dtype) == ("openvino", torch.int8)
    frame, style = picture(48, 64), Stylizer(network, device="cpu").encode_style(picture(seed=1))
    for alpha in (1.0, 0.9, 0.3):
        painted = engine.stylize(frame, style.statistics, alpha)
        exact = reference(network, frame, style.statistics, alpha)
        assert signal_to_noise_db(painted, exact) > ROUNDED_DB


@needs("openvino")
def test_openvino_rounds_strong_styles_and_no_weak_ones() -> None:
    network, frame = make_network("lean"), picture()
    integers = open_engine("openvino", network, dtype=torch.int8)
    others = open_engine("openvino", network, dtype=native_dtype(torch.device("cpu"), network))
    style = make_style(network)
    for alpha in (1.0, LEAST_ALPHA, LEAST_ALPHA - 0.01, 0.0):
        same = np.array_equal(
            integers.stylize(frame, style, alpha), others.stylize(frame, style, alpha)
        )
        assert same == (alpha < LEAST_ALPHA)


@needs("openvino")
def test_openvino_gives_many_frames_all_cores(two_cores, monkeypatch) -> None:
    import openvino

    compiled = []

    class Watched(openvino.Core):
        def compile_model(self, model, device, properties):
            compiled.append(properties)
            return super().compile_model(model, device, properties)

    monkeypatch.setattr(openvino, "Core", Watched)
    network = make_network("lean")
    engine, style = open_engine("openvino", network), make_style(network)
    tasks = [partial(engine.stylize, picture(seed=seed), style) for seed in range(4)]
    assert len(list(engine.run_all(tasks))) == 4
    assert {properties["INFERENCE_NUM_THREADS"] for properties in compiled} == {2}
    assert compiled[-1]["NUM_STREAMS"] == 2


@needs("openvino")
def test_integers_leave_regions_to_pytorch() -> None:
    network = make_network("lean")
    masks = torch.zeros(2, 48, 64)
    masks[0, :, :32] = masks[1, :, 32:] = 1
    regional = RegionalStatistics((make_style(network, 1), make_style(network, 2)), masks)
    engine = open_engine("openvino", network, dtype=torch.int8)
    painted = engine.stylize(picture(), regional)
    assert signal_to_noise_db(painted, reference(network, picture(), regional)) > BFLOAT16_DB


@needs("openvino")
@pytest.mark.parametrize(
    ("kind", "bfloat16", "x86", "expected"),
    [
        ("lean", True, True, torch.bfloat16),
        ("lean", False, True, torch.int8),
        ("lean", False, False, torch.float32),
        ("vgg", True, True, torch.float32),
        ("vgg", False, True, torch.float32),
    ],
)
def test_openvino_takes_integers_where_bfloat16_gains_nothing(
    kind, bfloat16, x86, expected, monkeypatch
) -> None:
    monkeypatch.setattr("realtime_adain.engines.processor.gains_by_bfloat16", lambda: bfloat16)
    monkeypatch.setattr("realtime_adain.engines.openvino.is_x86", lambda: x86)
    network = make_network(kind)
    assert open_engine("openvino", network).dtype == expected


@pytest.mark.parametrize("model", SHA256)
def test_eight_bits_are_enough_for_the_boldest_styles(model) -> None:
    stylizer = Stylizer(model, device="cpu", engine="torch", dtype=torch.float32)
    quantizers, frame = calibrate(stylizer.network), picture(128, 128)
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, np.arange(128) // 8 % 2 == 1] = 255
    style = stylizer.encode_style(stripes, size=128)
    expected = stylizer.stylize(frame, style)
    with quantized(stylizer.network, quantizers):
        painted = stylizer.stylize(frame, style)
    assert signal_to_noise_db(painted, expected) > BOLDLY_ROUNDED_DB


def test_grids_are_measured_once_for_a_network(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("REALTIME_ADAIN_CACHE", str(tmp_path))
    measure = Mock(side_effect=calibrate)
    monkeypatch.setattr("realtime_adain.engines.kept_quantizers.calibrate", measure)
    network, other = make_network("lean"), make_network("vgg")
    measured = kept_quantizers(network)
    assert len(kept_quantizers(other)) != len(measured)
    for kept, quantizer in zip(kept_quantizers(network), measured, strict=True):
        assert torch.equal(kept.scales, quantizer.scales) and kept.signed == quantizer.signed
    assert {quantizer.signed for quantizer in measured} == {True, False}
    assert measure.call_count == 2
    for file in (tmp_path / "quantizers").iterdir():
        file.write_text("damaged")
    assert len(kept_quantizers(network)) == len(measured)
    assert measure.call_count == 3


def test_grids_need_no_cache(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REALTIME_ADAIN_CACHE", str(tmp_path / "file"))
    assert kept_quantizers(make_network("vgg"))


def test_convolutions_take_no_more_values_than_eight_bits_have() -> None:
    network, taken = make_network("lean"), []
    quantizers = calibrate(network)
    style, content = make_style(network), torch.rand(1, 3, 128, 128)
    plain = torch.conv2d

    class Watched(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            if function is plain:
                taken.append(args[:2])
            return function(*args, **(kwargs or {}))

    with torch.inference_mode(), Watched(), quantized(network, quantizers):
        network(content, style)
    integers = [
        (features, weights)
        for features, weights in taken
        if max(len(features.unique()), len(weights[0].unique())) <= 256
    ]
    transposed = 1  # which is among those in floating point, and not watched
    exact = 4 + len(network.float_convolutions) - transposed  # four before the first AdaIN
    assert len(taken) - len(integers) == exact
    assert len(integers) == len(quantizers)


@pytest.mark.parametrize("name", CPU_ENGINES)
def test_results_are_the_callers_to_keep(name) -> None:
    network = make_network("lean")
    engine = open_engine(name, network)
    style = make_style(network)
    first = engine.stylize(picture(seed=1), style)
    kept = first.copy()
    engine.stylize(picture(seed=2), style, 0.5)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(engine.stylize(picture(seed=1), style), kept)


@pytest.fixture
def two_cores():
    usual = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(usual)


@pytest.mark.parametrize("name", ["auto", *CPU_ENGINES])
def test_many_frames_come_in_order_and_as_each_by_itself(name, two_cores) -> None:
    network = make_network("lean")
    engine = open_engine(name, network, dtype=torch.float32)
    jobs = [
        (picture(48 + 8 * (n % 2), 64, seed=n), make_style(network, n % 3), n / 9)
        for n in range(10)
    ]
    outputs = list(engine.run_all(partial(engine.stylize, *job) for job in jobs))
    assert len(outputs) == 10
    for output, job in zip(outputs, jobs, strict=True):
        assert signal_to_noise_db(output, reference(network, *job)) > SAME_DB
    assert list(engine.run_all([])) == []


@pytest.mark.parametrize("name", CPU_ENGINES)
def test_many_frames_have_a_core_each(name, two_cores) -> None:
    engine = open_engine(name, make_network("lean"))
    meeting = threading.Barrier(2, timeout=10)  # only passes if both are at work at once
    cores = []

    def task() -> None:
        meeting.wait()
        cores.append(torch.get_num_threads())

    assert len(list(engine.run_all([lambda: None, *[task] * 4]))) == 5
    assert cores == [1] * 4
    later = threading.Thread(target=lambda: cores.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert (cores[4], torch.get_num_threads()) == (2, 2)


@pytest.mark.parametrize("name", CPU_ENGINES)
def test_frames_that_need_much_memory_come_one_by_one(name, two_cores, monkeypatch) -> None:
    monkeypatch.setattr(crew, "MOST_PIXELS", 2 * 48 * 64 - 1)
    network = make_network("lean")
    engine, style = open_engine(name, network), make_style(network)

    def task() -> int:
        engine.stylize(picture(48, 64), style)
        return torch.get_num_threads()

    assert list(engine.run_all([task] * 3)) == [2, 2, 2]


def test_large_frames_after_small_ones_wait_for_each_other(two_cores, monkeypatch) -> None:
    network = make_network("lean")
    engine, style = open_engine("torch", network), make_style(network)
    at_work, most, repaint = [], [], engine.repaint

    def watched(frame: torch.Tensor, *arguments) -> torch.Tensor:
        at_work.append(frame.shape[0] * frame.shape[1])
        most.append(sum(at_work))
        painted = repaint(frame, *arguments)
        at_work.pop()
        return painted

    engine.repaint = watched
    monkeypatch.setattr(crew, "MOST_PIXELS", 96 * 96)
    sizes = [16, 16, 96, 96, 96, 128, 16]
    frames = [picture(side, side) for side in sizes]
    painted = list(engine.run_all(partial(engine.stylize, frame, style) for frame in frames))
    assert [picture.shape[0] for picture in painted] == sizes
    assert max(most) == 128 * 128


def test_a_task_that_fails_ends_all(two_cores) -> None:
    engine = open_engine("torch", make_network("lean"))
    before = set(threading.enumerate())
    taken, done = [], []

    def tasks():
        for number in range(100):
            taken.append(number)
            yield partial(truediv, 1, number - 3)

    with pytest.raises(ZeroDivisionError):
        for result in engine.run_all(tasks()):
            done.append(result)
    assert done == [1 / -3, 1 / -2, 1 / -1]
    assert len(taken) < 10
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("name", GRAPH_ENGINES)
def test_a_mix_and_regions_follow_the_style(name) -> None:
    network = make_network("lean")
    engine = open_engine(name, network, dtype=torch.float32)
    frame, styles = picture(), [make_style(network, seed) for seed in (1, 2)]
    mixed = Style.mix([Style("s", style, "n") for style in styles], [0.3, 0.7]).statistics
    expected = reference(network, frame, mixed)
    assert signal_to_noise_db(engine.stylize(frame, mixed), expected) > SAME_DB
    masks = torch.zeros(2, 48, 64)
    masks[0, :, :32] = masks[1, :, 32:] = 1
    regional = RegionalStatistics(tuple(styles), masks)
    np.testing.assert_array_equal(
        engine.stylize(frame, regional), reference(network, frame, regional)
    )


def test_exportable_adain_is_adain() -> None:
    torch.manual_seed(0)
    content = torch.randn(1, 5, 6, 7) * 3 + 1
    mean, std = torch.randn(1, 5, 1, 1), torch.rand(1, 5, 1, 1) + 0.5
    for alpha in (0.0, 0.4, 1.0):
        result = exportable_adain(content, mean, std, torch.tensor(alpha))
        torch.testing.assert_close(result, adain(content, mean, std, alpha), rtol=1e-4, atol=1e-4)


def test_packing_a_style_loses_nothing() -> None:
    network = make_network("lean")
    style = make_style(network)
    packed = pack_statistics(style)
    assert packed.shape == (2, sum(network.layer_widths))
    for layer, unpacked in zip(style, unpack_statistics(packed, network.layer_widths), strict=True):
        for tensor, again in zip(layer, unpacked, strict=True):
            assert torch.equal(tensor, again)


def test_only_the_sizes_used_last_are_kept() -> None:
    made = []
    sizes = PerSize(lambda size_hw: made.append(size_hw) or size_hw, kept=2)
    for size_hw in ((1, 1), (2, 2), (1, 1), (3, 3), (1, 1), (2, 2)):
        assert sizes.get(size_hw) == size_hw
    assert made == [(1, 1), (2, 2), (3, 3), (2, 2)]


def test_what_a_size_needs_is_made_once_and_after_a_failure_again() -> None:
    begun, goes_on, results = [], threading.Event(), iter([MemoryError(), "made"])

    def make(size_hw) -> str:
        begun.append(size_hw)
        goes_on.wait(10)
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    sizes = PerSize(make)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(sizes.get, (1, 1)) for _ in range(2)]
        assert (1, 1) not in sizes
        goes_on.set()
        failed = {type(future.exception(10)) for future in both}
    assert failed <= {MemoryError, NoneType}
    assert MemoryError in failed
    assert sizes.get((1, 1)) == "made"
    assert (1, 1) in sizes
    assert len(begun) == 2


class FakeEngine:
    """Takes a time, adds something to the frame, and must be prepared for every size."""

    def __init__(self, name: str, clock: list[float], seconds: float, offset: int = 0) -> None:
        self.name, self.clock, self.seconds, self.offset = name, clock, seconds, offset
        self.sizes: list[tuple[int, int]] = []
        self.painted = 0
        self.fails, self.failures = False, 0

    def prepare(self, size_hw) -> None:
        if self.seconds < 0:
            raise EngineError("broken")
        self.sizes.append(size_hw)

    def is_prepared(self, size_hw) -> bool:
        return size_hw in self.sizes

    def stylize(self, frame, style, alpha=1.0):
        assert self.is_prepared(frame.shape[:2]), "the frame had to wait"
        if self.fails:
            self.failures += 1
            raise EngineError("broken since")
        self.painted += 1
        self.clock[0] += self.seconds
        return np.minimum(frame + np.uint16(self.offset), 255).astype(np.uint8)

    def run_all(self, tasks):
        return (task() for task in tasks)


@pytest.fixture
def fake_auto(monkeypatch, tmp_path):
    """Return what opens an `auto` of fake engines, given their seconds and offsets, and these."""

    def open_auto(**engines: tuple[float, int]) -> tuple[AutoEngine, dict[str, FakeEngine]]:
        clock = [0.0]
        monkeypatch.setattr(auto, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
        fakes = {name: FakeEngine(name, clock, *what) for name, what in engines.items()}
        fakes["torch"].is_prepared = lambda size_hw: True
        monkeypatch.setattr(auto, "installed_engines", lambda: tuple(fakes))
        monkeypatch.setattr(auto, "open_named", lambda name, *_, **__: fakes[name])
        network = make_network("lean")
        engine = AutoEngine(network, choices=tmp_path / "cache" / "engines.json")
        fakes["torch"].dtype = engine.dtype
        engine._torch = engine._opened["torch"] = fakes["torch"]
        return engine, fakes

    return open_auto


def paint_until(engine: AutoEngine, done, frame: np.ndarray) -> None:
    """Paint a frame again and again until `done()`."""

    def is_done() -> bool:
        finished = done()
        if not finished:
            engine.stylize(frame, None)
        return finished

    wait_until(is_done)


def chosen(path) -> set[str]:
    return set(json.loads(path.read_text()).values()) if path.exists() else set()


def test_engines_take_turns_until_the_fastest_is_known(fake_auto, tmp_path) -> None:
    path = tmp_path / "cache" / "engines.json"
    engine, fakes = fake_auto(torch=(0.3, 0), openvino=(0.1, 0), onnx=(0.2, 1))
    paint_until(engine, lambda: chosen(path), picture() // 2)
    assert chosen(path) == {"openvino"}
    before = fakes["openvino"].painted
    engine.stylize(picture(), None)
    assert fakes["openvino"].painted == before + 1


def test_an_engine_that_is_far_too_slow_soon_has_no_more_turns(fake_auto, tmp_path) -> None:
    path = tmp_path / "cache" / "engines.json"
    engine, fakes = fake_auto(torch=(0.03, 0), openvino=(0.01, 0), onnx=(0.013, 0))
    paint_until(engine, lambda: chosen(path), picture())
    trial = {name: fake.painted for name, fake in fakes.items() if name != "torch"}
    assert trial == {"openvino": 1 + 6, "onnx": 1 + 6}  # and a picture that is compared
    before = fakes["openvino"].painted
    slow, fakes = fake_auto(torch=(0.03, 0), openvino=(0.01, 0), onnx=(0.016, 0))
    paint_until(slow, lambda: fakes["openvino"].painted > before, picture(96, 128))
    assert fakes["onnx"].painted == 1 + 2
    assert chosen(path) == {"openvino"}


def test_a_size_is_prepared_before_it_is_painted(fake_auto, tmp_path) -> None:
    engine, fakes = fake_auto(torch=(0.3, 0), onnx=(0.1, 0))
    paint_until(engine, lambda: chosen(tmp_path / "cache" / "engines.json"), picture(48, 64))
    assert engine.ready_for((48, 64))
    assert not engine.ready_for((50, 60))
    for _ in range(2000):
        if engine.ready_for((50, 60)):
            break
        threading.Event().wait(0.001)
    before = fakes["onnx"].painted
    engine.stylize(picture(50, 60), None)
    assert fakes["onnx"].painted == before + 1


@needs("openvino")
def test_openvino_is_made_ready_for_a_size_in_a_thread() -> None:
    engine = open_engine("openvino", make_network("lean"), dtype=torch.float32)
    assert not engine.ready_for((50, 60))
    for _ in range(2000):
        if engine.ready_for((50, 60)):
            break
        threading.Event().wait(0.005)
    assert engine.is_prepared((50, 60))
    assert engine.ready_for((50, 60))


def test_pytorch_stays_where_another_is_hardly_faster(fake_auto, tmp_path) -> None:
    path = tmp_path / "cache" / "engines.json"
    engine, _ = fake_auto(torch=(0.3, 0), openvino=(0.28, 0))
    paint_until(engine, lambda: chosen(path), picture())
    assert chosen(path) == {"torch"}


@pytest.mark.parametrize("fault", [(0.1, 90), (-1.0, 0)], ids=["another picture", "an error"])
def test_a_trial_without_an_engine_at_fault_is_not_remembered(fake_auto, tmp_path, fault) -> None:
    path = tmp_path / "cache" / "engines.json"
    engine, fakes = fake_auto(torch=(0.3, 0), openvino=fault, onnx=(0.1, 0))
    paint_until(engine, lambda: fakes["onnx"].painted > 20, picture())
    assert fakes["openvino"].painted <= 1
    assert not path.exists()
    again, fakes = fake_auto(torch=(0.3, 0), openvino=(0.05, 0), onnx=(0.1, 0))
    paint_until(again, lambda: chosen(path), picture())
    assert chosen(path) == {"openvino"}


def test_a_dark_frame_rules_no_engine_out(fake_auto, tmp_path) -> None:
    path = tmp_path / "cache" / "engines.json"
    engine, fakes = fake_auto(torch=(0.3, 0), onnx=(0.1, 0))
    honest = fakes["onnx"].stylize
    fakes["onnx"].stylize = lambda frame, *rest: (
        honest(frame, *rest) + np.uint8(90 * (frame.max() < 9))
    )
    paint_until(engine, lambda: chosen(path), picture() // 64)
    assert chosen(path) == {"onnx"}


def test_where_two_frames_at_a_time_are_too_much_pytorch_paints(fake_auto, tmp_path) -> None:
    engine, fakes = fake_auto(torch=(0.3, 0), onnx=(0.1, 0))
    honest, here = fakes["torch"].stylize, threading.get_ident()

    def scarce(frame, style, alpha=1.0):
        if threading.get_ident() != here:
            raise MemoryError
        return honest(frame, style, alpha)

    fakes["torch"].stylize = scarce
    paint_until(engine, lambda: engine._settled is fakes["torch"], picture())
    assert not (tmp_path / "cache" / "engines.json").exists()


def test_an_engine_that_fails_unexpectedly_is_left_and_the_size_is_ready(fake_auto) -> None:
    engine, fakes = fake_auto(torch=(0.3, 0), openvino=(0.1, 0), onnx=(0.2, 0))
    fakes["openvino"].prepare = Mock(side_effect=MemoryError)
    for _ in range(2000):
        if engine.ready_for((48, 64)):
            break
        threading.Event().wait(0.001)
    assert engine.ready_for((48, 64))
    paint_until(engine, lambda: fakes["onnx"].painted > 3, picture(48, 64))


def test_a_closed_engine_prepares_no_further(fake_auto) -> None:
    engine, fakes = fake_auto(torch=(0.3, 0), openvino=(0.1, 0), onnx=(0.2, 0))
    begun, goes_on = threading.Event(), threading.Event()
    for fake in fakes.values():
        fake.close = lambda: None
    fakes["openvino"].prepare = lambda size_hw: (begun.set(), goes_on.wait(10))
    assert not engine.ready_for((48, 64))
    assert not engine.ready_for((64, 48))
    assert begun.wait(10)
    engine.close()
    goes_on.set()
    engine._preparer.shutdown()  # which waits
    assert fakes["onnx"].sizes == []


def test_a_choice_is_remembered_for_a_class_of_sizes(fake_auto, tmp_path) -> None:
    path = tmp_path / "cache" / "engines.json"
    engine, _ = fake_auto(torch=(0.3, 0), onnx=(0.1, 0))
    paint_until(engine, lambda: chosen(path), picture(48, 64))
    again, fakes = fake_auto(torch=(0.3, 0), onnx=(0.1, 0))
    paint_until(again, lambda: fakes["onnx"].painted == 3, picture(48, 64))
    paint_until(again, lambda: (50, 60) in fakes["onnx"].sizes, picture(50, 60))
    assert len(json.loads(path.read_text())) == 1, "50 x 60 is of the same class"
    paint_until(again, lambda: len(json.loads(path.read_text())) == 2, picture(96, 128))

    path.write_text("no JSON")
    anew, _ = fake_auto(torch=(0.1, 0), onnx=(0.3, 0))
    paint_until(anew, lambda: path.read_text() != "no JSON", picture(48, 64))
    assert chosen(path) == {"torch"}


def test_an_engine_that_fails_later_is_left(fake_auto, tmp_path) -> None:
    engine, fakes = fake_auto(torch=(0.3, 0), onnx=(0.1, 0))
    paint_until(engine, lambda: chosen(tmp_path / "cache" / "engines.json"), picture())
    fakes["onnx"].fails = True
    for _ in range(2):
        np.testing.assert_array_equal(engine.stylize(picture(), None), picture())
    assert fakes["onnx"].failures == 1


def test_a_film_goes_on_when_its_engine_fails(fake_auto) -> None:
    engine, fakes = fake_auto(torch=(0.3, 0), onnx=(0.1, 0))

    def paint(number):
        threading.Event().wait(0.002)
        if number == 150:
            wait_until(lambda: fakes["onnx"].sizes)
            fakes["onnx"].fails = True
        return engine.stylize(picture(), None)

    tasks = (partial(paint, number) for number in range(200))
    for painted in engine.run_all(tasks):
        np.testing.assert_array_equal(painted, picture())
    assert fakes["onnx"].failures == 1


def test_many_tasks_run_as_the_fastest_engine_does(fake_auto) -> None:
    engine, fakes = fake_auto(torch=(0.3, 0), onnx=(0.1, 0))

    def paint():
        threading.Event().wait(0.002)
        return engine.stylize(picture(), None)

    assert len(list(engine.run_all(paint for _ in range(200)))) == 200
    assert fakes["onnx"].painted > 100


def test_many_tasks_wait_for_an_engine_that_takes_long_to_prepare(fake_auto) -> None:
    engine, fakes = fake_auto(torch=(0.3, 0), onnx=(0.1, 0))
    begun, prepare = threading.Event(), fakes["onnx"].prepare

    def prepare_slowly(size_hw) -> None:
        begun.wait(10)
        prepare(size_hw)

    fakes["onnx"].prepare = prepare_slowly

    def tasks():
        for number in range(400):
            if number == 200:
                begun.set()
            elif number > 200:
                threading.Event().wait(0.002)
            yield lambda: engine.stylize(picture(), None)

    assert len(list(engine.run_all(tasks()))) == 400
    assert fakes["onnx"].painted > 100


def test_nothing_is_prepared_for_single_pictures(fake_auto) -> None:
    engine, fakes = fake_auto(torch=(0.3, 0), onnx=(0.1, 0))
    for size_hw in ((48, 64), (64, 48), (48, 64), (56, 56)):
        engine.stylize(picture(*size_hw), None)
    engine._preparer.shutdown()
    assert fakes["onnx"].sizes == []


def test_a_cache_that_cannot_be_written_does_not_matter(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    choices = Choices(tmp_path / "file" / "engines.json", make_network("lean"), None)
    choices.remember(4096, "onnx")
    assert choices.get(4096) is None


def test_auto_is_torch_where_nothing_else_is_installed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(auto, "installed_engines", lambda: ("torch",))
    network = make_network("lean")
    engine = AutoEngine(network, dtype=torch.float32, choices=tmp_path / "engines.json")
    frame, style = picture(), make_style(network)
    for _ in range(3):
        np.testing.assert_array_equal(
            engine.stylize(frame, style), reference(network, frame, style)
        )
    assert not (tmp_path / "engines.json").exists()


@pytest.mark.skipif(len(installed_engines()) < 2, reason="needs an engine beside torch")
def test_auto_gives_the_same_picture_throughout(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(auto, "installed_engines", installed_engines)
    network = make_network("lean")
    frame, style = picture(96, 96), make_style(network)
    expected = reference(network, frame, style, 0.7)
    path = tmp_path / "engines.json"
    engine = AutoEngine(network, dtype=torch.float32, choices=path)
    for _ in range(5000):
        assert signal_to_noise_db(engine.stylize(frame, style, 0.7), expected) > SAME_DB
        if path.exists():
            break
    assert chosen(path) <= set(installed_engines()) and chosen(path)


def test_what_is_missing_or_impossible_is_named(monkeypatch) -> None:
    network = make_network("lean")
    with pytest.raises(ValueError, match="engine must be one of auto, torch.*got 'warp'"):
        open_engine("warp", network)
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="needs openvino and onnx: pip install openvino onnx"):
        open_engine("openvino", network)


def test_integers_are_not_for_every_engine(monkeypatch) -> None:
    network = make_network("lean")
    with pytest.raises(ValueError, match="'torch' computes in floating point, not in int8, which"):
        open_engine("torch", network, dtype=torch.int8)
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="needs openvino and onnx: pip install openvino onnx"):
        open_engine("auto", network, dtype=torch.int8)


@needs("onnx")
def test_a_dtype_that_an_engine_has_not_is_named() -> None:
    with pytest.raises(ValueError, match="'onnx' computes in float32, not in bfloat16"):
        Stylizer(make_network("lean"), device="cpu", engine="onnx", dtype=torch.bfloat16)


def test_the_processor_is_read_from_cpuinfo() -> None:
    x86 = "model name\t: Some CPU\nflags\t\t: avx512f avx512_bf16\n"
    assert has_bfloat16(x86) and processor_name(x86) == "Some CPU"
    assert has_bfloat16("Features\t: fp asimd bf16\n")
    assert not has_bfloat16("flags\t\t: avx512f avx2\n")
    assert processor_name("") != ""


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "avx512_f"])
def test_where_there_is_no_cpuinfo_pytorch_is_asked(name, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("realtime_adain.engines.processor._CPUINFO", tmp_path / "none")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {name: True}, raising=False)
    assert has_bfloat16() == (name != "avx512_f")


@pytest.mark.parametrize(
    ("has", "slow", "gains"),
    [
        (True, torch.float32, True),
        (True, torch.bfloat16, False),  # as on some of Intel's
        (False, torch.float32, False),
    ],
)
def test_bfloat16_has_to_be_faster_to_be_taken(has, slow, gains, monkeypatch) -> None:
    monkeypatch.setattr("realtime_adain.engines.processor.has_bfloat16", lambda: has)
    monkeypatch.setattr(
        "realtime_adain.engines.processor._convolution",
        lambda dtype: partial(time.sleep, 0.005 if dtype == slow else 0),
    )
    assert gains_by_bfloat16.__wrapped__() == gains


def test_comparing_dtypes_leaves_what_is_random_alone(monkeypatch) -> None:
    monkeypatch.setattr("realtime_adain.engines.processor.has_bfloat16", lambda: True)
    before = torch.get_rng_state()
    gains_by_bfloat16.__wrapped__()
    assert torch.equal(torch.get_rng_state(), before)


def test_engines_are_imported_when_they_are_opened() -> None:
    code = (
        "import sys, realtime_adain.cli\n"
        "heavy = {'torch', 'openvino', 'onnx', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import realtime_adain.stylizer\n"
        "heavy = {'openvino', 'onnx', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", GRAPH_ENGINES)
def test_engines_report_to_nobody(name, tmp_path) -> None:
    code = (
        "import sys, tests.test_engines as t\n"
        "network = t.make_network('lean')\n"
        "t.open_engine(sys.argv[1], network).stylize(t.picture(), t.make_style(network))\n"
    )
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code, name]
    subprocess.run(command, check=True, env=os.environ | home)
    assert list(tmp_path.iterdir()) == []  # both keep there by which name they report


class FakeGraph:
    """What a CUDA graph does: run again what was run when it was captured, on the same buffers."""

    captured = 0

    def capture(self, engine, inputs, output) -> None:
        FakeGraph.captured += 1
        self.replay = torch.inference_mode()(lambda: output.copy_(engine.repaint(*inputs)))


@pytest.fixture
def fake_cuda(monkeypatch) -> type[FakeGraph]:
    """The few parts of torch.cuda that the engine uses, on the processor."""
    cuda, empty, repaint = torch.cuda, torch.empty, CudaGraphEngine.repaint
    capturing: list[FakeGraph] = []

    def record(engine, *inputs):
        output = repaint(engine, *inputs)
        if capturing:
            capturing.pop().capture(TorchEngine(engine.network, dtype=engine.dtype), inputs, output)
        return output

    def begin(graph, **_):
        capturing.append(graph)
        return nullcontext()

    monkeypatch.setattr(CudaGraphEngine, "repaint", record)
    monkeypatch.setattr(cuda_graph, "exclusive", lambda _: exclusive(torch.device("cuda")))
    monkeypatch.setattr(torch, "empty", lambda *a, pin_memory=False, **k: empty(*a, **k))
    monkeypatch.setattr(cuda, "Stream", lambda device: Mock())
    monkeypatch.setattr(cuda, "default_stream", lambda device: Mock())
    for name in ("stream", "device"):
        monkeypatch.setattr(cuda, name, lambda _: nullcontext())
    monkeypatch.setattr(cuda, "CUDAGraph", FakeGraph)
    monkeypatch.setattr(cuda, "graph", begin)
    FakeGraph.captured = 0
    return FakeGraph


def test_a_captured_graph_reads_frame_style_and_strength_anew(fake_cuda) -> None:
    network = make_network("lean")
    engine = CudaGraphEngine(network, dtype=torch.float32)
    frames = [picture(seed=seed) for seed in range(4)]
    styles = [make_style(network, seed) for seed in range(2)]
    kept = []
    for index, frame in enumerate(frames):
        kept.append(engine.stylize(frame, styles[index % 2], 1 - index / 4))
    assert fake_cuda.captured == 1
    for index, (frame, output) in enumerate(zip(frames, kept, strict=True)):
        expected = reference(network, frame, styles[index % 2], 1 - index / 4)
        assert signal_to_noise_db(output, expected) > SAME_DB
    engine.stylize(picture(40, 40), styles[0])
    engine.network_pass((40, 40), styles[0])()
    assert fake_cuda.captured == 2


def test_cuda_has_several_frames_in_flight_each_with_a_graph(fake_cuda) -> None:
    network = make_network("lean")
    engine = CudaGraphEngine(network, dtype=torch.float32)
    both_in_work = threading.Barrier(2, timeout=10)
    jobs = [(picture(seed=n), make_style(network, n % 3), n / 9) for n in range(10)]

    def paint(*job):
        both_in_work.wait()
        return engine.stylize(*job)

    outputs = list(engine.run_all(partial(paint, *job) for job in jobs))
    assert fake_cuda.captured == 2
    for output, job in zip(outputs, jobs, strict=True):
        assert signal_to_noise_db(output, reference(network, *job)) > SAME_DB


def test_cuda_without_graphs_paints_all_the_same(fake_cuda, monkeypatch) -> None:
    def refuse(*_, **__):
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    monkeypatch.setattr(torch.cuda, "graph", refuse)
    network = make_network("lean")
    engine = CudaGraphEngine(network, dtype=torch.float32)
    frame, style = picture(), make_style(network)
    engine.stylize(frame, style)
    with pytest.warns(UserWarning, match="without a CUDA graph.*stream is capturing$"):
        output = engine.stylize(frame, style)
    np.testing.assert_array_equal(output, reference(network, frame, style))
    engine.stylize(frame, style)  # and says so once for a size
    engine.network_pass((48, 64), style)()


def test_cuda_captures_no_single_picture_and_nothing_for_which_memory_is_short(
    fake_cuda, monkeypatch
) -> None:
    network = make_network("lean")
    engine = CudaGraphEngine(network, dtype=torch.float32)
    frame, style = picture(), make_style(network)
    for side in range(16, 56, 8):
        engine.stylize(picture(side, side), style)
    assert fake_cuda.captured == 0
    tried = []

    def refuse(*_, **__):
        tried.append(1)
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch.cuda, "graph", refuse)
    outputs = [engine.stylize(frame, style) for _ in range(4)]
    assert len(tried) == 1
    for output in outputs:
        np.testing.assert_array_equal(output, reference(network, frame, style))


def test_cuda_gives_up_other_sizes_for_one_for_which_memory_is_short(
    fake_cuda, monkeypatch
) -> None:
    network = make_network("lean")
    engine = CudaGraphEngine(network, dtype=torch.float32)
    style, (first, second) = make_style(network), (picture(), picture(48, 48))
    for _ in range(2):
        engine.stylize(first, style)
    capture = torch.cuda.graph

    def refuse_once(*args, **options):
        monkeypatch.setattr(torch.cuda, "graph", capture)
        try:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        except RuntimeError:  # as torch.cuda.graph does: only the context tells what it was
            raise RuntimeError("failed due to a previous error during capture") from None

    monkeypatch.setattr(torch.cuda, "graph", refuse_once)
    outputs = [engine.stylize(second, style) for _ in range(4)]
    assert fake_cuda.captured == 2
    for output in outputs:
        np.testing.assert_array_equal(output, reference(network, second, style))


def test_what_failed_to_be_made_for_a_size_is_let_go() -> None:
    class Large:
        pass

    kept = []

    def make(size_hw):
        large = Large()
        kept.append(weakref.ref(large))
        raise EngineError("short of memory")

    per_size = PerSize(make)
    gc.disable()
    try:
        for _ in range(2):
            with pytest.raises(EngineError):
                per_size.get((8, 8))
        assert [reference() for reference in kept] == [None, None]
    finally:
        gc.enable()


def test_an_accelerator_is_used_by_one_thread_at_a_time() -> None:
    used = threading.Event()

    def use():
        with exclusive(torch.device("mps")):
            used.set()

    with exclusive(torch.device("cuda")), exclusive(torch.device("cpu")):
        user = threading.Thread(target=use)
        user.start()
        assert not used.wait(0.05)
    assert used.wait(5)
    user.join()


@pytest.mark.parametrize(
    "message",
    [
        "CUDA out of memory. Tried to allocate 20.00 MiB",
        "[enforce fail at alloc_cpu.cpp:115] DefaultCPUAllocator: can't allocate memory",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 4294967296 bytes.",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "std::bad_alloc",
    ],
)
def test_short_memory_is_told_by_the_words(message: str) -> None:
    assert is_out_of_memory(RuntimeError(message))
    assert not is_out_of_memory(RuntimeError("an illegal memory access was encountered"))


def to_cuda(style):
    return tuple((mean.cuda(), std.cuda()) for mean, std in style)


@needs_cuda
@pytest.mark.parametrize("kind", ["lean", "vgg"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_cuda_graph_follows_style_strength_and_size(kind, dtype) -> None:
    network = make_network(kind)
    frame_styles = [
        (picture(*hw), make_style(network, seed)) for seed, hw in enumerate([(48, 64)] * 3)
    ]
    frame_styles += [(picture(37, 51), frame_styles[0][1]), frame_styles[0]]
    expected = [
        reference(network, frame, style, alpha)
        for frame, style in frame_styles
        for alpha in (1.0, 0.4)
    ]
    engine = open_engine("auto", network.cuda(), dtype=dtype)
    outputs = [
        engine.stylize(frame, style, alpha)
        for frame, style in [(frame, to_cuda(style)) for frame, style in frame_styles]
        for alpha in (1.0, 0.4)
    ]
    for output, wanted in zip(outputs, expected, strict=True):
        assert signal_to_noise_db(output, wanted) > 40  # cuDNN multiplies float32 in 10 bits


@needs_cuda
def test_cuda_captures_once_per_size(monkeypatch) -> None:
    network = make_network("lean").cuda()
    captures = []
    capture = torch.cuda.graph
    monkeypatch.setattr(torch.cuda, "graph", lambda *a, **k: captures.append(1) or capture(*a, **k))
    engine = open_engine("torch", network, size=32)
    for seed in range(6):
        style = to_cuda(make_style(make_network("lean"), seed))
        assert engine.stylize(picture(96, 128, seed), style, seed / 6).shape == (96, 128, 3)
    assert len(captures) == 1
    engine.stylize(picture(48, 64), style)
    assert len(captures) == 1  # it may be a single picture
    engine.stylize(picture(48, 64), style)
    assert len(captures) == 2


@needs_cuda
def test_cuda_takes_styles_encoded_in_another_thread() -> None:
    import threading

    stylizer = Stylizer(make_network("lean"), device="cuda")
    styles = []
    thread = threading.Thread(
        target=lambda: styles.extend(stylizer.encode_style(picture(seed=s)) for s in range(20))
    )
    first = stylizer.encode_style(picture(40, 40))
    thread.start()
    for height in range(32, 64, 8):  # captures while the other thread uses the device
        stylizer.stylize(picture(height, 64), first)
    thread.join()
    assert len(styles) == 20
    frame = picture()
    np.testing.assert_array_equal(
        stylizer.stylize(frame, styles[3]),
        stylizer.stylize(frame, stylizer.encode_style(picture(seed=3))),
    )


@needs_cuda
def test_cuda_paints_many_frames_in_order() -> None:
    network = make_network("lean")
    jobs = [(picture(seed=n), make_style(network, n % 3), n / 9) for n in range(10)]
    expected = [reference(network, *job) for job in jobs]
    engine = open_engine("torch", network.cuda(), dtype=torch.float32)
    tasks = [partial(engine.stylize, frame, to_cuda(style), a) for frame, style, a in jobs]
    for output, wanted in zip(engine.run_all(tasks), expected, strict=True):
        assert signal_to_noise_db(output, wanted) > 40  # as above


@needs_cuda
def test_graph_engines_run_on_the_processor_only() -> None:
    with pytest.raises(ValueError, match="'onnx' runs on the processor only, not on 'cuda:0'"):
        open_engine("onnx", make_network("lean").cuda())


def test_the_paper_s_network_is_not_painted_in_eight_bits(tiny_network, monkeypatch) -> None:
    monkeypatch.setattr("realtime_adain.engines.processor.gains_by_bfloat16", lambda: True)
    assert open_engine("torch", tiny_network).dtype == torch.bfloat16
    assert open_engine("torch", VGGNetwork((4, 6, 8, 10))).dtype == torch.float32
