"""The steady filter: flicker goes, motion stays as sharp as it was, cuts and new styles are new."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks import steadiness
from benchmarks.steadiness import ghosts, luma_change, warping_error
from realtime_adain.demo_scene import DemoScene
from realtime_adain.steady import DEFAULT_SMOOTHING, SteadyFilter

from .helpers import picture

HEIGHT, WIDTH = 96, 160


def noisy(pixels: np.ndarray, deviation: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, deviation, pixels.shape)
    return np.rint(pixels + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(("smoothing", "left"), [(DEFAULT_SMOOTHING, 0.36), (0.8, 0.2)])
def test_flicker_of_a_still_scene_is_averaged_away(smoothing, left) -> None:
    scene, painting = picture(HEIGHT, WIDTH), picture(HEIGHT, WIDTH, seed=1)
    steady, shown, painted = SteadyFilter(smoothing), [], []
    for index in range(30):
        painted.append(noisy(painting, 12, 100 + index))
        shown.append(steady(painted[-1], noisy(scene, 2, index)))
    assert luma_change(shown[10:]) < left * luma_change(painted[10:])
    error = np.abs(shown[-1].astype(float) - painting).mean()
    assert error < 0.6 * np.abs(painted[-1].astype(float) - painting).mean()


def walking(index: int) -> np.ndarray:
    """A bright square that walks to the right by 6 pixels a frame."""
    pixels = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    pixels[32:64, 6 * index : 6 * index + 32] = (200, 180, 90)
    return pixels


def test_nothing_is_left_behind_what_moves() -> None:
    steady = SteadyFilter()
    for index in range(15):
        original = walking(index)
        stylized = 255 - original
        shown = steady(stylized, original)
        assert np.abs(shown.astype(int) - stylized).max() <= 3


def test_a_change_too_slow_to_see_between_two_frames_is_followed() -> None:
    steady = SteadyFilter()
    for index in range(200):
        original = np.full((HEIGHT, WIDTH, 3), 60 + index // 2, np.uint8)
        shown = steady(original, original)
        assert np.abs(shown.astype(int) - original).max() <= 4


def test_slow_motion_leaves_hardly_a_ghost() -> None:
    scene, originals, painted = DemoScene((320, 240)), [], []
    for index in range(30):
        pixels = scene.draw(index / 30)
        exaggerated = 128 + 4.0 * (pixels - cv2.blur(pixels.astype(float), (15, 15)))
        originals.append(noisy(pixels, 2, index))
        painted.append(noisy(exaggerated, 10, 900 + index))
    shown = list(map(SteadyFilter(), painted, originals))
    assert luma_change(shown[8:]) < 0.6 * luma_change(painted[8:])
    _, share = ghosts(originals, painted, shown)
    assert share < 0.0075


def test_a_change_of_colour_alone_is_a_change() -> None:
    steady, red, green = SteadyFilter(), picture(HEIGHT, WIDTH), picture(HEIGHT, WIDTH)
    red[30:66, 50:110] = (150, 60, 60)
    green[30:66, 50:110] = (60, 106, 60)  # of the same luma
    for _ in range(5):
        steady(red, red)
    shown = steady(green, green)
    assert np.abs(shown.astype(int) - green).max() <= 3


def test_new_style_and_new_size_are_shown_as_they_are() -> None:
    scene, painting = picture(HEIGHT, WIDTH), picture(HEIGHT, WIDTH, seed=1)
    other = painting[::-1].copy()
    steady = SteadyFilter()
    for _ in range(5):
        steady(painting, scene)
    assert not np.array_equal(steady(other, scene), other)
    assert np.array_equal(steady(painting, scene, reset=True), painting)
    steady.reset()
    assert np.array_equal(steady(other, scene), other)
    small = painting[:40, :41].copy()
    assert np.array_equal(steady(small, scene[:40, :41]), small)


def test_after_a_cut_nothing_is_left_where_both_scenes_are_black() -> None:
    scene, painting = picture(240, 320), picture(240, 320, seed=1)
    scene[:32] = 0
    after = np.where(scene == 0, 0, 255 - scene).astype(np.uint8)
    steady = SteadyFilter()
    for _ in range(5):
        steady(painting, scene)
    repainted = painting[::-1].copy()
    assert np.array_equal(steady(repainted, after), repainted)


def test_smoothing_is_the_share_of_the_former_picture() -> None:
    scene = picture(HEIGHT, WIDTH)
    dark, bright = np.full_like(scene, 50), np.full_like(scene, 150)
    for smoothing, expected in ((0.0, 150), (0.6, 90), (0.9, 60)):
        steady = SteadyFilter(smoothing)
        steady(dark, scene)
        assert np.abs(steady(bright, scene).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("size_hw", [(1, 1), (3, 5), (17, 33)])
def test_any_size_is_taken(size_hw: tuple[int, int]) -> None:
    steady, pixels = SteadyFilter(), picture(*size_hw)
    for _ in range(3):
        shown = steady(pixels, pixels)
    assert shown.shape == pixels.shape and shown.dtype == np.uint8
    assert np.abs(shown.astype(int) - pixels).max() <= 1


@pytest.mark.parametrize("smoothing", [-0.1, 0.95, float("nan")])
def test_smoothing_outside_its_range_is_refused(smoothing: float) -> None:
    with pytest.raises(ValueError, match=r"smoothing must be in 0..0.9, got"):
        SteadyFilter(smoothing)


def test_original_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="sizes must be equal"):
        SteadyFilter()(picture(20, 20), picture(20, 24))


def test_benchmark_sees_a_ghost_and_a_camera_motion() -> None:
    originals = [walking(index) for index in range(4)]
    late = [originals[0], *originals[:-1]]
    assert ghosts(originals, originals, originals) == (0.0, 0.0)
    mean, share = ghosts(originals, originals, late)
    assert mean > 50 and share > 0.5
    shift = [np.array([[1.0, 0, 6.0 * i], [0, 1, 0], [0, 0, 1]]) for i in range(4)]
    stays = [np.eye(3)] * 4
    assert warping_error(originals, shift) < 0.01 < warping_error(originals, stays)


def test_benchmark_prints_the_original_and_every_smoothing(tiny_weights, capsys) -> None:
    options = ["--styles", "ink", "--side", "48", "--frames", "16"]
    assert steadiness.main(["--model", str(tiny_weights), *options]) == 0
    _, *rows = capsys.readouterr().out.splitlines()
    left = {row[:14].strip(): float(row[14:].split()[1]) for row in rows}
    assert list(left) == ["original", *(f"smoothing {s:g}" for s in steadiness.SMOOTHINGS)]
    assert left["original"] == left["smoothing 0"] == 1
    assert left["smoothing 0.9"] < left["smoothing 0.6"] < 1
    with pytest.raises(SystemExit):
        steadiness.main(["--frames", "3"])
