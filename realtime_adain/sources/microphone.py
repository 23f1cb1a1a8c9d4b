"""The microphone, through sounddevice (PortAudio)."""

from __future__ import annotations

import threading
import time
from collections import deque
from types import ModuleType
from typing import Any

import numpy as np

from ..closing import Closing
from ..errors import SourceError, one_line
from ..frame import Sound

_KEPT_SECONDS = 5.0  # while nobody takes it


class Microphone(Closing):
    """Hears all the time; what was heard is there to be taken, and what nobody takes is forgotten.

    Args:
        device: number, or name or a part of it, as the system lists them; None for its default.

    Attributes:
        name: what the system calls it.
        rate: samples per second.
        channels: 1 or 2.

    Raises:
        SourceError: the package or PortAudio is missing, or there is no such microphone, or it is
            in use.
    """

    def __init__(self, device: str | None = None) -> None:
        package = _import_package()
        chosen = int(device) if device is not None and device.isdecimal() else device
        try:
            about = package.query_devices(chosen, "input")
            self.name = str(about["name"])
            self.rate = round(about["default_samplerate"])
            self.channels = min(2, about["max_input_channels"])
            self._stream = package.InputStream(
                device=chosen,
                samplerate=self.rate,
                channels=self.channels,
                dtype="int16",
                latency="low",
                callback=self._hear,
            )
            self._heard: deque[Sound] = deque()
            self._lock = threading.Lock()
            self._stream.start()
        except (package.PortAudioError, ValueError) as error:
            which = "no microphone" if device is None else f"microphone {device!r}"
            raise SourceError(f"{which}: {one_line(error)}") from error

    def take(self) -> list[Sound]:
        """Return what was heard since the last time, at most the last five seconds."""
        with self._lock:
            heard, self._heard = list(self._heard), deque()
        return heard

    def close(self) -> None:
        self._stream.close()

    def _hear(self, samples: np.ndarray, count: int, clock: Any, status: object) -> None:
        """Keep what PortAudio's thread brings, stamped with the time of its first sample."""
        delay = clock.currentTime - clock.inputBufferAdcTime
        if not 0 < delay < 1:  # some drivers do not tell
            delay = count / self.rate
        sound = Sound(samples.copy(), self.rate, time.perf_counter() - delay)
        with self._lock:
            self._heard.append(sound)
            while self._heard[0].time < sound.time - _KEPT_SECONDS:
                self._heard.popleft()


def _import_package() -> ModuleType:
    try:
        import sounddevice
    except ImportError as error:
        raise SourceError("the microphone needs a package: pip install sounddevice") from error
    except OSError as error:  # the package is there, the library that it drives is not
        raise SourceError("the microphone needs PortAudio: apt install libportaudio2") from error
    return sounddevice
