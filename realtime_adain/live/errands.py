"""What takes its time, done beside the picture."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from ..closing import Closing

Errand = Callable[[], "str | None"]
"""Does something and returns a line about it for the user, where there is something to say."""


class Errands(Closing):
    """Does one errand after the other in a thread of its own."""

    def __init__(self) -> None:
        self._errands: queue.SimpleQueue[Errand | None] = queue.SimpleQueue()
        self._reports: queue.SimpleQueue[str | Exception] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="errands", daemon=True)
        self._thread.start()

    def do(self, errand: Errand) -> None:
        """Do it when those before are done; what it says or raises is told by `next_report`."""
        self._errands.put(errand)

    def next_report(self) -> str | None:
        """Return the next line about an errand that was done; None when there is none.

        Raises:
            Exception: what the errand raised.
        """
        try:
            report = self._reports.get_nowait()
        except queue.Empty:
            return None
        if isinstance(report, Exception):
            raise report
        return report

    def left(self) -> list[str | Exception]:
        """Return the lines that nobody has asked for yet, and what errands raised."""
        left = []
        while not self._reports.empty():
            left.append(self._reports.get())
        return left

    def close(self) -> None:
        """Do what is still to be done; may be called twice."""
        self._errands.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (errand := self._errands.get()) is not None:
            try:
                said = errand()
            except Exception as error:  # whatever it is, the session is told by `next_report`
                self._reports.put(error)
            else:
                if said is not None:
                    self._reports.put(said)
