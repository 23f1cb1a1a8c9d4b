"""Still pictures on disk: the one place that reads, writes, resizes and crops them."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps

from .errors import PictureError
from .writing import whole_file

WRITABLE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
PICTURE_SUFFIXES = WRITABLE_SUFFIXES | {".avif", ".gif", ".jfif", ".jp2"}
"""Of what is taken for a picture in a folder; of what moves, the first picture."""

_APPLE_SUFFIXES = {".heic", ".heif"}

_TRANSPARENT_SUFFIXES = {".png", ".tif", ".tiff", ".webp"}
"""Of formats that can hold an opacity."""

_EXIF_SUFFIXES = {".jpeg", ".jpg", ".png", ".webp"}
_LONGEST_EXIF = 65_533  # bytes in a JPEG

_MOVING_FORMATS = {"AVIF", "GIF", "PNG"}
"""Of Pillow; where it finds several pictures in another format, they are views or pages, or, in
WebP, nothing that a film's decoder reads."""

_SAVING = {
    "JPEG": {"quality": 95},
    "PNG": {"compress_level": 1},  # more takes five times as long for a tenth less
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {"quality": 95},
}
"""Options of the formats."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with what a file holds beside its colours."""

    pixels: np.ndarray
    """Uint8 `(H, W, 3)` RGB (sRGB), upright, not multiplied by the opacity; white where that is
    0."""
    opacity: np.ndarray | None = None
    """Uint8 `(H, W)`; None where nothing is transparent."""
    exif: bytes = b""
    """What the camera wrote, without the rotation and the thumbnail."""
    moves: bool = False
    """Whether others follow in the file."""


def read_picture(path: str | os.PathLike[str]) -> np.ndarray:
    """Return a picture laid on white, uint8 `(H, W, 3)` RGB, and else as `load_picture` does."""
    picture = load_picture(path)
    return _on_white(picture.pixels, picture.opacity)


def load_picture(path: str | os.PathLike[str]) -> Picture:
    """Return the picture of a file; of one that moves, the first.

    EXIF rotation is applied, colours of a profile are converted to sRGB, grey and CMYK become RGB,
    and 16 bits become 8.

    Raises:
        PictureError: the file is missing, a folder, or no picture.
    """
    path = Path(path)
    if path.is_fifo():
        raise PictureError(f"{path}: is a pipe, not a picture")
    try:
        with Image.open(path) as image:
            moves = image.format in _MOVING_FORMATS and getattr(image, "is_animated", False)
            image.load()
            return _picture(*_upright(image), moves)
    except FileNotFoundError:
        raise PictureError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise PictureError(f"{path}: is a folder, not a picture") from None
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises many kinds for damaged files
        if isinstance(error, OSError) and error.errno is not None:
            raise PictureError(f"{path}: cannot be read ({error.strerror})") from error
        hint = ", convert it to JPEG first" if path.suffix.lower() in _APPLE_SUFFIXES else ""
        raise PictureError(f"{path}: not a picture that can be read{hint}") from error


def write_picture(
    path: str | os.PathLike[str], pixels: np.ndarray, like: Picture | None = None
) -> None:
    """Write uint8 `(H, W, 3)` RGB to `path`; the suffix names the format.

    Args:
        path: of the file.
        pixels: what is written.
        like: the picture, of the same size, whose opacity and EXIF are written too; None for
            neither. What the format cannot hold is left out, and transparent parts lie on white.

    Raises:
        PictureError: unknown suffix, more pixels than the format allows, or the folder is missing
            or cannot be written.
    """
    path = Path(path)
    check_picture_suffix(path)
    suffix = path.suffix.lower()
    opacity = None if like is None else like.opacity
    if suffix in _TRANSPARENT_SUFFIXES:
        image = Image.fromarray(pixels)
        if opacity is not None:
            image.putalpha(Image.fromarray(opacity))
    else:
        image = Image.fromarray(_on_white(pixels, opacity))
    format_ = Image.registered_extensions()[suffix]
    options = dict(_SAVING.get(format_, {}))
    if like is not None and like.exif and suffix in _EXIF_SUFFIXES:
        options["exif"] = like.exif
    data = io.BytesIO()
    try:
        image.save(data, format_, **options)
    except (OSError, ValueError) as error:
        height, width = pixels.shape[:2]
        raise PictureError(f"{path}: this format cannot hold {width}x{height} pixels") from error
    try:
        with whole_file(path) as part:
            part.write_bytes(data.getbuffer())
    except OSError as error:
        raise PictureError(f"{path}: cannot be written ({error.strerror})") from error


def check_picture_suffix(path: Path) -> None:
    """Raise PictureError unless `path` ends like a picture that can be written."""
    if path.suffix.lower() not in WRITABLE_SUFFIXES:
        known = " ".join(sorted(WRITABLE_SUFFIXES))
        raise PictureError(f"{path}: unknown picture suffix {path.suffix!r}, known are {known}")


