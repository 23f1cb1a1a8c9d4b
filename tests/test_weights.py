"""Weights files: what is written is read back; what is damaged is said in one line."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from realtime_adain import Stylizer, weights
from realtime_adain.errors import WeightsError
from realtime_adain.networks import LeanNetwork, VGGEncoder

from .conftest import TINY


def test_saved_network_comes_back(tiny_network, tmp_path) -> None:
    path = tmp_path / "network.safetensors"
    weights.save_network(path, tiny_network, "lean", TINY, torch.float32)
    loaded = weights.load_network(path)
    assert isinstance(loaded, LeanNetwork)
    for name, tensor in tiny_network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor)


@pytest.mark.parametrize("name", weights.SHA256)
def test_shipped_model_loads_and_stylizes(name) -> None:
    network = weights.load_model(name)
    assert all(torch.isfinite(tensor).all() for tensor in network.state_dict().values())


def test_unknown_model_lists_the_known() -> None:
    with pytest.raises(WeightsError, match="no model named 'huge'; there are lite"):
        Stylizer("huge")


def test_damaged_shipped_file_is_noticed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(weights, "_models_folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match="cannot be read"):
        weights.load_model("lite")
    (tmp_path / "lite.safetensors").write_bytes(b"half a download")
    with pytest.raises(WeightsError, match="damaged weights"):
        weights.load_model("lite")


def test_other_files_are_refused_in_one_line(tmp_path) -> None:
    path = tmp_path / "some.safetensors"
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        weights.load_network(path)
    path.write_text("text")
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        weights.load_network(path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match="'architecture' is missing"):
        weights.load_network(path)
    save_file({"x": torch.zeros(1)}, path, {"architecture": "lean", "config": "{}"})
    with pytest.raises(WeightsError, match="does not fit its network"):
        weights.load_network(path)


@pytest.mark.parametrize("heads", [None, (5, 7, 9, 11)])
def test_teacher_of_any_width_loads(heads, tmp_path) -> None:
    encoder = VGGEncoder((4, 6, 8, 10), heads)
    save_file(encoder.state_dict(), tmp_path / "teacher.safetensors")
    teacher = weights.load_teacher(tmp_path / "teacher.safetensors")
    image = torch.rand(1, 3, 32, 32)
    for ours, theirs in zip(teacher(image), encoder(image), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_teacher_of_another_shape_is_refused(tmp_path) -> None:
    save_file({"conv1_1.weight": torch.zeros(4, 3, 3, 3)}, tmp_path / "teacher.safetensors")
    with pytest.raises(WeightsError, match="not a VGG encoder"):
        weights.load_teacher(tmp_path / "teacher.safetensors")
