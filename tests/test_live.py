"""The live session: every key by its effect, with a window and a network of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from realtime_adain.capture import LatestFrame
from realtime_adain.errors import PictureError, SourceError, StyleError
from realtime_adain.frame import Frame
from realtime_adain.live import LiveOptions, LiveSession
from realtime_adain.live.keys import ACTIONS, HELP
from realtime_adain.pictures import read_picture
from realtime_adain.sources.base import Source
from realtime_adain.style_deck import StyleDeck, check_one_readable

from .conftest import picture
from .test_capture import wait_until

HEIGHT, WIDTH = 120, 160


class Endless(Source):
    """Pictures that are dark on the left and bright on the right, one for each the session takes.

    The green of frame n is n.
    """

    name = "endless"
    live = True
    size_hw = (HEIGHT, WIDTH)
    frame_rate = Fraction(30)

    def __init__(self, frames: int = 10**6) -> None:
        self.frames = frames
        self.turn = threading.Semaphore(1)
        self.stopped = False

    def __iter__(self) -> Iterator[Frame]:
        for number in range(self.frames):
            while not self.turn.acquire(timeout=0.01):
                if self.stopped:
                    return
            pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            pixels[:, WIDTH // 2 :, 0] = 200
            pixels[..., 1] = number % 256
            yield Frame(pixels, number / 30)

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        pass


class ScriptedWindow:
    """Presses one key of the script after each picture; quits at the end of the script."""

    def __init__(self, source: Endless, *keys: str | None) -> None:
        self.source = source
        self.keys = [*keys, "q"]
        self.pictures: list[np.ndarray] = []
        self.closed = False
        self.fullscreen = False
        self._asked = False

    def show(self, pixels: np.ndarray) -> None:
        self.pictures.append(pixels)
        self._asked = False
        self.source.turn.release()

    def poll_key(self, wait_ms: int = 1) -> str | None:
        if self._asked or not self.pictures:
            return None
        self._asked = True
        return self.keys.pop(0)

    def toggle_fullscreen(self) -> None:
        self.fullscreen = not self.fullscreen


def paint(pixels: np.ndarray, style: SimpleNamespace, alpha: float) -> np.ndarray:
    """In place of the network: the blue tells the style and the strength."""
    painted = pixels.copy()
    painted[..., 2] = style.number * 20 + round(10 * alpha)
    return painted


def style_of(path: Path) -> SimpleNamespace:
    return SimpleNamespace(name=path.stem, number=int(path.stem))


def play(
    *keys: str | None, folder: Path = Path(), **options: object
) -> tuple[ScriptedWindow, LiveSession]:
    """Run a session of five styles with a key after each picture."""
    source = Endless()
    window = ScriptedWindow(source, *keys)
    deck = StyleDeck([Path(str(number)) for number in range(1, 6)], style_of)
    wait_until(lambda: len(deck) == 5)
    with LatestFrame(source) as frames:
        session = LiveSession(frames, deck, paint, LiveOptions(folder=folder, **options), window)
        session.run()
        session.close()
    deck.close()
    return window, session


def looks(window: ScriptedWindow) -> list[tuple[int, int]]:
    """Return style and tenths of strength of each picture, seen where no text is."""
    blues = [int(pixels[HEIGHT // 2, 2, 2]) for pixels in window.pictures]
    return [divmod(blue, 20) for blue in blues]


def test_every_key_in_the_help_does_something_and_the_other_way_round() -> None:
    assert {"n", "p", "left", "right", "[", "]", "up", "down", "m", "b", "s", "r"} <= set(ACTIONS)
    assert {"space", "f", "i", "h", "q", "escape", *"123456789"} <= set(ACTIONS)
    shown = " ".join(keys for keys, _ in HELP)
    named = {"escape": "Esc"} | dict.fromkeys("2345678", "...")
    assert all(named.get(key, key) in shown for key in ACTIONS)


def test_next_and_previous_style_go_in_a_circle() -> None:
    window, _ = play("n", "right", "p", "left", "p", None)
    assert [style for style, _ in looks(window)] == [1, 2, 3, 2, 1, 5, 5]


def test_numbers_choose_a_style_where_there_is_one() -> None:
    window, _ = play("4", "9", "2", None)
    assert [style for style, _ in looks(window)] == [1, 4, 4, 2, 2]


def test_strength_goes_in_steps_and_stays_in_range() -> None:
    window, _ = play("]", "[", "down", "up", *["["] * 11, None)
    tenths = [tenth for _, tenth in looks(window)]
    assert tenths == [10, 10, 9, 8, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0]


def test_mirror_exchanges_left_and_right() -> None:
    window, _ = play("m", "m", None)
    lefts = [int(pixels[HEIGHT // 2, 2, 0]) for pixels in window.pictures]
    assert lefts == [0, 200, 0, 0]


def test_side_by_side_shows_the_original_on_the_left() -> None:
    window, _ = play("b", "b", None)
    assert [pixels.shape[1] for pixels in window.pictures] == [160, 320, 160, 160]
    both = window.pictures[1]
    assert both[HEIGHT // 2, 2, 2] == 0 and both[HEIGHT // 2, 162, 2] == 30


def test_a_frozen_picture_follows_style_strength_and_mirror() -> None:
    window, session = play("space", "n", "[", "m", None, "space", None)
    greens = [int(pixels[HEIGHT // 2, 2, 1]) for pixels in window.pictures]
    assert greens[:6] == [0] * 6 and min(greens[6:]) > 0
    assert looks(window)[1:5] == [(1, 10), (2, 10), (2, 9), (2, 9)]
    assert window.pictures[4][HEIGHT // 2, 2, 0] == 200
    assert session.timing.frames < len(window.pictures)


def test_help_status_and_fullscreen() -> None:
    window, _ = play("i", "h", "h", "f", None)
    dark = [(pixels[..., 0] + pixels[..., 2] == 0).sum() for pixels in window.pictures]
    assert dark[2] != dark[1]  # the help lies over the middle
    assert window.fullscreen


def test_closing_the_window_quits() -> None:
    source = Endless()
    window = ScriptedWindow(source, None)
    window.closed = True
    with LatestFrame(source) as frames:
        deck = StyleDeck([Path("1")], style_of)
        LiveSession(frames, deck, paint, LiveOptions(), window).run()
    assert len(window.pictures) <= 1


def test_snapshots_have_no_text_and_never_overwrite(tmp_path: Path) -> None:
    play("h", "s", "s", "b", "s", folder=tmp_path)
    pictures = [read_picture(path) for path in sorted(tmp_path.iterdir())]
    assert sorted(pixels.shape[1] for pixels in pictures) == [160, 160, 320]
    for pixels in pictures:
        assert len(np.unique(pixels[:, -80:, 2])) == 1  # flat: nothing is written on it


def test_a_snapshot_that_cannot_be_saved_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play("s", None, folder=tmp_path / "missing")
    assert "cannot be written" in capsys.readouterr().err


def test_a_recording_keeps_its_layout_and_plays(tmp_path: Path) -> None:
    play(None, "r", None, "b", None, None, "r", None, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    with av.open(path) as container:
        sizes = [(frame.height, frame.width) for frame in container.decode(video=0)]
    assert sizes == [(HEIGHT, WIDTH)] * 5


def test_a_recording_that_runs_at_the_end_is_finished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play("b", "r", None, None, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    with av.open(path) as container:
        widths = [frame.width for frame in container.decode(video=0)]
    assert widths == [2 * WIDTH] * 3
    assert capsys.readouterr().out == f"recorded {path}\n"


def test_the_end_of_the_source_ends_the_session() -> None:
    source = Endless(frames=1)
    with LatestFrame(source) as frames:
        deck = StyleDeck([Path("1")], style_of)
        session = LiveSession(frames, deck, paint, LiveOptions())
        session.run()
    assert session.timing.frames == 1


def test_an_error_of_the_source_ends_the_session() -> None:
    class Broken(Endless):
        def __iter__(self) -> Iterator[Frame]:
            raise SourceError("unplugged")

    with LatestFrame(Broken()) as frames, pytest.raises(SourceError, match="unplugged"):
        LiveSession(frames, StyleDeck([Path("1")], style_of), paint, LiveOptions()).run()


def test_the_deck_encodes_the_first_style_at_once_and_the_others_later() -> None:
    gate = threading.Event()

    def encode(path: Path) -> SimpleNamespace:
        assert path.stem == "1" or gate.wait(5)
        return style_of(path)

    deck = StyleDeck([Path("1"), Path("2")], encode)
    assert len(deck) == 1 and not deck.select(1)
    gate.set()
    wait_until(lambda: deck.select(1))
    assert deck.current.name == "2"
    deck.close()


def test_the_deck_leaves_out_what_is_broken() -> None:
    def encode(path: Path) -> SimpleNamespace:
        if path.stem in "13":
            raise PictureError(f"{path}: not a picture")
        return style_of(path)

    deck = StyleDeck([Path(name) for name in "1234"], encode)
    assert deck.current.name == "2"
    wait_until(lambda: len(deck) == 2)
    assert [deck.next_problem() for _ in range(3)] == ["1: not a picture", "3: not a picture", None]
    deck.turn(1)
    assert deck.current.name == "4"
    deck.close()


def test_a_deck_without_a_style_is_an_error() -> None:
    def encode(path: Path) -> SimpleNamespace:
        raise PictureError(f"{path}: not a picture")

    with pytest.raises(StyleError, match="none of the styles can be used: 1: not a picture"):
        StyleDeck([Path("1"), Path("2")], encode)


def test_another_failure_of_the_deck_is_not_hidden() -> None:
    def encode(path: Path) -> SimpleNamespace:
        if path.stem == "2":
            raise RuntimeError("out of memory")
        return style_of(path)

    deck = StyleDeck([Path("1"), Path("2")], encode)
    with pytest.raises(StyleError, match="out of memory") as raised:
        wait_until(lambda: deck.next_problem() is not None)
    assert isinstance(raised.value.__cause__, RuntimeError)
    deck.close()


def test_styles_are_checked_before_the_network_is_loaded(tmp_path: Path) -> None:
    from realtime_adain.pictures import write_picture

    broken, good = tmp_path / "broken.png", tmp_path / "good.png"
    broken.write_bytes(b"no picture")
    write_picture(good, picture())
    check_one_readable([broken, good])
    with pytest.raises(PictureError, match="broken.png"):
        check_one_readable([broken])
