"""The demo scene: what the programs show where there is no camera."""

from .scene import DemoScene

__all__ = ["DemoScene"]
