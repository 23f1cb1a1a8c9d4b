"""The benchmarks run and their figures mean what they say."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchmarks import fps, gallery
from realtime_adain.networks import LeanNetwork, VGGEncoder
from realtime_adain.pictures import read_picture, write_picture

from .conftest import TINY, picture


def test_fps_measures_every_model_and_size(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(fps, "models", lambda: {"tiny": LeanNetwork(**TINY)})
    monkeypatch.setattr(fps, "devices", lambda: ["cpu"])
    assert fps.main(["--frames", "3", "--warmup", "1", "--json", str(tmp_path / "fps.json")]) == 0
    results = json.loads((tmp_path / "fps.json").read_text())
    measured = {(row["size"], row["path"]) for row in results["results"]}
    assert measured == {(size, path) for size in (256, 512) for path in ("model", "end to end")}
    for row in results["results"]:
        assert 0 < row["median_ms"] <= row["p95_ms"]
        assert row["fps"] == pytest.approx(1000 / row["median_ms"], rel=0.05)
    assert results["machine"]["torch"] == torch.__version__
    assert "paper fps" in capsys.readouterr().out


def test_gallery_shows_every_style(tiny_weights, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "LIVE_FRAMES", 2)
    assert gallery.main(["--model", str(tiny_weights), "--side", "64", "--out", str(tmp_path)]) == 0
    assert read_picture(tmp_path / "gallery.jpg").shape == (3 * 48, 4 * 64, 3)
    assert read_picture(tmp_path / "window.jpg").shape == (480, 1280, 3)


def test_quality_prints_the_baselines_and_is_deterministic(tmp_path, tiny_weights, capsys) -> None:
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
    pytest.importorskip("skimage")
    from benchmarks import quality

    content = picture(80, 96)
    motion = quality.camera_motion(3, 80, 96)
    moved = quality.warp(content, motion)
    back = quality.warp(moved, np.linalg.inv(motion))
    inner = np.s_[20:60, 20:60]
    assert np.abs(moved[inner].astype(int) - content[inner]).mean() > 3
    assert np.abs(back[inner].astype(int) - content[inner]).mean() < 6
