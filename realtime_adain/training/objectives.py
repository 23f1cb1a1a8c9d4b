"""What a step of training minimises: the parts of the loss, by recipe."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..adain import Statistics
from ..errors import WeightsError
from ..losses import PerceptualLoss, grid_pattern
from ..networks import LeanNetwork, VGGEncoder, VGGNetwork
from .options import TrainingOptions

Parts = dict[str, Tensor]
"""Parts of the loss, each a scalar, by the name that their weight's option begins with."""


class StudentObjective(nn.Module):
    """A lean network, trained end to end: its output is judged, its features are its own.

    Beside the perceptual losses it is asked to give the content back at strength zero, to paint
    the same picture whatever the camera's noise, to draw no grid, and to know the style: a linear
    layer that only training has (`reader`) must be able to read the teacher's statistics of the
    style off its code. That teaches the style encoder directly what otherwise only reaches it
    through the whole network.

    Args:
        options: of the run.
        teacher: the frozen loss network.

    Raises:
        ValueError: `options.config` does not fit the network.
    """

    architecture = "lean"

    def __init__(self, options: TrainingOptions, teacher: VGGEncoder) -> None:
        super().__init__()
        self.options = options
        self.config = options.config
        try:
            self.network = LeanNetwork(**options.config)
        except (TypeError, ValueError) as error:
            raise ValueError(f"config does not fit the network: {error}") from error
        self.loss = PerceptualLoss(teacher)
        code_width = self.network.style_encoder.hidden.out_features
        self.reader = nn.Linear(code_width, 2 * sum(teacher.feature_widths))

    def forward(self, contents: Tensor, styles: Tensor) -> Parts:
        """Return the parts of the loss for `(N, 3, H, W)` contents and styles, RGB in [0, 1]."""
        options = self.options
        count, device = contents.shape[0], contents.device
        # Half of the weak pairs have strength zero, so that "off" gives the content back.
        weak = torch.rand(count, device=device) < options.weak_part
        strength = (torch.rand(count, device=device) * 2 - 1).clamp(min=0)
        alpha = torch.where(weak, strength, torch.ones_like(strength))
        deviation = options.noise * torch.rand(count, 1, 1, 1, device=device)

        def noisy(images: Tensor, deviation: Tensor) -> Tensor:
            return images + deviation * torch.randn_like(images)

        with torch.autocast(device.type, torch.bfloat16, enabled=options.mixed_precision):
            blend = alpha[:, None, None, None]
            targets = self.loss.targets(contents, styles, blend)
            code = self.network.style_encoder.code(styles)
            style = self.network.style_encoder.statistics(code)
            style = tuple((mean.float(), std.float()) for mean, std in style)
            output = self.network(noisy(contents, deviation), style, blend).float()
            first = tuple((mean[:1], std[:1]) for mean, std in style)
            again = self.network(noisy(contents[:1], deviation[:1]), first, blend[:1]).float()
            content_loss, style_loss = self.loss(output, targets)
            read = self.reader(code).float()
        ignorance = _statistics_error(read, targets.style)
        error = (output - contents).abs().mean((1, 2, 3))
        return {
            "content": content_loss.mean(),
            "style": style_loss.mean(),
            "knowledge": (ignorance * (alpha == 1)).mean(),  # else the target is a blend
            "identity": (error * (alpha == 0)).mean(),
            "consistency": (output[:1] - again).abs().mean(),
            "grid": grid_pattern(output).mean(),
        }


class PaperObjective(nn.Module):
    """The paper's network: its encoder is the teacher, frozen, and its decoder is trained.

    The content loss compares the output's features with the AdaIN output from which the decoder
    made it (equation 12).

    Args:
        options: of the run.
        teacher: the frozen encoder and loss network, without heads.

    Raises:
        WeightsError: the teacher has heads: its features are not what its layers hold.
    """

    architecture = "vgg"

    def __init__(self, options: TrainingOptions, teacher: VGGEncoder) -> None:
        super().__init__()
        if teacher.has_heads:
            raise WeightsError("the paper's recipe needs a teacher without heads")
        self.options = options
        self.config = {"widths": list(teacher.widths)}
        self.network = VGGNetwork(teacher.widths)
        self.network.encoder.load_state_dict(teacher.state_dict())
        self.network.encoder.requires_grad_(False)
        self.loss = PerceptualLoss(teacher)

    def forward(self, contents: Tensor, styles: Tensor) -> Parts:
        """Return the parts of the loss for `(N, 3, H, W)` contents and styles, RGB in [0, 1]."""
        precision = self.options.mixed_precision
        with torch.autocast(contents.device.type, torch.bfloat16, enabled=precision):
            targets = self.loss.adain_targets(contents, styles)
            output = self.network.decoder(targets.content_features).float()
            content_loss, style_loss = self.loss(output, targets)
        return {"content": content_loss.mean(), "style": style_loss.mean()}


def make_objective(
    options: TrainingOptions, teacher: VGGEncoder
) -> StudentObjective | PaperObjective:
    """Return the objective of the options' recipe."""
    return (PaperObjective if options.recipe == "paper" else StudentObjective)(options, teacher)


def _statistics_error(read: Tensor, wanted: Statistics) -> Tensor:
    """Return the style loss, `(N,)`, between statistics in one row `(N, sum)` and wanted ones."""
    error = torch.zeros(read.shape[0], device=read.device)
    parts = [part.flatten(1) for layer in wanted for part in layer]
    for part, guess in zip(parts, read.split([p.shape[1] for p in parts], 1), strict=True):
        error = error + (guess - part).square().mean(1)
    return error
