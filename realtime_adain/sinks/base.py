"""What every receiver of frames is to the rest of the program."""

from __future__ import annotations

from abc import abstractmethod
from types import TracebackType

from ..closing import Closing
from ..frame import Frame


class Sink(Closing):
    """Takes frames one after the other.

    Leaving the context without an exception finishes the output; with one, `abort` leaves nothing
    under the output's name.
    """

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Take the next frame.

        Raises:
            SinkError: it cannot be written.
        """

    def idle(self) -> None:
        """Do what is due while no frame comes, such as showing the last one again.

        Raises:
            SinkError: it cannot be done.
        """

    @abstractmethod
    def close(self) -> None:
        """Finish the output; may be called twice.

        Raises:
            SinkError: the output cannot be finished.
        """

    def abort(self) -> None:
        """Drop the output; where there is nothing to drop, the same as `close`."""
        self.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()
