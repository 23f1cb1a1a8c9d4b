"""Between frames, uint8 `(H, W, 3)`, and tensors, float `(N, 3, H, W)` in [0, 1]: the one place."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

MINIMUM_SIDE = 16
"""Shortest side, in pixels, that every network can take."""


def to_tensor(pixels: np.ndarray, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return a frame on the device.

    Args:
        pixels: uint8 `(H, W, 3)` RGB; uploaded as it is, converted on the device.

    Returns:
        `(1, 3, H, W)` in [0, 1], RGB, channels-last.
    """
    frame = torch.from_numpy(np.ascontiguousarray(pixels)).to(device, non_blocking=True)
    return frame.permute(2, 0, 1)[None].to(dtype) / 255


def to_pixels(image: Tensor) -> np.ndarray:
    """Return `(1, 3, H, W)` as uint8 `(H, W, 3)`: clamped to [0, 1], rounded, on the host."""
    frame = image[0].permute(1, 2, 0).mul(255).round_().clamp_(0, 255).to(torch.uint8)
    return np.ascontiguousarray(frame.cpu().numpy())


def short_side_size(size_hw: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Return the height and width, same aspect, whose smaller one is `short_side`; at least 1."""
    height, width = size_hw
    scale = short_side / min(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


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


def pad_to_stride(image: Tensor, stride: int) -> Tensor:
    """Extend `(N, C, H, W)` at the bottom and the right to multiples of `stride` pixels, and to
    `MINIMUM_SIDE` at least, by reflection; where a side is too short for that, by its edge."""
    for dimension in (2, 3):
        side = image.shape[dimension]
        wanted = max(-(-side // stride) * stride, -(-MINIMUM_SIDE // stride) * stride)
        if wanted > side:
            extra = wanted - side
            padding = (0, 0, 0, extra) if dimension == 2 else (0, extra, 0, 0)
            image = functional.pad(image, padding, "reflect" if extra < side else "replicate")
    return image
