"""The newest frame as JPEG, for any number of readers, each as fast as it can."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from ..closing import Closing
from ..errors import SinkError
from ..frame import Frame


class LatestJpeg(Closing):
    """One slot for frames, one for JPEGs; in both the newest wins.

    A thread of its own encodes, each frame once at most and only while somebody watches.

    Args:
        quality: of the JPEGs, 1..100.
    """

    def __init__(self, quality: int) -> None:
        self._quality = quality
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._frame_number = 0  # of the newest frame; 0 before the first
        self._jpeg = b""
        self._jpeg_number = 0  # of the frame from which it is
        self._watchers = 0
        self._error: Exception | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._encode_all, name="jpeg", daemon=True)
        self._thread.start()

    def put(self, frame: Frame) -> None:
        """Take a frame, whose pixels must not change afterwards; returns at once.

        Raises:
            SinkError: an earlier frame could not be encoded.
        """
        with self._changed:
            if self._error is not None:
                raise SinkError(str(self._error)) from self._error
            self._frame = frame
            self._frame_number += 1
            self._changed.notify_all()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Frames are encoded for `get` while this context, or another, is open."""
        self._count_watchers(1)
        try:
            yield
        finally:
            self._count_watchers(-1)

    def get(
        self, after: int | None = None, timeout: float | None = None
    ) -> tuple[int, bytes] | None:
        """Wait for a picture.

        Args:
            after: number of the last picture that the reader has, for a newer one; None for one
                that is not older than this moment's newest frame.
            timeout: seconds to wait at most.

        Returns:
            Number and JPEG of the newest picture. After a timeout it may be one the reader already
            has, or (0, b"") if there is none yet. None after `close`, or when encoding has failed.
        """
        with self._changed:
            wanted = max(1, self._frame_number) if after is None else after + 1
            self._changed.wait_for(lambda: self._ended or self._jpeg_number >= wanted, timeout)
            return None if self._ended else (self._jpeg_number, self._jpeg)

    def close(self) -> None:
        """End the thread and every wait; may be called twice."""
        self._end()
        self._thread.join()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _count_watchers(self, change: int) -> None:
        with self._changed:
            self._watchers += change
            self._changed.notify_all()

    def _encode_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._has_work())
                if self._ended:
                    return
                frame, number = self._frame, self._frame_number
            try:
                jpeg = self._encode(frame)
            except Exception as error:  # whatever it is, the writer is told by `put`
                self._error = error
                self._end()
                return
            with self._changed:
                self._jpeg, self._jpeg_number = jpeg, number
                self._changed.notify_all()

    def _has_work(self) -> bool:
        return self._watchers > 0 and self._frame_number > self._jpeg_number

    def _encode(self, frame: Frame) -> bytes:
        options = [cv2.IMWRITE_JPEG_QUALITY, self._quality]
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR), options)
        return jpeg.tobytes()
