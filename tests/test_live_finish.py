"""What is done to a picture after the network."""

from __future__ import annotations

import numpy as np
import pytest

from realtime_adain.colour import ColourMode
from realtime_adain.live.finish import Finish
from realtime_adain.live.person import LEARNING_SECONDS, WARNING_SECONDS, PersonMask, Region

from .helpers import Clock, picture

BLUE = np.full((96, 128, 3), (20, 40, 200), np.uint8)
GREEN = np.full((96, 128, 3), (20, 200, 40), np.uint8)
GREEN[:48] += 20
GREEN[48:] -= 20


def finished(finish: Finish, stylized: np.ndarray, original: np.ndarray) -> np.ndarray:
    return finish.apply(stylized, original, moved=True, repainted=False)


def test_colours_of_the_style_of_the_original_and_matched() -> None:
    finish = Finish()
    assert finished(finish, BLUE, GREEN) is BLUE
    assert finish.style_colours(GREEN, 0.0) is None
    finish.turn_colour()
    greenish = finished(finish, BLUE, GREEN)[0, 0].astype(int)
    assert greenish[1] > greenish[2] and finish.facts == ("content colours",)
    finish.turn_colour()
    colours = finish.style_colours(GREEN, 0.0)
    assert colours.mean == pytest.approx([20, 200, 40])
    assert finish.style_colours(GREEN, 0.1) is colours
    assert finished(finish, BLUE, GREEN) is BLUE  # it is the style that is recoloured
    finish.turn_colour()
    assert finish.style_colours(GREEN, 0.2) is None


def test_saturation_goes_in_steps_and_stays_in_range() -> None:
    finish = Finish(saturation=0.2)
    for _ in range(3):
        finish.change_saturation(-0.1)
    grey = finished(finish, BLUE, GREEN)
    assert np.ptp(grey[0, 0].astype(int)) <= 1
    for _ in range(30):
        finish.change_saturation(0.1)
    assert finish.settings()["saturation"] == 2
    assert finish.facts == ("200% colour",)


def test_steadiness_averages_where_nothing_moves_and_never_over_a_change_of_style() -> None:
    scene = picture(96, 128)
    flicker = [np.clip(scene.astype(int) + value, 0, 255).astype(np.uint8) for value in (-40, 40)]

    def step(finish: Finish, repainted: bool) -> float:
        finish.apply(flicker[0], scene, moved=True, repainted=False)
        after = finish.apply(flicker[1], scene, moved=True, repainted=repainted)
        return float(np.abs(after.astype(int) - flicker[0]).mean())

    plain = step(Finish(), False)
    assert step(Finish(steady=0.8), False) < 0.5 * plain
    assert step(Finish(steady=0.8), True) == plain
    finish = Finish(steady=0.8)
    assert finish.toggle_steady() == "not steadied"
    assert step(finish, False) == plain
    assert finish.settings()["steady"] == 0
    finish.toggle_steady()
    assert finish.settings()["steady"] == 0.8


def test_who_turns_back_before_the_room_was_seen_is_warned_again() -> None:
    clock = Clock()
    mask, person = PersonMask(clock=clock), picture(96, 128)
    for _ in Region:
        mask.turn()
        mask.apply(person, person, moved=True)
    clock.now = 20.0
    mask.turn()
    for clock.now in (20.0, 21.0):
        mask.apply(person, person, moved=True)
        assert mask.notice.startswith("step out of the picture")
    clock.now = 60.0  # frozen meanwhile: no frame came when the room was to be seen
    mask.apply(person, person, moved=False)
    assert mask.notice == f"step out of the picture: {WARNING_SECONDS:.0f}"


def test_the_person_or_the_room_is_painted_after_the_empty_room_was_seen() -> None:
    now = [0.0]
    mask = PersonMask(clock=lambda: now[0])
    room = picture(96, 128)
    person = room.copy()
    person[30:90, 40:80] = (240, 60, 200)
    painted = np.zeros_like(room)

    def apply(original: np.ndarray) -> np.ndarray:
        return mask.apply(painted, original, moved=True)

    assert apply(person) is painted and mask.notice is None
    assert mask.turn() == "the person is painted"
    apply(person)
    assert mask.notice == f"step out of the picture: {WARNING_SECONDS:.0f}"
    now[0] = WARNING_SECONDS + 0.01
    assert apply(room) is painted and mask.notice == "looking at the empty room"
    now[0] += LEARNING_SECONDS
    for _ in range(3):
        seen = apply(person)
    assert mask.notice is None
    assert (seen[50:70, 55:65] == 0).all() and (seen[:15] == room[:15]).mean() > 0.98
    mask.turn()
    for _ in range(3):
        seen = apply(person)
    assert (seen[50:70, 55:65] == person[50:70, 55:65]).mean() > 0.98 and (seen[:15] < 6).all()
    assert mask.turn() == "everything is painted" and mask.region is Region.ALL


def test_colour_mode_names_are_the_options() -> None:
    finish = Finish(colour=ColourMode.MATCHED, region=Region.ROOM)
    kept = {"colour": "matched", "saturation": 1.0, "steady": 0.0, "region": "room"}
    assert finish.settings() == kept
