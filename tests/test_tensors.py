"""Frames and tensors: the way there and back, sizes, padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from realtime_adain import tensors

from .helpers import picture

CPU = torch.device("cpu")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_value_survives_the_way_there_and_back(dtype) -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    tensor = tensors.to_tensor(pixels, CPU, dtype)
    assert tensor.shape == (1, 3, 16, 16) and tensor.dtype == dtype
    assert tensor.min() == 0 and tensor.max() == 1
    np.testing.assert_array_equal(tensors.to_pixels(tensor.float()), pixels)


def test_a_batch_becomes_what_its_frames_become() -> None:
    frames = [picture(20, 24, seed=seed) for seed in range(3)]
    batch = tensors.batch_to_tensor(torch.from_numpy(np.stack(frames)), CPU)
    expected = torch.cat([tensors.to_tensor(frame, CPU, torch.float32) for frame in frames])
    assert batch.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(batch, expected, rtol=0, atol=0)


def test_what_is_out_of_range_is_clamped_and_the_rest_rounded() -> None:
    image = torch.tensor([-3.0, 0.4 / 255, 0.6 / 255, 9.0]).reshape(1, 1, 1, 4).expand(1, 3, 1, 4)
    np.testing.assert_array_equal(tensors.to_pixels(image)[0, :, 0], [0, 0, 1, 255])


@pytest.mark.parametrize(
    ("size_hw", "short_side", "expected"),
    [
        ((480, 640), None, (480, 640)),
        ((480, 640), 240, (240, 320)),
        ((480, 640), 720, (480, 640)),
        ((1000, 20), 20, (1000, 20)),
        ((64, 64), 63, (63, 63)),
    ],
)
def test_frames_are_never_processed_larger_than_they_are(size_hw, short_side, expected) -> None:
    assert tensors.working_size(size_hw, short_side) == expected


@pytest.mark.parametrize("size_hw", [(1, 1), (8, 9), (16, 16), (17, 40), (33, 23)])
def test_pixels_are_padded_exactly_like_tensors(size_hw) -> None:
    pixels = picture(*size_hw)
    padded = tensors.pad_to_stride(tensors.to_tensor(pixels, CPU, torch.float32), 8)
    assert all(side % 8 == 0 and side >= 16 for side in padded.shape[2:])
    np.testing.assert_array_equal(
        tensors.pad_pixels_to_stride(pixels, 8), tensors.to_pixels(padded)
    )
    np.testing.assert_array_equal(tensors.to_pixels(padded)[: size_hw[0], : size_hw[1]], pixels)


def test_resized_pixels_keep_flat_colours() -> None:
    pixels = np.full((40, 60, 3), (10, 100, 250), np.uint8)
    for size_hw in ((20, 30), (80, 120)):
        resized = tensors.resize_pixels(pixels, size_hw)
        assert resized.shape == (*size_hw, 3)
        assert (resized == (10, 100, 250)).all()


@pytest.mark.parametrize("size_hw", [(20, 31), (99, 140), (41, 59), (60, 20)])
def test_frames_are_resized_as_tensors_are(size_hw) -> None:
    frame = torch.from_numpy(picture(40, 60))
    resized = tensors.resize_frame(frame, size_hw)
    expected = tensors.as_bytes(tensors.resize(tensors.as_unit(frame, torch.float32), size_hw))
    assert resized.shape == (*size_hw, 3) and resized.is_contiguous()
    difference = (resized.int() - expected.int()).abs()
    assert (difference <= 1).float().mean() > 0.99 and difference.max() <= 16
    assert tensors.resize_frame(frame, (40, 60)) is frame
