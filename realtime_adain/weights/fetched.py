"""The paper's own weights: fetched once from where they are published, kept in a cache folder."""

from __future__ import annotations

import os
import shutil
import ssl
import urllib.request
from http.client import HTTPException, IncompleteRead
from pathlib import Path

from ..errors import WeightsError
from ..folders import cache_folder
from ..networks import VGGNetwork
from .published import load_checkpoint

FETCHED_MODEL = "vgg19"
RELEASE = "https://github.com/naoto0804/pytorch-AdaIN/releases/download/v0.0.0"
FILES = ("vgg_normalised.pth", "decoder.pth")
_TIMEOUT_SECONDS = 30.0


def load_fetched() -> VGGNetwork:
    """Return the paper's network from the cache, in float32 on the processor.

    Raises:
        WeightsError: it has not been fetched, or a file is damaged.
    """
    return load_checkpoint(*_fetched_files())


def fetched_teacher() -> Path:
    """Return the file of the fetched network's encoder, which is what its losses were taken with.

    Raises:
        WeightsError: it has not been fetched.
    """
    return _fetched_files()[0]


def fetch(release: str = RELEASE) -> list[Path]:
    """Fetch the published pair into the cache folder; return the two files.

    Each file comes under a temporary name; both get their own only after they have been found to
    be the paper's network, so that the cache never holds half a download.

    Args:
        release: address of the folder with the two files.

    Raises:
        WeightsError: no network, no such file there, no room here, or not the paper's network.
    """
    folder = cache_folder()
    files = [folder / name for name in FILES]
    parts = [path.with_suffix(".part") for path in files]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, part in zip(files, parts, strict=True):
            _download(f"{release}/{path.name}", part)
        load_checkpoint(*parts)
        for path, part in zip(files, parts, strict=True):
            os.replace(part, path)
    except OSError as error:
        raise WeightsError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return files


def _fetched_files() -> list[Path]:
    paths = [cache_folder() / name for name in FILES]
    if not all(path.exists() for path in paths):
        raise WeightsError(
            f"{FETCHED_MODEL!r} is not here yet: python -m realtime_adain.weights fetch "
            f"{FETCHED_MODEL}"
        )
    return paths


def _download(address: str, path: Path) -> None:
    try:
        response = urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS)
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise WeightsError(
            f"{address}: cannot be fetched ({reason}); files that were got otherwise are found in "
            f"{cache_folder()}, or named by --checkpoint"
        ) from error
    with response, path.open("wb") as file:
        try:
            shutil.copyfileobj(response, file)
            wanted = response.headers["Content-Length"]
            if wanted is not None and file.tell() != int(wanted):
                raise IncompleteRead(b"")
        except (TimeoutError, ConnectionError, ssl.SSLError, HTTPException) as error:
            raise WeightsError(f"{address}: the transfer broke off") from error
