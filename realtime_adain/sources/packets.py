"""The packets of a stream as they arrive, in a thread of their own."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator

from av import FFmpegError, Packet
from av.container import InputContainer
from av.video.stream import VideoStream

from ..closing import Closing

MAX_AGE_SECONDS = 0.2
"""How old a packet may become while it waits to be decoded."""


def read_packets(container: InputContainer, video: VideoStream) -> Iterator[Packet]:
    """Yield the packets of a stream.

    Raises:
        TimeoutError: nothing came within the container's timeout; FFmpeg itself then tells many
            things, none of help.
        FFmpegError, OSError: the reading failed otherwise.
    """
    packets = container.demux(video)
    while True:
        asked = time.perf_counter()
        try:
            packet = next(packets, None)
        except (FFmpegError, OSError) as error:
            timeout = container.read_timeout
            if timeout is not None and _age(asked) >= timeout:
                raise TimeoutError(f"no answer in {timeout:g} s") from error
            raise
        if packet is None:
            return
        yield packet


class NewestPackets(Closing):
    """Reads a stream as fast as it comes, so that nothing grows old in the buffers on its way.

    When packets have waited for too long, all those before the newest key frame are dropped: they
    are not needed to decode what follows.

    Args:
        container: what is read; nobody else may read or close it until this object is closed.
        video: the stream of it whose packets are wanted.

    Attributes:
        stopped: whether `stop` was called.
    """

    def __init__(self, container: InputContainer, video: VideoStream) -> None:
        self.stopped = False
        self._container = container
        self._video = video
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Packet, float]] = deque()
        self._error: Exception | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._read, name="packets", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[tuple[Packet, float, bool]]:
        """Yield each packet, when it arrived (`time.perf_counter`) and whether it is too old to
        be shown: it must be decoded for the sake of newer ones that wait already.

        Raises:
            Exception: what the reading raised.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended or self.stopped)
                if self.stopped:
                    return
                if not self._waiting:
                    break
                packet, arrived = self._waiting.popleft()
                is_old = bool(self._waiting) and _age(arrived) > MAX_AGE_SECONDS
            yield packet, arrived, is_old
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the iteration now; from any thread."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Stop, and return when the last read is over: after the container's timeout at most."""
        self.stop()
        self._thread.join()

    def _read(self) -> None:
        try:
            for packet in read_packets(self._container, self._video):
                arrived = time.perf_counter()
                with self._changed:
                    if self.stopped:
                        break
                    if packet.is_keyframe and self._waiting and self._is_late():
                        self._waiting.clear()
                    self._waiting.append((packet, arrived))
                    self._changed.notify_all()
        except Exception as error:  # whatever it is, the iteration raises it
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _is_late(self) -> bool:
        return _age(self._waiting[0][1]) > MAX_AGE_SECONDS


def _age(arrived: float) -> float:
    return time.perf_counter() - arrived
