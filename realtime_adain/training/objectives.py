"""What a step of training minimises: the parts of the loss, by recipe."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..adain import EPSILON, channel_mean_std
from ..dataset import Pairs
from ..engines.processor import autocast
from ..errors import WeightsError
from ..losses import PerceptualLoss, checkerboard
from ..networks import LeanNetwork, StyleEncoder, StyleNetwork, VGGEncoder, VGGNetwork
from .factorising import factorised
from .growing import grow
from .options import TrainingOptions
from .probe import StatisticsProbe, rows_of
from .teacher_cache import TeacherCache

_MARGIN = 24
"""Pixels from the border within which padding tells two outputs apart."""

Parts = dict[str, Tensor]
"""Parts of the loss, each a scalar, by the name that their weight's option begins with."""


class Objective(nn.Module):
    """A network to be trained, and what is asked of it.

    Args:
        options: of the run.
        teacher: the frozen loss network.
        network: to be trained.
    """

    def __init__(
        self, options: TrainingOptions, teacher: VGGEncoder, network: StyleNetwork
    ) -> None:
        super().__init__()
        self.options = options
        self.network = network
        self.loss = PerceptualLoss(teacher)
        self.content_cache = TeacherCache(self.loss, with_features=True)
        self.style_cache = TeacherCache(self.loss, with_features=False)

    def parameter_groups(self) -> list[dict]:
        """Return what is trained, for an optimizer; `rate_factor` is of the run's rate."""
        trained = [tensor for tensor in self.parameters() if tensor.requires_grad]
        return [{"params": trained, "rate_factor": 1.0}]

    def prepare(self, batches: Iterable[Pairs]) -> None:
        """Get ready for the first step, with some batches on the objective's device at hand."""

    def forward(self, pairs: Pairs) -> Parts:
        """Return the parts of the loss of pairs on the objective's device."""
        raise NotImplementedError

    @torch.no_grad()
    def judge(self, network: StyleNetwork, pairs: Pairs) -> Parts | None:
        """Return the content and the style loss of pairs that a network paints at full strength;
        None where nothing is painted."""
        with self.mixed_precision(pairs.contents.device):
            output = network(pairs.contents, network.encode_style(pairs.styles)).float()
            wanted = self.loss.extract(pairs.styles).statistics
            targets = self.loss.targets(self.loss.extract(pairs.contents), wanted)
            content, style = self.loss(output, targets)
        return {"content": content.mean(), "style": style.mean()}

    def mixed_precision(self, device: torch.device) -> torch.autocast:
        """Return the context in which convolutions are computed as the options say."""
        return autocast(device, self.options.mixed_precision)


class LeanObjective(Objective):
    """What is asked of every lean network: that its style encoder knows the style.

    A linear layer that only training has (`probe`) must be able to predict the teacher's statistics
    of a picture from the style encoder's code. That teaches the style encoder directly what
    otherwise only reaches it through the whole network.

    Args:
        options: of the run.
        teacher: the frozen loss network.
        initial: the network to start from; None for a fresh one.

    Raises:
        ValueError: `options.config` does not fit the network, or the network not `initial`.
    """

    def __init__(
        self, options: TrainingOptions, teacher: VGGEncoder, initial: StyleNetwork | None
    ) -> None:
        super().__init__(options, teacher, _lean_network(options, initial))
        known = [] if initial is None else initial.style_encoder.usual_range.mean
        self._known_features = len(known)
        self.probe = StatisticsProbe(self.style_encoder.code_width, teacher.feature_widths)

    @property
    def style_encoder(self) -> StyleEncoder:
        """The style encoder of the network."""
        return self.network.style_encoder

    @torch.no_grad()
    def prepare(self, batches: Iterable[Pairs]) -> None:
        features, rows = [], []
        for pairs in batches:
            with self.mixed_precision(pairs.styles.device):
                features.append(self.style_encoder.features(self.style_encoder.vgg(pairs.styles)))
                rows.append(rows_of(self.style_cache(pairs.styles, pairs.style_keys).statistics))
        seen = torch.cat(features)
        if self._known_features < seen.shape[1]:
            self.style_encoder.usual_range.fit(seen, self._known_features)
        self.probe.fit(self.style_encoder.code(seen), torch.cat(rows))


