"""What `image` and `video` do beside one style: regions, colours, steadiness."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from realtime_adain import Stylizer
from realtime_adain.colour import ColourMode
from realtime_adain.image import main
from realtime_adain.painter import Painter, PaintingOptions
from realtime_adain.pictures import read_picture, write_picture

from .helpers import picture


@pytest.fixture
def paint(tmp_path, capsys):
    """Returns a function that runs `image`, with the shipped network, and returns its picture."""
    content = tmp_path / "content.png"
    write_picture(content, picture(64, 96))
    settings = ["--style-size", "128", "--engine", "torch", "--precision", "float32"]

    def run(*options: str) -> np.ndarray:
        out = tmp_path / "out.png"
        assert main([str(content), str(out), *settings, *options]) == 0, capsys.readouterr().err
        return read_picture(out)

    return run


@pytest.fixture
def two_styles(tmp_path) -> list[str]:
    paths = [tmp_path / "red.png", tmp_path / "blue.png"]
    for path, colour in zip(paths, ((220, 40, 20), (20, 60, 230)), strict=True):
        write_picture(path, (0.7 * np.array(colour) + 0.3 * picture(64, 64)).astype(np.uint8))
    return [str(path) for path in paths]


@pytest.mark.parametrize(
    "option",
    [("--alpha", "0.3"), ("--size", "48"), ("--style-size", "32"), ("--saturation", "0.2")],
)
def test_what_is_asked_for_is_painted(option, paint, two_styles) -> None:
    usual, asked = paint("--style", two_styles[0]), paint("--style", two_styles[0], *option)
    assert usual.shape == asked.shape
    assert np.abs(usual.astype(int) - asked).mean() > 1


def test_mask_gives_every_style_its_region(paint, two_styles, tmp_path) -> None:
    mask = np.zeros((64, 96, 3), np.uint8)
    mask[:, 48:] = 255
    write_picture(tmp_path / "mask.png", mask)
    regions = paint("--style", *two_styles, "--mask", str(tmp_path / "mask.png"))
    swapped = paint("--style", *two_styles[::-1], "--mask", str(tmp_path / "mask.png"))
    same = paint("--style", two_styles[0], two_styles[0], "--mask", str(tmp_path / "mask.png"))
    left, right = np.s_[:, :24], np.s_[:, 72:]
    change = np.abs(regions.astype(int) - same).mean(2)
    assert change[right].mean() > 10 and change[right].mean() > 3 * change[left].mean()
    assert np.abs(regions.astype(int) - swapped)[left].mean() > 10


def test_a_mix_has_the_weights_that_are_given(paint, two_styles) -> None:
    red, blue = two_styles
    alone, half = paint("--style", red), paint("--style", red, blue)
    np.testing.assert_array_equal(paint("--mix", f"{red}:1,{blue}:0"), alone)
    np.testing.assert_array_equal(paint("--mix", f"{red}:0.5,{blue}:0.5"), half)
    mostly = paint("--mix", f"{red}:0.8,{blue}:0.2").astype(int)
    assert np.abs(mostly - alone).mean() < np.abs(half.astype(int) - alone).mean()


def test_a_profile_of_the_live_program_gives_its_look(paint, two_styles, tmp_path) -> None:
    red, blue = two_styles
    profile = tmp_path / "show.toml"
    profile.write_text(
        f'style = ["{red}", "{blue}"]\nfirst = "{blue}"\nalpha = 0.6\ncolour = "content"\n'
        "strip = true\n"
    )
    look = paint("--style", blue, "--alpha", "0.6", "--colour", "content")
    np.testing.assert_array_equal(paint("--profile", str(profile)), look)
    full = paint("--style", blue, "--colour", "content")
    np.testing.assert_array_equal(paint("--profile", str(profile), "--alpha", "1"), full)


def test_a_mask_wants_no_mix(paint, two_styles, tmp_path) -> None:
    write_picture(tmp_path / "mask.png", np.full((64, 96, 3), 90, np.uint8))
    with pytest.raises(AssertionError, match="name them by --style, not --mix"):
        paint("--mask", str(tmp_path / "mask.png"), "--mix", f"{two_styles[0]}:1")


def test_mask_of_one_colour_is_refused(two_styles, tiny_weights, tmp_path, capsys) -> None:
    write_picture(tmp_path / "mask.png", np.full((64, 96, 3), 90, np.uint8))
    write_picture(tmp_path / "in.png", picture(64, 96))
    out = tmp_path / "out.png"
    arguments = [str(tmp_path / "in.png"), str(out), "--model", str(tiny_weights)]
    assert main([*arguments, "--style", *two_styles, "--mask", str(tmp_path / "mask.png")]) == 1
    assert "colours" in capsys.readouterr().err and not out.exists()


def test_colours_of_the_content_stay(paint, two_styles) -> None:
    chroma = lambda pixels: pixels.astype(float) - pixels.mean(2, keepdims=True)  # noqa: E731
    kept = paint("--style", two_styles[0], "--colour", "content")
    usual = paint("--style", two_styles[0])
    own = chroma(picture(64, 96))
    assert np.abs(chroma(kept) - own).mean() < 0.5 * np.abs(chroma(usual) - own).mean()


def test_saturation_zero_is_grey(paint, two_styles) -> None:
    grey = paint("--style", two_styles[0], "--saturation", "0").astype(int)
    assert np.ptp(grey, axis=2).max() <= 2


def test_matched_colours_encode_a_recoloured_style(paint, two_styles) -> None:
    matched = [paint("--style", style, "--colour", "matched") for style in two_styles]
    usual = [paint("--style", style) for style in two_styles]
    difference = [np.abs(pair[0].astype(int) - pair[1]).mean() for pair in (matched, usual)]
    assert difference[0] < difference[1], "styles in the content's colours are more alike"


def test_colours_are_followed_through_frames_that_were_painted_earlier(two_styles) -> None:
    shares = np.linspace(0.2, 0.9, 40)
    film = [(picture(48, 64) * (share, 0.5, 1 - share)).astype(np.uint8) for share in shares]
    stylizer = Stylizer("lite", device="cpu", engine="torch", dtype=torch.float32)

    def painter() -> Painter:
        options = PaintingOptions([Path(two_styles[0])], style_size=128, colour=ColourMode.MATCHED)
        return Painter(stylizer, options, 1 / 25)

    whole = list(painter().paint_all(film))
    resumed = painter()
    for pixels in film[:25]:
        resumed.skip(pixels)
    np.testing.assert_array_equal(list(resumed.paint_all(film[25:])), whole[25:])
    assert (next(painter().paint_all(film[25:])) != whole[25]).any()


def test_a_saved_style_keeps_its_colours_where_others_are_matched(
    paint, two_styles, tmp_path, capsys
) -> None:
    saved = str(tmp_path / "saved.safetensors")
    Stylizer(device="cpu", engine="torch").encode_style(two_styles[0]).save(saved)
    usual = paint("--style", saved)
    assert capsys.readouterr().err == ""
    np.testing.assert_array_equal(paint("--style", saved, "--colour", "matched"), usual)
    assert "saved.safetensors: a saved style has no picture" in capsys.readouterr().err


@pytest.mark.parametrize("with_mask", [False, True])
def test_what_does_not_fit_is_painted_smaller_and_the_folder_goes_on(
    with_mask, two_styles, tiny_weights, tmp_path, capsys, monkeypatch
) -> None:
    (tmp_path / "in").mkdir()
    sizes = {"a.png": (240, 320), "b.png": (600, 800), "c.png": (480, 900)}
    for name, size_hw in sizes.items():
        write_picture(tmp_path / "in" / name, picture(*size_hw))
    painted = []
    method = "stylize_regions" if with_mask else "stylize"
    stylize = getattr(Stylizer, method)

    def stylize_what_fits(self, pixels, *rest):
        if pixels.size > 3 * 200_000:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        painted.append(pixels.shape[:2])
        return stylize(self, pixels, *rest)

    monkeypatch.setattr(Stylizer, method, stylize_what_fits)
    options = ["--style", *two_styles, "--model", str(tiny_weights), "--engine", "torch"]
    if with_mask:
        halves = np.repeat(np.uint8([[[0], [255]]]), 3, 2)
        write_picture(tmp_path / "mask.png", halves)
        options += ["--mask", str(tmp_path / "mask.png")]
    assert main([str(tmp_path / "in"), str(tmp_path / "out"), *options]) == 0
    assert capsys.readouterr().err == (
        "realtime-adain: memory is short for 0.5 megapixels: 0.1 at most are painted from now on "
        "and brought back to full size\n"
    )
    assert painted == [(240, 320), (300, 400), (253, 474)]
    for name, size_hw in sizes.items():
        result = read_picture(tmp_path / "out" / name)
        assert result.shape[:2] == size_hw
        assert (result != read_picture(tmp_path / "in" / name)).mean() > 0.5
