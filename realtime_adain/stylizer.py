"""Repaints frames: a style is encoded once, then every frame is one pass of the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from numbers import Real
from typing import Any, Self, TypeVar

import numpy as np
import torch
from torch import nn

from .adain import FADING_ALPHA, RegionalStatistics, Statistics, check_alpha
from .closing import Closing
from .engines import open_engine
from .engines.base import exclusive
from .errors import StyleError, first_line
from .frame import check_pixels
from .memory import keep_freed_memory, release_freed_memory
from .networks import StyleNetwork
from .networks.fingerprint import fingerprint
from .pictures import blend, read_picture
from .style import Style
from .stylebook import DEFAULT_MODEL, STYLE_SIZE, find_style, is_saved_style
from .tensors import MINIMUM_SIDE, style_image, working_size
from .weights import load_checkpoint, load_model

Painted = TypeVar("Painted")

_LARGE_STYLE = 3 * 768**2  # numbers in a picture from which on its memory is not worth keeping


class Stylizer(Closing):
    """Repaints frames in any style.

    On Linux, making one lets the C library of the whole process keep freed memory for the next
    frame (`memory.release_freed_memory` gives it back).

    Args:
        model: name of a shipped model, path of a weights file, or a network.
        device: such as "cpu" or "cuda:0"; None for the best there is.
        size: short side in pixels at which larger frames are processed; the result is brought back
            to the frame's own size. None processes every frame at its size.
        dtype: of the arithmetic per frame; None for what suits the device and the engine: half
            precision on CUDA, bfloat16 on a processor that gains by it, else float32, or int8 by
            OpenVINO. Styles are encoded in float32.
        engine: what computes the frames, one of `engines.ENGINES`; "auto" measures.

    Attributes:
        device: on which styles are encoded and frames are repainted.
        network: the network on its device, in float32.
        engine: what computes the frames.
        fingerprint: hash of its weights; a style of another one is refused.

    Raises:
        WeightsError: the weights are missing, damaged or of another network.
        EngineError: the engine is not installed or fails.
        TypeError: `model` or `dtype` is of another type.
        ValueError: the device is unknown or not there, `size` is below 16, or the engine is
            unknown, not for the device or not for the dtype.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | StyleNetwork = DEFAULT_MODEL,
        *,
        device: str | torch.device | None = None,
        size: int | None = None,
        dtype: torch.dtype | None = None,
        engine: str = "auto",
    ) -> None:
        if size is not None:
            _check_size(size)
        if not isinstance(model, (str, os.PathLike, nn.Module)):
            raise TypeError(f"model must be a name, a path or a network, got {model!r:.80}")
        if dtype is not None and not isinstance(dtype, torch.dtype):
            raise TypeError(f"dtype must be one of torch, such as torch.float32, got {dtype!r:.80}")
        keep_freed_memory()
        self.device = resolve_device(device)
        network = model if isinstance(model, nn.Module) else load_model(model)
        self.fingerprint = fingerprint(network)
        self.network = network.eval().to(self.device, memory_format=torch.channels_last)
        self._size = size
        self.engine = open_engine(engine, self.network, size=size, dtype=dtype)

    @classmethod
    def from_checkpoint(
        cls,
        encoder_path: str | os.PathLike[str],
        decoder_path: str | os.PathLike[str],
        **settings: Any,
    ) -> Self:
        """Return a stylizer with the paper's network of a published pair of files.

        Args:
            encoder_path: such as `vgg_normalised.pth`.
            decoder_path: such as `decoder.pth`.
            **settings: `device`, `size`, `dtype` and `engine`, as of the class.

        Raises:
            WeightsError: a file is missing, unsafe to load, or of another shape.
        """
        return cls(load_checkpoint(encoder_path, decoder_path), **settings)

    @torch.inference_mode()
    def encode_style(
        self,
        image: np.ndarray | str | os.PathLike[str],
        *,
        size: int = STYLE_SIZE,
        name: str | None = None,
    ) -> Style:
        """Return the style of a picture; the only time that its pixels are looked at.

        Args:
            image: uint8 `(H, W, 3)` RGB, the path of a picture or of a saved style, or the name of
                a built-in one.
            size: short side in pixels to which the picture is brought first; larger gives larger
                strokes. The long side becomes at most four times that.
            name: of a picture, shown to the user; None for the file's name. A saved style keeps its
                own.

        Raises:
            PictureError: the picture cannot be read.
            StyleError: the saved style cannot be read or belongs to another network.
            TypeError, ValueError: the image is no picture, or `size` is below 16.
        """
        _check_size(size)
        if not isinstance(image, (np.ndarray, str, os.PathLike)):
            raise TypeError(f"image must be a uint8 array or a path, got {image!r:.80}")
        if not isinstance(image, np.ndarray):
            path = find_style(image)
            if is_saved_style(path):
                return self._checked(Style.load(path)).to(self.device)
            name = name or path.stem
            image = read_picture(path)
        check_pixels(image)
        with exclusive(self.device):
            tensor = style_image(image, self.device, size)
            style = Style(name or "style", self.network.encode_style(tensor), self.fingerprint)
        if max(image.size, tensor.numel()) > _LARGE_STYLE:
            del tensor
            release_freed_memory()
        return style

    def stylize(self, frame: np.ndarray, style: Style, alpha: float = 1.0) -> np.ndarray:
        """Return the frame in the style: one content encode and one decode.

        Args:
            frame: uint8 `(H, W, 3)` RGB, any size.
            style: what `encode_style` returned, or a mix of such.
            alpha: style strength, 0 (the frame itself) to 1; below `FADING_ALPHA` the frame shows
                through what the network paints.

        Returns:
            uint8 `(H, W, 3)` RGB of the frame's size.

        Raises:
            StyleError: the style belongs to another network.
            TypeError, ValueError: the frame is no picture, the style none of ours, or alpha is
                outside 0..1.
        """
        check_pixels(frame)
        check_alpha(alpha)
        return self._painted(frame, self._checked(style).statistics, alpha)

    def stylize_all(
        self, frames: Iterable[np.ndarray], style: Style, alpha: float = 1.0
    ) -> Generator[np.ndarray, None, None]:
        """Yield the frames in the style, in their order, as `run_all` does it.

        Args:
            frames: uint8 `(H, W, 3)` RGB each, any sizes; all may come in the same array.
            style: what `encode_style` returned, or a mix of such.
            alpha: style strength, 0 to 1.

        Yields:
            uint8 `(H, W, 3)` RGB of each frame's size.

        Raises:
            StyleError: the style belongs to another network.
            TypeError, ValueError: a frame is no picture, or alpha is outside 0..1.
        """
        return self.run_all(
            partial(self.stylize, np.array(frame), style, alpha) for frame in frames
        )

    def stylize_regions(
        self, frame: np.ndarray, styles: Sequence[Style], masks: np.ndarray, alpha: float = 1.0
    ) -> np.ndarray:
        """Return the frame with a style of its own in every region, in one pass.

        Args:
            frame: uint8 `(H, W, 3)` RGB, any size.
            styles: one per region.
            masks: float32 `(R, H, W)` in 0..1, one per style, of the frame's size; that they sum to
                one everywhere is not checked.
            alpha: style strength, 0 to 1.

        Returns:
            uint8 `(H, W, 3)` RGB of the frame's size.

        Raises:
            StyleError: a style belongs to another network.
            TypeError, ValueError: the frame is no picture, alpha is outside 0..1, or the masks fit
                neither the styles nor the frame.
        """
        check_pixels(frame)
        check_alpha(alpha)
        if masks.shape != (len(styles), *frame.shape[:2]):
            raise ValueError(
                f"masks must have shape {(len(styles), *frame.shape[:2])}, got {masks.shape}"
            )
        statistics = tuple(self._checked(style).statistics for style in styles)
        masks = torch.from_numpy(np.ascontiguousarray(masks, np.float32))
        return self._painted(frame, RegionalStatistics(statistics, masks), alpha)

    def run_all(self, tasks: Iterable[Callable[[], Painted]]) -> Generator[Painted, None, None]:
        """Yield what tasks that call `stylize` or `stylize_regions` return, in their order.

        For films: on a processor several frames are repainted at a time, which takes less time
        than one after the other, but a frame is done later.

        Raises:
            Exception: what a task or `tasks` raised.
        """
        return self.engine.run_all(tasks)

    def ready_for(self, size_hw: tuple[int, int]) -> bool:
        """Return whether a frame of a size would be painted without delay; if not, what it waits
        for is begun, in a thread."""
        return self.engine.ready_for(working_size(size_hw, self._size))

    def close(self) -> None:
        """Give up what is being prepared in a thread; at its end, the process would wait for it.
        Nothing is to be painted afterwards."""
        self.engine.close()

    def _painted(
        self, frame: np.ndarray, style: Statistics | RegionalStatistics, alpha: float
    ) -> np.ndarray:
        """Return what the engine paints, faded into the frame where the strength is small: what
        the network paints at a strength of zero is the content as it sees it, not quite the same.
        """
        if alpha == 0:
            return frame.copy()
        painted = self.engine.stylize(frame, style, alpha)
        share = min(alpha / FADING_ALPHA, 1.0)
        return painted if share == 1 else blend(painted, frame, share)

    def _checked(self, style: Style) -> Style:
        if not isinstance(style, Style):
            raise TypeError(f"style must be what encode_style returned, got {style!r:.80}")
        if style.fingerprint != self.fingerprint:
            raise StyleError(
                f"style {style.name!r} was encoded by another network; encode its picture anew, or "
                "name that network by --model"
            )
        widths = tuple(mean.shape[1] for mean, _ in style.statistics)
        if widths != self.network.layer_widths:
            raise StyleError(
                f"style {style.name!r} has layers of {widths} channels, the network takes "
                f"{self.network.layer_widths}"
            )
        return style


def _check_size(size: int) -> None:
    if not isinstance(size, Real):
        raise TypeError(f"size must be a number of pixels, got {size!r:.80}")
    if size < MINIMUM_SIDE:
        raise ValueError(f"size must be at least {MINIMUM_SIDE} pixels, got {size}")


def resolve_device(device: str | torch.device | None) -> torch.device:
    """Return the device of a name; None gives the best there is.

    Raises:
        ValueError: no such device here.
    """
    if device is None:
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        return accelerator or torch.device("cpu")
    try:
        resolved = torch.device(device)
        torch.zeros(1, device=resolved).item()  # as "meta" cannot
    except (RuntimeError, AssertionError) as error:
        reason = first_line(error).split(". ")[0]  # PyTorch goes on for a page
        raise ValueError(f"device {str(device)!r} cannot be used: {reason}") from error
    return resolved
