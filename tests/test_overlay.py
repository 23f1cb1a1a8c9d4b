"""Text over the picture: legible, small, and never in the picture that was given."""

from __future__ import annotations

import numpy as np
import pytest

from realtime_adain.overlay import Overlay, draw_overlay, side_by_side, split

FULL = Overlay(
    status=("starry", "80%", "31.4 fps", "41 ms"),
    message="saved snapshot.png",
    help=(("n p", "next, previous style"), ("q", "quit")),
    recording="0:12",
    problem="no camera",
    graph=(10.0, 20.0, 900.0),
    grip=8,
    selection=(2, 2, 12, 12),
)


def grey(height: int, width: int, value: int = 128) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return where the pictures differ, bool `(H, W)`."""
    return (before != after).any(-1)


def test_the_given_picture_is_left_alone() -> None:
    pixels = grey(480, 640)
    drawn = draw_overlay(pixels, FULL)
    assert (pixels == 128).all()
    assert drawn.shape == pixels.shape and drawn.dtype == np.uint8
    assert not np.shares_memory(drawn, pixels)


def test_nothing_to_say_changes_nothing() -> None:
    assert not changed(grey(480, 640), draw_overlay(grey(480, 640), Overlay())).any()


@pytest.mark.parametrize(
    ("overlay", "rows", "columns"),
    [
        (Overlay(status=("starry", "80%")), slice(0, 60), slice(0, 220)),
        (Overlay(recording="0:12"), slice(0, 60), slice(540, 640)),
        (Overlay(message="saved a.png"), slice(420, 480), slice(200, 440)),
        (Overlay(help=FULL.help), slice(180, 300), slice(180, 460)),
        (Overlay(problem="no camera"), slice(210, 270), slice(230, 410)),
        (Overlay(graph=(20.0, 40.0)), slice(0, 60), slice(0, 180)),
        (Overlay(status=("a",), graph=(20.0, 40.0)), slice(0, 100), slice(0, 180)),
        (Overlay(message="saved a.png", below=80), slice(340, 400), slice(200, 440)),
        (Overlay(grip=100), slice(226, 254), slice(86, 114)),
        (Overlay(selection=(50, 60, 90, 110)), slice(58, 113), slice(48, 93)),
    ],
    ids=[
        *("status", "recording", "message", "help", "problem", "graph", "graph below status"),
        *("message above the strip", "grip", "selection"),
    ],
)
def test_each_part_stays_in_its_corner(overlay: Overlay, rows: slice, columns: slice) -> None:
    difference = changed(grey(480, 640), draw_overlay(grey(480, 640), overlay))
    assert difference[rows, columns].any()
    difference[rows, columns] = False
    assert not difference.any()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_text_stands_out_from_any_picture(value: int) -> None:
    drawn = draw_overlay(grey(480, 640, value), Overlay(status=("starry",)))[:60, :220]
    brightest = int(drawn[changed(drawn, grey(60, 220, value))].max())
    panel = int(np.median(drawn[changed(drawn, grey(60, 220, value))]))
    assert brightest > 230
    assert panel < 100


def test_a_problem_gives_way_to_the_help() -> None:
    with_help = Overlay(help=FULL.help)
    both = Overlay(help=FULL.help, problem="no camera, and nothing to be seen of it anywhere")
    drawn = [draw_overlay(grey(480, 640), overlay) for overlay in (with_help, both)]
    assert (drawn[0] == drawn[1]).all()


def test_the_help_has_bright_keys_in_both_columns() -> None:
    lines = (("H", "b", "H", "d"), ("H", "b"))
    drawn = draw_overlay(grey(480, 640, 0), Overlay(help=lines))[:, :, 0]
    bright = (drawn[200:240] > 215).any(0).nonzero()[0]
    soft = (drawn[200:240] > 150).any(0).nonzero()[0]
    assert len(set((bright // 8).tolist())) < len(set((soft // 8).tolist()))
    assert np.ptp(bright) > 30


def test_the_graph_rises_with_the_latency_and_scrolls_in_from_the_right() -> None:
    def line(*values: float) -> tuple[np.ndarray, np.ndarray]:
        drawn = draw_overlay(grey(480, 640, 0), Overlay(graph=values)).astype(int)
        return ((drawn[..., 1] > 150) & (drawn[..., 2] < drawn[..., 1] - 40)).nonzero()

    low, high, scaled = line(*[10.0] * 30), line(*[45.0] * 30), line(*[45.0] * 20, *[450.0] * 10)
    assert high[0].mean() < low[0].mean() - 20
    assert 100 < low[1].min() < 140 < low[1].max()  # a quarter of the width
    assert scaled[0].max() > high[0].max() + 20 and np.ptp(scaled[0]) > 30


def test_the_recording_dot_is_red() -> None:
    alone = Overlay(recording="0:12")
    red, green, blue = (draw_overlay(grey(480, 640), alone)[..., c].astype(int) for c in range(3))
    dots = (red > 200) & (green < 90) & (blue < 90)
    assert 40 < dots.sum() < 400
    assert dots[:60, 540:].sum() == dots.sum()


def test_a_long_status_leaves_the_clock_free() -> None:
    clock, line = Overlay(recording="0:12"), ("pointillism", "100%", "90% colour", "29.5 fps")
    alone, both = (
        draw_overlay(grey(240, 320), overlay)
        for overlay in (clock, Overlay(recording="0:12", status=line))
    )
    columns = changed(grey(240, 320), alone).any(0).nonzero()[0]
    np.testing.assert_array_equal(both[:, columns.min() :], alone[:, columns.min() :])
    assert changed(alone, both)[:, : columns.min()].any()


def test_the_graph_gives_way_to_the_help() -> None:
    with_graph, without = (
        draw_overlay(grey(240, 320), Overlay(help=FULL.help, graph=graph))
        for graph in (FULL.graph, ())
    )
    np.testing.assert_array_equal(with_graph, without)


def test_text_grows_with_the_picture() -> None:
    small, large = (
        changed(grey(*size), draw_overlay(grey(*size), Overlay(status=("starry",)))).sum()
        for size in [(720, 1280), (1440, 2560)]
    )
    assert large == pytest.approx(4 * small, rel=0.1)


@pytest.mark.parametrize("size_hw", [(120, 160), (48, 64), (16, 16), (200, 31)])
def test_panels_fit_into_the_smallest_pictures(size_hw: tuple[int, int]) -> None:
    assert draw_overlay(grey(*size_hw), FULL).shape == (*size_hw, 3)


def test_side_by_side_has_the_first_picture_on_the_left() -> None:
    both = side_by_side(grey(10, 20, 1), grey(10, 20, 2))
    assert both.shape == (10, 40, 3)
    assert (both[:, :20] == 1).all() and (both[:, 20:] == 2).all()


@pytest.mark.parametrize("column", [0, 1, 7, 20])
def test_split_has_the_first_picture_left_of_the_line(column: int) -> None:
    left, right = grey(10, 20, 1), grey(10, 20, 2)
    both = split(left, right, column)
    assert (both[:, : max(0, column - 1)] == 1).all() and (both[:, column + 1 :] == 2).all()
    assert (both[:, max(0, column - 1) : column + 1] == 255).all()
    assert (right == 2).all()
