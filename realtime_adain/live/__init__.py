"""A live session: newest frame, stylize, compose, show; driven by keys."""

from __future__ import annotations

from .session import LiveOptions, LiveSession

__all__ = ["LiveOptions", "LiveSession"]
