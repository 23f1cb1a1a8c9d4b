"""Between frames, uint8 `(H, W, 3)`, and tensors, float `(N, 3, H, W)` in [0, 1]: the one place."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .frame import scaled

MINIMUM_SIDE = 16
"""Shortest side, in pixels, that every network can take."""

_LONGEST_STYLE = 4  # times the short side
_LEAST_STYLE = 32  # pixels that every style encoder needs


def to_tensor(pixels: np.ndarray, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return a frame on the device, ready for a network.

    Args:
        pixels: uint8 `(H, W, 3)` RGB; uploaded as it is, converted on the device.

    Returns:
        `(1, 3, H, W)` in [0, 1], RGB, channels-last.
    """
    return as_unit(upload(pixels, device), dtype)


def batch_to_tensor(batch: Tensor, device: torch.device) -> Tensor:
    """Return uint8 `(N, H, W, 3)` on the device as float32 `(N, 3, H, W)` in [0, 1], channels-last.

    As `to_tensor`, it is uploaded as it is.
    """
    return batch.to(device).permute(0, 3, 1, 2).float() / 255


def to_pixels(image: Tensor) -> np.ndarray:
    """Return `(1, 3, H, W)` as uint8 `(H, W, 3)`: clamped to [0, 1], rounded, on the host."""
    return download(as_bytes(image))


def upload(pixels: np.ndarray, device: torch.device) -> Tensor:
    """Return uint8 `(H, W, 3)` on the device; on the processor the same memory where possible."""
    pixels = np.require(pixels, requirements="CW")  # PyTorch warns of what it may not write into
    return torch.from_numpy(pixels).to(device)


def download(frame: Tensor) -> np.ndarray:
    """Return uint8 `(H, W, 3)` on the host; from the processor the same memory where possible."""
    return np.ascontiguousarray(frame.cpu().numpy())


def as_unit(frame: Tensor, dtype: torch.dtype) -> Tensor:
    """Return uint8 `(H, W, 3)` as `(1, 3, H, W)` in [0, 1], channels-last, where it is."""
    return frame[None].to(dtype).div_(255).permute(0, 3, 1, 2)


def as_bytes(image: Tensor) -> Tensor:
    """Return `(1, 3, H, W)` as uint8 `(H, W, 3)`: clamped to [0, 1], rounded, where it is."""
    return image.permute(0, 2, 3, 1)[0].mul(255).round_().clamp_(0, 255).to(torch.uint8)


def working_size(size_hw: tuple[int, int], short_side: int | None) -> tuple[int, int]:
    """Return the height and width at which a frame is processed: never more than its own.

    Args:
        size_hw: of the frame.
        short_side: to which larger frames are brought; None for their own size.
    """
    if short_side is None or short_side >= min(size_hw):
        return size_hw
    return short_side_size(size_hw, short_side)


def short_side_size(size_hw: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Return the height and width, same aspect, whose smaller one is `short_side`; at least 1."""
    return scaled(size_hw, short_side / min(size_hw))


def style_size(size_hw: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Return the height and width at which a style is encoded.

    Its shorter side becomes `short_side`, but the longer one at most four times that, or a narrow
    strip would fill the memory.
    """
    height, width = short_side_size(size_hw, short_side)
    too_long = max(1.0, max(height, width) / (_LONGEST_STYLE * short_side))
    return tuple(max(_LEAST_STYLE, round(side / too_long)) for side in (height, width))


def style_image(pixels: np.ndarray, device: torch.device, short_side: int) -> Tensor:
    """Return a painting as a style encoder takes it, float32 `(1, 3, H, W)` of `style_size`.

    Args:
        pixels: uint8 `(H, W, 3)` RGB.
        device: on which it will be encoded.
        short_side: in pixels.
    """
    image = to_tensor(pixels, device, torch.float32)
    return resize(image, style_size(pixels.shape[:2], short_side))


def resize(image: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Return `(N, C, H, W)` at another size: antialiased when smaller, bicubic when larger.

    Computed in float32, for want of half-precision kernels on some devices.
    """
    if tuple(image.shape[2:]) == tuple(size_hw):
        return image
    shrinks = size_hw[0] * size_hw[1] < image.shape[2] * image.shape[3]
    mode = "bilinear" if shrinks else "bicubic"
    resized = functional.interpolate(image.float(), size_hw, mode=mode, antialias=shrinks)
    return resized.to(image.dtype)


def resize_frame(frame: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Return uint8 `(H, W, 3)` at another size, as `resize` does it, where it is.

    On the processor computed in integers, ten times as fast; nearly all values within 1.
    """
    if tuple(frame.shape[:2]) == tuple(size_hw):
        return frame
    if frame.device.type != "cpu":
        return as_bytes(resize(as_unit(frame, torch.float32), size_hw))
    shrinks = size_hw[0] * size_hw[1] < frame.shape[0] * frame.shape[1]
    mode = "bilinear" if shrinks else "bicubic"
    image = frame.permute(2, 0, 1)[None]
    resized = functional.interpolate(image, size_hw, mode=mode, antialias=shrinks)
    return resized[0].permute(1, 2, 0).contiguous()


def resize_pixels(pixels: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Return uint8 `(H, W, 3)` at another size, as `resize_frame` does it, on the processor."""
    return download(resize_frame(upload(pixels, torch.device("cpu")), size_hw))


def pad_to_stride(image: Tensor, stride: int) -> Tensor:
    """Extend `(N, C, H, W)` at the bottom and the right to multiples of `stride` pixels, and to
    `MINIMUM_SIDE` at least, by reflection; where a side is too short for that, by its edge."""
    for dimension in (2, 3):
        side = image.shape[dimension]
        extra = padded_side(side, stride) - side
        if extra:
            padding = (0, 0, 0, extra) if dimension == 2 else (0, extra, 0, 0)
            image = functional.pad(image, padding, "reflect" if extra < side else "replicate")
    return image


def pad_pixels_to_stride(pixels: np.ndarray, stride: int) -> np.ndarray:
    """Extend uint8 `(H, W, 3)` exactly as `pad_to_stride` extends its tensor."""
    for axis in (0, 1):
        side = pixels.shape[axis]
        extra = padded_side(side, stride) - side
        if extra:
            padding = [(0, extra) if axis == padded else (0, 0) for padded in range(3)]
            pixels = np.pad(pixels, padding, "reflect" if extra < side else "edge")
    return np.ascontiguousarray(pixels)


def padded_side(side: int, stride: int) -> int:
    """Return the next multiple of `stride`, at least `MINIMUM_SIDE`."""
    return -(-max(side, MINIMUM_SIDE) // stride) * stride
