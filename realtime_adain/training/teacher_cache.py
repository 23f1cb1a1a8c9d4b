"""The teacher's features of the training pictures, computed once per crop."""

from __future__ import annotations

import torch
from torch import Tensor

from ..adain import Statistics
from ..losses import PerceptualLoss, TeacherFeatures


class TeacherCache:
    """A loss's teacher, whose features are computed once for each crop that comes again.

    On a processor the teacher is most of a step. With a limited number of crops per picture it has
    to look at the outputs alone after a while, and a step takes little more than half the time; a
    content of 192x192 pixels keeps 0.6 MB in bfloat16, an artwork 8 kB.

    Args:
        loss: whose teacher it is.
        with_features: keep the features too, not the statistics alone.
    """

    def __init__(self, loss: PerceptualLoss, *, with_features: bool) -> None:
        self._loss = loss
        self._with_features = with_features
        self._kept: dict[int, TeacherFeatures] = {}

    def __call__(self, images: Tensor, keys: list[int]) -> TeacherFeatures:
        """Return the features of `(N, 3, H, W)` images, whose keys are those of `dataset.Pairs`."""
        missing = [index for index, key in enumerate(keys) if key not in self._kept]
        found = {index: self._kept[key] for index, key in enumerate(keys) if key in self._kept}
        if missing:
            seen = self._loss.extract(images[missing])
            if not self._with_features:
                seen = TeacherFeatures(seen.features[:, :0], seen.statistics)
            for place, index in enumerate(missing):
                found[index] = _one(seen, place)
                if keys[index] >= 0:
                    self._kept[keys[index]] = found[index]
        return _together([found[index] for index in range(len(keys))])


def _one(features: TeacherFeatures, index: int) -> TeacherFeatures:
    one = slice(index, index + 1)
    statistics = tuple((mean[one].clone(), std[one].clone()) for mean, std in features.statistics)
    return TeacherFeatures(features.features[one].clone(), statistics)


def _together(all_features: list[TeacherFeatures]) -> TeacherFeatures:
    statistics: Statistics = tuple(
        (torch.cat([mean for mean, _ in layer]), torch.cat([std for _, std in layer]))
        for layer in zip(*(features.statistics for features in all_features), strict=True)
    )
    return TeacherFeatures(torch.cat([features.features for features in all_features]), statistics)
