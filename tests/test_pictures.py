"""Pictures as users have them: grey, transparent, 16-bit, turned, broken."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from realtime_adain.errors import PictureError
from realtime_adain.pictures import list_pictures, read_picture, resize, write_picture

from .helpers import picture


def test_png_comes_back_as_it_was(tmp_path) -> None:
    pixels = picture(33, 47)
    write_picture(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), pixels)


def test_red_stays_red_in_jpeg(tmp_path) -> None:
    write_picture(tmp_path / "red.JPG", np.full((16, 16, 3), (250, 10, 20), np.uint8))
    assert np.abs(read_picture(tmp_path / "red.JPG").mean((0, 1)) - (250, 10, 20)).max() < 4


def test_grey_and_16_bits_become_rgb(tmp_path) -> None:
    grey = picture()[:, :, 0]
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    cv2.imwrite(str(tmp_path / "deep.png"), grey.astype(np.uint16) * 257)
    for name in ("grey.png", "deep.png"):
        result = read_picture(tmp_path / name)
        assert result.shape == (48, 64, 3) and result.dtype == np.uint8
        assert np.abs(result.astype(int) - grey[:, :, None]).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparent_parts_lie_on_white(dtype, tmp_path) -> None:
    full = np.iinfo(dtype).max
    layered = np.zeros((4, 6, 4), dtype)
    layered[:, :3] = (0, 0, full, full)  # opaque red (BGRA), the rest transparent black
    cv2.imwrite(str(tmp_path / "layer.png"), layered)
    result = read_picture(tmp_path / "layer.png")
    assert (result[:, :3] == (255, 0, 0)).all()
    assert (result[:, 3:] == 255).all()


def test_exif_rotation_is_applied(tmp_path) -> None:
    _, data = cv2.imencode(".jpg", np.zeros((10, 20, 3), np.uint8))
    # An APP1 segment with one EXIF entry: orientation (tag 0x112) 6, a quarter turn clockwise.
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)
    body = b"Exif\0\0" + tiff
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    (tmp_path / "turned.jpg").write_bytes(data[:2].tobytes() + segment + data[2:].tobytes())
    assert read_picture(tmp_path / "turned.jpg").shape == (20, 10, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied_where_something_is_transparent_too(orientation, tmp_path) -> None:
    pixels = np.zeros((10, 20, 4), np.uint8)
    pixels[:5, :5] = (0, 0, 255, 255)
    pixels[:5, 5:] = (0, 255, 0, 255)
    pixels[5:] = (255, 0, 0, 128)
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)
    chunk = b"eXIf" + tiff
    chunk = struct.pack(">I", len(tiff)) + chunk + struct.pack(">I", zlib.crc32(chunk))

    def turned(channels: int) -> np.ndarray:
        data = cv2.imencode(".png", pixels[:, :, :channels])[1].tobytes()
        (tmp_path / "turned.png").write_bytes(data[:33] + chunk + data[33:])  # after the header
        return read_picture(tmp_path / "turned.png")

    opaque, layered = turned(3), turned(4)
    assert opaque.shape == ((10, 20, 3) if orientation < 5 else (20, 10, 3))
    expected = np.where(opaque[:, :, 2:] > 0, np.uint8((127, 127, 255)), opaque)
    np.testing.assert_array_equal(layered, expected)


@pytest.mark.parametrize("content", [b"", b"only text", b"\xff\xd8\xff\xe0 cut off"])
def test_what_is_no_picture_is_named(content, tmp_path) -> None:
    path = tmp_path / "text.jpg"
    path.write_bytes(content)
    with pytest.raises(PictureError, match="text.jpg: not a picture"):
        read_picture(path)


def test_missing_file_and_folder_are_named(tmp_path) -> None:
    with pytest.raises(PictureError, match="gone.png: no such file"):
        read_picture(tmp_path / "gone.png")
    with pytest.raises(PictureError, match="is a folder"):
        read_picture(tmp_path)
    with pytest.raises(PictureError, match="holds no picture"):
        list_pictures(tmp_path)
    with pytest.raises(PictureError, match="no such folder"):
        list_pictures(tmp_path / "gone")


def test_what_macos_puts_beside_a_picture_is_none(tmp_path) -> None:
    write_picture(tmp_path / "photo.png", picture())
    (tmp_path / "._photo.png").write_bytes(b"extended attributes")
    assert list_pictures(tmp_path) == [tmp_path / "photo.png"]


def test_unknown_suffix_or_missing_folder_leaves_nothing(tmp_path) -> None:
    with pytest.raises(PictureError, match=r"unknown picture suffix '\.xyz', known are \.bmp"):
        write_picture(tmp_path / "a.xyz", picture())
    with pytest.raises(PictureError, match="cannot be written"):
        write_picture(tmp_path / "gone" / "a.png", picture())
    with pytest.raises(PictureError, match="a.webp: this format cannot hold 16384x1 pixels"):
        write_picture(tmp_path / "a.webp", np.zeros((1, 16384, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_resize_keeps_the_mean_and_the_range() -> None:
    pixels = picture(90, 120)
    for size_hw in ((30, 41), (200, 260)):
        resized = resize(pixels, size_hw)
        assert resized.shape == (*size_hw, 3)
        np.testing.assert_allclose(resized.mean((0, 1)), pixels.mean((0, 1)), atol=2)
    assert resize(pixels, (90, 120)) is pixels
