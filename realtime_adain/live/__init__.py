"""A live session: newest frame, paint, compose, show; played by keys and mouse.

`session` is the loop. No part but `keys` knows the session: `styles_in_use` says what a frame is
painted with, `ladder` how large and `regional` where, `finish` what is done to it then, `view` how
it stands beside the original; `strip`, `screen_text` and `mouse` are what the user sees and
touches, and `keys` the table of all keys; `recorder` and `errands` keep disk and encoder away from
the picture. `options` is the command line, `watch` the folder whose new pictures become styles;
`profile` and `preset` are what is kept of a session, and `takes` what it leaves on disk; `person`
finds who stands before the camera.
"""

from __future__ import annotations

from .ladder import Stylize
from .session import LiveSession
from .styles_in_use import StylesInUse

__all__ = ["LiveSession", "Stylize", "StylesInUse"]
