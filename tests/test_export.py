"""The exported file: any size, any style, any strength, from one file."""

from __future__ import annotations

import numpy as np
import pytest
import torch

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from realtime_adain import Stylizer, export  # noqa: E402

from .helpers import picture  # noqa: E402


@pytest.fixture(scope="module")
def exported(tiny_weights, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "tiny.onnx"
    assert export.main([str(path), "--model", str(tiny_weights)]) == 0
    return path


def test_one_file_serves_every_size_style_and_strength(exported, tiny_weights) -> None:
    onnx.checker.check_model(onnx.load(exported), full_check=True)
    stylizer = Stylizer(tiny_weights, device="cpu", engine="torch", dtype=torch.float32)
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["frame", "style", "alpha"]
    for seed, size_hw in enumerate([(16, 16), (64, 128), (200, 48)]):
        frame, style = picture(*size_hw), stylizer.encode_style(picture(40, 40, seed=seed))
        for alpha in (1.0, 0.25, 0.1, 0.0):
            inputs = {
                "frame": frame,
                "style": style.packed(),
                "alpha": np.array(alpha, np.float32),
            }
            (stylized,) = session.run(["stylized"], inputs)
            expected = stylizer.stylize(frame, style, alpha).astype(int)
            assert abs(stylized.astype(int) - expected).max() <= export.LARGEST_DIFFERENCE


def test_the_check_sees_a_wrong_file(exported, tiny_network) -> None:
    with torch.no_grad():
        tiny_network.up_full.bias.add_(0.1)
    stylizer = Stylizer(tiny_network, device="cpu", engine="torch", dtype=torch.float32)
    assert export.largest_difference(exported.read_bytes(), stylizer) > 20


def test_what_was_written_is_said(tiny_weights, tmp_path, capsys) -> None:
    path = tmp_path / "tiny.onnx"
    assert export.main([str(path), "--model", str(tiny_weights)]) == 0
    printed = capsys.readouterr().out
    assert "of 255 of PyTorch" in printed and "multiples of 8" in printed
    assert list(tmp_path.iterdir()) == [path]


def test_a_wrong_name_or_folder_is_refused_before_anything_is_loaded(tmp_path, capsys) -> None:
    assert export.main([str(tmp_path / "model.pt")]) == 1
    assert "must end in .onnx" in capsys.readouterr().err
    assert export.main([str(tmp_path / "no" / "model.onnx")]) == 1
    assert "does not exist" in capsys.readouterr().err
