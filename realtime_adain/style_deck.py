"""The styles of a live session: encoded in a thread, in the order given."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .closing import Closing
from .colour import ColourMoments, recolour
from .errors import PictureError, StyleError, is_out_of_memory
from .frame import scaled
from .pictures import middle_square, read_picture, resize
from .stylebook import THUMBNAIL_SIDE, is_saved_style

if TYPE_CHECKING:
    from .style import Style

_BREATHER_SECONDS = 0.1  # between two styles, so that a large folder does not slow the picture
_POLL_SECONDS = 0.5  # between two looks for new files
_MORE_NICENESS = 10
_GRABBED_SIDE = 768  # short side at most: what is grabbed stays in memory


class Encode(Protocol):
    """Makes styles, as `Stylizer.encode_style` does."""

    def __call__(self, image: np.ndarray | Path, *, size: int, name: str) -> Style:
        """Return the style of a picture, uint8 `(H, W, 3)` RGB, or of a saved style's path."""
        ...


@dataclass(eq=False)
class Card:
    """A style that is ready for use.

    Attributes:
        order: its place among the styles.
        source: its file, or its picture where it was grabbed.
        style: its statistics; another object once it has been encoded anew.
        size: short side in pixels at which it is encoded; the larger, the larger the strokes.
        colours: the colours that its picture was given before; None for its own.
        thumbnail: uint8 `(THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3)` RGB; None of a saved style that has
            none.
        wanted_size: what `size` is going to be.
        wanted_colours: what `colours` are going to be.
    """

    order: int
    source: Path | np.ndarray
    style: Style
    size: int
    thumbnail: np.ndarray | None
    colours: ColourMoments | None = None
    wanted_size: int = field(init=False)
    wanted_colours: ColourMoments | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.wanted_size = self.size

    @property
    def name(self) -> str:
        """What is shown to the user."""
        return self.style.name

    @property
    def grabbed(self) -> bool:
        """Whether it was grabbed, so that there is no file of it."""
        return isinstance(self.source, np.ndarray)

    @property
    def saved(self) -> bool:
        """Whether it is a saved style, which cannot be encoded at another size."""
        return not self.grabbed and is_saved_style(self.source)


