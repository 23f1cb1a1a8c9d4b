"""The moving scene that stands in for a camera."""

from __future__ import annotations

import numpy as np
import pytest

from realtime_adain.demo_scene import DemoScene


@pytest.mark.parametrize(
    "size_wh", [(1, 1), (8, 8), (9, 31), (97, 96), (333, 517), (640, 361), (8, 700), (700, 8)]
)
def test_frames_have_the_size_asked_for(size_wh):
    frame = DemoScene(size_wh).draw(1.5)
    assert frame.shape == (size_wh[1], size_wh[0], 3)
    assert frame.dtype == np.uint8


@pytest.mark.parametrize("size_wh", [(0, 8), (8, -1), (8, 10_000)])
def test_impossible_sizes_are_refused(size_wh):
    with pytest.raises(ValueError, match="sides must be 1 to 8192 pixels, got"):
        DemoScene(size_wh)


def test_a_frame_depends_on_its_time_alone():
    scene, other = DemoScene((160, 120)), DemoScene((160, 120))
    first = scene.draw(2.0)
    kept = first.copy()
    scene.draw(7.3)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(scene.draw(2.0), kept)
    np.testing.assert_array_equal(other.draw(2.0), kept)


@pytest.mark.parametrize("time", [-3.0, 0.0, 1e6])
def test_any_time_can_be_drawn(time):
    assert DemoScene((64, 48)).draw(time).std() > 10


def test_the_scene_moves_everywhere_but_smoothly():
    scene = DemoScene((320, 240))
    now, next_, later = (scene.draw(time).astype(float) for time in (1.0, 1.04, 4.0))
    assert 0 < np.abs(next_ - now).mean() < 4
    assert np.abs(later - now).mean() > 3
    tiles = np.abs(later - now).reshape(4, 60, 4, 80, 3).max(axis=(1, 3, 4))
    assert tiles.min() > 20


def test_the_picture_is_rich():
    frame = DemoScene((320, 240)).draw(0.0)
    assert frame.reshape(-1, 3).std(axis=0).min() > 25
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) > 10_000


def test_the_figure_blinks_and_talks():
    """Over some seconds the mouth and the eyes each take several shapes."""
    scene = DemoScene((320, 240))
    head = [scene.draw(time)[40:130, 110:190] for time in np.arange(0, 3, 0.1)]
    changes = [np.abs(a.astype(float) - b).max() for a, b in zip(head, head[1:], strict=False)]
    assert min(changes) > 5
    assert max(changes) > 60