def _lean_network(options: TrainingOptions, initial: StyleNetwork | None) -> LeanNetwork:
    """Return the network that the options describe, begun as `initial`; None for a fresh one."""
    config = initial.config if isinstance(initial, LeanNetwork) else {}
    try:
        network = LeanNetwork(**config | options.config)
    except (TypeError, ValueError) as error:
        raise ValueError(f"config does not fit the network: {error}") from error
    if initial is not None:
        grow(factorised(initial, network), network)
    return network


class StyleEncoderObjective(LeanObjective):
    """The style encoder of a lean network alone; nothing is painted.

    It learns to see what the teacher sees, place by place, through its heads or, where it has none,
    1x1 convolutions that only training has (Romero et al., "FitNets: Hints for thin deep nets",
    ICLR 2015): that teaches more than the statistics alone, which are two numbers of a whole
    channel. It learns from photographs too. No output has to go through the teacher, so such a step
    costs little. When the run starts from trained weights, what the encoder tells the painter of a
    style shall stay what it was (`retention`).

    Args:
        options: of the run.
        teacher: the frozen loss network.
        initial: the network to start from; None for a fresh one.
    """

    def __init__(
        self, options: TrainingOptions, teacher: VGGEncoder, initial: StyleNetwork | None
    ) -> None:
        super().__init__(options, teacher, initial)
        self.network.requires_grad_(False)
        self.style_encoder.requires_grad_(True)
        widths = zip(self.style_encoder.vgg.feature_widths, teacher.feature_widths, strict=True)
        self.heads = self.style_encoder.heads or nn.ModuleList(
            nn.Conv2d(own, seen, 1) for own, seen in widths
        )
        told = tuple(head.out_channels for head in self.heads)
        if told != teacher.feature_widths:
            raise ValueError(
                f"style_heads must be the teacher's widths {list(teacher.feature_widths)}, "
                f"got {list(told)}"
            )
        self.former = None
        if initial is not None:
            self.former = copy.deepcopy(self.style_encoder).requires_grad_(False)

    def judge(self, network: StyleNetwork, pairs: Pairs) -> None:
        return None

    def forward(self, pairs: Pairs) -> Parts:
        pictures = torch.cat([pairs.contents, pairs.styles])
        with self.mixed_precision(pictures.device):
            with torch.no_grad():
                seen = self.loss.teacher(pictures)
            own = self.style_encoder.vgg(pictures)
            code = self.style_encoder.code(self.style_encoder.features(own)).float()
            told = [functional.relu(head(x)) for head, x in zip(self.heads, own, strict=True)]
        rows = rows_of(tuple(channel_mean_std(layer) for layer in seen))
        parts = {
            "features": sum(map(_unexplained, told, seen)),
            "probe": self.probe(code, rows).mean(),
        }
        if self.former is not None:
            with torch.no_grad(), self.mixed_precision(pictures.device):
                before = rows_of(self.former.eval()(pictures))
            now = rows_of(self.style_encoder.statistics(code))
            parts["retention"] = ((now - before) / before.std()).square().mean()
        return parts


def _unexplained(told: Tensor, seen: Tensor) -> Tensor:
    """Return the part of the variance of features `(N, C, H, W)` that is not told."""
    seen = seen.float()
    return (told.float() - seen).square().mean() / (seen.var((0, 2, 3)).mean() + EPSILON)


