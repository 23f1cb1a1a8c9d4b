"""The benchmarks run and their figures mean what they say."""

from __future__ import annotations

import csv
import importlib.util
import json
import time

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchmarks import fps, gallery, limits, live, scaling, timing
from benchmarks.microast import MicroAST
from realtime_adain import Stylizer
from realtime_adain.engines import installed_engines
from realtime_adain.networks import LeanNetwork, VGGEncoder, VGGNetwork
from realtime_adain.pictures import read_picture, write_picture
from realtime_adain.weights import save_network

from .helpers import TINY, picture


@pytest.fixture
def small_fps(monkeypatch) -> None:
    """The speed benchmark with tiny networks and small measurements of the machine."""
    monkeypatch.setattr(fps, "models", lambda: {"tiny": LeanNetwork(**TINY)})
    monkeypatch.setattr(fps, "PAPER_WIDTHS", (4, 6, 8, 10))
    monkeypatch.setattr(fps, "devices", lambda: ["cpu"])
    monkeypatch.setattr(limits, "MATRIX_SIDE", {"cpu": 64})
    monkeypatch.setattr(limits, "COPIED_BYTES", {"cpu": 1 << 20})
    monkeypatch.setattr(fps, "RIVAL_FRAMES", 3)


def test_fps_measures_every_model_engine_and_size(small_fps, tmp_path, capsys) -> None:
    options = ["--frames", "3", "--warmup", "1", "--stages", "--json", str(tmp_path / "fps.json")]
    options += ["--sizes", "256x256", "64x32"]
    if importlib.util.find_spec("matplotlib"):
        options += ["--plot", str(tmp_path / "fps.png")]
    assert fps.main(options) == 0
    results = json.loads((tmp_path / "fps.json").read_text())
    measured = {(row["engine"], row["size"], row["path"]) for row in results["results"]}
    assert measured == {
        (engine, size, path)
        for engine in ("plain", *installed_engines())
        for size in ("256x256", "64x32")
        for path in ("model", "end to end", "film")
    }
    for row in results["results"]:
        assert 0 < row["median_ms"] <= row["p95_ms"]
        assert row["fps"] == pytest.approx(1000 / row["median_ms"], rel=0.05)
        for gain in fps.RIVALS.values():
            assert (gain in row) == (row["path"] == "model")
        limited = row["path"] == "model" and row["precision"] != "int8"
        assert ("percent_of_limit" in row) == limited
        if "stages_ms" in row:
            tiny = row["model"] == "tiny"
            network = {"network"} if tiny else {"content encoder", "AdaIN", "decoder"}
            usual = {"upload", "convert", "convert back", "download", "style encoder, once"}
            assert set(row["stages_ms"]) == usual | network
    assert results["machine"]["torch"] == torch.__version__
    assert results["limits"]["cpu"]["operations_per_second"]["float32"] > 0
    printed = capsys.readouterr().out
    assert "paper fps" in printed and "GB/s" in printed
    if "--plot" in options:
        assert read_picture(tmp_path / "fps.png").std() > 10


def test_gains_are_how_many_times_longer_a_rival_takes(small_fps, monkeypatch) -> None:
    def measure(timed, device):
        seconds = {name: 6.0 if name in fps.RIVALS else 2.0 for name in timed}
        return {name: {"median_ms": seconds[name]} for name in timed}

    monkeypatch.setattr(fps, "measure_in_turns", measure)
    stylizer = Stylizer(LeanNetwork(**TINY), device="cpu", engine="torch")
    measured = fps.times(stylizer, fps.open_rivals("cpu", None), (64, 64), 1, 1)["model"]
    assert measured == {"median_ms": 2.0, "times_plain": 3.0, "times_microast": 3.0}


def test_fps_leaves_out_engines_that_do_not_know_a_precision(small_fps) -> None:
    precisions = ["float16", "float32"]
    tiny = [("torch", torch.float16)]
    tiny += [(engine, torch.float32) for engine in installed_engines()]
    candidates = fps.candidates("cpu", ["tiny"], precisions)
    assert [(engine, s.engine.dtype) for _, engine, s in candidates] == tiny


def test_fps_compares_with_the_rivals_that_are_wanted(small_fps) -> None:
    assert set(fps.open_rivals("cpu", None)) == {"paper-vgg19", "microast"}
    assert set(fps.open_rivals("cpu", ["tiny", "microast"])) == {"microast"}
    assert not fps.open_rivals("cpu", ["tiny"])


def test_scaling_grows_with_the_pixels_and_fills_its_table(tiny_weights, tmp_path, capsys) -> None:
    options = ["--model", str(tiny_weights), "--rounds", "3", "--film", "20"]
    assert scaling.main([*options, "--json", str(tmp_path / "scaling.json")]) == 0
    results = json.loads((tmp_path / "scaling.json").read_text())
    assert results["pixels"]["1024x1024"] > results["pixels"]["128x128"] > 0
    assert set(results["styles mixed"]) == {"1", "2", "4", "8"}
    assert "1" in results["cores"]
    assert list(results["memory of a film"]) == [str(frames) for frames in range(2, 21, 2)]
    assert "20 frames" in capsys.readouterr().out


