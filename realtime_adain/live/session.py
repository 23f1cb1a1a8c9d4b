"""The loop of a live session: newest frame, paint, compose, show; then keys and mouse."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np

from ..capture import LatestFrame
from ..closing import Closing
from ..command import warn
from ..errors import RealtimeAdainError, SinkError
from ..frame import Frame, scaled
from ..overlay import Overlay, draw_overlay
from ..pictures import resize, shrink
from ..sinks.base import Sink
from ..sinks.sound_track import SoundSource
from ..sinks.window import Window
from ..style_deck import StyleDeck
from ..timing import LiveTiming
from .errands import Errands
from .finish import Finish
from .keys import ACTIONS
from .ladder import QualityLadder, Stylize
from .mouse import Gestures
from .preset import save_preset
from .recorder import Recorder
from .screen_text import ScreenText
from .still import StillFrames
from .strip import Box, Strip
from .styles_in_use import Look, StylesInUse
from .takes import new_path, save_snapshot
from .view import Layout, View

_WAIT_SECONDS = 0.03  # for a frame or a key, before the window is served again
_LOOK_SECONDS = 0.02  # from look to look at the keys while a frame is painted
_READABLE_SIDE = 480  # short side in pixels to which a small picture is enlarged to be written on


class LiveSession(Closing):
    """Shows the newest frame of a source in a style, again and again; obeys keys and mouse.

    Args:
        frames: where the frames come from.
        stylize: repaints a frame.
        deck: the styles.
        styles: which of them are in use, and how.
        ladder: repaints moving frames, with `stylize`, as large as the rate allows; None to paint
            all of them in full.
        view: how original and stylized picture stand.
        finish: what is done after the network.
        strip: the styles along the lower edge.
        text: what is written over the picture.
        folder: where snapshots, recordings and presets go.
        window: where the pictures are shown and the keys pressed; None for no window.
        sinks: what else takes the stylized pictures; none may make the picture wait.
        sound_source: what brings the recordings' sound; None for silent ones.
        network_options: the command line's options that name the network, kept with the settings.

    Attributes:
        timing: the measured speed.
    """

    def __init__(
        self,
        frames: LatestFrame,
        stylize: Stylize,
        deck: StyleDeck,
        styles: StylesInUse,
        *,
        ladder: QualityLadder | None = None,
        view: View | None = None,
        finish: Finish | None = None,
        strip: Strip | None = None,
        text: ScreenText | None = None,
        folder: Path = Path(),
        window: Window | None = None,
        sinks: Sequence[Sink] = (),
        sound_source: SoundSource | None = None,
        network_options: Mapping[str, object] | None = None,
    ) -> None:
        self.timing = LiveTiming()
        self.styles = styles
        self.view = view or View()
        self.finish = finish or Finish()
        self.strip = strip or Strip()
        self.text = text or ScreenText()
        self.text.say("h  shows the keys")
        self._frames = frames
        self._ladder = ladder
        self._stylize_still = ladder.paint_in_full if ladder else stylize
        self._stylize_moving = StillFrames(ladder or stylize, self._stylize_still)
        self._deck = deck
        self._folder = folder
        self._window = window
        self._sinks = sinks
        self._errands = Errands()
        self._painter = ThreadPoolExecutor(1, "painter")
        self._recorder = Recorder(self._errands, folder, frames.frame_rate, sound_source)
        self._gestures = Gestures(self.view, self.strip, self.styles.choose, self._grab_piece)
        self._frozen = False
        self._changed = False
        self._quitting = False
        self._network_options = dict(network_options or {})
        self._notice: str | None = None
        self._problem: str | None = None
        self._frame: Frame | None = None
        self._look: Look | None = None
        self._original: np.ndarray | None = None
        self._stylized: np.ndarray | None = None
        self._shown_hw = (1, 1)  # of a single picture in the window

    def run(self, max_frames: int | None = None) -> None:
        """Run until the user quits, the source ends or `max_frames` frames are done.

        Raises:
            SourceError, SinkError, StyleError: a source, sink or style failed on the way; or the
                recording, where nothing else takes the pictures: else its failure is only told.
        """
        while not self._quitting and self.timing.frames != max_frames:
            self._step()

    def close(self) -> None:
        """Finish a running recording, so that it plays, and what else is under way; may be called
        twice.

        Raises:
            SinkError, PictureError: it cannot be finished.
        """
        self._recorder.stop()
        self._painter.shutdown()
        self._errands.close()
        errors = []
        for report in self._errands.left():
            if isinstance(report, Exception):
                errors.append(report)
            else:
                self._announce(report)
        for error in errors[1:]:
            self._complain(str(error))
        if errors:
            raise errors[0]

    def settings(self) -> dict[str, object]:
        """Return the command line's options that bring back what the keys have done."""
        return {
            **self.styles.settings(),
            **self.view.settings(),
            **self.finish.settings(),
            **self._network_options,
            "strip": self.strip.visible,
            "stats": str(self.text.stats),
            "fullscreen": self._window is not None and self._window.fullscreen,
        }

    # One turn of the loop.

    def _step(self) -> None:
        frame = None if self._frozen else self._frames.get(_WAIT_SECONDS)
        if frame is not None:
            self._take(frame)
        else:
            if self._frozen or self._frames.problem is not None:
                self._follow()
            self._hold()
        self._show()
        if frame is not None:
            self.timing.add(frame.time, time.perf_counter())
        elif self._frames.ended:
            self.quit()
        self._report()
        self._obey()

    def _take(self, frame: Frame) -> None:
        """Paint a new frame and hand it on."""
        self._frame = frame
        self._original = self.view.prepare(frame.pixels)
        self.styles.colours = self.finish.style_colours(self._original, frame.time)
        self._paint(self._stylize_moving, moved=True)
        self._record(frame.time)
        self._hand_on(frame.time)

    def _follow(self) -> None:
        """Let a picture that stands show what has changed; one that moves does so by itself."""
        if self._frame is not None and (self._changed or self.styles.look() is not self._look):
            self._changed = False
            self._original = self.view.prepare(self._frame.pixels)
            self.styles.colours = self.finish.style_colours(self._original, self._frame.time)
            self._paint_still()
            self._hand_on(time.perf_counter())

    def _hold(self) -> None:
        """Let a recording go on with the last picture while no frame comes."""
        now = time.perf_counter()
        if self._stylized is not None and self._recorder.lags(now):
            self._record(now)

    def _record(self, captured: float) -> None:
        """Record what is composed; a recording that fails ends alone, unless it is all there is."""
        try:
            self._recorder.write(captured, self._compose)
        except SinkError:
            if self._window is None and not self._sinks:
                raise
            self._recorder.stop()  # which tells what failed and what is left

    def _hand_on(self, captured: float) -> None:
        """Give what is composed to whoever watches."""
        if self._sinks:
            frame = Frame(self._compose(), captured)
            for sink in self._sinks:
                sink.write(frame)

    def _paint_still(self) -> None:
        self._paint(self._stylize_still, moved=False)

    def _paint(self, stylize: Stylize, *, moved: bool) -> None:
        before, self._look = self._look, self.styles.look()
        repainted = self._look is not before
        if repainted:
            self._stylize_moving.forget()
        stylized = self._listening(stylize, self._original, self._look.style, self._look.alpha)
        self._stylized = self.finish.apply(
            stylized, self._original, moved=moved, repainted=repainted
        )

    def _listening(self, stylize: Stylize, *what: object) -> np.ndarray:
        """Paint in another thread while looking at the keys: of several that are pressed between
        two looks, OpenCV reports the last one alone."""
        if self._window is None:
            return stylize(*what)
        painting = self._painter.submit(stylize, *what)
        while not wait([painting], _LOOK_SECONDS).done:
            self._window.listen()
        return painting.result()

    def _compose(self, layout: Layout | None = None) -> np.ndarray:
        return self.view.compose(self._original, self._stylized, layout)

    def _show(self) -> None:
        if self._window is None or self._window.closed or self._stylized is None:
            return
        picture = draw_overlay(self._fitted(self._compose()), self._overlay())
        mix = self.styles.mix_weights
        self.strip.draw(picture, self._deck.cards, self.styles.chosen, mix)
        self._window.show(picture)

    def _fitted(self, picture: np.ndarray) -> np.ndarray:
        """Return the picture at a size at which what is written on it is readable: the window's
        where that is smaller or the picture itself is very small."""
        single_hw = self._stylized.shape[:2]
        largest = max(1.0, _READABLE_SIDE / min(single_hw))
        scale = min(self._window.fit(picture.shape[:2]), largest)
        self._shown_hw = single_hw if 0.99 < scale <= 1 else scaled(single_hw, scale)
        shown_hw = self.view.layout.size_hw(self._shown_hw)
        return shrink(picture, shown_hw) if scale <= 1 else resize(picture, shown_hw)

    def _overlay(self) -> Overlay:
        size_hw = self._shown_hw
        facts = [self.styles.name, f"{self.styles.strength:.0%}", *self.finish.facts]
        if self.styles.touring:
            facts.append("tour")
        in_full = self._frozen or self._stylize_moving.in_full
        if self._ladder is not None and self._ladder.rung and not in_full:
            facts.append(f"painted at {self._ladder.scale:.0%}")
        split = self.view.layout is Layout.SPLIT
        return Overlay(
            status=self.text.status(facts, self.timing, frozen=self._frozen),
            message=self.text.message,
            help=self.text.keys,
            recording=self._recorder.clock,
            problem=self._problem_or_notice(),
            graph=self.text.graph(self.timing),
            grip=round(self.view.divider * size_hw[1]) if split else None,
            selection=self._gestures.selection,
            below=self.strip.height(self.view.layout.size_hw(size_hw)),
        )

    def _problem_or_notice(self) -> str | None:
        """Return why no picture comes, or what the user is to do; None where all is well."""
        return self._frames.problem or self.finish.person.notice

    def _report(self) -> None:
        """Tell what the threads have to say."""
        before, self._notice = self._notice, self._frames.notice
        if self._notice is not None and self._notice != before:
            self._complain(self._notice)
        before, self._problem = self._problem, self._problem_or_notice()
        if self._window is None and self._problem != before:
            warn(self._problem or "all is well")
        while (problem := self._deck.next_problem()) is not None:
            self._complain(problem)
        while (card := self._deck.next_arrival()) is not None:
            self.text.say(f"new style: {card.name}")
            if card.grabbed:
                self.styles.choose(card)
        try:
            while (report := self._errands.next_report()) is not None:
                self._announce(report)
        except RealtimeAdainError as error:
            self._complain(str(error))

    def _obey(self) -> None:
        if self._window is None:
            return
        wait_ms = round(1000 * _WAIT_SECONDS) if self._frozen else 1
        while (key := self._window.poll_key(wait_ms)) is not None:
            if key in ACTIONS:
                self._changed = True
                said = ACTIONS[key](self)
                if said:
                    self.text.say(said)
            wait_ms = 1
        while (event := self._window.poll_mouse()) is not None:
            if self._original is not None:
                self._gestures.follow(event, self._shown_hw)
                self._changed = True  # the divider may have moved
        if self._window.closed:
            self.quit()

    def _announce(self, message: str) -> None:
        self.text.say(message)
        print(message, flush=True)

    def _complain(self, problem: str) -> None:
        self.text.say(problem)
        warn(problem)

    # What the keys do beyond the parts of the session.

    def toggle_mirror(self) -> None:
        """Exchange left and right, or no longer."""
        self.view.toggle_mirror()
        self.finish.reset()

    def toggle_freeze(self) -> None:
        """Hold the picture, or go on; a recording holds its last frame meanwhile."""
        self._frozen = not self._frozen

    def turn_colour(self) -> str:
        """Go on to the next of the colours; return what to say."""
        said = self.finish.turn_colour()
        if self.finish.matches_colours and self.styles.chosen.saved:
            return "a saved style has no picture whose colours could be matched"
        return said

    def toggle_fullscreen(self) -> None:
        """Fill the screen, or no longer."""
        if self._window is not None:
            self._window.toggle_fullscreen()

    def quit(self) -> None:
        """End the session after this turn."""
        self._quitting = True

    def grab(self) -> None:
        """Make a style of the original of what is shown."""
        if self._original is not None:
            self._deck.grab(self._original.copy())

    def save_snapshot(self, layout: Layout | None = None) -> None:
        """Save the picture, painted in full, in a layout or in that of the moment, without the
        text."""
        if self._stylized is not None:
            if self._ladder is not None and self._ladder.rung:
                self._paint_still()
            picture = self._compose(layout)
            self._errands.do(lambda: f"saved {save_snapshot(self._folder, picture)}")

    def save_preset(self) -> None:
        """Save the styles as statistics, with all settings, in a new folder that can be shared."""
        settings, cards = self.settings(), self._deck.cards
        chosen, mix = self.styles.chosen, self.styles.mix_weights
        waiting = self._deck.waiting

        def save() -> str:
            folder = new_path(self._folder, "")
            saved = f"saved {save_preset(folder, settings, cards, chosen, mix)}"
            return f"{saved}, {waiting} styles were not ready" if waiting else saved

        self._errands.do(save)

    def start_recording(self, path: Path) -> None:
        """Record into a file what is composed, in the layout of this moment, without the text.

        Raises:
            SinkError: the file cannot be written.
        """
        self._recorder.start(path, self._frames.size_hw, self.view.layout)

    def toggle_recording(self) -> str | None:
        """Begin a recording under a new name, or finish the running one; return what to say."""
        return self._recorder.toggle(self._frames.size_hw, self.view.layout)

    def _grab_piece(self, box: Box) -> None:
        scale = self._original.shape[0] / self._shown_hw[0]
        left, top, right, bottom = (round(scale * edge) for edge in box)
        piece = self._original[top:bottom, left:right]
        if piece.size:
            self._deck.grab(piece.copy())