class StudentObjective(LeanObjective):
    """A lean network, trained end to end: its output is judged, its features are its own.

    Beside the perceptual losses and the knowledge of the style it is asked to give the content
    back at strength zero, to paint the same picture whatever the camera's noise and wherever in it
    the content is, and to draw no grid.
    """

    def parameter_groups(self) -> list[dict]:
        encoder = self.style_encoder
        parts = (encoder.vgg, encoder.heads, encoder.hidden)
        features = [tensor for part in parts for tensor in part.parameters()]
        known = set(map(id, features))
        others = [tensor for tensor in self.parameters() if id(tensor) not in known]
        return [
            {"params": features, "rate_factor": self.options.style_encoder_rate},
            {"params": [tensor for tensor in others if tensor.requires_grad], "rate_factor": 1.0},
        ]

    def forward(self, pairs: Pairs) -> Parts:
        options, contents, styles = self.options, pairs.contents, pairs.styles
        count, device = contents.shape[0], contents.device
        blend = _strengths(contents, options.low_alpha_fraction)
        deviation = options.noise_std * torch.rand(count, 1, 1, 1, device=device)

        def noisy(images: Tensor, deviation: Tensor) -> Tensor:
            return images + deviation * torch.randn_like(images)

        with self.mixed_precision(device):
            wanted = self.style_cache(styles, pairs.style_keys).statistics
            seen = self.content_cache(contents, pairs.content_keys)
            targets = self.loss.targets(seen, wanted, blend)
            code = self.style_encoder.encode(styles)
            style = self.style_encoder.statistics(code)
            style = tuple((mean.float(), std.float()) for mean, std in style)
            output = self.network(noisy(contents, deviation), style, blend).float()
            first = tuple((mean[:1], std[:1]) for mean, std in style)
            part, place = random_part(contents[:1], self.network.stride)
            again = self.network(noisy(part, deviation[:1]), first, blend[:1]).float()
            content_loss, style_loss = self.loss(output, targets)
        error = (output - contents).abs().mean((1, 2, 3))
        return {
            "content": content_loss.mean(),
            "style": style_loss.mean(),
            "probe": self.probe(code, rows_of(wanted)).mean(),
            "identity": (error * (blend.flatten() == 0)).mean(),
            "consistency": _inner(output[:1][place] - again).abs().mean(),
            "checkerboard": checkerboard(output).mean(),
        }


def random_part(images: Tensor, less: int) -> tuple[Tensor, tuple]:
    """Return a part of images with so many rows and columns less, at a random place, and the index
    that takes it: of their outputs it takes what belongs to the part."""
    top, left = torch.randint(less + 1, (2,)).tolist()
    height, width = images.shape[2] - less, images.shape[3] - less
    place = (..., slice(top, top + height), slice(left, left + width))
    return images[place], place


