"""Colours: what the two ways of Gatys et al. promise, and that a live style does not flicker."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from realtime_adain.colour import (
    ColourFollower,
    ColourMode,
    ColourMoments,
    finish_colours,
    recolour,
    saturate,
    transfer_luminance,
)

from .helpers import picture


def luma(pixels: np.ndarray) -> np.ndarray:
    return pixels @ np.array([0.299, 0.587, 0.114])


def mild(seed: int) -> np.ndarray:
    """A picture of muted colours, so that nothing is cut off at 0 or 255."""
    return (96 + picture(seed=seed) / 4).astype(np.uint8)


def test_luminance_transfer_has_the_luma_of_one_and_the_chroma_of_the_other() -> None:
    stylized, content = mild(0), mild(1)[::-1]
    result = transfer_luminance(stylized, content)
    assert np.abs(luma(result) - luma(stylized)).max() < 2
    chroma = content - luma(content)[:, :, None]
    assert np.abs(result - luma(result)[:, :, None] - chroma).max() < 4


def test_luminance_transfer_refuses_other_sizes() -> None:
    with pytest.raises(ValueError, match="sizes must be equal"):
        transfer_luminance(picture(40, 40), picture(40, 42))


def test_saturation_goes_from_grey_over_the_picture_itself_to_stronger_colours() -> None:
    pixels = mild(0)
    assert saturate(pixels, 1.0) is pixels
    grey, strong = saturate(pixels, 0.0), saturate(pixels, 2.0)
    assert np.array_equal(grey[:, :, 0], grey[:, :, 1]) and np.array_equal(
        grey[:, :, 0], grey[:, :, 2]
    )
    assert np.abs(luma(grey) - luma(pixels)).max() < 1
    assert np.abs(luma(strong) - luma(pixels)).max() < 1
    spread = [np.ptp(p.astype(int), axis=2).mean() for p in (pixels, strong)]
    assert spread[1] == pytest.approx(2 * spread[0], rel=0.02)


@pytest.mark.parametrize("amount", [-0.1, 2.1, float("nan")])
def test_saturation_outside_its_range_is_refused(amount: float) -> None:
    with pytest.raises(ValueError, match=r"saturation must be in 0..2, got"):
        saturate(mild(0), amount)


def test_finishing_brings_back_the_contents_colours_only_where_asked() -> None:
    stylized, content = mild(0), mild(1)
    assert finish_colours(stylized, content) is stylized
    assert finish_colours(stylized, content, ColourMode.MATCHED) is stylized
    kept = finish_colours(stylized, content, ColourMode.CONTENT)
    assert np.array_equal(kept, transfer_luminance(stylized, content))
    grey = finish_colours(stylized, content, ColourMode.CONTENT, saturation=0.0)
    assert np.array_equal(grey, saturate(kept, 0.0))


def test_recoloured_style_has_the_contents_mean_and_covariance() -> None:
    random = np.random.default_rng(0)
    mixing = np.array([[20, 5, 0], [3, 15, 6], [0, 8, 18]])
    style = (random.normal(0, 1, (64, 64, 3)) @ mixing + [90, 150, 120]).clip(0, 255)
    content = ColourMoments.of(mild(1))
    matched = ColourMoments.of(recolour(style.astype(np.uint8), content))
    np.testing.assert_allclose(matched.mean, content.mean, atol=1)
    np.testing.assert_allclose(matched.covariance, content.covariance, atol=8, rtol=0.03)


def test_recolouring_to_its_own_colours_changes_nothing() -> None:
    style = mild(0)
    assert cv2.absdiff(recolour(style, ColourMoments.of(style)), style).max() <= 2


def test_recolouring_a_grey_drawing_makes_up_no_hues() -> None:
    random = np.random.default_rng(0)
    ink = np.repeat(random.choice([40, 220], (64, 64, 1)), 3, axis=2) + random.integers(
        -1, 2, (64, 64, 3)
    )
    content = ColourMoments(np.array([128.0] * 3), np.diag([900.0, 1600.0, 400.0]))
    result = recolour(ink.astype(np.uint8), content).astype(int)
    for tone in (40, 220):
        inside = result[np.abs(ink[:, :, 0] - tone) <= 1]
        assert inside.std(0).max() < 12  # the noise of deviation 0.8 does not become a rainbow


def brightened(pixels: np.ndarray, by: float) -> np.ndarray:
    return (pixels + by).clip(0, 255).astype(np.uint8)


def test_follower_leaves_the_style_alone_while_the_content_only_flickers() -> None:
    random = np.random.default_rng(0)
    follower = ColourFollower()
    assert follower.update(mild(0), 0.0) is not None
    for index in range(1, 60):
        noise = random.normal(0, 3, mild(0).shape) + random.normal(0, 8)
        assert follower.update(brightened(mild(0), noise), index / 30) is None


def test_follower_arrives_at_lasting_colours_in_few_steps() -> None:
    follower = ColourFollower(seconds=1.0, threshold=6.0)
    follower.update(mild(0), 0.0)
    evening = brightened(mild(0), -40.0)
    answers = [
        follower.update(brightened(mild(0), -40.0 * min(index / 30, 1.0)), index / 30)
        for index in range(1, 300)
    ]
    given = [moments for moments in answers if moments is not None]
    assert 3 <= len(given) <= 40 / 6 + 1
    assert given[-1].distance(ColourMoments.of(evening)) < 6.5
    follower.reset()
    fresh = follower.update(mild(2), 20.0)
    assert fresh.distance(ColourMoments.of(mild(2))) == 0


def test_follower_takes_the_colours_after_a_cut_at_once_but_follows_a_fade() -> None:
    before, after = mild(0), brightened(mild(0), 60.0)
    cut, fade = ColourFollower(), ColourFollower()
    for index in range(25):
        cut.update(before, index / 25)
        fade.update(before, index / 25)
    taken = cut.update(after, 1.0)
    assert taken is not None and taken.distance(ColourMoments.of(after)) == 0
    given = ColourMoments.of(before)
    for index in range(26):
        moments = fade.update(brightened(before, 60.0 * index / 25), 1.0 + index / 25)
        if moments is not None:
            assert moments.distance(given) < 8
            given = moments
    assert given.distance(ColourMoments.of(after)) > 40


def test_follower_refuses_what_is_not_positive() -> None:
    with pytest.raises(ValueError, match="above 0, got 0.0 and 6.0"):
        ColourFollower(seconds=0.0)
