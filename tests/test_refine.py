"""A style refined is a style file that paints its artwork better."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from realtime_adain import Style, Stylizer, refine
from realtime_adain.losses import PerceptualLoss
from realtime_adain.networks import VGGEncoder
from realtime_adain.pictures import write_picture
from realtime_adain.training.refining import LEAST_CONTENTS
from realtime_adain.training.refining import refine as refine_statistics

from .helpers import picture


@pytest.fixture
def teacher_file(tmp_path):
    torch.manual_seed(1)
    teacher = VGGEncoder((4, 6, 8, 10))
    for name, tensor in teacher.named_parameters():
        if name.endswith("weight"):
            torch.nn.init.kaiming_normal_(tensor)
    path = tmp_path / "teacher.safetensors"
    save_file({name: t.detach().contiguous() for name, t in teacher.state_dict().items()}, path)
    return path


def test_refined_style_paints_its_artwork_better(tiny_network, teacher_file) -> None:
    from realtime_adain.weights import load_teacher

    torch.manual_seed(0)
    loss = PerceptualLoss(load_teacher(teacher_file))
    artwork, contents = torch.rand(1, 3, 64, 64), torch.rand(LEAST_CONTENTS + 2, 3, 64, 64)
    with torch.inference_mode():  # as a stylizer encodes
        statistics = tiny_network.encode_style(artwork)
    before = {name: tensor.clone() for name, tensor in tiny_network.state_dict().items()}
    done: list[int] = []
    refined, ((_, style_before), (_, style_after)) = refine_statistics(
        tiny_network,
        statistics,
        artwork,
        contents,
        loss,
        steps=30,
        style_weight=6.0,
        on_step=done.append,
    )
    assert style_after < 0.8 * style_before
    assert done == list(range(1, 31))
    assert all((std > 0).all() and not std.requires_grad for _, std in refined)
    for name, tensor in tiny_network.state_dict().items():
        assert torch.equal(tensor, before[name])
    with pytest.raises(ValueError, match="at least 6 contents"):
        refine_statistics(
            tiny_network, statistics, artwork, contents[:3], loss, steps=1, style_weight=6.0
        )


def test_command_writes_a_style_like_any_other(
    teacher_file, tiny_weights, style_file, tmp_path, capsys
) -> None:
    (tmp_path / "content").mkdir()
    for index in range(7):
        write_picture(tmp_path / "content" / f"{index}.png", picture(40, 50, seed=index))
    arguments = [str(style_file), str(tmp_path / "out.safetensors"), "--steps", "2"]
    arguments += ["--teacher", str(teacher_file), "--model", str(tiny_weights), "--device", "cpu"]
    assert refine.main([*arguments, "--content", str(tmp_path / "content")]) == 0
    printed = capsys.readouterr().out
    assert "before: style loss" in printed and "after: style loss" in printed
    stylizer = Stylizer(tiny_weights, device="cpu", engine="torch")
    style = stylizer.encode_style(tmp_path / "out.safetensors")
    assert style.name == style_file.stem
    assert stylizer.stylize(picture(), style).shape == picture().shape
    assert Style.load(tmp_path / "out.safetensors").fingerprint == stylizer.fingerprint


@pytest.mark.parametrize(
    ("style", "output", "message"),
    [
        ("starry", "out.png", "must end in .safetensors"),
        ("starry", "gone/out.safetensors", "gone does not exist"),
        ("stary", "out.safetensors", "did you mean 'starry'"),
        ("starry", "out.safetensors", "python -m realtime_adain.weights fetch vgg19"),
    ],
)
def test_what_cannot_be_refined_is_one_line(style, output, message, tmp_path, capsys) -> None:
    assert refine.main([style, str(tmp_path / output)]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / output).exists()
