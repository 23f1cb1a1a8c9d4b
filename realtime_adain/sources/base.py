"""What every source of frames is to the rest of the program."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from fractions import Fraction

from ..closing import Closing
from ..frame import Frame


class Source(Closing):
    """Frames one after the other; a context manager that closes itself.

    Attributes:
        name: what is shown to the user.
        size_hw: height and width in pixels, of the frames as they are given out.
        frame_rate: nominal frames per second; None where it is not known.
        problem: why no frames come at the moment, for the user; None when all is well.
        notice: what the user may want to know although frames come; None for nothing.
    """

    name: str
    size_hw: tuple[int, int]
    frame_rate: Fraction | None
    problem: str | None = None
    notice: str | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames in order of time; end with the stream.

        Raises:
            SourceError: the stream breaks off.
        """

    def stop(self) -> None:
        """Let an iteration that waits for the clock end soon; from any thread."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the device or file; may be called twice."""
