"""The quality ladder holds the rate and finds its way back up."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from realtime_adain.frame import scaled
from realtime_adain.live.ladder import SCALES, QualityLadder

from .helpers import picture


class Machine:
    """A clock and a painter that takes so many seconds per million pixels."""

    def __init__(self, seconds_per_megapixel: float) -> None:
        self.seconds_per_megapixel = seconds_per_megapixel
        self.now = 0.0
        self.painted: list[int] = []

    def clock(self) -> float:
        return self.now

    def stylize(self, pixels, style, alpha):
        height, width = pixels.shape[:2]
        self.painted.append(height)
        self.now += self.seconds_per_megapixel * height * width / 1e6
        return pixels

    def run(self, ladder: QualityLadder, seconds: float) -> None:
        until = self.now + seconds
        frame = picture(360, 640)
        while self.now < until:
            began = self.now
            assert ladder(frame, None, 1.0).shape == frame.shape
            self.now = max(self.now, began + 1 / 30)


def test_fast_machine_paints_every_frame_in_full() -> None:
    machine = Machine(0.05)  # 12 ms a frame of 33
    machine.run(QualityLadder(machine.stylize, 1 / 30, clock=machine.clock), 3)
    assert set(machine.painted) == {360}


def test_slow_machine_goes_to_the_largest_size_that_holds_the_rate() -> None:
    machine = Machine(0.4)  # 92 ms a frame of 33
    ladder = QualityLadder(machine.stylize, 1 / 30, clock=machine.clock)
    machine.run(ladder, 3)
    cost = 0.4 * 0.36 * 0.64
    assert cost * SCALES[ladder.rung] ** 2 < 0.75 / 30 < cost * SCALES[ladder.rung - 1] ** 2
    assert machine.painted[20:] and max(machine.painted[20:]) < 360


def test_what_is_made_for_the_first_frames_does_not_count() -> None:
    machine = Machine(0.05)
    ladder = QualityLadder(machine.stylize, 1 / 30, clock=machine.clock)
    for hitch in (0.12, 0.12, 0.0, 0.0):
        machine.seconds_per_megapixel = 0.05 + hitch / (0.36 * 0.64)
        ladder(picture(360, 640), None, 1.0)
    assert ladder.rung == 0


def test_a_larger_size_is_tried_when_it_is_ready() -> None:
    machine = Machine(0.4)
    ready = {scaled((360, 640), scale) for scale in SCALES}
    ladder = QualityLadder(machine.stylize, 1 / 30, lambda size_hw: size_hw in ready, machine.clock)
    machine.run(ladder, 3)
    ready.discard((360, 640))
    rung, machine.seconds_per_megapixel = ladder.rung, 0.05
    machine.run(ladder, 20)
    assert ladder.rung == rung
    ready.add((360, 640))
    machine.run(ladder, 1)
    assert ladder.rung == 0


def test_where_the_size_is_not_what_takes_the_time_it_stays_large() -> None:
    class Burdened(Machine):
        """Something else takes 40 ms of every frame of 33."""

        burden = 0.04

        def stylize(self, pixels, style, alpha):
            self.now += self.burden
            return super().stylize(pixels, style, alpha)

    machine = Burdened(0.09)  # 21 ms for the whole frame
    ladder = QualityLadder(machine.stylize, 1 / 30, clock=machine.clock)
    machine.run(ladder, 30)
    painted = np.array(machine.painted[-200:])
    assert painted.mean() > 0.5 * 360
    machine.seconds_per_megapixel, machine.burden = 0.2, 0.0  # as slow, but by the size
    machine.run(ladder, 30)
    assert 0.2 * 0.23 * ladder.scale**2 < 0.75 / 30
    machine.seconds_per_megapixel = 0.05
    machine.run(ladder, 30)
    assert ladder.rung == 0


def test_very_large_frames_are_painted_smaller_until_their_time_is_known() -> None:
    machine = Machine(0.0005)
    ladder = QualityLadder(machine.stylize, 1 / 30, clock=machine.clock)
    frame = np.zeros((4000, 6000, 3), np.uint8)
    for _ in range(10):
        ladder(frame, None, 1.0)
    assert machine.painted == [1000] * 9 + [4000], "as soon as enough of them are measured"


def test_a_size_is_not_judged_before_it_is_ready() -> None:
    machine = Machine(0.4)
    ready = set()
    ladder = QualityLadder(machine.stylize, 1 / 30, lambda size_hw: size_hw in ready, machine.clock)
    machine.run(ladder, 3)  # 92 ms a frame of 33, while something faster is made ready
    assert set(machine.painted) == {360}
    ready.add((360, 640))
    machine.seconds_per_megapixel = 0.05
    machine.run(ladder, 3)
    assert set(machine.painted) == {360}


def test_a_frame_that_takes_seconds_is_not_waited_for_often() -> None:
    machine = Machine(8.0)  # 1.8 s a frame of 33 ms
    ladder = QualityLadder(machine.stylize, 1 / 30, clock=machine.clock)
    machine.run(ladder, 5)
    assert machine.painted[:3] == [360, 360, round(360 * SCALES[ladder.rung])]


def test_a_single_hitch_changes_nothing() -> None:
    machine = Machine(0.05)
    ladder = QualityLadder(machine.stylize, 1 / 30, clock=machine.clock)
    for _ in range(20):
        machine.now += 1.0
        machine.seconds_per_megapixel = 3.0
        ladder(picture(360, 640), None, 1.0)
        machine.seconds_per_megapixel = 0.05
        machine.run(ladder, 0.5)
    assert set(machine.painted) == {360}


def test_what_nobody_waits_for_is_painted_in_full() -> None:
    machine = Machine(0.4)
    ladder = QualityLadder(machine.stylize, 1 / 30, clock=machine.clock)
    machine.run(ladder, 3)
    rung = ladder.rung
    ladder.paint_in_full(picture(360, 640), None, 1.0)
    assert machine.painted[-1] == 360 and ladder.rung == rung > 0


def test_it_comes_back_when_the_machine_is_free_again() -> None:
    machine = Machine(0.4)
    ladder = QualityLadder(machine.stylize, 1 / 30, clock=machine.clock)
    machine.run(ladder, 3)
    machine.seconds_per_megapixel = 0.05
    machine.run(ladder, 30)
    assert ladder.rung == 0


def test_it_does_not_hunt_between_two_sizes() -> None:
    class Stepwise(Machine):
        """Large frames cost far more than their pixels say."""

        def stylize(self, pixels, style, alpha):
            self.seconds_per_megapixel = 0.5 if pixels.shape[0] > 300 else 0.09
            return super().stylize(pixels, style, alpha)

    machine = Stepwise(0.5)
    machine.run(QualityLadder(machine.stylize, 1 / 30, clock=machine.clock), 120)
    tall = [height > 300 for height in machine.painted]
    tries = sum(now and not before for before, now in zip(tall, tall[1:], strict=False))
    assert 1 <= tries <= 7, "every failed try doubles the wait"


def test_where_memory_is_short_frames_are_painted_smaller_from_the_first_on() -> None:
    machine = Machine(0.05)
    wanted = []

    def stylize(pixels, style, alpha):
        wanted.append(pixels.shape[0])
        if pixels.shape[0] > 200:
            torch.empty(1 << 60)
        return machine.stylize(pixels, style, alpha)

    ladder = QualityLadder(stylize, 1 / 30, clock=machine.clock)
    assert ladder.paint_in_full(picture(360, 640), None, 1.0).shape == (360, 640, 3)
    ladder = QualityLadder(stylize, 1 / 30, clock=machine.clock)
    wanted.clear()
    machine.run(ladder, 60)
    assert max(machine.painted) <= 200
    failed = [height for height in wanted if height > 200]
    assert failed[:4] == [360, 306, 252, 216]
    assert failed[4:8] == failed[:4]  # it tries again,
    assert set(failed[8:]) == {216} and 0 < len(failed[8:]) < 5  # more and more seldom


def test_other_errors_and_too_little_memory_for_anything_are_told() -> None:
    def fail(pixels, style, alpha):
        raise RuntimeError("broken")

    def need_too_much(pixels, style, alpha):
        torch.empty(1 << 60)

    for stylize, message in ((fail, "broken"), (need_too_much, "allocate")):
        with pytest.raises(RuntimeError, match=message):
            QualityLadder(stylize, 1 / 30)(picture(360, 640), None, 1.0)


def test_detail_that_only_the_full_size_shows_comes_back() -> None:
    frame = np.full((240, 320, 3), 128, np.uint8)
    frame[::2] = 90  # lines of one pixel
    ladder = QualityLadder(lambda pixels, style, alpha: np.full_like(pixels, 128), 1 / 30)
    ladder.rung = SCALES.index(0.5)
    painted = ladder(frame, None, 1.0)
    assert painted[1::2].mean() - painted[::2].mean() > 10
    smooth = cv2.GaussianBlur(frame, (0, 0), 8)
    assert np.abs(ladder(smooth, None, 1.0).astype(int) - 128).max() <= 3, "nothing was lost there"