def test_fps_counts_the_work_of_the_frame_alone() -> None:
    network = VGGNetwork((4, 6, 8, 10))
    style = network.encode_style(torch.rand(1, 3, 32, 32))
    flops, values = limits.work(network, style, (16, 16))
    assert limits.work(network, style, (32, 32))[0] == 4 * flops
    # preprocess 1x1 3 -> 3, then 3x3 3 -> 4 and 4 -> 4 and so on at 16, 8, 4 and 2 pixels a side
    encoder = 16**2 * (9 + 9 * 12 + 9 * 16) + 8**2 * 9 * (24 + 36) + 4**2 * 9 * (48 + 3 * 64)
    encoder += 2**2 * 9 * 80
    decoder = 2**2 * 9 * 80 + 4**2 * 9 * (3 * 64 + 48) + 8**2 * 9 * (36 + 24)
    decoder += 16**2 * 9 * (16 + 12)
    assert flops == 2 * (encoder + decoder)
    assert values > 2 * 3 * 16**2


def test_microast_has_its_published_size() -> None:
    network = MicroAST()
    assert round(sum(weights.numel() for weights in network.parameters()) / 1e6, 3) == 0.472
    style = network.encode_style(torch.rand(1, 3, 64, 64))
    flops, _ = limits.work(network, style, (64, 64))
    assert round(flops / 2 * (512 / 64) ** 2 / 1e9, 2) == 7.28
    assert network(torch.rand(1, 3, 64, 64), style).shape == (1, 3, 64, 64)


def test_fps_gives_a_slow_network_fewer_frames(monkeypatch) -> None:
    monkeypatch.setattr(timing, "SECONDS_PER_ROW", 0.0)
    assert timing.measure(lambda: None, "cpu", warmup=5, frames=30)["frames"] == 3


def test_what_is_timed_in_turns_is_timed_side_by_side() -> None:
    called = []

    def step(name: str, seconds: float) -> timing.Timed:
        return timing.Timed(lambda: (called.append(name), time.sleep(seconds)), 1, 6)

    results = timing.measure_in_turns({"a": step("a", 0.01), "b": step("b", 0.03)}, "cpu")
    assert called == 3 * ["a", "a", "a", "b", "b", "b"]
    assert [result["frames"] for result in results.values()] == [6, 6]
    assert 9 < results["a"]["best_ms"] < 30 <= results["b"]["best_ms"]


def test_gallery_shows_every_style(tiny_weights, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "LIVE_FRAMES", 2)
    assert gallery.main(["--model", str(tiny_weights), "--side", "64", "--out", str(tmp_path)]) == 0
    assert read_picture(tmp_path / "gallery.jpg").shape == (3 * 48, 4 * 64, 3)
    assert read_picture(tmp_path / "window.jpg").shape == (480, 1280, 3)


def test_quality_measures_the_baselines_and_is_deterministic(tmp_path, tiny_weights) -> None:
    pytest.importorskip("skimage")
    pytest.importorskip("matplotlib")
    from benchmarks import quality

    for kind in ("content", "style"):
        (tmp_path / kind).mkdir()
        write_picture(tmp_path / kind / "a.png", picture(64, 80, seed=len(kind)))
    torch.manual_seed(0)
    save_file(VGGEncoder((4, 6, 8, 10)).state_dict(), tmp_path / "teacher.safetensors")
    tables = []
    for out in ("first", "second"):
        arguments = ["--content", "content", "--style", "style", "--teacher", "teacher.safetensors"]
        arguments[1::2] = [str(tmp_path / name) for name in arguments[1::2]]
        options = ["--models", str(tiny_weights), "--size", "64", "--out", str(tmp_path / out)]
        assert quality.main([*arguments, *options]) == 0
        tables.append(
            {p.stem: next(csv.DictReader(p.open())) for p in (tmp_path / out).glob("*.csv")}
        )
    assert tables[0] == tables[1]
    identity, copy = tables[0]["identity"], tables[0]["style copy"]
    assert float(identity["content"]) == 0 and float(identity["style"]) > 0
    assert float(identity["ssim"]) == pytest.approx(1)
    assert float(identity["flicker"]) == pytest.approx(1)
    assert float(copy["style"]) == pytest.approx(0, abs=1e-9) and float(copy["content"]) > 0
    assert float(copy["flicker"]) == 0
    assert len(tables[0]) == 3
    assert (tmp_path / "first" / "pareto.png").exists()


def test_camera_motion_moves_the_picture_and_comes_back() -> None:
    from benchmarks import quality

    content = picture(80, 96)
    motion = quality.camera_motion(3, 80, 96)
    moved = quality.warp(content, motion)
    back = quality.warp(moved, np.linalg.inv(motion))
    inner = np.s_[20:60, 20:60]
    assert np.abs(moved[inner].astype(int) - content[inner]).mean() > 3
    assert np.abs(back[inner].astype(int) - content[inner]).mean() < 6


def test_live_benchmark_plays_and_tells(tmp_path, capsys) -> None:
    weights = tmp_path / "tiny.safetensors"
    save_network(weights, LeanNetwork(**TINY))
    options = ["--seconds", "4", "--width", "96", "--model", str(weights), "--engine", "torch"]
    assert live.main(options) == 0
    printed = capsys.readouterr().out
    assert "controls used" in printed and "p99 is" in printed and "in a cross-fade" in printed
