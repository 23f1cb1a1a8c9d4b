"""The errors of the programs: each is one clear line for the user and also a Python built-in."""

_SHORT_OF = (
    "out of memory",
    "can't allocate memory",
    "insufficient memory",
    "not enough memory",  # PyTorch on Windows
    "failed to allocate",
    "alloc_failed",  # cuDNN and cuBLAS
    "bad_alloc",
)
"""What messages say, in lower case, when memory is short."""


class RealtimeAdainError(Exception):
    """Base of every error that the programs print as one line (exit status 1)."""


class PictureError(RealtimeAdainError, ValueError):
    """A picture that cannot be read or written; the message names the file."""


class SourceError(RealtimeAdainError, OSError):
    """A camera, video, folder or address that cannot be opened or breaks off."""


class SinkError(RealtimeAdainError, OSError):
    """An output that cannot be opened or written."""


class StyleError(RealtimeAdainError, ValueError):
    """A style that is unknown, unreadable or does not fit the network."""


class ProfileError(RealtimeAdainError, ValueError):
    """A profile that cannot be read or written; the message names the file."""


class WeightsError(RealtimeAdainError, ValueError):
    """Weights that are missing, damaged or of another architecture."""


class TrainingError(RealtimeAdainError, ArithmeticError):
    """A run that has lost its way: its loss is not finite any more."""


def one_line(error: BaseException) -> str:
    """Return the message of another package's error without its line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


def first_line(error: BaseException) -> str:
    """Return the first line of another package's error, where the rest is of no use to users."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error, of PyTorch perhaps or of a device, says that memory is short."""
    if isinstance(error, MemoryError) or any(word in str(error).lower() for word in _SHORT_OF):
        return True
    before = error.__cause__
    if before is None and isinstance(error, RuntimeError):
        before = error.__context__  # CUDA fails once more in leaving a capture
    return before is not None and is_out_of_memory(before)
