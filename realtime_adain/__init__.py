"""Arbitrary style transfer in real time: any painting, any camera, video or picture.

Five lines repaint a picture::

    from realtime_adain import Stylizer

    stylizer = Stylizer("lite")
    style = stylizer.encode_style("starry.jpg")
    out = stylizer.stylize(frame, style, alpha=0.8)

Frames are uint8 `(H, W, 3)` RGB arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .style import Style
    from .stylizer import Stylizer

__version__ = "0.1.0"
__all__ = ["Style", "Stylizer", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the public classes when first used, so that `--help` does not wait for torch."""
    if name == "Stylizer":
        from .stylizer import Stylizer

        return Stylizer
    if name == "Style":
        from .style import Style

        return Style
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
