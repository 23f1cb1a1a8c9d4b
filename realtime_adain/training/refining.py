"""One style, better than the style encoder tells it: its statistics optimised on photographs."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..adain import Statistics
from ..engines.processor import autocast
from ..losses import PerceptualLoss, checkerboard
from ..networks import StyleNetwork

_CHECKERBOARD_WEIGHT = 10.0
_BATCH = 2
_JUDGED = 4  # contents on which nothing is optimised
LEAST_CONTENTS = _JUDGED + _BATCH


def refine(
    network: StyleNetwork,
    statistics: Statistics,
    artwork: Tensor,
    contents: Tensor,
    loss: PerceptualLoss,
    *,
    steps: int,
    style_weight: float,
    learning_rate: float = 0.03,
    seed: int = 0,
    on_step: Callable[[int], None] = lambda step: None,
) -> tuple[Statistics, list[tuple[float, float]]]:
    """Optimise what a network is told of a style; the network stays as it is.

    The encoder has to know all styles; here one is looked at for as long as it takes. The result
    costs nothing per frame: it is a style like any other.

    Args:
        network: in float32, on the device of all that follows.
        statistics: what its style encoder says of the artwork, where the search begins.
        artwork: `(1, 3, H, W)`, RGB in [0, 1].
        contents: `(M, 3, S, S)`, RGB in [0, 1], M at least `LEAST_CONTENTS`, S a multiple of the
            network's stride; on the last four nothing is optimised.
        loss: the judge.
        steps: of Adam.
        style_weight: of the style loss, where the content loss counts one.
        learning_rate: in units of each statistic's deviation.
        seed: of the order of the contents.
        on_step: told the number of steps done, after each.

    Returns:
        The statistics, and the mean content and style loss on the last four contents, before and
        after.

    Raises:
        ValueError: too few contents.
    """
    if len(contents) < LEAST_CONTENTS:
        raise ValueError(f"at least {LEAST_CONTENTS} contents are needed, got {len(contents)}")
    device = contents.device
    learnt, judged = contents[:-_JUDGED], contents[-_JUDGED:]
    network.requires_grad_(False)
    statistics = tuple((mean.clone(), std.clone()) for mean, std in statistics)  # as autograd likes
    shifts = [torch.zeros_like(mean, requires_grad=True) for mean, _ in statistics]
    gains = [torch.zeros_like(std, requires_grad=True) for _, std in statistics]

    def current() -> Statistics:
        return tuple(
            (mean + std * shift, std * gain.exp())
            for (mean, std), shift, gain in zip(statistics, shifts, gains, strict=True)
        )

    def losses(pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with autocast(device, network.supports_bfloat16):
            output = network(pictures, current()).float()
        with autocast(device):
            targets = loss.targets(loss.extract(pictures), wanted)
            content, style = loss(output, targets)
        return content.mean(), style.mean(), checkerboard(output).mean()

    @torch.no_grad()
    def judge() -> tuple[float, float]:
        scores = [losses(picture)[:2] for picture in judged.split(1)]
        content, style = (sum(values).item() / len(scores) for values in zip(*scores, strict=True))
        return content, style

    with autocast(device):
        wanted = loss.extract(artwork).statistics
    verdicts = [judge()]
    optimizer = torch.optim.Adam([*shifts, *gains], lr=learning_rate)
    random = torch.Generator().manual_seed(seed)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        chosen = torch.randint(len(learnt), (_BATCH,), generator=random)
        content, style, grid = losses(learnt[chosen.to(device)])
        optimizer.zero_grad(set_to_none=True)
        (content + style_weight * style + _CHECKERBOARD_WEIGHT * grid).backward()
        optimizer.step()
        on_step(step + 1)
    verdicts.append(judge())
    refined = tuple((mean.detach(), std.detach()) for mean, std in current())
    return refined, verdicts
