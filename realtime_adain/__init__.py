"""Arbitrary style transfer in real time: any painting, any camera, video or picture.

Four lines repaint a picture::

    from realtime_adain import Stylizer

    stylizer = Stylizer("lite")
    style = stylizer.encode_style("starry.jpg")
    out = stylizer.stylize(frame, style, alpha=0.8)

Frames are uint8 `(H, W, 3)` RGB arrays.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .style import Style
    from .stylizer import Stylizer

__version__ = "0.1.0"
__all__ = ["Style", "Stylizer", "__version__"]

_HOMES = {"Style": ".style", "Stylizer": ".stylizer"}


def __getattr__(name: str) -> object:
    """Import the public classes when first used, so that `--help` does not wait for torch."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
