"""The perceptual losses of the paper, measured through a frozen teacher network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .adain import Statistics, adain, channel_mean_std
from .networks import VGGEncoder


@dataclass(frozen=True, eq=False)
class TeacherFeatures:
    """What a teacher extracts from pictures."""

    features: Tensor
    """At relu4_1, `(N, C, H / 8, W / 8)`."""
    statistics: Statistics
    """Mean and standard deviation at relu1_1, relu2_1, relu3_1 and relu4_1."""


@dataclass(frozen=True, eq=False)
class PerceptualTargets:
    """What an output is compared with: one content, one style."""

    content_features: Tensor
    """What the output shall be at relu4_1, `(N, C, H / 8, W / 8)`."""
    style: Statistics
    """Mean and standard deviation at relu1_1, relu2_1, relu3_1 and relu4_1."""


class PerceptualLoss(nn.Module):
    """Content and style loss at the layers of the paper (equations 12 and 13).

    The style loss is the sum over relu1_1, relu2_1, relu3_1 and relu4_1 of the mean squared
    differences of the channel means and of the channel standard deviations. The content loss is
    the mean squared difference at relu4_1, from the content's own features (`targets`) or, for the
    paper's encoder-decoder, from the AdaIN output there (`adain_targets`), which a network with
    features of its own lacks.

    Args:
        teacher: the frozen loss network.
    """

    def __init__(self, teacher: VGGEncoder) -> None:
        super().__init__()
        self.teacher = teacher.eval().requires_grad_(False)

    @torch.no_grad()
    def extract(self, images: Tensor) -> TeacherFeatures:
        """Return the teacher's features of `(N, 3, H, W)` images, RGB in [0, 1]."""
        features = self.teacher(images)
        return TeacherFeatures(features[-1], tuple(channel_mean_std(layer) for layer in features))

    @staticmethod
    def targets(
        content: TeacherFeatures, style: Statistics, alpha: float | Tensor = 1.0
    ) -> PerceptualTargets:
        """Return the targets for outputs of strength `alpha`.

        Args:
            content: of N pictures.
            style: of N artworks, through the teacher.
            alpha: a number or `(N, 1, 1, 1)`; below one, the style's statistics are blended with
                the content's own, as equation 14 blends them in the network.
        """
        mean = content.statistics[0][0]
        weight = torch.as_tensor(alpha, dtype=mean.dtype, device=mean.device)
        blended = tuple(
            (own[0].lerp(other[0], weight), own[1].lerp(other[1], weight))
            for own, other in zip(content.statistics, style, strict=True)
        )
        return PerceptualTargets(content.features, blended)

    @staticmethod
    def adain_targets(content: TeacherFeatures, style: Statistics) -> PerceptualTargets:
        """Return the paper's targets: the AdaIN output in place of the content's own features."""
        return PerceptualTargets(adain(content.features, *style[-1]), style)

    def forward(self, output: Tensor, targets: PerceptualTargets) -> tuple[Tensor, Tensor]:
        """Return content loss and style loss, each `(N,)`, of the outputs.

        Args:
            output: `(N, 3, H, W)`, RGB, nominally in [0, 1].
            targets: what `targets` returned for the same N.
        """
        features = self.teacher(output)
        difference = features[-1].float() - targets.content_features.float()
        content_loss = difference.square().mean((1, 2, 3))
        style_loss = torch.zeros_like(content_loss)
        for layer, (target_mean, target_std) in zip(features, targets.style, strict=True):
            mean, std = channel_mean_std(layer)
            style_loss = style_loss + (mean - target_mean).square().mean((1, 2, 3))
            style_loss = style_loss + (std - target_std).square().mean((1, 2, 3))
        return content_loss, style_loss


def checkerboard(image: Tensor, window: int = 7) -> Tensor:
    """Return how much of the image is a pattern that repeats every two pixels, `(N,)`.

    A pixel shuffle makes the four pixels of each 2x2 cell with filters of their own. Where those
    differ on the average over a neighbourhood of `window` cells, the eye sees a checkerboard.

    Args:
        image: `(N, C, H, W)`, H and W even and at least `2 * window`.
        window: side of the neighbourhood in cells, odd.

    Returns:
        Mean absolute difference of the local mean of each cell position from that of all four.
    """
    cells = functional.pixel_unshuffle(image, 2)
    means = functional.avg_pool2d(cells, window, stride=1).unflatten(1, (-1, 4))
    return (means - means.mean(2, keepdim=True)).abs().mean((1, 2, 3, 4))
