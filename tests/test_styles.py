"""The built-in styles: their files, their names, and the script that draws them."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from realtime_adain.errors import StyleError
from realtime_adain.pictures import read_picture
from realtime_adain.styles import builtin_style_names, builtin_style_path
from realtime_adain.styles.drawing.__main__ import encode, main
from realtime_adain.styles.drawing.catalogue import DRAWINGS


def test_names_are_unique_and_each_has_a_drawing():
    names = builtin_style_names()
    assert len(names) == len(set(names)) >= 10
    assert set(names) == set(DRAWINGS)


@pytest.mark.parametrize("name", builtin_style_names())
def test_every_style_is_a_rich_picture_of_512_pixels(name):
    pixels = read_picture(builtin_style_path(name))
    assert pixels.shape == (512, 512, 3)
    assert pixels.dtype == np.uint8
    tiles = pixels.reshape(8, 64, 8, 64, 3).astype(float)
    assert tiles.std(axis=(1, 3)).max(axis=-1).min() > 2, "a part of the picture is empty"


def test_files_are_small_enough_to_ship():
    sizes = [builtin_style_path(name).stat().st_size for name in builtin_style_names()]
    assert all(50_000 <= size <= 130_000 for size in sizes), sizes
    assert sum(sizes) < 1_100_000


def test_an_unknown_name_suggests_near_ones():
    with pytest.raises(StyleError, match=r"no style named 'stary'; did you mean 'starry'\? built"):
        builtin_style_path("stary")


def test_a_name_like_no_other_lists_them_all():
    with pytest.raises(StyleError, match="no style named 'zzz'; built in are starry, mosaic"):
        builtin_style_path("zzz")


def test_the_lookup_waits_for_neither_numpy_nor_opencv():
    code = "import sys, realtime_adain.styles; print({'numpy', 'cv2'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_the_script_draws_the_shipped_file(tmp_path, capsys):
    assert main([str(tmp_path), "--only", "ink"]) == 0
    assert "ink.jpg" in capsys.readouterr().out
    drawn = read_picture(tmp_path / "ink.jpg").astype(float)
    shipped = read_picture(builtin_style_path("ink")).astype(float)
    assert np.abs(drawn - shipped).mean() < 2


def test_a_drawing_is_the_same_at_every_call():
    np.testing.assert_array_equal(DRAWINGS["waves"](), DRAWINGS["waves"]())


def test_encoding_lowers_the_quality_until_the_file_is_small():
    noisy = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    data = encode(noisy)
    assert len(data) <= 90_000
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (256, 256, 3)
