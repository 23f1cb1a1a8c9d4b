"""Training pairs from two folders of pictures, the same ones for the same seed and step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from .errors import PictureError
from .pictures import list_pictures, read_picture, resize


class PairDataset(Dataset):
    """Batches of random crops of contents and styles, indexed by the training step.

    Everything random about batch `step` comes from `(seed, step)`, so a run that is resumed sees
    what it would have seen. A broken picture is replaced by another one and counted.

    Args:
        content_folder: photographs of any size.
        style_folder: artworks of any size.
        batch: pairs in a batch.
        crop: side of the square crops in pixels.
        scale: range of the crop's side before it is resized, as a part of the picture's short
            side.
        seed: of all that is random.
    """

    def __init__(
        self,
        content_folder: str | Path,
        style_folder: str | Path,
        *,
        batch: int,
        crop: int,
        scale: tuple[float, float] = (0.5, 1.0),
        seed: int = 0,
    ) -> None:
        self.contents = list_pictures(content_folder)
        self.styles = list_pictures(style_folder)
        self.batch = batch
        self.crop = crop
        self.scale = scale
        self.seed = seed

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor, int]:
        """Return contents and styles, each uint8 `(N, crop, crop, 3)` RGB, and the number of
        broken pictures met."""
        random = np.random.default_rng((self.seed, step))
        broken = 0
        batches = []
        for pictures in (self.contents, self.styles):
            crops: list[np.ndarray] = []
            while len(crops) < self.batch:
                try:
                    picture = read_picture(pictures[random.integers(len(pictures))])
                except PictureError:
                    broken += 1
                    if broken > 100 * self.batch:
                        raise
                    continue
                crops.append(self._random_crop(picture, random))
            batches.append(torch.from_numpy(np.stack(crops)))
        return batches[0], batches[1], broken

    def _random_crop(self, picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
        height, width = picture.shape[:2]
        side = max(1, round(min(height, width) * random.uniform(*self.scale)))
        top = random.integers(height - side + 1)
        left = random.integers(width - side + 1)
        crop = picture[top : top + side, left : left + side]
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        return resize(np.ascontiguousarray(crop), (self.crop, self.crop))
