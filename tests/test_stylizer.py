"""The pipeline from pixels to pixels: sizes, strength, the style cache."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from realtime_adain import Style, Stylizer
from realtime_adain.errors import PictureError, StyleError
from realtime_adain.networks import LeanNetwork, VGGNetwork
from realtime_adain.pictures import write_picture

from .helpers import picture


@pytest.fixture
def stylizer(tiny_network: LeanNetwork) -> Stylizer:
    return Stylizer(tiny_network, device="cpu", engine="torch")


@pytest.fixture
def style(stylizer: Stylizer) -> Style:
    return stylizer.encode_style(picture(40, 40, seed=1), name="first")


@pytest.mark.parametrize("size_hw", [(48, 64), (339, 457), (8, 8), (1, 1), (9, 200), (33, 17)])
@pytest.mark.parametrize("size", [None, 24])
def test_output_has_exactly_the_frames_size(tiny_network, size_hw, size) -> None:
    stylizer = Stylizer(tiny_network, device="cpu", size=size, engine="torch")
    style = stylizer.encode_style(picture(40, 40))
    frame = picture(*size_hw)
    before = frame.copy()
    output = stylizer.stylize(frame, style)
    assert output.shape == frame.shape
    assert output.dtype == np.uint8
    assert output.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(frame, before)


def test_vgg_network_stylizes_any_size() -> None:
    torch.manual_seed(0)
    stylizer = Stylizer(VGGNetwork((4, 6, 8, 10)), device="cpu", engine="torch")
    style = stylizer.encode_style(picture(21, 35))
    for size_hw in ((8, 8), (37, 51)):
        assert stylizer.stylize(picture(*size_hw), style).shape == (*size_hw, 3)


def test_style_is_encoded_once_for_many_frames(stylizer, tiny_network, monkeypatch) -> None:
    calls = []
    encode = tiny_network.style_encoder.forward
    monkeypatch.setattr(
        tiny_network.style_encoder, "forward", lambda image: calls.append(1) or encode(image)
    )
    style = stylizer.encode_style(picture(40, 40))
    for seed in range(5):
        stylizer.stylize(picture(seed=seed), style)
    assert len(calls) == 1


def test_processing_size_is_what_the_network_sees(tiny_network, monkeypatch) -> None:
    seen = []
    forward = tiny_network.forward
    monkeypatch.setattr(
        tiny_network, "forward", lambda x, *rest: seen.append(tuple(x.shape)) or forward(x, *rest)
    )
    stylizer = Stylizer(tiny_network, device="cpu", size=32, engine="torch", dtype=torch.float32)
    stylizer.stylize(picture(96, 128), stylizer.encode_style(picture(40, 40)))
    assert seen == [(1, 3, 32, 48)]  # 32 x 43, padded to multiples of 8


def test_a_fading_strength_ends_in_the_frame_itself(stylizer, style) -> None:
    frame = picture()
    masks = np.full((2, *frame.shape[:2]), 0.5, np.float32)
    for paint in (
        lambda alpha: stylizer.stylize(frame, style, alpha),
        lambda alpha: stylizer.stylize_regions(frame, [style, style], masks, alpha),
    ):
        distances = [np.abs(paint(alpha) - frame.astype(float)).mean() for alpha in (0.2, 0.1, 0)]
        assert distances[0] > distances[1] > distances[2] == 0
    assert stylizer.stylize(frame, style, 0) is not frame


def test_frames_are_independent_of_each_other(stylizer, style) -> None:
    first = stylizer.stylize(picture(seed=1), style)
    stylizer.stylize(picture(seed=2), style)
    np.testing.assert_array_equal(stylizer.stylize(picture(seed=1), style), first)


def test_mixing_goes_from_one_style_to_the_other(stylizer, style) -> None:
    other = stylizer.encode_style(255 - picture(40, 40, seed=2), name="second")
    frame = picture()
    ends = [
        stylizer.stylize(frame, Style.mix([style, other], weights))
        for weights in ([1.0, 0.0], [0.0, 1.0])
    ]
    np.testing.assert_array_equal(ends[0], stylizer.stylize(frame, style))
    np.testing.assert_array_equal(ends[1], stylizer.stylize(frame, other))
    assert Style.mix([style, other], [0.5, 0.5]).name == "first + second"


def test_saved_style_gives_the_same_picture_without_its_image(stylizer, style, tmp_path) -> None:
    path = tmp_path / "first.safetensors"
    style.save(path)
    loaded = stylizer.encode_style(path)
    assert loaded.name == "first"
    frame = picture()
    np.testing.assert_array_equal(stylizer.stylize(frame, loaded), stylizer.stylize(frame, style))


def test_a_loaded_style_stays_when_its_file_is_overwritten(stylizer, style, tmp_path) -> None:
    path, other = tmp_path / "first.safetensors", tmp_path / "other.safetensors"
    style.save(path)
    stylizer.encode_style(255 - picture(40, 40), name="first").save(other)
    loaded = Style.load(path)
    with path.open("r+b") as file:  # in place, as `cp` does
        file.write(other.read_bytes())
    torch.testing.assert_close(loaded.statistics, style.statistics, rtol=0, atol=0)


def test_style_of_another_network_is_refused(stylizer, style, tmp_path) -> None:
    torch.manual_seed(5)
    other = Stylizer(VGGNetwork((4, 6, 8, 10)), device="cpu", engine="torch")
    with pytest.raises(StyleError, match="'first' was encoded by another network"):
        other.stylize(picture(), style)
    style.save(tmp_path / "first.safetensors")
    with pytest.raises(StyleError, match="another network"):
        other.encode_style(tmp_path / "first.safetensors")
    with pytest.raises(StyleError, match="different networks"):
        Style.mix([style, other.encode_style(picture())], [0.5, 0.5])


def test_a_saved_style_keeps_what_its_painting_looks_like(style, tmp_path) -> None:
    style.save(tmp_path / "plain.safetensors")
    assert Style.load(tmp_path / "plain.safetensors").thumbnail is None
    replace(style, thumbnail=picture(96, 96)).save(tmp_path / "seen.safetensors")
    seen = Style.load(tmp_path / "seen.safetensors")
    np.testing.assert_array_equal(seen.thumbnail, picture(96, 96))
    assert len(seen.statistics) == len(style.statistics)
    assert len(repr(seen)) < 200


def test_a_saved_style_may_be_read_by_whom_new_files_may(style, tmp_path) -> None:
    style.save(tmp_path / "style.safetensors")
    (tmp_path / "usual").touch()
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_built_in_style_is_known_by_its_name(stylizer, tmp_path, monkeypatch) -> None:
    by_name = stylizer.encode_style("waves")
    assert by_name.name == "waves"
    monkeypatch.chdir(tmp_path)
    write_picture("waves.png", picture())
    (tmp_path / "waves.png").rename("waves")  # a file of that name goes before
    mine = stylizer.encode_style("waves").statistics
    expected = stylizer.encode_style(picture()).statistics
    torch.testing.assert_close(mine, expected, rtol=0, atol=0)


def test_style_from_a_picture_file_takes_its_name(stylizer, tmp_path) -> None:
    write_picture(tmp_path / "wave.png", picture(40, 50))
    assert stylizer.encode_style(tmp_path / "wave.png").name == "wave"


def test_a_saved_style_is_known_by_its_suffix(style, tmp_path) -> None:
    with pytest.raises(StyleError, match="both: a saved style must end in .safetensors"):
        style.save(tmp_path / "both")
    with pytest.raises(StyleError, match="gone/a.safetensors: style cannot be written: No such"):
        style.save(tmp_path / "gone" / "a.safetensors")


def test_what_is_no_style_is_named(stylizer) -> None:
    with pytest.raises(TypeError, match="what encode_style returned, got 'waves'"):
        stylizer.stylize(picture(), "waves")


def test_a_picture_that_may_not_be_written_is_read(stylizer, style, recwarn) -> None:
    frame = picture()
    expected = stylizer.stylize(frame, style)
    frame.flags.writeable = False
    np.testing.assert_array_equal(stylizer.stylize(frame, style), expected)
    assert not recwarn.list


def test_style_of_one_pixel_works(stylizer) -> None:
    style = stylizer.encode_style(np.full((1, 1, 3), 200, np.uint8))
    assert stylizer.stylize(picture(), style).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("picture_hw", "seen_hw"),
    [((60, 90), (64, 96)), ((20, 400), (32, 256)), ((300, 3), (256, 32)), ((50, 200), (64, 256))],
)
def test_a_narrow_strip_is_encoded_at_a_bounded_size(
    stylizer, tiny_network, monkeypatch, picture_hw, seen_hw
) -> None:
    seen = []
    encode = type(tiny_network).encode_style
    monkeypatch.setattr(
        type(tiny_network),
        "encode_style",
        lambda net, x: seen.append(x.shape[2:]) or encode(net, x),
    )
    stylizer.encode_style(picture(*picture_hw), size=64)
    assert [tuple(shape) for shape in seen] == [seen_hw]


def test_many_frames_come_in_order_and_as_each_by_itself(stylizer, style) -> None:
    frames = [picture(48, 64 + 8 * (seed % 2), seed) for seed in range(6)]
    painted = list(stylizer.stylize_all(iter(frames), style, 0.7))
    assert len(painted) == 6
    for output, frame in zip(painted, frames, strict=True):
        np.testing.assert_array_equal(output, stylizer.stylize(frame, style, 0.7))
    with pytest.raises(ValueError, match=r"alpha must be in 0..1, got 1.5"):
        list(stylizer.stylize_all(frames, style, 1.5))


def test_many_frames_may_come_in_one_array(stylizer, style) -> None:
    frames = [picture(48, 64, seed) for seed in range(6)]
    buffer = np.empty_like(frames[0])

    def grabbed():
        for frame in frames:
            buffer[:] = frame
            yield buffer

    for output, frame in zip(stylizer.stylize_all(grabbed(), style), frames, strict=True):
        np.testing.assert_array_equal(output, stylizer.stylize(frame, style))


def test_what_is_of_another_type_is_named(stylizer, style, tiny_weights) -> None:
    for call, message in (
        (lambda: stylizer.stylize(picture(), style, "0.5"), "alpha must be a number, got '0.5'"),
        (lambda: stylizer.encode_style(3), "image must be a uint8 array or a path, got 3"),
        (lambda: stylizer.encode_style(picture(), size="big"), "size must be a number of pixels"),
        (lambda: Style.mix([style, "waves"], [0.5, 0.5]), "styles must be a list of what"),
        (lambda: Stylizer(3), "model must be a name, a path or a network, got 3"),
        (lambda: Stylizer(tiny_weights, dtype="bfloat16"), "dtype must be one of torch"),
    ):
        with pytest.raises(TypeError, match=message):
            call()


def test_bad_input_is_named(stylizer, style, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"alpha must be in 0..1, got 1.5"):
        stylizer.stylize(picture(), style, alpha=1.5)
    with pytest.raises(TypeError, match="uint8 array, got float32"):
        stylizer.stylize(picture().astype(np.float32), style)
    with pytest.raises(ValueError, match=r"shape \(H, W, 3\), got \(48, 64\)"):
        stylizer.stylize(picture()[:, :, 0], style)
    with pytest.raises(PictureError, match="no such file"):
        stylizer.encode_style(tmp_path / "missing.jpg")
    (tmp_path / "broken.safetensors").write_text("no style")
    with pytest.raises(StyleError, match="not a saved style"):
        stylizer.encode_style(tmp_path / "broken.safetensors")
    with pytest.raises(ValueError, match="size must be at least 16"):
        Stylizer(size=4)
    for device in ("warp9", "meta"):
        with pytest.raises(ValueError, match=f"device '{device}' cannot be used"):
            Stylizer(device=device)


def test_each_region_takes_its_own_style(stylizer, style) -> None:
    other = Style(
        "other", tuple((mean + 1, 2 * std) for mean, std in style.statistics), style.fingerprint
    )
    frame = picture(70, 90)
    left = np.zeros((70, 90), np.float32)
    left[:, :45] = 1
    both = stylizer.stylize_regions(frame, [style, other], np.stack([left, 1 - left])).astype(int)
    single = stylizer.stylize_regions(frame, [style], np.ones((1, 70, 90), np.float32)).astype(int)
    # Regions are another way to compute, in bfloat16 too where the processor has it.
    assert abs(single - stylizer.stylize(frame, style)).mean() < 2
    swapped = stylizer.stylize_regions(frame, [other, style], np.stack([left, 1 - left]))
    assert abs(swapped.astype(int) - both).mean() > 2
    with pytest.raises(ValueError, match=r"masks must have shape \(1, 70, 90\), got \(2, 70, 90\)"):
        stylizer.stylize_regions(frame, [style], np.stack([left, left]))


def damaged(tensors: dict[str, torch.Tensor], how: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a saved style, no longer those of a style."""
    changed = dict(tensors)
    if how == "no layers":
        return {name: tensor for name, tensor in tensors.items() if "." not in name}
    if how == "a layer is missing":
        del changed["1.mean"]
    elif how == "other shapes":
        changed["0.mean"] = changed["0.mean"].flatten()
    elif how == "not finite":
        changed["0.std"] = changed["0.std"] * float("nan")
    elif how == "a thumbnail that is none":
        changed["thumbnail"] = torch.zeros(4, dtype=torch.uint8)
    return changed


@pytest.mark.parametrize(
    "how",
    ["no layers", "a layer is missing", "other shapes", "not finite", "a thumbnail that is none"],
)
def test_a_file_that_is_not_wholly_a_style_is_refused(how, style, tmp_path) -> None:
    path = tmp_path / "shared.safetensors"
    style.save(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    path.write_bytes(save(damaged(tensors, how), metadata))
    with pytest.raises(StyleError, match="shared.safetensors: not a saved style"):
        Style.load(path)


def test_a_style_with_fewer_layers_is_refused(stylizer, style) -> None:
    fewer = replace(style, statistics=style.statistics[:2])
    with pytest.raises(StyleError, match="layers of .* channels, the network takes"):
        stylizer.stylize(picture(), fewer)
