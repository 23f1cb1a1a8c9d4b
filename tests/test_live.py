"""The live session: every key by its effect, with a window and a network of the test's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from realtime_adain import style_deck
from realtime_adain.capture import LatestFrame
from realtime_adain.errors import PictureError, SourceError
from realtime_adain.frame import Frame
from realtime_adain.live import LiveSession, StylesInUse
from realtime_adain.live.keys import ACTIONS, HELP
from realtime_adain.live.ladder import QualityLadder
from realtime_adain.live.mouse import Gestures
from realtime_adain.live.screen_text import ScreenText
from realtime_adain.live.still import StillFrames
from realtime_adain.live.strip import Strip
from realtime_adain.live.view import Layout, View
from realtime_adain.pictures import read_picture, write_picture
from realtime_adain.sinks.base import Sink
from realtime_adain.sinks.window import Mouse, MouseEvent
from realtime_adain.sources.base import Source
from realtime_adain.style_deck import StyleDeck, check_one_readable
from realtime_adain.timing import LiveTiming

from .fake_styles import Paint, encode, mix, write_five
from .helpers import NullSink, picture, wait_until

HEIGHT, WIDTH = 120, 160


class Endless(Source):
    """Pictures that are dark on the left and bright on the right, one for each the session takes.

    The green of frame n is n, unless they stand still; while it is away, none come.
    """

    name = "endless"
    size_hw = (HEIGHT, WIDTH)
    frame_rate = Fraction(30)

    def __init__(self, frames: int = 10**6) -> None:
        self.frames = frames
        self.stands_still = False
        self.away = False
        self.turn = threading.Semaphore(1)
        self.stopped = False

    def __iter__(self) -> Iterator[Frame]:
        for number in range(self.frames):
            while not (self.turn.acquire(timeout=0.01) and not self.away):
                if self.stopped:
                    return
            pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            pixels[:, WIDTH // 2 :, 0] = 200
            pixels[..., 1] = 0 if self.stands_still else number % 256
            yield Frame(pixels, time.perf_counter())

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        pass


class ScriptedWindow:
    """Does one thing of the script after each picture; quits at the end of the script.

    A text is a key, an event is what the mouse does, and a function is called until it is true.
    """

    def __init__(self, source: Endless, *script: object) -> None:
        self.source = source
        self.script = [*script, "q"]
        self.pictures: list[np.ndarray] = []
        self.closed = False
        self.fullscreen = False
        self.zoom = 1.0
        self.looks = 0
        self._turn: object = None
        self._deadline = time.perf_counter() + 60

    def fit(self, size_hw: tuple[int, int]) -> float:
        return self.zoom

    def show(self, pixels: np.ndarray) -> None:
        self.pictures.append(pixels)
        assert time.perf_counter() < self._deadline, f"waited in vain for {self.script[0]}"
        waits = callable(self.script[0]) and not self.script[0]()
        self._turn = None if waits else self.script.pop(0)
        self.source.turn.release()

    def listen(self) -> None:
        self.looks += 1

    def poll_key(self, wait_ms: int = 1) -> str | None:
        key, self._turn = (self._turn, None) if isinstance(self._turn, str) else (None, self._turn)
        return key

    def poll_mouse(self) -> MouseEvent | None:
        event, self._turn = self._turn, None
        return event if isinstance(event, MouseEvent) else None

    def toggle_fullscreen(self) -> None:
        self.fullscreen = not self.fullscreen


def paint(pixels: np.ndarray, style: Paint, alpha: float) -> np.ndarray:
    """In place of the network: the blue tells the style and the strength."""
    painted = pixels.copy()
    painted[..., 2] = round(style.number * 20) + round(10 * alpha)
    return painted


@pytest.fixture(scope="module")
def style_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_five(tmp_path_factory.mktemp("five"))


@pytest.fixture(autouse=True)
def no_breather(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_deck, "_BREATHER_SECONDS", 0.001)


class Live:
    """A session of five styles and what came of it."""

    def __init__(self, paths: Sequence[Path], *script: object, **options: object) -> None:
        self.source = Endless()
        self.window = ScriptedWindow(self.source, *script)
        self.deck = StyleDeck(paths, encode, size=512)
        wait_until(lambda: len(self.deck.cards) == len(paths))
        chosen = {
            name: options.pop(name)
            for name in ("fade_seconds", "tour_seconds", "alpha", "strengths")
            if name in options
        }
        self.styles = StylesInUse(self.deck, mix, **{"fade_seconds": 0.0, **chosen})
        self.frames = LatestFrame(self.source)
        self.session = LiveSession(
            self.frames, paint, self.deck, self.styles, window=self.window, **options
        )

    def run(self) -> Live:
        try:
            with self.frames, self.session:
                self.session.run()
        finally:
            self.deck.close()
        return self

    @property
    def pictures(self) -> list[np.ndarray]:
        return self.window.pictures

    def looks(self) -> list[tuple[int, int]]:
        """Return style and tenths of strength of each picture, seen where no text is."""
        blues = [int(pixels[HEIGHT // 2, 2, 2]) for pixels in self.pictures]
        return [divmod(blue, 20) for blue in blues]


@pytest.fixture
def play(style_files: list[Path]):
    """A function that runs a session with a script."""
    return lambda *script, **options: Live(style_files, *script, **options).run()


def press(x: int, y: int) -> MouseEvent:
    return MouseEvent(Mouse.PRESS, x, y)


def drag(x: int, y: int) -> MouseEvent:
    return MouseEvent(Mouse.DRAG, x, y)


def release(x: int, y: int) -> MouseEvent:
    return MouseEvent(Mouse.RELEASE, x, y)


def test_the_help_names_every_key_and_no_other() -> None:
    assert set("npm[],.+-=axovgcjktezmbdswryfihq0123456789") <= set(ACTIONS)
    assert {"left", "right", "up", "down", "space", "escape"} <= set(ACTIONS)
    shown = {word for keys, _ in HELP for word in keys.split()}
    named = {"escape": "Esc"} | dict.fromkeys("2345678", "...")
    assert {named.get(key, key) for key in ACTIONS} == shown - {"mouse"}


def test_next_and_previous_style_go_in_a_circle(play) -> None:
    live = play("n", "right", "p", "left", "p", None)
    assert [style for style, _ in live.looks()] == [1, 2, 3, 2, 1, 5, 5]


def test_numbers_choose_a_style_where_there_is_one(play) -> None:
    live = play("4", "9", "2", None)
    assert [style for style, _ in live.looks()] == [1, 4, 4, 2, 2]


def test_a_random_style_is_another_one(play) -> None:
    styles = [style for style, _ in play(*["0"] * 12, None).looks()]
    assert all(one != two for one, two in zip(styles[:12], styles[1:13], strict=True))


def test_strength_goes_in_small_steps_stays_in_range_and_belongs_to_the_style(play) -> None:
    live = play("]", "[", "[", "n", "down", "down", "p", *["["] * 25, None)
    tenths = [tenth for _, tenth in live.looks()]
    assert tenths[:8] == [10, 10, 10, 9, 10, 10, 9, 9]
    assert tenths[-2:] == [0, 0]
    assert live.session.settings()["strengths"] == {"1": 0.0, "2": 0.9}


def test_strokes_are_encoded_anew_in_steps(style_files: list[Path]) -> None:
    def sizes() -> list[int]:
        return [card.style.size for card in live.deck.cards]

    live = Live(style_files, ".", ".", lambda: sizes()[0] == 1024, ",", "n", ",", lambda: True)
    live.window.script[-1:-1] = [lambda: sizes() == [724, 362, 512, 512, 512]]
    live.run()
    assert live.session.settings()["strokes"] == {"1": 724, "2": 362}


def test_mirror_exchanges_left_and_right(play) -> None:
    lefts = [int(pixels[HEIGHT // 2, 2, 0]) for pixels in play("m", "m", None).pictures]
    assert lefts == [0, 200, 0, 0]


def test_side_by_side_shows_the_original_on_the_left(play) -> None:
    pictures = play("b", "b", None).pictures
    assert [pixels.shape[1] for pixels in pictures] == [160, 320, 160, 160]
    both = pictures[1]
    assert both[HEIGHT // 2, 2, 2] == 0 and both[HEIGHT // 2, 162, 2] == 30


def test_the_divider_stands_between_original_and_painted_and_can_be_dragged(play) -> None:
    middle = press(80, 60), drag(40, 60), drag(30, 70), release(30, 70)
    live = play("d", None, *middle, None, "d", None)
    blues = [pixels[HEIGHT // 2 - 20, [20, 50, 120], 2].tolist() for pixels in live.pictures]
    assert blues[0] == blues[-1] == [30, 30, 30]
    assert blues[1] == [0, 0, 30]
    assert blues[5:8] == [[0, 30, 30]] * 3
    assert len(live.deck.cards) == 5  # nothing was grabbed


def test_a_frozen_picture_follows_style_strength_and_mirror(play) -> None:
    live = play("space", "n", "[", "[", "m", None, "space", None)
    greens = [int(pixels[HEIGHT // 2, 2, 1]) for pixels in live.pictures]
    assert greens[:7] == [0] * 7 and min(greens[7:]) > 0
    assert live.looks()[1:6] == [(1, 10), (2, 10), (2, 10), (2, 9), (2, 9)]
    assert live.pictures[5][HEIGHT // 2, 2, 0] == 200
    assert live.session.timing.frames < len(live.pictures)


def test_a_frozen_picture_follows_its_colours(style_files: list[Path]) -> None:
    colours = []

    def look() -> bool:
        colours.append(live.deck.cards[0].wanted_colours is not None)
        return True

    live = Live(style_files, "space", None, look, "c", "c", None, look, "c", None, look)
    live.run()
    assert colours == [False, True, False]


def test_a_frozen_picture_follows_a_fade_to_its_end(style_files: list[Path]) -> None:
    live = Live(style_files, "space", "4", lambda: live.looks()[-1] == (4, 10), fade_seconds=0.1)
    live.run()
    blues = [int(pixels[HEIGHT // 2, 2, 2]) for pixels in live.pictures]
    assert blues[0] == 30 and blues[-1] == 90
    assert blues == sorted(blues)
    assert any(30 < blue < 90 for blue in blues)


def test_help_stats_and_fullscreen(play) -> None:
    live = play("i", "i", "h", "h", "f", None)
    assert live.window.fullscreen

    def marked(index: int, rows: slice) -> int:
        pixels = live.pictures[index][rows]
        return int((pixels[..., 2] != 30).sum())

    top, middle = slice(0, 30), slice(50, 70)
    assert marked(0, top) > 0 and marked(1, top) > 0
    assert marked(1, slice(45, 80)) > 1000 > marked(0, slice(45, 80))  # the graph
    assert marked(2, slice(0, 60)) == 0
    assert marked(3, middle) > 0 and marked(4, middle) == 0


def test_closing_the_window_quits(style_files: list[Path]) -> None:
    live = Live(style_files, None)
    live.window.closed = True
    live.run()
    assert len(live.pictures) <= 1


def test_snapshots_have_no_text_and_never_overwrite(play, tmp_path: Path) -> None:
    play("h", "s", "s", "w", "b", "s", folder=tmp_path)
    pictures = [read_picture(path) for path in sorted(tmp_path.iterdir())]
    assert sorted(pixels.shape[1] for pixels in pictures) == [160, 160, 320, 320]
    for pixels in pictures:
        assert len(np.unique(pixels[:, -80:, 2])) == 1  # flat: nothing is written on it


def test_what_stands_still_is_painted_in_full(
    style_files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime_adain.live.ladder._MINIMUM_SIDE", 64)
    ladder = QualityLadder(paint, 1e-9)  # whatever the machine, it is too slow for this rate

    def soft_edges() -> list[bool]:
        rows = [pixels[HEIGHT // 2, :, 0] for pixels in live.pictures]
        return [len(np.unique(row[WIDTH // 2 - 8 : WIDTH // 2 + 8])) > 2 for row in rows]

    def coarse() -> bool:
        return soft_edges()[-1]

    script = coarse, "s", None, coarse, "space", None
    live = Live(style_files, *script, ladder=ladder, folder=tmp_path)
    live.run()
    (snapshot,) = map(read_picture, tmp_path.iterdir())
    assert set(np.unique(snapshot[..., 0])) == {0, 200}
    assert not soft_edges()[-1], "the frozen picture is as coarse as the moving one"


def test_colours_of_a_saved_style_cannot_be_matched(
    style_files: list[Path], tmp_path: Path
) -> None:
    saved = tmp_path / "1.safetensors"
    saved.touch()
    said = []

    def listen() -> bool:
        said.append(live.session.text.message)
        return True

    live = Live([saved, style_files[1]], "c", listen, "c", listen, "n", "c", "c", "c", listen, None)
    live.run()
    assert said == [
        "colours of the original",
        "a saved style has no picture whose colours could be matched",
        "colours of the style, matched to the original",
    ]


def test_a_snapshot_that_cannot_be_saved_is_told(
    play, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = []
    play("s", lambda: len(ended.append(0) or ended) > 20, folder=tmp_path / "missing")
    assert "cannot be written" in capsys.readouterr().err


def test_a_recording_keeps_its_layout_and_plays(style_files: list[Path], tmp_path: Path) -> None:
    def runs() -> bool:
        return live.session._overlay().recording is not None

    live = Live(style_files, None, "r", runs, None, "b", None, None, "r", None, folder=tmp_path)
    live.run()
    (path,) = tmp_path.iterdir()
    with av.open(path) as container:
        sizes = [(frame.height, frame.width) for frame in container.decode(video=0)]
    assert set(sizes) == {(HEIGHT, WIDTH)}
    assert 4 <= len(sizes) <= len(live.pictures)


@pytest.mark.parametrize("keys", [("space", "r"), ("r", "space")])
def test_a_recording_goes_on_while_the_picture_is_frozen(
    keys: tuple[str, str], style_files: list[Path], tmp_path: Path
) -> None:
    began = time.perf_counter()

    def passes(seconds: float) -> Callable[[], bool]:
        return lambda: time.perf_counter() - began > seconds

    script = (None, *keys, passes(0.6), "n", passes(1.2))
    Live(style_files, *script, folder=tmp_path).run()
    (path,) = tmp_path.iterdir()
    with av.open(path) as container:
        blues = [frame.to_ndarray(format="rgb24")[4, 4, 2] for frame in container.decode(video=0)]
        assert container.duration / av.time_base > 0.5
    assert np.ptp(np.int32(blues)) >= 10, "the other style is seen"


def test_a_picture_follows_the_keys_while_the_source_is_away(style_files: list[Path]) -> None:
    def unplug() -> bool:
        live.source.problem, live.source.away = "unplugged", True
        return True

    live = Live(style_files, None, unplug, None, "n", None, None)
    live.run()
    assert live.looks()[-1] == (2, 10)


def test_a_recording_that_runs_at_the_end_is_finished(
    style_files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.mp4"
    live = Live(style_files, None, None, view=View(layout=Layout.BESIDE))
    live.session.start_recording(path)
    live.run()
    with av.open(path) as container:
        widths = [frame.width for frame in container.decode(video=0)]
    assert widths == [2 * WIDTH] * 3
    assert capsys.readouterr().out == f"recorded {path}\n"


def test_a_recording_that_fails_is_told_and_the_session_goes_on(
    style_files: list[Path],
    tmp_path: Path,
    full_disk: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    live = Live(style_files, "r", lambda: told_of_the_disk(live), "n", None, folder=tmp_path)
    live.run()
    assert live.looks()[-1] == (2, 10)
    (left,) = tmp_path.iterdir()
    assert capsys.readouterr().err.endswith(f"; what came before is in {left.name}\n")
    with av.open(left) as container:
        assert len(list(container.decode(video=0))) == 3


def test_a_recording_that_fails_does_not_end_what_is_served(
    style_files: list[Path], tmp_path: Path, full_disk: None
) -> None:
    class Served(NullSink):
        def write(self, frame: Frame) -> None:
            live.source.turn.release()
            if told_of_the_disk(live):
                live.session.quit()

    live = Live(style_files, sinks=[Served()])
    live.session._window = None
    live.session.start_recording(tmp_path / "out.mp4")
    live.run()


def told_of_the_disk(live: Live) -> bool:
    return "No space left on device" in (live.session.text.message or "")


def test_other_sinks_get_every_painted_picture_without_text(play) -> None:
    class Kept(Sink):
        def __init__(self) -> None:
            self.frames: list[Frame] = []

        def write(self, frame: Frame) -> None:
            self.frames.append(frame)

        def close(self) -> None:
            pass

    kept = Kept()
    live = play("h", None, sinks=[kept])
    assert len(kept.frames) == live.session.timing.frames
    assert all((frame.pixels[..., 2] == 30).all() for frame in kept.frames)


def test_the_strip_is_clicked(play) -> None:
    third = press(80, 104), release(80, 104)  # of five in the middle, the third
    live = play("v", *third, "v", None)
    assert [style for style, _ in live.looks()] == [1, 1, 3, 3, 3, 3]
    strip = live.pictures[2][92:116]
    assert (strip[..., 0] > 200).sum() > 5 * 300  # the five pictures are red
    assert (live.pictures[-1][92:116, :, 0] == 200).sum() <= 24 * 80


@pytest.mark.parametrize("layout", Layout)
def test_a_style_is_picked_wherever_its_picture_stands(
    layout: Layout, style_files: list[Path]
) -> None:
    frame_hw = (480, 360)  # upright: two side by side have another short side
    strip, picked, grabbed = Strip(visible=True), [], []
    gestures = Gestures(View(layout=layout), strip, picked.append, grabbed.append)
    with closing(StyleDeck(style_files, encode, size=512)) as deck:
        wait_until(lambda: len(deck.cards) == 5)
        shown = np.zeros((*layout.size_hw(frame_hw), 3), np.uint8)
        strip.draw(shown, deck.cards, deck.cards[0], {})
        middle = shown.shape[1] // 2
        rows = [y for y in range(480) if strip.hit(middle, y) is not None]
        for y in rows:
            gestures.follow(press(middle, y), frame_hw)
            gestures.follow(release(middle, y), frame_hw)
        assert picked == [deck.cards[2]] * len(rows)
    assert len(rows) > 30
    assert not grabbed


def test_a_drag_over_a_change_of_size_grabs_nothing() -> None:
    grabbed = []
    gestures = Gestures(View(), Strip(), lambda _: None, grabbed.append)
    gestures.follow(press(300, 300), (480, 640))
    gestures.follow(drag(340, 470), (480, 640))
    for event in (drag(200, 200), release(250, 250)):
        gestures.follow(event, (240, 320))
    assert gestures.selection is None and not grabbed


@pytest.mark.parametrize(
    ("script", "size_hw"),
    [
        (("g",), (HEIGHT, WIDTH)),
        ((press(20, 20), drag(60, 50), release(60, 50)), (30, 40)),
        (("b", press(200, 20), drag(60, 50), release(60, 50)), (30, 40)),
        ((press(150, 100), drag(110, 500), release(110, 500)), (20, 40)),
    ],
    ids=["frame", "piece", "piece beside", "beyond the edge"],
)
def test_what_is_grabbed_becomes_a_style_and_is_used(
    script: tuple[object, ...], size_hw: tuple[int, int], style_files: list[Path]
) -> None:
    live = Live(style_files, None, *script, lambda: len(live.deck.cards) == 6, None, None)
    live.run()
    card = live.deck.cards[-1]
    assert (card.name, card.source.shape[:2]) == ("grab 1", size_hw)
    assert (card.source[..., 2] == 0).all()  # of the original, not of what is painted
    assert live.looks()[-1] == (9, 10) or live.pictures[-1][60, 162, 2] == 190


@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.0])
def test_the_picture_has_the_size_at_which_it_is_seen(style_files, zoom) -> None:
    edges = [round(zoom * edge) for edge in (20, 20, 60, 52)]
    live = Live(style_files, press(*edges[:2]), drag(*edges[2:]), release(*edges[2:]))
    live.window.zoom = zoom
    live.window.script[-1:] = [lambda: len(live.deck.cards) == 6, "b", None, "q"]
    live.run()
    assert live.pictures[0].shape == (round(zoom * HEIGHT), round(zoom * WIDTH), 3)
    assert live.pictures[-1].shape == (round(zoom * HEIGHT), 2 * round(zoom * WIDTH), 3)
    assert live.deck.cards[-1].source.shape == (32, 40, 3)


def test_a_long_name_leaves_room_for_the_rest() -> None:
    cells = ScreenText().status(["a name\n" * 9, "100%"], LiveTiming(), frozen=True)
    assert cells == ("a name a name a name a name a...", "100%", "frozen")


def test_a_picture_that_stands_still_follows_the_keys_like_one_that_moves(style_files) -> None:
    keys = ["n", None, "[", "[", None, "space", "n", "space", None, "m", None]
    moving, still = Live(style_files, *keys), Live(style_files, *keys)
    still.source.stands_still = True
    looks, mirrored = [], []
    for live in (moving, still):
        live.run()
        looks.append(live.looks())
        mirrored.append([bool(pixels[60, 20, 0]) for pixels in live.pictures])
    assert looks[0] == looks[1] and len(set(looks[0])) == 4
    assert mirrored[0] == mirrored[1] and mirrored[0][-1] and not mirrored[0][0]


def test_keys_are_listened_to_while_a_frame_is_painted(style_files) -> None:
    live = Live(style_files)

    def slowly(pixels, style, alpha):
        wait_until(lambda: live.window.looks > 2)
        return paint(pixels, style, alpha)

    live.session._stylize_moving = StillFrames(slowly, slowly)
    live.run()
    assert live.window.looks > 2


def test_a_click_into_the_picture_grabs_nothing(play) -> None:
    live = play(press(20, 20), drag(25, 22), release(25, 22), None, None)
    assert len(live.deck.cards) == 5
    assert [style for style, _ in live.looks()] == [1] * 6


def test_a_problem_of_the_source_stands_over_the_last_picture(style_files: list[Path]) -> None:
    live = Live(style_files, None, lambda: setattr(live.source, "problem", "unplugged") or True)
    live.window.script.insert(2, None)
    live.run()
    clean, *_, troubled = live.pictures
    red = (troubled[45:75, 20:140, 0] > 220) & (troubled[45:75, 20:140, 1] < 90)
    assert red.sum() > 20
    assert not (clean[45:75, 20:140, 0] > 220).any()


def test_without_a_window_a_problem_of_the_source_is_told_on_the_terminal(
    style_files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    class Watcher(NullSink):
        def write(self, frame: Frame) -> None:
            live.source.problem = next(problems, None)
            live.source.turn.release()

    problems = iter([None, "unplugged", "unplugged"])
    live = Live(style_files, sinks=[Watcher()])
    live.session._window = None
    live.source.frames = 6
    live.run()
    told = capsys.readouterr().err.splitlines()
    assert told == ["realtime-adain: unplugged", "realtime-adain: all is well"]


def test_the_end_of_the_source_ends_the_session(style_files: list[Path]) -> None:
    live = Live(style_files, *[None] * 50)
    live.source.frames = 1
    assert live.run().session.timing.frames == 1


def test_an_error_of_the_source_ends_the_session(style_files: list[Path]) -> None:
    class Broken(Endless):
        def __iter__(self) -> Iterator[Frame]:
            raise SourceError("unplugged")

    live = Live(style_files, None)
    live.frames = live.session._frames = LatestFrame(Broken())
    with pytest.raises(SourceError, match="unplugged"):
        live.run()


def test_an_errand_that_fails_otherwise_ends_the_session(play, monkeypatch) -> None:
    from realtime_adain.live import session

    def fails(*_: object) -> None:
        raise MemoryError("no memory")

    monkeypatch.setattr(session, "save_snapshot", fails)
    with pytest.raises(MemoryError, match="no memory"):
        play("s", *[None] * 500)


def test_at_the_end_every_errand_is_told_of(play, monkeypatch, capsys) -> None:
    from realtime_adain.live import session

    outcomes = iter([PictureError("first"), PictureError("second"), "good.png"])

    def save(*_: object) -> str:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(session, "save_snapshot", save)
    monkeypatch.setattr(session.LiveSession, "_report", lambda _: None)
    with pytest.raises(PictureError, match="first"):
        play("s", "s", "s")
    told = capsys.readouterr()
    assert "second" in told.err
    assert "saved good.png" in told.out


def test_no_thread_stays(play, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    play("g", "n", folder=tmp_path)
    assert set(threading.enumerate()) <= before


def test_styles_are_checked_before_the_network_is_loaded(tmp_path: Path) -> None:
    broken, good = tmp_path / "broken.png", tmp_path / "good.png"
    broken.write_bytes(b"no picture")
    write_picture(good, picture())
    check_one_readable([broken, good])
    check_one_readable([broken, tmp_path / "SAVED.SAFETENSORS"])  # only the network can tell
    with pytest.raises(PictureError, match="broken.png"):
        check_one_readable([broken])
