"""With a mask, the style in use and those after it each have a region."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from realtime_adain.live.regional import RegionalStylize

from .helpers import picture


def test_regions_take_the_chosen_style_and_those_after_it() -> None:
    cards = [SimpleNamespace(style=name) for name in ("ink", "waves", "neon")]
    calls = []

    def stylize_regions(pixels, styles, masks, alpha):
        calls.append((styles, masks.shape, alpha))
        return pixels

    masks = np.full((2, 24, 32), 0.5, np.float32)
    others = [cards[0]]
    stylize = RegionalStylize(stylize_regions, masks, lambda: others)
    for height, width in ((48, 64), (12, 16), (48, 64)):
        stylize(picture(height, width), "neon", 0.7)
    assert [call[0] for call in calls] == [["neon", "ink"]] * 3
    assert [call[1] for call in calls] == [(2, 48, 64), (2, 12, 16), (2, 48, 64)]
    others = [cards[1]]
    stylize(picture(), "halfway to ink", 1.0)
    assert calls[-1][0] == ["halfway to ink", "waves"], "a cross-fade keeps the others in place"
