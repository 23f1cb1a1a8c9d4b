"""A window on the screen, through OpenCV: pixels out, keys and mouse in."""

from __future__ import annotations

import ctypes
import os
import sys
from collections import deque
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np

from ..closing import Closing
from ..errors import SinkError

# Arrow keys as `cv2.waitKeyEx` gives them: X11 (Qt and GTK), Windows, macOS.
_ARROWS = {
    **{0xFF51: "left", 0xFF52: "up", 0xFF53: "right", 0xFF54: "down"},
    **{0x250000: "left", 0x260000: "up", 0x270000: "right", 0x280000: "down"},
    **{0xF702: "left", 0xF700: "up", 0xF703: "right", 0xF701: "down"},
}
_NAMED = {27: "escape", 32: "space"}


class Mouse(Enum):
    """What the left button of the mouse, or the mouse with that button held down, has done."""

    PRESS = "press"
    DRAG = "drag"
    RELEASE = "release"


@dataclass(frozen=True)
class MouseEvent:
    """Something done with the mouse.

    Attributes:
        action: what was done.
        x: column in pixels of the picture that is shown; outside of it on the black around.
        y: row in the same.
    """

    action: Mouse
    x: int
    y: int


def key_name(code: int) -> str | None:
    """Return the key of a `cv2.waitKeyEx` code.

    Returns:
        A printable character in lower case, `space`, `escape`, `left`, `right`, `up` or `down`;
        None for -1 and every other key.
    """
    if code < 0:
        return None
    low = code & 0xFFFF  # GTK sets the bits above for Num Lock, Shift and the like
    name = _ARROWS.get(code) or _ARROWS.get(low) or _NAMED.get(low)
    return name or (chr(low).lower() if 32 < low < 127 else None)


class Window(Closing):
    """A resizable window that keeps the picture's aspect, on black. Use it from the main thread.

    Args:
        title: in the window's bar.
        size_wh: width and height of the picture area at first, in pixels.
        fullscreen: whether to begin in full screen.

    Raises:
        SinkError: there is no display, or OpenCV is built without windows.
    """

    def __init__(self, title: str, size_wh: tuple[int, int], *, fullscreen: bool = False) -> None:
        check_display()
        self._title = title
        self._keys: deque[str] = deque()
        self._mouse: deque[MouseEvent] = deque()
        self._bars_wh = (0, 0)
        self._fullscreen = False
        self._shown = False
        _open(title)
        cv2.resizeWindow(title, *size_wh)
        cv2.setMouseCallback(title, self._note_mouse)
        if fullscreen:
            self.toggle_fullscreen()

    def fit(self, size_hw: tuple[int, int]) -> float:
        """Return by how much a picture of a height and width has to be larger or smaller to fill
        the window; 1 where that is not known."""
        wide, high = self._area_wh()
        if wide <= 0 or high <= 0:
            return 1.0
        return min(high / size_hw[0], wide / size_hw[1])

    def show(self, pixels: np.ndarray) -> None:
        """Show a picture, uint8 `(H, W, 3)` RGB of any size; it is on screen on return."""
        cv2.imshow(self._title, cv2.cvtColor(self._letterbox(pixels), cv2.COLOR_RGB2BGR))
        self._shown = True
        self._pump(1)

    def listen(self) -> None:
        """Keep the key that has been pressed since the last look, for `poll_key`."""
        self._pump(1)

    def poll_key(self, wait_ms: int = 1) -> str | None:
        """Return the next key pressed, as `key_name` names it.

        Args:
            wait_ms: how long to wait for one; the window is redrawn meanwhile.
        """
        if not self._keys:
            self._pump(wait_ms)
        return self._keys.popleft() if self._keys else None

    def poll_mouse(self) -> MouseEvent | None:
        """Return the next thing done with the mouse; None when there is none."""
        return self._mouse.popleft() if self._mouse else None

    @property
    def fullscreen(self) -> bool:
        """Whether the window fills the screen."""
        return self._fullscreen

    @property
    def closed(self) -> bool:
        """Whether the user has closed the window; never so on macOS, where it has no button for
        that, and one that is minimised counts as invisible."""
        if sys.platform == "darwin":
            return False
        try:
            return self._shown and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:  # some back ends no longer know a window that is gone
            return True

    def toggle_fullscreen(self) -> None:
        """Go to full screen or back."""
        self._fullscreen = not self._fullscreen
        state = cv2.WINDOW_FULLSCREEN if self._fullscreen else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(self._title, cv2.WND_PROP_FULLSCREEN, state)

    def close(self) -> None:
        """Take the window away; may be called twice."""
        try:
            cv2.destroyWindow(self._title)
            cv2.waitKeyEx(1)  # without it some back ends leave the window standing
        except cv2.error:  # the user has closed it
            pass

    def _pump(self, wait_ms: int) -> None:
        key = key_name(cv2.waitKeyEx(wait_ms))
        if key is not None:
            self._keys.append(key)

    def _note_mouse(self, event: int, x: int, y: int, flags: int, _: object) -> None:
        """Keep what the mouse does; of a row of movements the last one."""
        if event == cv2.EVENT_LBUTTONDOWN:
            action = Mouse.PRESS
        elif event == cv2.EVENT_LBUTTONUP:
            action = Mouse.RELEASE
        elif event == cv2.EVENT_MOUSEMOVE and flags & cv2.EVENT_FLAG_LBUTTON:
            action = Mouse.DRAG
        else:
            return
        if action is Mouse.DRAG and self._mouse and self._mouse[-1].action is Mouse.DRAG:
            self._mouse.pop()
        across, down = self._bars_wh
        self._mouse.append(MouseEvent(action, x - across, y - down))

    def _area_wh(self) -> tuple[int, int]:
        """Return width and height of the picture area; not positive where they are not known."""
        return cv2.getWindowImageRect(self._title)[2:]

    def _letterbox(self, pixels: np.ndarray) -> np.ndarray:
        """Return the picture with black bars that give it the aspect of the window."""
        wide, high = self._area_wh()
        height, width = pixels.shape[:2]
        self._bars_wh = (0, 0)
        if wide <= 0 or high <= 0:
            return pixels
        across = max(0, round(height * wide / high) - width) // 2
        down = max(0, round(width * high / wide) - height) // 2
        if across < 2 and down < 2:
            return pixels
        self._bars_wh = (across, down)
        return cv2.copyMakeBorder(pixels, down, down, across, across, cv2.BORDER_CONSTANT)


def check_display() -> None:
    """Find out whether a window can be opened here; on Linux, Qt would end the whole process.

    Raises:
        SinkError: it cannot.
    """
    if sys.platform.startswith("linux"):
        display = os.environ.get("DISPLAY")
        if not display:
            raise SinkError("there is no display (DISPLAY is not set); use --no-window")
        _check_x11(display)


def _check_x11(display: str) -> None:
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return
    x11.XOpenDisplay.restype = ctypes.c_void_p
    connection = x11.XOpenDisplay(display.encode())
    if not connection:
        raise SinkError(f"the display {display} (DISPLAY) does not answer; use --no-window")
    x11.XCloseDisplay(ctypes.c_void_p(connection))


def _open(title: str) -> None:
    try:
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
    except cv2.error as error:
        raise SinkError(
            "this OpenCV has no windows: uninstall opencv-python-headless, "
            "install opencv-python, or use --no-window"
        ) from error
