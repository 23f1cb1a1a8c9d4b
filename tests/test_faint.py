"""What hardly shows anything is hardly painted."""

from __future__ import annotations

import numpy as np
import pytest

from realtime_adain.faint import keep_faint

from .helpers import picture


def test_a_fade_to_black_ends_in_black() -> None:
    scene = picture(90, 160)
    painted = np.full_like(scene, 200)
    means = [
        keep_faint(painted, (scene * light).astype(np.uint8)).mean()
        for light in np.linspace(1, 0, 60)
    ]
    assert means[0] == 200
    assert means[-1] == 0
    assert np.all(np.diff(means) <= 0)
    assert np.diff(means).min() > -100, "it fades, and is not cut off"


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_even_picture_stays_as_it_is_for_all_its_noise(level) -> None:
    noise = np.random.default_rng(0).normal(0, 4, (90, 160, 3))
    even = np.clip(level + noise, 0, 255).astype(np.uint8)
    kept = keep_faint(np.full_like(even, 60), even)
    assert np.abs(kept.astype(float) - even).mean() < 0.2 * np.abs(60.0 - even).mean()


def test_a_picture_is_painted_and_so_is_a_single_light_in_the_dark() -> None:
    painted = np.full((90, 160, 3), 200, np.uint8)
    night = np.zeros_like(painted)
    night[40:50, 80:90] = 90
    for original in (picture(90, 160), night):
        assert keep_faint(painted, original) is painted
