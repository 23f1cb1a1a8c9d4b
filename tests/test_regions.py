"""Regions: masks from a painted picture, the original kept, a person before a known background."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from realtime_adain.pictures import read_picture, write_picture
from realtime_adain.regions import (
    BackgroundModel,
    count_colours,
    keep_original,
    masks_from_picture,
)

from .helpers import picture

BLACK, BLUE, YELLOW = (0, 0, 0), (30, 40, 200), (250, 230, 40)


def painted() -> np.ndarray:
    """Blue left of yellow, a black bar above; the order by brightness is black, blue, yellow."""
    pixels = np.empty((90, 120, 3), np.uint8)
    pixels[:, :60], pixels[:, 60:], pixels[:30] = BLUE, YELLOW, BLACK
    return pixels


def test_masks_are_in_order_from_dark_to_light_and_sum_to_one() -> None:
    masks = masks_from_picture(painted(), 3)
    assert masks.shape == (3, 90, 120) and masks.dtype == np.float32
    np.testing.assert_allclose(masks.sum(0), 1, atol=1e-5)
    assert masks.min() >= 0
    for index, (row, column) in enumerate([(8, 60), (70, 15), (70, 105)]):
        assert masks[index, row, column] > 0.99
    across = masks[2, 70]
    assert ((across > 0.05) & (across < 0.95)).sum() >= 2, "the edge is soft"


def test_hard_edges_where_asked() -> None:
    masks = masks_from_picture(painted(), 3, softness=0.0)
    assert set(np.unique(masks)) == {0.0, 1.0}
    assert masks[2, 30:, 60:].mean() > 0.99


def test_smoothed_edges_of_the_drawing_are_no_region() -> None:
    grey = np.zeros((80, 120), np.uint8)
    cv2.circle(grey, (40, 40), 30, 255, -1, cv2.LINE_AA)
    grey[:, 90:] = 128
    smooth = np.repeat(cv2.GaussianBlur(grey, (3, 3), 0)[:, :, None], 3, 2)
    masks = masks_from_picture(smooth, 3, softness=0.0)
    assert masks[1, :, :80].sum() == 0
    assert masks[1, :, 92:].mean() == 1


def test_masks_of_a_file_with_jpeg_noise_are_the_same_every_time(tmp_path) -> None:
    write_picture(tmp_path / "regions.jpg", painted())
    read = read_picture(tmp_path / "regions.jpg")
    first, second = (masks_from_picture(read, 3) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.abs(first - masks_from_picture(painted(), 3)).mean() < 0.01


def test_colours_are_counted_as_one_sees_them(tmp_path) -> None:
    assert count_colours(painted()) == 3
    write_picture(tmp_path / "regions.jpg", painted())
    assert count_colours(read_picture(tmp_path / "regions.jpg")) == 3
    assert count_colours(cv2.GaussianBlur(painted(), (3, 3), 0)) == 3
    assert count_colours(np.full((40, 50, 3), 127, np.uint8)) == 1
    stripes = np.repeat(np.arange(0, 240, 10, dtype=np.uint8), 8)
    assert count_colours(np.broadcast_to(stripes[:, None], (40, len(stripes), 3))) > 5


def test_what_cannot_be_split_is_refused() -> None:
    with pytest.raises(ValueError, match="4 regions need as many colours, there are 3"):
        masks_from_picture(painted(), 4)
    with pytest.raises(ValueError, match="a mask needs 2 to 16 styles"):
        masks_from_picture(painted(), 1)
    with pytest.raises(ValueError, match=r"softness must be in 0..1, got -1"):
        masks_from_picture(painted(), 2, softness=-1)
    with pytest.raises(TypeError, match="uint8"):
        masks_from_picture(painted().astype(float), 2)


def test_original_is_kept_where_the_mask_is_zero() -> None:
    stylized, original = np.full((4, 6, 3), 200, np.uint8), np.full((4, 6, 3), 100, np.uint8)
    mask = np.tile(np.float32([0, 0, 0.25, 0.5, 1, 1]), (4, 1))
    kept = keep_original(stylized, original, mask)
    assert np.abs(kept[0, :, 0].astype(int) - [100, 100, 125, 150, 200, 200]).max() <= 1
    with pytest.raises(ValueError, match="sizes must be equal"):
        keep_original(stylized, original, mask[:2])


def room() -> np.ndarray:
    return cv2.GaussianBlur(picture(120, 160), (0, 0), 2)


def camera(pixels: np.ndarray, seed: int, light: float = 1.0) -> np.ndarray:
    """What a camera with noise of deviation 2 sees at some light."""
    noise = np.random.default_rng(seed).normal(0, 2, pixels.shape)
    return np.rint(light * pixels + noise).clip(0, 255).astype(np.uint8)


def with_person(x: int) -> tuple[np.ndarray, np.ndarray]:
    """The room with a person at `x`, head and shoulders, and the true mask."""
    true = np.zeros((120, 160), np.uint8)
    cv2.circle(true, (x, 50), 18, 1, -1)
    cv2.ellipse(true, (x, 120), (34, 52), 0, 180, 360, 1, -1)
    pixels = room()
    pixels[true > 0] = (70, 170, 60)
    pixels[62:66, x - 4 : x + 4] = (200, 60, 60)
    return pixels, true > 0


def learnt(light: float = 1.0) -> BackgroundModel:
    model = BackgroundModel()
    for seed in range(4):
        model.learn(camera(room(), seed, light))
    return model


def overlap(mask: np.ndarray, true: np.ndarray) -> float:
    return ((mask > 0.5) & true).sum() / ((mask > 0.5) | true).sum()


def test_empty_room_stays_empty_when_the_camera_changes_its_exposure() -> None:
    model = learnt(light=0.6)
    for index, light in enumerate([0.6, 0.9, 0.9, 0.75, 0.5]):
        mask = model.mask(camera(room(), 10 + index, light))
        assert mask.shape == (120, 160) and mask.dtype == np.float32
        assert mask.max() < 0.1


def test_daylight_that_slowly_comes_through_a_window_is_no_person() -> None:
    model = learnt(light=0.7)
    for index in range(150):
        pixels = 0.7 * room()
        pixels[:, :50] += np.array([0.0, 0.1, 0.2]) * index
        mask = model.mask(camera(pixels, index))
    assert mask.max() < 0.1


def test_shadow_is_no_person() -> None:
    model, pixels = learnt(), room().astype(float)
    pixels[40:90, 40:100] *= 0.75
    masks = [model.mask(camera(pixels, index)) for index in range(5)]
    assert masks[-1].max() < 0.1


def test_person_is_found_and_followed_and_forgotten() -> None:
    model = learnt()
    for index in range(20):
        pixels, true = with_person(50 + 2 * index)
        mask = model.mask(camera(pixels, index, light=0.9))
        assert mask.min() >= 0 and mask.max() <= 1
        if index >= 2:
            assert overlap(mask, true) > 0.85
    for index in range(12):
        mask = model.mask(camera(room(), 50 + index))
    assert mask.max() < 0.1


def test_someone_sitting_still_is_not_taken_for_background() -> None:
    model = learnt()
    pixels, true = with_person(80)
    for index in range(150):
        mask = model.mask(camera(pixels, index))
    assert overlap(mask, true) > 0.85


def test_mask_of_someone_in_the_walls_colour_does_not_tremble() -> None:
    model, pixels = learnt(light=0.7), 0.7 * room()
    pixels[30:90, 50:110] += np.array([0.0, 18.0, 0.0])
    masks = [model.mask(camera(pixels, index)) for index in range(60)][20:]
    assert 0.4 < masks[-1][40:80, 60:100].mean() < 0.9, "neither here nor there"
    assert np.mean([np.abs(b - a) for a, b in itertools.pairwise(masks)]) < 0.0015


def test_background_must_be_learnt_and_of_the_frames_size() -> None:
    model = BackgroundModel()
    assert not model.learnt
    with pytest.raises(RuntimeError, match=r"call learn\(\) with an empty frame first"):
        model.mask(room())
    model.learn(room())
    assert model.learnt
    with pytest.raises(ValueError, match=r"the background has size \(120, 160\), got \(60, 160\)"):
        model.mask(room()[:60])
    model.learn(room()[:60])
    assert model.mask(room()[:60]).shape == (60, 160)
    model.reset()
    assert not model.learnt


def test_background_learnt_once_more_replaces_the_former_one() -> None:
    model, other = learnt(), np.ascontiguousarray(room()[:, ::-1])
    assert model.mask(camera(other, 0)).max() > 0.9
    model.learn(camera(other, 1))
    assert model.mask(camera(other, 2)).max() < 0.1


@pytest.mark.parametrize("size_hw", [(1, 1), (3, 7), (40, 9)])
def test_person_mask_has_the_frames_size(size_hw: tuple[int, int]) -> None:
    model = BackgroundModel()
    model.learn(np.zeros((*size_hw, 3), np.uint8))
    mask = model.mask(np.full((*size_hw, 3), 200, np.uint8))
    assert mask.shape == size_hw and np.isfinite(mask).all()
