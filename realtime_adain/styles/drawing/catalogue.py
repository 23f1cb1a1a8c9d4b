"""Which function draws which style."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .dots import draw_pointillism
from .hatching import draw_pencil
from .modern import draw_cubist, draw_neon
from .painted import draw_fauve, draw_starry
from .prints import draw_waves, draw_woodcut
from .tiles import draw_mosaic, draw_stained_glass
from .washes import draw_ink, draw_watercolour

# Each returns uint8 `(512, 512, 3)` RGB, the same at every call.
DRAWINGS: dict[str, Callable[[], np.ndarray]] = {
    "cubist": draw_cubist,
    "fauve": draw_fauve,
    "ink": draw_ink,
    "mosaic": draw_mosaic,
    "neon": draw_neon,
    "pencil": draw_pencil,
    "pointillism": draw_pointillism,
    "stained-glass": draw_stained_glass,
    "starry": draw_starry,
    "watercolour": draw_watercolour,
    "waves": draw_waves,
    "woodcut": draw_woodcut,
}
