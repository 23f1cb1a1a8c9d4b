"""A picture that comes again costs nothing, and looks as if it were painted anew."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from realtime_adain import Stylizer
from realtime_adain.colour import ColourMode
from realtime_adain.live.still import STILL_FRAMES, StillFrames
from realtime_adain.painter import Painter, PaintingOptions
from realtime_adain.pictures import write_picture
from realtime_adain.repeated import is_repeated, once

from .helpers import picture


def test_one_pixel_makes_another_picture() -> None:
    pixels = picture(64, 48)
    for row in (0, 16, 21):  # the first two are among the few that are looked at first
        other = pixels.copy()
        assert is_repeated(other, pixels)
        other[row, 30, 2] ^= 1
        assert not is_repeated(other, pixels)
    assert not is_repeated(pixels, None)
    assert not is_repeated(pixels, pixels[:, :-1])


def test_once_is_made_by_one_of_several_threads_and_again_after_an_error() -> None:
    begun, go_on, calls = Event(), Event(), []

    def make() -> str:
        calls.append("")
        begun.set()
        go_on.wait(5)
        if len(calls) == 1:
            raise OSError("the first time")
        return "made"

    get = once(make)
    with ThreadPoolExecutor(2) as pool:
        failing = pool.submit(get)
        begun.wait(5)
        waiting = pool.submit(get)
        go_on.set()
        with pytest.raises(OSError, match="the first time"):
            failing.result(5)
        assert waiting.result(5) == "made"
    assert get() == "made" and len(calls) == 2


@pytest.fixture
def stylizer(tiny_network, monkeypatch) -> Stylizer:
    """One that keeps in `painted` what it is given."""
    stylizer = Stylizer(tiny_network, device="cpu", engine="torch")
    stylizer.painted = []
    stylize = stylizer.stylize

    def noted(pixels: np.ndarray, *rest: object) -> np.ndarray:
        stylizer.painted.append(pixels)
        return stylize(pixels, *rest)

    monkeypatch.setattr(stylizer, "stylize", noted)
    return stylizer


def paint(stylizer: Stylizer, options: PaintingOptions, film: list[np.ndarray]) -> list[np.ndarray]:
    stylizer.painted.clear()
    return list(Painter(stylizer, options, 1 / 25).paint_all(film))


def test_a_film_of_slides_is_painted_slide_by_slide(stylizer, tmp_path: Path) -> None:
    write_picture(tmp_path / "style.png", picture(64, 64))
    slides = [picture(48, 64), picture(48, 64)[::-1].copy()]
    film = [slides[number // 5 % 2].copy() for number in range(15)]
    options = PaintingOptions([tmp_path / "style.png"], style_size=64)
    painted = paint(stylizer, options, film)
    assert len(stylizer.painted) == 3
    for frame, shown in zip(film, painted, strict=True):
        np.testing.assert_array_equal(shown, paint(stylizer, options, [frame])[0])


def test_a_still_film_whose_colours_are_still_followed_is_painted_anew(
    stylizer, tmp_path: Path
) -> None:
    write_picture(tmp_path / "style.png", picture(64, 64))
    options = PaintingOptions([tmp_path / "style.png"], style_size=64, colour=ColourMode.MATCHED)
    dimmer = (picture(48, 64) * 0.9).astype(np.uint8)  # no cut, and yet it will be followed
    film = [picture(48, 64)] * 3 + [dimmer] * 60
    paint(stylizer, options, film)
    assert 2 < len(stylizer.painted) < len(film)


class Painted:
    """Paints nothing, but counts."""

    def __init__(self, shade: int) -> None:
        self.shade = shade
        self.times = 0

    def __call__(self, pixels: np.ndarray, style: object, alpha: float) -> np.ndarray:
        self.times += 1
        return np.full_like(pixels, self.shade)


def test_a_live_picture_that_stands_still_is_painted_in_full_once() -> None:
    moving, still = Painted(1), Painted(2)
    paint, style, pixels = StillFrames(moving, still), object(), picture(48, 64)
    shades = [paint(pixels.copy(), style, 1.0).flat[0] for _ in range(2 * STILL_FRAMES)]
    assert shades == STILL_FRAMES * [1] + STILL_FRAMES * [2]
    assert (moving.times, still.times, paint.in_full) == (1, 1, True)
    assert paint(255 - pixels, style, 1.0).flat[0] == 1 and not paint.in_full


@pytest.mark.parametrize("what", ["picture", "style", "strength"])
def test_a_live_picture_is_painted_anew_for_any_change(what: str) -> None:
    moving = Painted(1)
    paint, style, pixels = StillFrames(moving, Painted(2)), object(), picture(48, 64)
    paint(pixels, style, 1.0)
    paint(pixels.copy(), style, 1.0)
    assert moving.times == 1
    paint(
        pixels[::-1] if what == "picture" else pixels,
        object() if what == "style" else style,
        0.5 if what == "strength" else 1.0,
    )
    assert moving.times == 2