def writable_name(path: Path) -> str:
    """Return the file's name, with `.png` after it where pictures of its kind cannot be written."""
    return path.name if path.suffix.lower() in WRITABLE_SUFFIXES else f"{path.name}.png"


def list_pictures(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the pictures of a folder (by suffix, not those below it nor hidden ones, which macOS
    puts beside each on other systems' disks), sorted by name.

    Raises:
        PictureError: the folder is missing or holds no picture.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise PictureError(f"{folder}: no such folder")
    pictures = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    )
    if not pictures:
        raise PictureError(f"{folder}: holds no picture")
    return pictures


def resize(pixels: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Return the picture at another size: area filter when shrinking, cubic when enlarging."""
    height, width = size_hw
    if (height, width) == pixels.shape[:2]:
        return pixels
    shrinks = height * width < pixels.shape[0] * pixels.shape[1]
    filter_ = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(pixels, (width, height), interpolation=filter_)


def shrink(pixels: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Return a frame of a film smaller: halved as long as that is not too small, then bilinear.

    To the eye as good as an area filter, in a fifth of its time.
    """
    height, width = size_hw
    while pixels.shape[0] >= 2 * height and pixels.shape[1] >= 2 * width:
        half_wh = pixels.shape[1] // 2, pixels.shape[0] // 2
        pixels = cv2.resize(pixels, half_wh, interpolation=cv2.INTER_AREA)
    if pixels.shape[:2] == (height, width):
        return pixels
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)


def blend(over: np.ndarray, under: np.ndarray, share: float) -> np.ndarray:
    """Return `share` (0..1) of one picture and the rest of another of the same size."""
    return cv2.addWeighted(over, share, under, 1.0 - share, 0.0)


def crop_middle(pixels: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Return the middle of the picture, of a size no larger than its own; a view."""
    height, width = size_hw
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def middle_square(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return the largest square in the middle of a picture, at a size of `side` pixels."""
    shorter = min(pixels.shape[:2])
    return resize(crop_middle(pixels, (shorter, shorter)), (side, side))


def cover(pixels: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Return the picture scaled to cover the size, what stands over cut off on both sides."""
    height, width = size_hw
    scale = max(height / pixels.shape[0], width / pixels.shape[1])
    tall = max(height, round(pixels.shape[0] * scale))
    wide = max(width, round(pixels.shape[1] * scale))
    return np.ascontiguousarray(crop_middle(resize(pixels, (tall, wide)), size_hw))


def _upright(image: Image.Image) -> tuple[Image.Image, bytes]:
    """Return the picture turned upright, and its EXIF, if that is whole, without the rotation."""
    try:
        image = ImageOps.exif_transpose(image)
        return image, image.getexif().tobytes() if "exif" in image.info else b""
    except Exception:  # of as many kinds as there are flaws
        return image, b""


def _picture(image: Image.Image, exif: bytes, moves: bool) -> Picture:
    profile = image.info.get("icc_profile")
    opacity = None
    if image.mode[0] in "IF":
        image = _in_8_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        opacity = np.array(image.getchannel("A"))
        image = image.convert("RGB")
        if (opacity == 255).all():
            opacity = None
    pixels = np.array(_to_srgb(image, profile))
    if opacity is not None:
        pixels[opacity == 0] = 255
    return Picture(pixels, opacity, exif if len(exif) <= _LONGEST_EXIF else b"", moves)


def _in_8_bits(image: Image.Image) -> Image.Image:
    """Return a grey picture of 16 bits, 32 bits or floating point in 8."""
    values = np.nan_to_num(np.asarray(image, np.float32))
    ranges = (65535.0,) if image.mode.startswith("I;16") else (1.0, 255.0, 65535.0)
    full = next((full for full in ranges if values.max() <= full), values.max())
    return Image.fromarray(np.rint(255 * np.clip(values / full, 0, 1)).astype(np.uint8))


def _on_white(pixels: np.ndarray, opacity: np.ndarray | None) -> np.ndarray:
    """Return what a picture of some opacity (None: full) shows on white."""
    if opacity is None:
        return pixels
    share = opacity[:, :, None] / np.float32(255)
    return np.rint(pixels * share + 255 * (1 - share)).astype(np.uint8)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in RGB, converted from its profile if it has one that fits."""
    if image.mode not in {"L", "RGB", "CMYK", "LAB"}:
        image = image.convert("RGB")
    if profile is not None:
        srgb = ImageCms.createProfile("sRGB")
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
        except (OSError, ImageCms.PyCMSError):
            pass  # damaged, or of other channels: players and browsers leave it aside too
    return image.convert("RGB")
