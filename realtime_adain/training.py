"""The training loop: a student trained end to end under a teacher's perceptual loss."""

from __future__ import annotations

import copy
import csv
import dataclasses
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from .dataset import PairDataset
from .errors import WeightsError
from .losses import PerceptualLoss, grid_pattern, total_variation
from .networks import ARCHITECTURES, StyleNetwork
from .pictures import write_picture
from .weights import load_network, save_network


@dataclass(frozen=True)
class TrainingOptions:
    """Everything that decides what a run learns; saved beside its checkpoints."""

    content: str
    """Folder of photographs."""
    style: str
    """Folder of artworks."""
    teacher: str
    """Weights of the loss network (see `weights.load_teacher`)."""
    architecture: str = "lean"
    """A key of `networks.ARCHITECTURES`."""
    config: dict = field(default_factory=dict)
    """Arguments of the network."""
    initial: str | None = None
    """Weights file to start from, of the same network; None for random weights."""
    steps: int = 40_000
    batch: int = 4
    """Pairs in a step."""
    crop: int = 192
    """Side of the training pictures in pixels."""
    learning_rate: float = 1e-3
    warmup: int = 200
    """Steps over which the learning rate rises."""
    decay: float = 0.5
    """Last part of the steps, 0..1, over which it falls to zero along a cosine."""
    content_weight: float = 1.0
    style_weight: float = 4.0
    identity_weight: float = 20.0
    """Of the mean absolute error to the content, for pairs of strength zero."""
    consistency_weight: float = 10.0
    """Of the mean absolute difference of two outputs whose contents differ in noise alone."""
    grid_weight: float = 10.0
    """Of `losses.grid_pattern` of the output."""
    variation_weight: float = 0.0
    """Of the total variation of the output."""
    weak_part: float = 0.15
    """Part of the pairs, 0..1, that are trained at a strength below one."""
    noise: float = 4 / 255
    """Largest standard deviation of the noise on the contents."""
    average: float = 0.999
    """Decay of the running mean of the weights, which is what is exported."""
    seed: int = 0


def train(
    options: TrainingOptions,
    folder: Path,
    teacher: nn.Module,
    *,
    device: torch.device,
    workers: int = 1,
    save_every: int = 500,
    sheet_every: int = 1000,
    report: Callable[[str], None] = print,
) -> Path:
    """Train, or go on with, the run of a folder; return the exported weights file.

    The folder holds `options.json`, `checkpoint.pt` (replaced every `save_every` steps), `log.csv`,
    `sheet-*.jpg` (contact sheets) and `weights.safetensors`.

    Raises:
        WeightsError: the folder holds a run with other options.
    """
    data = PairDataset(
        options.content,
        options.style,
        batch=options.batch,
        crop=options.crop,
        seed=options.seed,
    )
    folder.mkdir(parents=True, exist_ok=True)
    _check_same_options(options, folder)
    torch.manual_seed(options.seed)
    network = ARCHITECTURES[options.architecture](**options.config)
    if options.initial is not None:
        network.load_state_dict(load_network(options.initial).state_dict())
    network.to(device, memory_format=torch.channels_last)
    averaged = copy.deepcopy(network).requires_grad_(False)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=options.learning_rate)
    loss = PerceptualLoss(teacher).to(device, memory_format=torch.channels_last)
    step = _load_checkpoint(folder, network, averaged, optimizer)

    loader = DataLoader(
        data, batch_size=None, sampler=range(step, options.steps), num_workers=workers
    )
    sums: dict[str, float] = {}
    started = time.perf_counter()
    last_report = step
    broken = 0
    for contents, styles, newly_broken in loader:
        broken += newly_broken
        torch.manual_seed(options.seed * 1_000_003 + step)
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * _schedule(step, options)
        contents, styles = _to_tensor(contents, device), _to_tensor(styles, device)
        parts = _losses(network, loss, contents, styles, options, device)
        total = sum(getattr(options, f"{name}_weight") * value for name, value in parts.items())
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(trained, 10.0)
        optimizer.step()
        step += 1
        _update_average(averaged, network, min(options.average, step / (step + 10)))
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + value.detach().item()
        if step % 100 == 0 or step == options.steps:
            count = step - last_report
            means = {name: value / count for name, value in sums.items()}
            seconds = (time.perf_counter() - started) / count
            _log(folder / "log.csv", step, seconds, means)
            figures = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
            report(f"step {step}/{options.steps}  {seconds:.3f} s/step  {figures}  broken {broken}")
            sums.clear()
            started, last_report = time.perf_counter(), step
        if step % save_every == 0 or step == options.steps:
            _save_checkpoint(folder, step, network, averaged, optimizer)
            save_network(
                folder / "weights.safetensors", averaged, options.architecture, options.config
            )
        if step % sheet_every == 0 or step == options.steps:
            sheet = contact_sheet(averaged, contents[:4], styles[:4])
            write_picture(folder / f"sheet-{step:06d}.jpg", sheet)
    return folder / "weights.safetensors"


