"""Pictures as users have them: grey, transparent, 16-bit, turned, broken."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base

from realtime_adain.errors import PictureError
from realtime_adain.pictures import list_pictures, load_picture, read_picture, resize, write_picture
from realtime_adain.writing import why_not_writable

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


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied_with_and_without_transparency(orientation, tmp_path) -> None:
    upright = np.zeros((10, 20, 4), np.uint8)
    upright[:5, :5] = (255, 0, 0, 255)
    upright[:5, 5:] = (0, 255, 0, 255)
    upright[5:] = (0, 0, 255, 128)
    turns = [0, 0, 2, 2, 1, 1, 3, 3]
    mirrored = upright[:, ::-1] if orientation in {2, 4, 5, 7} else upright
    stored = np.ascontiguousarray(np.rot90(mirrored, turns[orientation - 1]))
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    Image.fromarray(stored).save(tmp_path / "layered.png", exif=exif)
    Image.fromarray(stored[:, :, :3]).save(tmp_path / "opaque.png", exif=exif)

    np.testing.assert_array_equal(read_picture(tmp_path / "opaque.png"), upright[:, :, :3])
    layered = load_picture(tmp_path / "layered.png")
    np.testing.assert_array_equal(layered.opacity, upright[:, :, 3])
    np.testing.assert_array_equal(layered.pixels[:5], upright[:5, :, :3])
    np.testing.assert_array_equal(layered.pixels[5:], upright[5:, :, :3])


def test_colours_of_a_profile_are_converted(tmp_path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = (
        profile.replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")
    )
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    for name, kept, expected in (
        ("usual.png", profile, (255, 0, 0)),
        ("other.png", exchanged, (0, 255, 0)),
        ("damaged.png", profile[:200], (255, 0, 0)),
    ):
        red.save(tmp_path / name, icc_profile=kept)
        assert np.abs(read_picture(tmp_path / name).astype(int) - expected).max() <= 2


def test_what_the_camera_wrote_is_kept_without_rotation_and_thumbnail(tmp_path) -> None:
    exif = Image.Exif()
    exif[Base.Make] = "camera"
    exif[Base.Orientation] = 6
    exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = "2020:01:02 03:04:05"
    photograph = tmp_path / "photograph.jpg"
    Image.fromarray(picture(20, 30)).save(photograph, exif=exif)
    read = load_picture(photograph)
    for name in ("out.jpg", "out.png", "out.webp"):
        write_picture(tmp_path / name, read.pixels, read)
        with Image.open(tmp_path / name) as written:
            kept = written.getexif()
            assert written.size == (20, 30)
            assert kept[Base.Make] == "camera" and Base.Orientation not in kept
            assert kept.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "2020:01:02 03:04:05"
    write_picture(tmp_path / "out.bmp", read.pixels, read)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".jpg", ".bmp"])
def test_opacity_is_kept_where_the_format_can(suffix, tmp_path) -> None:
    layered = np.dstack([picture(16, 24), np.full((16, 24), 255, np.uint8)])
    layered[:, :12, 3] = 0
    Image.fromarray(layered).save(tmp_path / "in.png")
    read = load_picture(tmp_path / "in.png")
    write_picture(tmp_path / f"out{suffix}", 255 - read.pixels, read)
    written = load_picture(tmp_path / f"out{suffix}")
    if suffix in {".jpg", ".bmp"}:
        assert written.opacity is None
    else:
        np.testing.assert_array_equal(written.opacity, layered[:, :, 3])


def test_half_transparent_colours_stay_what_they_are(tmp_path) -> None:
    shadow = np.full((8, 8, 4), 30, np.uint8)
    shadow[:, :, 3] = np.arange(0, 256, 36)
    Image.fromarray(shadow).save(tmp_path / "in.png")
    read = load_picture(tmp_path / "in.png")
    painted = np.full_like(read.pixels, 60)
    write_picture(tmp_path / "out.png", painted, read)
    with Image.open(tmp_path / "out.png") as written:
        assert (np.array(written) == np.dstack([painted, shadow[:, :, 3]])).all()
    write_picture(tmp_path / "out.bmp", painted, read)
    on_white = 255 - 195 * np.arange(0, 256, 36) / 255
    assert np.abs(read_picture(tmp_path / "out.bmp")[0, :, 0] - on_white).max() <= 0.5


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.float32([[0.0, 0.5, 1.0]]), [0, 128, 255]),
        (np.float32([[0.0, 100.0, 255.0]]), [0, 100, 255]),
        (np.int32([[0, 32768, 65535]]), [0, 128, 255]),
        (np.uint16([[0, 257, 514]]), [0, 1, 2]),
        (np.float32([[np.nan, 0.0, 1e6]]), [0, 0, 255]),
    ],
)
def test_deep_grey_pictures_keep_their_range(values, expected, tmp_path) -> None:
    Image.fromarray(values).save(tmp_path / "deep.tif")
    assert read_picture(tmp_path / "deep.tif")[0, :, 0].tolist() == expected


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("flaw", [b"", b"no EXIF at all", b"MM\0*\0\0\0\x08\xff\xff"])
def test_a_picture_with_flawed_exif_is_read(flaw, tmp_path) -> None:
    Image.fromarray(picture()).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + flaw)
    assert read_picture(tmp_path / "a.jpg").shape == picture().shape


def test_orientation_of_a_wrong_type_is_left_aside(tmp_path) -> None:
    entry = struct.pack(">HHI4s", Base.Orientation, 2, 2, b"6\0")  # text in place of a number
    flawed = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    Image.fromarray(picture(20, 30)).save(tmp_path / "a.jpg", exif=flawed)
    assert read_picture(tmp_path / "a.jpg").shape == (20, 30, 3)


def test_a_written_link_stays_one(tmp_path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "there" / "file.png")
    write_picture(link, picture())
    assert link.is_symlink() and (tmp_path / "there" / "file.png").is_file()
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    assert why_not_writable(loop) == "is a link to itself"


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
