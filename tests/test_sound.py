"""The sound of a recording: heard by a microphone that is played, laid under the pictures."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from realtime_adain.errors import SourceError
from realtime_adain.frame import Frame, Sound
from realtime_adain.live.takes import Recording
from realtime_adain.sinks.encoding import Encoding
from realtime_adain.sinks.video_file import VideoFileSink
from realtime_adain.sources.microphone import Microphone

from .helpers import wait_until
from .media import SIZE_HW, numbered

RATE = 16_000
START = 100.0  # time of the first picture


class Tape:
    """Brings sound in pieces of 50 ms: a tone from `onset` seconds after the first picture on.

    Args:
        onset: in seconds.
        begin: time of the first piece.
        missing: pieces between these times are lost.
        speed: samples per true second, over the nominal rate.
    """

    rate = RATE

    def __init__(
        self,
        onset: float,
        *,
        channels: int = 2,
        begin: float = START - 1,
        missing: tuple[float, float] = (0.0, 0.0),
        speed: float = 1.0,
    ) -> None:
        self.channels = channels
        self._now = begin
        self._onset = START + onset
        self._missing = missing
        self._speed = speed
        self.until = START
        self.dry = False  # whether there was nothing to be taken the last time

    def take(self) -> list[Sound]:
        sounds = []
        while self._now < self.until:
            times = self._now + np.arange(round(0.05 * RATE * self._speed)) / (RATE * self._speed)
            wave = np.where(times >= self._onset, 9000 * np.sin(2764 * times), 0)
            samples = np.repeat(wave.astype(np.int16)[:, None], self.channels, 1)
            if not self._missing[0] <= self._now < self._missing[1]:
                sounds.append(Sound(samples, RATE, self._now))
            self._now += 0.05
        self.dry = not sounds
        return sounds


def record(path: Path, tape: Tape, seconds: float = 2.0) -> None:
    with VideoFileSink(
        path,
        size_hw=SIZE_HW,
        frame_rate=None,
        encoding=Encoding(low_latency=True),
        crash_safe=True,
        sound_source=tape,
    ) as sink:
        for index, pixels in enumerate(numbered(round(25 * seconds))):
            tape.until = START + index / 25
            sink.write(Frame(pixels, START + index / 25))


def heard(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the times and the loudness, in pieces of a hundredth of a second, of a film."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("s16", "mono", 48_000)
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    start = float(frames[0].pts * frames[0].time_base)
    wave = np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(float)
    pieces = wave[: len(wave) // 480 * 480].reshape(-1, 480)
    return start + np.arange(len(pieces)) / 100, np.abs(pieces).mean(1)


def onset(path: Path) -> float:
    times, loudness = heard(path)
    return times[np.argmax(loudness > 2000)]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_sound_comes_with_its_picture(suffix, tmp_path) -> None:
    record(tmp_path / f"take{suffix}", Tape(0.7))
    assert onset(tmp_path / f"take{suffix}") == pytest.approx(0.7, abs=0.06)
    with av.open(str(tmp_path / f"take{suffix}")) as container:
        assert len(list(container.decode(video=0))) == 50
    times, _ = heard(tmp_path / f"take{suffix}")
    assert times[-1] == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(
    "tape",
    [
        Tape(0.7, channels=1),
        Tape(0.7, begin=START + 0.4),
        Tape(0.7, missing=(START + 0.2, START + 0.6)),
        Tape(1.6, speed=1.1),
        Tape(1.6, speed=0.9),
    ],
    ids=["mono", "late microphone", "gap", "fast clock", "slow clock"],
)
def test_sound_stays_with_the_picture(tape, tmp_path) -> None:
    record(tmp_path / "take.mp4", tape)
    expected = tape._onset - START
    assert onset(tmp_path / "take.mp4") == pytest.approx(expected, abs=0.16)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_microphone_that_says_nothing_costs_no_picture(suffix, tmp_path) -> None:
    record(tmp_path / f"take{suffix}", Tape(0.7, begin=START + 100))
    with av.open(str(tmp_path / f"take{suffix}")) as container:
        assert len(list(container.decode(video=0))) == 50


def test_recording_hears_while_no_picture_comes(tmp_path) -> None:
    tape = Tape(0.0)
    recording = Recording(
        tmp_path / "take.mp4", size_hw=SIZE_HW, frame_rate=None, sound_source=tape
    )
    first, last = numbered(2)
    recording.write(Frame(first, START))
    for seconds in range(4, 24, 4):  # of which a microphone keeps five
        tape.until, tape.dry = START + seconds, False
        wait_until(lambda: tape.dry)
    times, _ = heard(tmp_path / "take.part.mp4")
    assert times[-1] > 18, "only kept in memory"
    recording.write(Frame(last, START + 20))
    recording.close()
    times, loudness = heard(tmp_path / "take.mp4")
    assert times[-1] == pytest.approx(20, abs=0.15)
    assert (loudness > 2000).mean() > 0.99


class PortAudio:
    """What the package sounddevice is to the microphone."""

    class PortAudioError(Exception):
        pass

    class InputStream:
        def __init__(self, **asked) -> None:
            PortAudio.opened = self
            self.asked = asked
            self.closed = False

        def start(self) -> None:
            pass

        def close(self) -> None:
            self.closed = True

    @staticmethod
    def query_devices(device, kind: str) -> dict:
        assert kind == "input"
        if device == "none":
            raise ValueError("No input device\nmatching 'none'")
        if device is None:
            raise PortAudio.PortAudioError("Error querying device -1")
        return {"name": "Desk", "default_samplerate": 44100.0, "max_input_channels": 6}


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> type[PortAudio]:
    monkeypatch.setitem(sys.modules, "sounddevice", PortAudio)
    return PortAudio


def test_microphone_brings_what_it_hears(portaudio) -> None:
    with Microphone("3") as microphone:
        stream = portaudio.opened
        assert stream.asked["device"] == 3 and stream.asked["dtype"] == "int16"
        assert (microphone.name, microphone.rate, microphone.channels) == ("Desk", 44100, 2)
        buffer = np.ones((441, 2), np.int16)
        clock = SimpleNamespace(currentTime=5.0, inputBufferAdcTime=4.7)
        stream.asked["callback"](buffer, 441, clock, None)
        buffer[:] = 7  # PortAudio uses it again
        silent = SimpleNamespace(currentTime=5.0, inputBufferAdcTime=0.0)
        stream.asked["callback"](buffer, 441, silent, None)
        first, second = microphone.take()
        now = time.perf_counter()
        assert (first.samples == 1).all() and (second.samples == 7).all()
        assert now - first.time == pytest.approx(0.3, abs=0.05)
        assert now - second.time == pytest.approx(0.01, abs=0.05)
        assert microphone.take() == []
    assert stream.closed


def test_microphone_forgets_what_nobody_takes(portaudio, monkeypatch) -> None:
    clock = SimpleNamespace(currentTime=5.0, inputBufferAdcTime=4.99)
    with Microphone("Desk") as microphone:
        for second in range(20):
            monkeypatch.setattr(time, "perf_counter", lambda now=second: float(now))
            portaudio.opened.asked["callback"](np.zeros((1, 2), np.int16), 1, clock, None)
        monkeypatch.undo()
        assert 5 <= len(microphone.take()) <= 6


@pytest.mark.parametrize(
    ("device", "message"),
    [(None, "no microphone: Error querying"), ("none", "microphone 'none': No input device match")],
)
def test_missing_microphone_is_one_line(portaudio, device, message) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        Microphone(device)
    assert "\n" not in str(caught.value)


def test_missing_package_names_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(SourceError, match="pip install sounddevice"):
        Microphone()