def _losses(
    network: StyleNetwork,
    loss: PerceptualLoss,
    contents: Tensor,
    styles: Tensor,
    options: TrainingOptions,
    device: torch.device,
) -> dict[str, Tensor]:
    """Return the parts of the loss by the names of their weights' options."""
    count = contents.shape[0]
    weak = torch.rand(count, device=device) < options.weak_part
    # Half of the weak pairs have strength zero, so that "off" gives the content back.
    strength = (torch.rand(count, device=device) * 2 - 1).clamp(min=0)
    alpha = torch.where(weak, strength, torch.ones_like(strength))[:, None, None, None]
    deviation = options.noise * torch.rand(count, 1, 1, 1, device=device)

    def noisy(images: Tensor, deviation: Tensor) -> Tensor:
        return images + deviation * torch.randn_like(images)

    with torch.autocast(device.type, torch.bfloat16):
        targets = loss.targets(contents, styles, alpha)
        statistics = network.encode_style(styles)
        statistics = tuple((mean.float(), std.float()) for mean, std in statistics)
        output = network(noisy(contents, deviation), statistics, alpha).float()
        first = tuple((mean[:1], std[:1]) for mean, std in statistics)
        again = network(noisy(contents[:1], deviation[:1]), first, alpha[:1]).float()
        content_loss, style_loss = loss(output, targets)
    unstyled = (alpha.flatten() == 0).float()
    error = (output - contents).abs().mean((1, 2, 3))
    return {
        "content": content_loss.mean(),
        "style": style_loss.mean(),
        "identity": (error * unstyled).mean(),
        "consistency": (output[:1] - again).abs().mean(),
        "grid": grid_pattern(output).mean(),
        "variation": total_variation(output).mean(),
    }


@torch.no_grad()
def contact_sheet(network: StyleNetwork, contents: Tensor, styles: Tensor) -> np.ndarray:
    """Return a table of pictures: the styles along the top, each content's outputs in a row.

    Args:
        contents: `(N, 3, H, W)`, RGB in [0, 1].
        styles: `(M, 3, H, W)`, RGB in [0, 1].

    Returns:
        uint8 `((N + 1) * H, (M + 1) * W, 3)` RGB.
    """
    blank = torch.ones_like(styles[:1])
    rows = [torch.cat([blank, styles])]
    for content in contents.split(1):
        outputs = [network(content, network.encode_style(style)) for style in styles.split(1)]
        rows.append(torch.cat([content, *outputs]))
    table = torch.cat([torch.cat(row.unbind(), -1) for row in rows], -2)
    return table.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy()


def _to_tensor(batch: Tensor, device: torch.device) -> Tensor:
    """Return uint8 `(N, H, W, 3)` as float `(N, 3, H, W)` in [0, 1], channels-last."""
    return batch.to(device, non_blocking=True).permute(0, 3, 1, 2).float() / 255


def _schedule(step: int, options: TrainingOptions) -> float:
    rise = min(1.0, (step + 1) / max(options.warmup, 1))
    falling = options.decay * options.steps
    done = (step - (options.steps - falling)) / max(falling, 1)
    return rise * (0.5 + 0.5 * float(np.cos(np.pi * min(max(done, 0.0), 1.0))))


@torch.no_grad()
def _update_average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    for mean, current in zip(averaged.parameters(), network.parameters(), strict=True):
        mean.lerp_(current, 1 - decay)


def _check_same_options(options: TrainingOptions, folder: Path) -> None:
    path = folder / "options.json"
    wanted = dataclasses.asdict(options)
    if path.exists():
        there = json.loads(path.read_text())
        different = sorted(name for name in wanted if there.get(name) != wanted[name])
        if different:
            raise WeightsError(f"{folder}: holds a run with another {', '.join(different)}")
    else:
        path.write_text(json.dumps(wanted, indent=2) + "\n")


def _save_checkpoint(
    folder: Path, step: int, network: nn.Module, averaged: nn.Module, optimizer
) -> None:
    state = {
        "step": step,
        "network": network.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    part = folder / "checkpoint.part"
    torch.save(state, part)
    os.replace(part, folder / "checkpoint.pt")


def _load_checkpoint(folder: Path, network: nn.Module, averaged: nn.Module, optimizer) -> int:
    path = folder / "checkpoint.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True, map_location="cpu")
    network.load_state_dict(state["network"])
    averaged.load_state_dict(state["averaged"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"]


def _log(path: Path, step: int, seconds: float, means: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(["step", "seconds_per_step", *means])
        writer.writerow([step, f"{seconds:.4f}", *(f"{value:.5f}" for value in means.values())])
