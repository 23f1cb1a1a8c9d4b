"""Training pairs from two folders of pictures, the same ones for the same seed and step."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from .ahead import run_ahead
from .errors import PictureError
from .pictures import list_pictures, read_picture, resize
from .tensors import batch_to_tensor

_SATURATIONS = (0.6, 1.5)
_LARGEST_LOG_GAMMA = 0.5
_BATCHES_AHEAD = 2  # of each worker
_MOST_MISSES = 100  # broken pictures met for one that is needed


class Pairs(NamedTuple):
    """A batch of N contents and N styles."""

    contents: Tensor
    """uint8 `(N, crop, crop, 3)` RGB; after `on`, float32 `(N, 3, crop, crop)` in [0, 1]."""
    styles: Tensor
    """The artworks, of the same shape and range."""
    content_keys: list[int]
    """One for every crop: equal keys, equal crops; -1 for a crop that does not come again."""
    style_keys: list[int]
    """One for every crop of an artwork, in the same way."""

    def on(self, device: torch.device) -> Pairs:
        """Return the pairs on the device, ready for a network."""
        contents, styles = (
            batch_to_tensor(crops, device) for crops in (self.contents, self.styles)
        )
        return self._replace(contents=contents, styles=styles)


class PairDataset:
    """Batches of random crops of contents and styles, indexed by the training step.

    Everything random about batch `step` comes from `(seed, step)`, so a run that is resumed sees
    what it would have seen. A broken picture is replaced by another one.

    Args:
        content_folder: photographs of any size.
        style_folder: artworks of any size.
        batch: pairs in a batch.
        crop: side of the square crops in pixels.
        scale: range of the crop's side before it is resized, as a part of the picture's short
            side.
        crops_per_picture: of every picture there are only so many crops, drawn from again and
            again; 0 for a fresh one each time.
        palette_augmentation: part of the artworks' crops that are given another palette, 0..1.
        held_out: part of the pictures that are left out, 0..0.5; `of_held_out` has them.
        seed: of all that is random.

    Attributes:
        broken: the pictures that turned out to be broken.
    """

    def __init__(
        self,
        content_folder: str | Path,
        style_folder: str | Path,
        *,
        batch: int,
        crop: int,
        scale: tuple[float, float] = (0.5, 1.0),
        crops_per_picture: int = 0,
        palette_augmentation: float = 0.0,
        held_out: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.contents, self._held_contents = _split(list_pictures(content_folder), held_out)
        self.styles, self._held_styles = _split(list_pictures(style_folder), held_out)
        self.batch = batch
        self.crop = crop
        self.scale = scale
        self.crops_per_picture = crops_per_picture
        self.palette_augmentation = palette_augmentation
        self.seed = seed
        self.broken: set[Path] = set()

    def __getitem__(self, step: int) -> Pairs:
        random = np.random.default_rng((self.seed, step))
        contents, content_keys = self._crops(self.contents, random, 0.0)
        styles, style_keys = self._crops(self.styles, random, self.palette_augmentation)
        return Pairs(contents, styles, content_keys, style_keys)

    def of_held_out(self) -> PairDataset | None:
        """Return the batches of the pictures that are left out; None where there are none."""
        if not self._held_contents or not self._held_styles:
            return None
        held = copy.copy(self)
        held.contents, held.styles = self._held_contents, self._held_styles
        held.crops_per_picture, held.palette_augmentation, held.broken = 0, 0.0, set()
        return held

    def read_ahead(self, steps: Iterable[int], workers: int) -> Iterator[Pairs]:
        """Yield the batches of some steps, in order, while threads read the next ones.

        Threads will do: decoding and resizing, which take nearly all the time, release the GIL.
        And unlike processes, threads do not receive Ctrl-C: the caller handles it.

        Args:
            steps: whose batches are wanted.
            workers: number of threads; with 0 each batch is read when it is asked for.
        """
        if not workers:
            yield from map(self.__getitem__, steps)
            return
        pool = ThreadPoolExecutor(workers, thread_name_prefix="reader")
        tasks = (partial(self.__getitem__, step) for step in steps)
        yield from run_ahead(tasks, pool, _BATCHES_AHEAD * workers)

    def _crops(
        self, pictures: list[Path], random: np.random.Generator, palette_augmentation: float
    ) -> tuple[Tensor, list[int]]:
        """Return a batch of crops and their keys."""
        crops: list[np.ndarray] = []
        keys: list[int] = []
        misses = 0
        while len(crops) < self.batch:
            index = int(random.integers(len(pictures)))
            try:
                picture = read_picture(pictures[index])
            except PictureError:
                self.broken.add(pictures[index])
                misses += 1
                if misses > _MOST_MISSES * self.batch:
                    raise
                continue
            key = -1
            place = random
            if self.crops_per_picture:
                number = int(random.integers(self.crops_per_picture))
                key = index * self.crops_per_picture + number
                place = np.random.default_rng((self.seed, index, number))
            crop = self._random_crop(picture, place)
            crops.append(
                change_palette(crop, place) if place.random() < palette_augmentation else crop
            )
            keys.append(key)
        return torch.from_numpy(np.stack(crops)), keys

    def _random_crop(self, picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
        height, width = picture.shape[:2]
        side = max(1, round(min(height, width) * random.uniform(*self.scale)))
        top = random.integers(height - side + 1)
        left = random.integers(width - side + 1)
        crop = picture[top : top + side, left : left + side]
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        return resize(np.ascontiguousarray(crop), (self.crop, self.crop))


def _split(paths: list[Path], held_out: float) -> tuple[list[Path], list[Path]]:
    """Return the pictures to learn from and those that are held out, evenly spread."""
    learnt, held = [], []
    for number, path in enumerate(paths, 1):
        (held if len(held) < int(number * held_out + 1e-9) else learnt).append(path)
    return learnt, held


def change_palette(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a picture, uint8 `(H, W, 3)` RGB, with other hues, saturation and contrast.

    To what learns how artworks are painted, it is as good as another artwork.
    """
    luma, red, blue = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb).astype(np.float32))
    hues = (red - 128 + 1j * (blue - 128)) * random.uniform(*_SATURATIONS)
    hues *= np.exp(1j * random.uniform(-np.pi, np.pi))
    luma = 255 * (luma / 255) ** np.exp(random.uniform(-_LARGEST_LOG_GAMMA, _LARGEST_LOG_GAMMA))
    changed = np.stack([luma, hues.real + 128, hues.imag + 128], axis=-1)
    return cv2.cvtColor(np.clip(np.rint(changed), 0, 255).astype(np.uint8), cv2.COLOR_YCrCb2RGB)