def _inner(images: Tensor) -> Tensor:
    """Return images without what lies so near to the border that padding decides it."""
    margin = min(_MARGIN, images.shape[2] // 4)
    return images[..., margin:-margin, margin:-margin]


class DistillationObjective(Objective):
    """A lean network of low rank that learns to paint as the one did that it begins as.

    The pictures are compared, and what the layers hold before AdaIN (Romero et al., "FitNets: Hints
    for thin deep nets", ICLR 2015). No output has to go through the teacher, and the style encoder
    stays what it is: what the painter is told of a style is as right as before.

    Args:
        options: of the run.
        teacher: judges pictures from which nothing is learnt.
        initial: the network to start from, and to paint as.

    Raises:
        ValueError: `initial` is no lean network of whole convolutions, or `options.config` does not
            fit it or wants no ranks.
    """

    def __init__(
        self, options: TrainingOptions, teacher: VGGEncoder, initial: StyleNetwork | None
    ) -> None:
        if not isinstance(initial, LeanNetwork) or initial.ranks:
            raise ValueError(
                "the recipe distillation needs a lean network of whole convolutions as --initial"
            )
        super().__init__(options, teacher, _lean_network(options, initial))
        if not self.network.ranks:
            example = '{"ranks": [32, 16, 32, 16]}'
            raise ValueError(f"the recipe distillation needs ranks, such as --config '{example}'")
        self.network.style_encoder.requires_grad_(False)
        self.former = copy.deepcopy(initial).requires_grad_(False)

    def forward(self, pairs: Pairs) -> Parts:
        alpha = _strengths(pairs.contents, self.options.low_alpha_fraction)
        with self.mixed_precision(pairs.contents.device):
            with torch.no_grad():
                style = self.former.encode_style(pairs.styles)
                with _held(self.former) as wanted:
                    painted = self.former(pairs.contents, style, alpha).float()
            with _held(self.network) as features:
                output = self.network(pairs.contents, style, alpha).float()
        errors = [_error(now, before) for now, before in zip(features, wanted, strict=True)]
        return {
            "features": torch.stack(errors).mean(),
            "picture": (output - painted).square().mean(),
        }


@contextmanager
def _held(network: LeanNetwork) -> Iterator[list[Tensor]]:
    """Put what a pass of the network gives to AdaIN, and its doubled features, into the list."""
    blocks = [*network.trunk, network.detail]
    layers = [network.down3, *(conv for block in blocks for conv in (block.conv1, block.conv2))]
    held: list[Tensor] = []
    hooks = [
        # A copy, as what comes next may be computed in place.
        layer.register_forward_hook(lambda layer, inputs, output: held.append(output.clone()))
        for layer in (*layers, network.widen)
    ]
    try:
        yield held
    finally:
        for hook in hooks:
            hook.remove()


def _error(features: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean squared error of features in units of each channel's variance in each
    picture, which AdaIN makes one; what hardly varies counts less, and what is far off no more than
    it does at five deviations."""
    wanted = wanted.float()
    variance, mean = torch.var_mean(wanted, (2, 3), keepdim=True)
    variance = variance + 0.01 * variance.mean(1, keepdim=True) + EPSILON
    centred = features.float() - features.float().mean((2, 3), keepdim=True)
    return ((centred - (wanted - mean)).square() / variance).clamp(max=25).mean()


def _strengths(contents: Tensor, low_fraction: float) -> Tensor:
    """Return strengths `(N, 1, 1, 1)`: one, but for a fraction of them below.

    Half of those are zero, so that "off" gives the content back.
    """
    count, device = contents.shape[0], contents.device
    weak = torch.rand(count, device=device) < low_fraction
    strength = (torch.rand(count, device=device) * 2 - 1).clamp(min=0)
    return torch.where(weak, strength, torch.ones_like(strength))[:, None, None, None]


class PaperObjective(Objective):
    """The paper's network: its encoder is the teacher, frozen, and its decoder is trained.

    The content loss compares the output's features with the AdaIN output from which the decoder
    made it (equation 12).

    Args:
        options: of the run.
        teacher: the frozen encoder and loss network, without heads.
        initial: the network to start from; None for a fresh one.

    Raises:
        ValueError: `initial` is of another shape than the teacher.
        WeightsError: the teacher has heads: its features are not what its layers hold.
    """

    def __init__(
        self, options: TrainingOptions, teacher: VGGEncoder, initial: StyleNetwork | None
    ) -> None:
        if teacher.has_heads:
            raise WeightsError("the paper's recipe needs a teacher without heads")
        network = VGGNetwork(teacher.widths)
        if initial is not None:
            if not isinstance(initial, VGGNetwork) or initial.config != network.config:
                raise ValueError("the paper's recipe goes on from a network of the teacher's shape")
            network.load_state_dict(initial.state_dict())
        network.encoder.load_state_dict(teacher.state_dict())
        network.encoder.requires_grad_(False)
        super().__init__(options, teacher, network)

    def forward(self, pairs: Pairs) -> Parts:
        with self.mixed_precision(pairs.contents.device):
            targets = self.loss.adain_targets(
                self.content_cache(pairs.contents, pairs.content_keys),
                self.style_cache(pairs.styles, pairs.style_keys).statistics,
            )
            output = self.network.decoder(targets.content_features).float()
            content_loss, style_loss = self.loss(output, targets)
        return {"content": content_loss.mean(), "style": style_loss.mean()}


_OBJECTIVES: dict[str, type] = {
    "student": StudentObjective,
    "style-encoder": StyleEncoderObjective,
    "distillation": DistillationObjective,
    "paper": PaperObjective,
}


def make_objective(
    options: TrainingOptions, teacher: VGGEncoder, initial: StyleNetwork | None
) -> Objective:
    """Return the objective of the options' recipe, its network started from `initial`."""
    return _OBJECTIVES[options.recipe](options, teacher, initial)