class StyleDeck(Closing):
    """Styles that become ready one after the other; all but the first in a thread of their own.

    A style that cannot be read is left out, and told by `next_problem`. What the user waits for,
    a grabbed picture or another size, goes before the files that are still to come.

    Args:
        paths: files of the styles, in order.
        encode: makes a style; called from two threads, never at the same time.
        size: short side in pixels at which pictures are encoded.
        at_once: files among `paths` that are encoded before the constructor returns; where there
            are none, the first that can be read.
        sizes: other sizes by the styles' names.
        find_new: asked again and again for files that are to be added, or read anew.

    Raises:
        PictureError, StyleError: a file of `at_once` is no style, or none of the files is.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        encode: Encode,
        *,
        size: int,
        at_once: Sequence[Path] = (),
        sizes: Mapping[str, int] | None = None,
        find_new: Callable[[], Sequence[Path]] | None = None,
    ) -> None:
        self._encode = encode
        self._size = size
        self._sizes = dict(sizes or {})
        self._find_new = find_new
        self._cards: tuple[Card, ...] = ()  # replaced as a whole, so that readers need no lock
        at_once = [path.absolute() for path in at_once]
        given = dict.fromkeys(path.absolute() for path in paths)
        self._orders = {path: order for order, path in enumerate(given)}
        self._arrivals: queue.SimpleQueue[Card] = queue.SimpleQueue()
        self._problems: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self._wishes: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._closing = False
        self._given = self._count = len(self._orders)
        self._waiting = deque(path for path in self._orders if path not in at_once)
        for path in at_once:
            self._add(path)
        while self._waiting and not self._cards:
            self._add_next()
        if not self._cards:
            raise StyleError("none of the styles can be used: " + str(self._problems.get()))
        self._thread = threading.Thread(target=self._work, name="styles", daemon=True)
        self._thread.start()

    @property
    def cards(self) -> tuple[Card, ...]:
        """The styles that are ready, in order; the same object for as long as nothing changes."""
        return self._cards

    @property
    def waiting(self) -> int:
        """How many files are still to be encoded."""
        return len(self._waiting)

    def find(self, path: Path) -> Card | None:
        """Return the style of a file; None when it is not ready."""
        return next((c for c in self._cards if not c.grabbed and c.source == path.absolute()), None)

    def grab(self, pixels: np.ndarray) -> None:
        """Make a style of a picture, uint8 `(H, W, 3)` RGB, soon; see `next_arrival`."""
        self._wishes.put(lambda: self._add_grabbed(pixels))

    def encode_anew(
        self, card: Card, *, size: int | None = None, colours: ColourMoments | None = None
    ) -> None:
        """Encode a style at another size or in other colours, soon; the last wish counts.

        Args:
            card: the style; a saved one stays as it is.
            size: short side in pixels; None for that of before.
            colours: None for the picture's own.
        """
        card.wanted_size = size or card.wanted_size
        card.wanted_colours = colours
        if not card.saved:
            self._wishes.put(lambda: self._encode_anew(card))

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that differ from the usual one, by the styles' names."""
        sizes = self._sizes | {card.name: card.wanted_size for card in self._cards}
        return {name: size for name, size in sizes.items() if size != self._size}

    def next_arrival(self) -> Card | None:
        """Return the next style that was grabbed or found new; None when there is none."""
        try:
            return self._arrivals.get_nowait()
        except queue.Empty:
            return None

    def next_problem(self) -> str | None:
        """Return the message of the next style that was left out; None when there is none.

        Raises:
            StyleError: the thread failed in another way; its error is the cause.
        """
        try:
            problem = self._problems.get_nowait()
        except queue.Empty:
            return None
        if not isinstance(problem, (PictureError, StyleError)):
            raise StyleError(f"encoding the styles failed: {problem}") from problem
        return str(problem)

    def close(self) -> None:
        """Stop encoding; return when the style in work is done; may be called twice."""
        self._closing = True
        self._wishes.put(None)
        self._thread.join()

    def _work(self) -> None:
        _give_way()
        try:
            while True:
                try:
                    wish = self._wishes.get(timeout=self._pause())
                except queue.Empty:
                    self._go_on()
                else:
                    if wish is None or self._closing:
                        return
                    self._try(wish)
        except Exception as error:  # whatever it is, the session is told by `next_problem`
            self._problems.put(error)

    def _pause(self) -> float | None:
        """Return for how many seconds nothing but wishes counts."""
        if self._waiting:
            return _BREATHER_SECONDS
        return _POLL_SECONDS if self._find_new else None

    def _go_on(self) -> None:
        """Encode the next file, or look for new ones."""
        if self._waiting:
            self._add_next()
        elif self._find_new:
            for path in map(Path.absolute, self._find_new()):
                if path not in self._orders:
                    self._orders[path] = self._next_order()
                self._waiting.append(path)

    def _next_order(self) -> int:
        self._count += 1
        return self._count - 1

    def _try(self, wish: Callable[[], None]) -> None:
        try:
            wish()
        except (PictureError, StyleError) as error:
            self._problems.put(error)

    def _add_next(self) -> None:
        path = self._waiting.popleft()
        self._try(lambda: self._add(path))

    def _add(self, path: Path) -> None:
        image = path if is_saved_style(path) else read_picture(path)
        self._place(self._orders[path], path, image, path.stem)

    def _add_grabbed(self, pixels: np.ndarray) -> None:
        taken = {card.name for card in self._cards}
        number = next(n for n in range(1, len(taken) + 2) if f"grab {n}" not in taken)
        side = min(pixels.shape[:2])
        if side > _GRABBED_SIDE:
            pixels = resize(pixels, scaled(pixels.shape[:2], _GRABBED_SIDE / side))
        self._place(self._next_order(), pixels, pixels, f"grab {number}")

    def _place(
        self, order: int, source: Path | np.ndarray, image: np.ndarray | Path, name: str
    ) -> None:
        """Encode an image for a new card in its place, or for the one that is there."""
        size = self._sizes.get(name, self._size)
        style = self._style_of(image, size, name)
        is_picture = isinstance(image, np.ndarray)
        thumbnail = middle_square(image, THUMBNAIL_SIDE) if is_picture else style.thumbnail
        card = next((card for card in self._cards if card.order == order), None)
        if card is None:
            card = Card(order, source, style, size, thumbnail)
            self._cards = tuple(sorted((*self._cards, card), key=lambda card: card.order))
        else:
            card.style, card.thumbnail = style, thumbnail
            card.size, card.colours = size, None
            self._encode_anew(card)  # its size or colours may have been changed
        if order >= self._given:
            self._arrivals.put(card)

    def _encode_anew(self, card: Card) -> None:
        size, colours = card.wanted_size, card.wanted_colours
        if card.size == size and card.colours is colours:
            return  # an earlier wish has seen to it
        try:
            image = card.source if card.grabbed else read_picture(card.source)
            if colours is not None:
                image = recolour(image, colours)
            card.style = self._style_of(image, size, card.name)
        except (PictureError, StyleError):
            card.wanted_size = card.size
            raise
        card.size, card.colours = size, colours

    def _style_of(self, image: np.ndarray | Path, size: int, name: str) -> Style:
        try:
            return self._encode(image, size=size, name=name)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise StyleError(f"{name}: not enough memory at {size} pixels") from error


def _give_way() -> None:
    """Let this thread, and those that it starts, have what the picture leaves of the processor.

    On Linux, where every thread has a niceness of its own.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):
            niceness = os.getpriority(os.PRIO_PROCESS, thread) + _MORE_NICENESS
            os.setpriority(os.PRIO_PROCESS, thread, min(niceness, 19))


def check_one_readable(paths: Sequence[Path]) -> None:
    """Raise StyleError or PictureError unless one of the style files can be read."""
    first_problem: PictureError | None = None
    for path in paths:
        if is_saved_style(path):
            return  # only the network can tell
        try:
            read_picture(path)
            return
        except PictureError as error:
            first_problem = first_problem or error
    raise first_problem or StyleError("no style is given")
