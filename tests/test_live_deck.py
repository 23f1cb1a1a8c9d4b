"""The deck of styles and the folder it watches."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from realtime_adain.colour import ColourMoments
from realtime_adain.errors import PictureError, StyleError
from realtime_adain.live.watch import SETTLE_SECONDS, FolderWatch
from realtime_adain.pictures import write_picture
from realtime_adain.style_deck import THUMBNAIL_SIDE, StyleDeck

from .fake_styles import Paint, encode, write_five
from .helpers import Clock, picture, wait_until

FLAT = np.full((30, 40, 3), 90, np.uint8)


@pytest.fixture
def style_files(tmp_path: Path) -> list[Path]:
    return write_five(tmp_path)


def names(deck: StyleDeck) -> list[str]:
    return [card.name for card in deck.cards]


def test_the_first_style_is_encoded_at_once_and_the_others_later(style_files: list[Path]) -> None:
    gate = threading.Event()

    def slow(image: np.ndarray, size: int, name: str) -> Paint:
        assert name == "1" or gate.wait(5)
        return encode(image, size, name)

    deck = StyleDeck(style_files[:2], slow, size=512)
    assert names(deck) == ["1"]
    gate.set()
    wait_until(lambda: names(deck) == ["1", "2"])
    deck.close()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness elsewhere")
def test_the_later_styles_give_way_to_the_picture(style_files: list[Path]) -> None:
    niceness: dict[str, int] = {}

    def note(image: np.ndarray, size: int, name: str) -> Paint:
        niceness[name] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        return encode(image, size, name)

    deck = StyleDeck(style_files[:2], note, size=512)
    wait_until(lambda: len(deck.cards) == 2)
    deck.close()
    assert niceness["1"] == os.getpriority(os.PRIO_PROCESS, 0)
    assert niceness["2"] == min(niceness["1"] + 10, 19)


def test_styles_wanted_at_once_keep_their_places(style_files: list[Path]) -> None:
    wanted = [style_files[3], style_files[1]]
    deck = StyleDeck(style_files, encode, size=512, at_once=wanted)
    assert names(deck)[:2] == ["2", "4"]
    wait_until(lambda: len(deck.cards) == 5)
    assert names(deck) == ["1", "2", "3", "4", "5"]
    assert deck.find(style_files[3]).name == "4"
    assert deck.next_arrival() is None  # nothing is news
    deck.close()


def test_what_is_broken_is_left_out(style_files: list[Path], tmp_path: Path) -> None:
    broken = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in broken:
        path.write_bytes(b"no picture")
    paths = [broken[0], style_files[1], broken[1], style_files[3]]
    deck = StyleDeck(paths, encode, size=512)
    assert names(deck) == ["2"]
    wait_until(lambda: names(deck) == ["2", "4"])
    problems = [deck.next_problem() for _ in range(3)]
    assert problems == [f"{path}: not a picture that can be read" for path in broken] + [None]
    deck.close()
    with pytest.raises(StyleError, match="none of the styles can be used: .*a.png"):
        StyleDeck(broken, encode, size=512)
    with pytest.raises(PictureError, match="b.png"):
        StyleDeck(paths, encode, size=512, at_once=[broken[1]])


def test_another_failure_is_not_hidden(style_files: list[Path]) -> None:
    def fails(image: np.ndarray, size: int, name: str) -> Paint:
        if name == "2":
            raise RuntimeError("no such kernel")
        return encode(image, size, name)

    deck = StyleDeck(style_files[:2], fails, size=512)
    with pytest.raises(StyleError, match="no such kernel") as raised:
        wait_until(lambda: deck.next_problem() is not None)
    assert isinstance(raised.value.__cause__, RuntimeError)
    deck.close()


def test_strokes_for_which_memory_is_short_stay_as_they_are(style_files: list[Path]) -> None:
    def encode_small(image: np.ndarray, size: int, name: str) -> Paint:
        if size > 1000:
            np.empty(1 << 58)
        return encode(image, size, name)

    deck = StyleDeck(style_files[:1], encode_small, size=512)
    card = deck.cards[0]
    style = card.style
    deck.encode_anew(card, size=1448)
    problems: list[str] = []
    wait_until(lambda: problems.append(deck.next_problem()) or problems[-1] is not None)
    assert problems[-1] == "1: not enough memory at 1448 pixels"
    assert card.style is style and card.wanted_size == card.size == 512
    deck.encode_anew(card, size=724)
    wait_until(lambda: card.size == 724)
    deck.close()


def test_grabs_go_before_the_files_that_wait(style_files: list[Path]) -> None:
    deck = StyleDeck(style_files, encode, size=512)
    deck.grab(FLAT)
    deck.grab(FLAT)
    wait_until(lambda: len(deck.cards) == 3)
    assert names(deck) == ["1", "grab 1", "grab 2"]
    assert [deck.next_arrival().name for _ in range(2)] == ["grab 1", "grab 2"]
    assert (deck.cards[1].thumbnail == 90).all()
    assert deck.cards[1].thumbnail.shape == (THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3)
    deck.close()


def test_what_is_grabbed_is_kept_small(style_files: list[Path]) -> None:
    deck = StyleDeck(style_files[:1], encode, size=512)
    deck.grab(np.zeros((1080, 1920, 3), np.uint8))
    wait_until(lambda: len(deck.cards) == 2)
    assert deck.cards[1].source.shape == (768, 1365, 3)
    deck.close()


def test_other_sizes_and_colours(style_files: list[Path]) -> None:
    seen: list[tuple[str, int, tuple[int, ...]]] = []

    def note(image: np.ndarray, size: int, name: str) -> Paint:
        seen.append((name, size, tuple(image[0, 0].tolist())))
        return encode(image, size, name)

    deck = StyleDeck(style_files[:2], note, size=400, sizes={"1": 300})
    wait_until(lambda: len(deck.cards) == 2)
    assert [entry[:2] for entry in seen] == [("1", 300), ("2", 400)]
    card = deck.cards[1]
    grey = ColourMoments.of(FLAT)
    deck.encode_anew(card, size=200)
    wait_until(lambda: card.size == 200)
    deck.encode_anew(card, colours=grey)
    wait_until(lambda: card.colours is grey)
    assert seen[2:] == [("2", 200, (250, 0, 80)), ("2", 200, (90, 90, 90))]
    assert deck.sizes == {"1": 300, "2": 200}
    deck.close()


def test_of_many_wishes_only_the_last_is_encoded(style_files: list[Path]) -> None:
    gate, sizes = threading.Event(), []

    def slow(image: np.ndarray, size: int, name: str) -> Paint:
        sizes.append(size)
        assert size == 512 or gate.wait(5)
        return encode(image, size, name)

    deck = StyleDeck(style_files[:1], slow, size=512)
    for size in (100, 200, 300, 400):
        deck.encode_anew(deck.cards[0], size=size)
        wait_until(lambda: len(sizes) == 2)
    gate.set()
    wait_until(lambda: deck.cards[0].size == 400)
    deck.close()
    assert sizes == [512, 100, 400]


def test_a_picture_that_is_gone_keeps_its_style(tmp_path: Path) -> None:
    path = tmp_path / "7.png"
    write_picture(path, picture())
    deck = StyleDeck([path], encode, size=512)
    path.unlink()
    deck.encode_anew(deck.cards[0], size=100)
    problems = []
    wait_until(lambda: problems.append(deck.next_problem()) or problems[-1] is not None)
    assert problems[-1] == f"{path}: no such file"
    assert deck.cards[0].size == 512
    deck.close()


def test_a_watched_file_is_told_when_it_has_settled_and_again_when_it_is_rewritten(
    tmp_path: Path,
) -> None:
    clock = Clock()
    watch = FolderWatch(tmp_path, clock)
    assert watch.find_new() == []
    path = tmp_path / "new.png"
    (tmp_path / ".hidden.png").write_bytes(b"1")
    (tmp_path / "notes.txt").write_bytes(b"1")
    for size in range(1, 5):  # it grows for longer than it takes to settle
        path.write_bytes(b"x" * size)
        assert watch.find_new() == []
        clock.now += SETTLE_SECONDS / 2
    clock.now += 0.51 * SETTLE_SECONDS
    assert watch.find_new() == [path]
    clock.now += 10
    assert watch.find_new() == []
    os.utime(path, (1, 1))
    assert watch.find_new() == []
    clock.now += 1.01 * SETTLE_SECONDS
    assert watch.find_new() == [path]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_nothing_hides_no_other_file(tmp_path: Path) -> None:
    clock = Clock()
    watch = FolderWatch(tmp_path, clock)
    for name in "abcdef":
        (tmp_path / f"{name}.png").write_bytes(b"1")
        (tmp_path / f"{name}-link.png").symlink_to(tmp_path / "gone")
    watch.find_new()
    clock.now += 1.01 * SETTLE_SECONDS
    assert [path.name for path in watch.find_new()] == [f"{name}.png" for name in "abcdef"]


def test_a_watched_folder_may_go_away_but_must_be_there_at_first(tmp_path: Path) -> None:
    folder = tmp_path / "watched"
    with pytest.raises(StyleError, match="watched: no such folder"):
        FolderWatch(folder)
    folder.mkdir()
    watch = FolderWatch(folder)
    folder.rmdir()
    assert watch.find_new() == []


def test_who_quits_does_not_wait_for_what_was_wished(style_files: list[Path]) -> None:
    encoded = []

    def slow(image: np.ndarray, size: int, name: str) -> Paint:
        encoded.append(size)
        threading.Event().wait(0.05 if size != 512 else 0)
        return encode(image, size, name)

    deck = StyleDeck(style_files, slow, size=512, at_once=style_files)
    for card in deck.cards:
        deck.encode_anew(card, size=100)
    deck.close()
    assert encoded.count(100) <= 1


def test_a_file_is_one_style_however_it_is_named(
    style_files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime_adain.style_deck._POLL_SECONDS", 0.01)
    monkeypatch.chdir(style_files[0].parent)
    found = [[Path(path.name) for path in style_files[:2]]]
    looked = threading.Event()

    def find_new() -> Sequence[Path]:
        return found.pop() if found else looked.set() or []

    deck = StyleDeck(style_files[:1], encode, size=512, find_new=find_new)
    wait_until(lambda: looked.is_set() and len(deck.cards) == 2)
    deck.close()
    assert names(deck) == ["1", "2"]
    assert deck.find(Path(style_files[0].name)) is deck.cards[0]


def test_new_files_are_added_and_rewritten_ones_replaced(
    style_files: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("realtime_adain.style_deck._POLL_SECONDS", 0.01)
    found: list[Sequence[Path]] = []
    deck = StyleDeck(
        style_files[:1], encode, size=512, find_new=lambda: found.pop() if found else []
    )
    path = tmp_path / "6.png"
    path.write_bytes(b"half")
    found.append([path])
    problems = []
    wait_until(lambda: problems.append(deck.next_problem()) or problems[-1] is not None)
    assert "6.png: not a picture" in problems[-1]
    for value in (10, 20):
        write_picture(path, np.full((20, 20, 3), value, np.uint8))
        found.append([path])
        wait_until(lambda: len(deck.cards) == 2 and deck.cards[1].thumbnail[0, 0, 0] == value)  # noqa: B023
    assert names(deck) == ["1", "6"]
    assert [deck.next_arrival(), deck.next_arrival()] == [deck.cards[1]] * 2
    deck.close()
