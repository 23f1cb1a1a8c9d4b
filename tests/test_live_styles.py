"""What a frame is painted with: cross-fade, mix, tour; on a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from realtime_adain.colour import ColourMoments
from realtime_adain.live.styles_in_use import StylesInUse
from realtime_adain.style import Style
from realtime_adain.style_deck import StyleDeck

from .fake_styles import encode, mix, write_five
from .helpers import Clock, wait_until


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[StyleDeck]:
    """Three styles, whose numbers are 1, 2 and 3."""
    paths = write_five(tmp_path)[:3]
    deck = StyleDeck(paths, encode, size=512, at_once=paths)
    yield deck
    deck.close()


def numbers(styles: StylesInUse, clock: Clock, *times: float) -> list[float]:
    """Return what is painted with at some times."""
    seen = []
    for clock.now in times:
        seen.append(round(styles.look().style.number, 3))
    return seen


def test_a_change_is_faded_into_smoothly_and_ends_on_the_style_itself(
    deck: StyleDeck, clock: Clock
) -> None:
    styles = StylesInUse(deck, mix, fade_seconds=0.4, clock=clock)
    assert numbers(styles, clock, 0.0, 1.0) == [1, 1]
    styles.turn(1)
    seen = numbers(styles, clock, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
    assert seen == [1, 1.156, 1.5, 1.844, 2, 2]
    assert styles.look().style is deck.cards[1].style
    assert styles.look() is styles.look()


def test_a_change_during_a_fade_goes_on_from_what_is_seen(deck: StyleDeck, clock: Clock) -> None:
    styles = StylesInUse(deck, mix, fade_seconds=0.4, clock=clock)
    styles.look()
    styles.turn(2)
    assert numbers(styles, clock, 0.0, 0.2) == [1, 2]
    styles.choose_number(1)
    assert numbers(styles, clock, 0.2, 0.4, 0.6) == [2, 1.5, 1]
    assert styles.look().style.name == "1"


def test_strength_fades_along_with_the_style_but_follows_its_key_at_once(
    deck: StyleDeck, clock: Clock
) -> None:
    styles = StylesInUse(deck, mix, fade_seconds=0.4, strengths={"2": 0.2}, clock=clock)
    assert styles.look().alpha == 1
    styles.turn(1)
    styles.look()
    clock.now = 0.2
    assert styles.look().alpha == pytest.approx(0.6)
    clock.now = 0.4
    assert styles.look().alpha == 0.2
    styles.change_strength(0.05)
    assert styles.look().alpha == 0.25


def test_without_a_fade_a_change_is_there_at_once(deck: StyleDeck, clock: Clock) -> None:
    styles = StylesInUse(deck, mix, fade_seconds=0, clock=clock)
    styles.look()
    styles.turn(1)
    assert styles.look().style is deck.cards[1].style
    assert styles.toggle_fade() == "cross-fade 0.4 s"
    styles.turn(1)
    assert numbers(styles, clock, 0.0, 0.2, 0.4) == [2, 2.5, 3]
    assert styles.settings()["fade"] == 0.4
    styles.toggle_fade()
    assert styles.settings()["fade"] == 0


def test_a_mix_is_built_with_the_keys(deck: StyleDeck, clock: Clock) -> None:
    styles = StylesInUse(deck, mix, fade_seconds=0, clock=clock)
    one, two, three = deck.cards
    assert styles.change_weight(0.1) == "no mix: a begins one"
    styles.toggle_mix()
    assert styles.change_weight(-0.1) == "1 is all there is in the mix"
    styles.turn(1)
    assert numbers(styles, clock, 0.0) == [1]  # chosen, but not in it yet
    for _ in range(5):
        styles.change_weight(0.1)
    assert styles.weights == {one: pytest.approx(0.5), two: pytest.approx(0.5)}
    styles.turn(1)
    styles.change_weight(0.2)
    weights = {one: pytest.approx(0.4), two: pytest.approx(0.4), three: pytest.approx(0.2)}
    assert styles.weights == weights
    assert numbers(styles, clock, 0.0) == [1.8]
    assert styles.name == "1 40% + 2 40% + 3 20%"
    styles.change_weight(-0.5)
    assert three not in styles.weights and sum(styles.weights.values()) == pytest.approx(1)
    styles.toggle_mix()
    assert styles.look().style is three.style


def test_strength_and_strokes_of_a_mix_are_those_of_its_styles(
    deck: StyleDeck, clock: Clock
) -> None:
    one, two, three = deck.cards
    weights = {one: 0.75, three: 0.25}
    styles = StylesInUse(
        deck, mix, weights=weights, strengths={"1": 0.4}, fade_seconds=0, clock=clock
    )
    assert styles.mixing and styles.look().style.number == pytest.approx(1.5)
    assert styles.strength == pytest.approx(0.55)
    styles.change_strength(-0.1)
    assert styles.settings()["strengths"] == {"1": 0.3, "3": 0.9}
    assert styles.change_strokes(2) == "strokes of 1024 pixels"
    wait_until(lambda: (one.size, two.size, three.size) == (1024, 512, 1024))
    assert styles.change_strokes(9) == "strokes of 2048 pixels"


def test_the_strength_of_a_mix_stays_in_range_where_its_weights_sum_to_a_digit_more(
    deck: StyleDeck, clock: Clock
) -> None:
    styles = StylesInUse(deck, mix, clock=clock)
    styles.toggle_mix()
    for number in (2, 2, 3, 2):
        styles.choose_number(number)
        styles.change_weight(0.1)
    assert sum(styles.weights.values()) > 1
    assert styles.look().alpha == 1.0


def test_strokes_that_are_ready_are_faded_into(deck: StyleDeck, clock: Clock) -> None:
    styles = StylesInUse(deck, mix, fade_seconds=0.4, clock=clock)
    styles.look()
    deck.cards[0].style = replace(deck.cards[0].style, number=2)
    assert numbers(styles, clock, 0.0, 0.2, 0.4) == [1, 1.5, 2]


def test_a_tour_leaves_the_mix_with_which_it_begins(deck: StyleDeck, clock: Clock) -> None:
    weights = {deck.cards[0]: 0.5, deck.cards[1]: 0.5}
    styles = StylesInUse(deck, mix, weights=weights, fade_seconds=0, tour_seconds=5, clock=clock)
    assert numbers(styles, clock, 0, 4, 5, 10) == [1.5, 1.5, 2, 3]
    assert not styles.mixing


def test_a_tour_turns_by_itself_and_waits_after_a_key(deck: StyleDeck, clock: Clock) -> None:
    styles = StylesInUse(deck, mix, fade_seconds=0, tour_seconds=5, clock=clock)
    assert numbers(styles, clock, 0, 4.9, 5, 9.9, 10, 15) == [1, 1, 2, 2, 3, 1]
    clock.now = 19
    styles.choose_number(3)
    assert numbers(styles, clock, 20, 23.9, 24) == [3, 3, 1]
    assert styles.settings()["tour"] == 5
    assert styles.toggle_tour() == "no tour"
    assert numbers(styles, clock, 100) == [1]
    assert styles.settings()["tour"] is None
    styles.toggle_mix()
    styles.toggle_tour()
    assert not styles.mixing and numbers(styles, clock, 105) == [2]


def test_matched_colours_reach_every_style_that_is_used(deck: StyleDeck, clock: Clock) -> None:
    styles = StylesInUse(deck, mix, fade_seconds=0, clock=clock)
    styles.colours = ColourMoments.of(np.full((8, 8, 3), 50, np.uint8))
    styles.look()
    one, two, three = deck.cards
    wait_until(lambda: one.colours is styles.colours)
    assert two.colours is None
    styles.turn(1)
    styles.look()
    wait_until(lambda: two.colours is styles.colours)
    styles.colours = None
    styles.look()
    wait_until(lambda: two.colours is None)
    assert three.colours is None


def test_real_statistics_are_mixed_half_way(clock: Clock, tmp_path: Path) -> None:
    def of(image: np.ndarray, size: int, name: str) -> Style:
        value = torch.full((1, 2, 1, 1), float(name))
        return Style(name, ((value, 2 * value),), "network")

    paths = write_five(tmp_path)[:2]
    deck = StyleDeck(paths, of, size=512, at_once=paths)
    styles = StylesInUse(deck, Style.mix, fade_seconds=1, clock=clock)
    styles.look()
    styles.turn(1)
    styles.look()
    clock.now = 0.5
    look = styles.look()
    ((mean, std),) = look.style.statistics
    assert look.style.name == "2"
    assert mean.flatten().tolist() == [1.5, 1.5] and std.flatten().tolist() == [3, 3]
    clock.now = 1
    assert styles.look().style is deck.cards[1].style
    deck.close()


def test_with_regions_all_of_their_styles_follow_colours_and_strokes(
    deck: StyleDeck, clock: Clock
) -> None:
    styles = StylesInUse(deck, mix, clock=clock)
    styles.regions = 2
    assert [card.name for card in styles.others] == ["2"]
    styles.turn(2)
    assert [card.name for card in styles.others] == ["1"]
    styles.change_strokes(2.0)
    assert [card.wanted_size for card in deck.cards] == [1024, 512, 1024]
    styles.colours = ColourMoments(np.zeros(3), np.eye(3))
    styles.look()
    matched = [card.wanted_colours is styles.colours for card in deck.cards]
    assert matched == [True, False, True]
