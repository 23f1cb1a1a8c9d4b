"""Which statistics a frame is painted with: one style, a mix of several, or on the way there."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..colour import ColourMoments
from ..style_deck import Card, StyleDeck

if TYPE_CHECKING:
    from ..style import Style

Mix = Callable[["Sequence[Style]", Sequence[float]], "Style"]
"""Mixes styles by weights that sum to one, as `Style.mix` does."""

FADE_SECONDS = 0.4
TOUR_SECONDS = 8.0
STRENGTH_STEP = 0.05
WEIGHT_STEP = 0.1
STROKE_STEP = 2**0.5
STROKE_SIZES = (64, 2048)
"""Smallest and largest size at which the keys let a style be encoded, in pixels."""


@dataclass(frozen=True)
class Look:
    """What a frame is painted with.

    Attributes:
        style: the statistics, by the name that is shown.
        alpha: style strength, 0..1.
        others: the styles of the regions beside the first, so that a change of these makes another
            look; none during a fade.
    """

    style: Style
    alpha: float
    others: Sequence[Style] = ()


class StylesInUse:
    """The chosen style, its strength and strokes; the mix; the cross-fade; the tour.

    Every change of style, of the mix or of the strokes is faded into from what is seen at that
    moment, so that a change in the midst of a fade does not jump either.

    Args:
        deck: the styles.
        mix: how statistics are mixed.
        alpha: style strength where none is remembered, 0..1.
        strengths: remembered strengths by the styles' names.
        first: the style to begin with; None for the first one that is ready.
        weights: a mix to begin with, weights that sum to one; empty for a single style.
        fade_seconds: length of a cross-fade; 0 for none.
        tour_seconds: time for each style of the tour, and for a mix before it; None begins
            without a tour.
        clock: seconds that only ever grow.

    Attributes:
        chosen: the style that the keys are about.
        mixing: whether the mix is painted, and not the chosen style alone.
        colours: the colours that the styles are given; None for their own.
        regions: how many styles are painted beside each other.
    """

    def __init__(
        self,
        deck: StyleDeck,
        mix: Mix,
        *,
        alpha: float = 1.0,
        strengths: Mapping[str, float] | None = None,
        first: Card | None = None,
        weights: Mapping[Card, float] | None = None,
        fade_seconds: float = FADE_SECONDS,
        tour_seconds: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._deck = deck
        self._mix = mix
        self._alpha = alpha
        self._strengths = dict(strengths or {})
        self._weights = dict(weights or {})
        self._fade_seconds = fade_seconds
        self._fading_on = fade_seconds > 0
        self._tour_seconds = tour_seconds or TOUR_SECONDS
        self._clock = clock
        self.mixing = bool(self._weights)
        self.colours: ColourMoments | None = None
        self.regions = 1
        self.chosen = first or deck.cards[0]
        self._next_turn = clock() + self._tour_seconds if tour_seconds is not None else None
        self._parts: tuple[tuple[Style, float], ...] = ()
        self._aim: Style | None = None
        self._look: Look | None = None
        self._from: Look | None = None
        self._fade_start = 0.0

    # What is painted and shown.

    def look(self) -> Look:
        """Return what a frame is to be painted with now; the same object while nothing changes."""
        now = self._clock()
        if self._next_turn is not None and now >= self._next_turn:
            self.mixing = False
            self.turn(1)
        self._take_aim(now)
        alpha = self.strength
        progress = 1.0
        if self._from is not None:
            progress = (now - self._fade_start) / self._fade_seconds
        if progress >= 1.0:
            self._from = None
            look = Look(self._aim, alpha, [card.style for card in self.others])
            if look != self._look:
                self._look = look
        else:
            part = progress * progress * (3 - 2 * progress)  # begins and ends gently
            mixed = self._mix([self._from.style, self._aim], [1 - part, part])
            strength = (1 - part) * self._from.alpha + part * alpha
            self._look = Look(replace(mixed, name=self._aim.name), strength)
        return self._look

    @property
    def name(self) -> str:
        """Name of the style, or of the mix with its parts in per cent."""
        weights = self.weights
        if len(weights) == 1:
            return next(iter(weights)).name
        return " + ".join(f"{card.name} {weight:.0%}" for card, weight in weights.items())

    @property
    def weights(self) -> dict[Card, float]:
        """The styles that are painted, and their parts, which sum to one."""
        return self.mix_weights or {self.chosen: 1.0}

    @property
    def mix_weights(self) -> dict[Card, float]:
        """The parts of the mix in use, which sum to one; empty for none."""
        return dict(self._weights) if self.mixing else {}

    @property
    def others(self) -> list[Card]:
        """The styles of all regions but the first: those after the chosen one, which so move on
        with it. As long as too few are ready, they repeat."""
        cards = self._deck.cards
        first = cards.index(self.chosen)
        return [cards[(first + region) % len(cards)] for region in range(1, self.regions)]

    @property
    def strength(self) -> float:
        """Style strength in use, 0..1; of a mix the mean of its styles'."""
        mean = sum(weight * self._strength_of(card) for card, weight in self.weights.items())
        return min(mean, 1.0)  # weights may sum to a last digit more than one

    @property
    def touring(self) -> bool:
        """Whether the styles change by themselves."""
        return self._next_turn is not None

    # What the keys and the mouse do; each returns a line for the user.

    def turn(self, steps: int) -> str:
        """Choose the style so many places further among those that are ready, in a circle."""
        cards = self._deck.cards
        return self.choose(cards[(cards.index(self.chosen) + steps) % len(cards)])

    def choose_number(self, number: int) -> str:
        """Choose a style by its number, from 1."""
        cards = self._deck.cards
        if not 1 <= number <= len(cards):
            return f"no style {number}: there are {len(cards)}"
        return self.choose(cards[number - 1])

    def choose_random(self) -> str:
        """Choose one of the other styles."""
        others = [card for card in self._deck.cards if card is not self.chosen]
        return self.choose(random.choice(others or [self.chosen]))

    def choose(self, card: Card) -> str:
        """Choose a style; the tour stays on it for its full time."""
        self.chosen = card
        if self.touring:
            self._next_turn = self._clock() + self._tour_seconds
        return card.name

    def change_strength(self, by: float) -> str:
        """Change the strength of what is painted, within 0..1; it is remembered per style."""
        for card in self.weights:
            strength = min(max(self._strength_of(card) + by, 0.0), 1.0)
            self._strengths[card.name] = round(strength, 4)
        return f"strength {self.strength:.0%}"

    def change_strokes(self, factor: float) -> str:
        """Let what is painted be encoded at another size: a larger one gives larger strokes."""
        smallest, largest = STROKE_SIZES
        said = "a saved style has no strokes to change"
        for card in dict.fromkeys([*self.weights, *self.others]):
            if not card.saved:
                least, most = min(smallest, card.wanted_size), max(largest, card.wanted_size)
                size = min(max(round(card.wanted_size * factor), least), most)
                self._deck.encode_anew(card, size=size, colours=card.wanted_colours)
                said = f"strokes of {size} pixels"
        return said

    def toggle_mix(self) -> str:
        """Begin a mix with the chosen style, or go back to it alone."""
        self.mixing = not self.mixing
        if not self.mixing:
            return f"{self.chosen.name} alone"
        self._next_turn = None
        self._weights = {self.chosen: 1.0}
        return "mix: choose another style, + puts it in"

    def change_weight(self, by: float) -> str:
        """Give the chosen style a larger or smaller part of the mix, at the cost of the others."""
        if not self.mixing:
            return "no mix: a begins one"
        before = self._weights.get(self.chosen, 0.0)
        others = 1.0 - before
        weight = min(max(before + by, 0.0), 1.0)
        if others < 1e-6:
            return f"{self.chosen.name} is all there is in the mix"
        scale = (1.0 - weight) / others
        weights = {card: part * scale for card, part in self._weights.items()}
        weights[self.chosen] = weight
        self._weights = {card: part for card, part in weights.items() if part > 1e-6}
        return self.name

    def toggle_fade(self) -> str:
        """Fade from style to style, or change at once."""
        self._fading_on = not self._fading_on
        self._fade_seconds = self._fade_seconds or FADE_SECONDS
        return f"cross-fade {self._fade_seconds:g} s" if self._fading_on else "no cross-fade"

    def toggle_tour(self) -> str:
        """Let the styles change by themselves, or no longer; ends a mix."""
        if self.touring:
            self._next_turn = None
            return "no tour"
        self.mixing = False
        self._next_turn = self._clock() + self._tour_seconds
        return f"tour: every {self._tour_seconds:g} s another style"

    def settings(self) -> dict[str, object]:
        """Return the command line's options that bring this back, but for the styles."""
        return {
            "alpha": self._alpha,
            "strengths": self._strengths,
            "strokes": self._deck.sizes,
            "fade": self._fade_seconds if self._fading_on else 0.0,
            "tour": self._tour_seconds if self.touring else None,
        }

    def _strength_of(self, card: Card) -> float:
        return self._strengths.get(card.name, self._alpha)

    def _take_aim(self, now: float) -> None:
        """Find the statistics that are wanted; where they are others than before, fade there."""
        for card in (*self.weights, *self.others):
            if card.wanted_colours is not self.colours and not card.saved:
                self._deck.encode_anew(card, colours=self.colours)
        parts = tuple((card.style, weight) for card, weight in self.weights.items())
        if self._aim is not None and _same(parts, self._parts):
            return
        self._parts = parts
        styles, weights = zip(*parts, strict=True)
        self._aim = styles[0] if len(styles) == 1 else self._mix(styles, weights)
        if self._look is not None and self._fading_on:
            self._from, self._fade_start = self._look, now


def _same(some: Sequence[tuple[Style, float]], other: Sequence[tuple[Style, float]]) -> bool:
    return len(some) == len(other) and all(
        one[0] is two[0] and one[1] == two[1] for one, two in zip(some, other, strict=True)
    )
