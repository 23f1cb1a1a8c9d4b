"""The training loop: steps, checkpoints, what is exported."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..dataset import PairDataset, Pairs
from ..errors import TrainingError, WeightsError, first_line
from ..interrupts import uninterrupted
from ..networks import StyleNetwork, VGGEncoder, normalise_activations
from ..pictures import write_picture
from ..progress import Progress
from ..tensors import batch_to_tensor
from ..weights import load_model, save_network
from ..writing import locked, whole_file
from .logbook import LossLog, contact_sheet, write_card
from .objectives import make_objective
from .options import TrainingOptions, differing

_LOG_EVERY = 100
_BLOWN_UP = 5.0
"""A run ends when its mean loss over a hundred steps is this many times the least one so far."""
_MAX_GRADIENT = 10.0
_HELD_OUT_BATCHES = 8


def train(
    options: TrainingOptions,
    folder: Path,
    teacher: VGGEncoder,
    *,
    device: torch.device,
    workers: int = 1,
    save_every: int = 500,
    sheet_every: int = 1000,
    report: Callable[[str], None] = print,
    quiet: bool = False,
) -> Path:
    """Train the run of a folder, or resume it; return the exported weights file.

    The folder holds `options.json`, `checkpoint.pt` (replaced every `save_every` steps and when
    the run is interrupted), `log.csv`, `losses.png`, `sheet-*.jpg` (contact sheets), with each
    of them a row of `held-out.csv`, `weights.safetensors` and, when the run is done, `card.md`.

    Args:
        options: what to learn from what.
        folder: of the run.
        teacher: the loss network; scaled in place where the options say so.
        device: on which to compute.
        workers: threads that read pictures ahead of the step; with 0 each step reads its own.
        save_every: steps between checkpoints.
        sheet_every: steps between contact sheets.
        report: told a line every hundred steps.
        quiet: show no progress bar.

    Raises:
        WeightsError: the folder holds a run with other options or a damaged one, or another process
            trains there.
        PictureError: a folder has no pictures.
        TrainingError: the loss has blown up or is not finite any more; what was saved before
            stays.
    """
    data = _dataset(options)
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "options.json"
    _check_same_options(options, folder, note)
    run = _Run(options, folder, _normalised(teacher, data, options), device)
    note.write_text(json.dumps(dataclasses.asdict(options), indent=2) + "\n")
    try:
        lock = locked(note)
    except BlockingIOError:
        raise WeightsError(f"{folder}: another process is training there") from None
    with lock:
        if run.step == options.steps and (folder / "card.md").exists():
            return run.weights
        if run.step == 0:
            _look_at_batches(run, data, quiet=quiet)
        log = LossLog(folder / "log.csv")
        started = time.perf_counter()
        _take_steps(run, data, log, workers, save_every, sheet_every, report, quiet=quiet)
        hours = (time.perf_counter() - started) / 3600
        write_card(
            folder / "card.md",
            weights=run.weights,
            options=options,
            network=run.averaged,
            data=data,
            log=log,
            device=device,
            hours=hours,
        )
    return run.weights


def _look_at_batches(run: _Run, data: PairDataset, *, quiet: bool) -> None:
    """Show a run the batches from which it gets ready."""
    batches = math.ceil(run.options.probe_samples / run.options.batch)
    with Progress(batches, unit="batches looked at", quiet=quiet) as progress:

        def first_batches() -> Iterator[Pairs]:
            for step in range(batches):
                yield data[step].on(run.device)
                progress.update(step + 1)

        run.objective.prepare(first_batches())


def _take_steps(
    run: _Run,
    data: PairDataset,
    log: LossLog,
    workers: int,
    save_every: int,
    sheet_every: int,
    report: Callable[[str], None],
    *,
    quiet: bool,
) -> None:
    """Take the steps that are left, and save, log and tell what is due; arguments as of `train`."""
    steps, folder = run.options.steps, run.weights.parent
    held_out = LossLog(folder / "held-out.csv", timed=False)
    for table in (log, held_out):
        table.forget_after(run.step)
    told: set[Path] = set()

    def is_due(every: int) -> bool:
        return run.step % every == 0 or run.step == steps

    progress = Progress(steps, before=run.step, unit="steps", quiet=quiet)
    try:
        for pairs in data.read_ahead(range(run.step, steps), workers):
            pairs = pairs.on(run.device)
            with uninterrupted():  # a checkpoint holds whole steps
                log.add(run.advance(pairs))
            progress.update(run.step - progress.before)
            if is_due(_LOG_EVERY):
                progress.close()
                report(f"step {run.step}/{steps}  {log.write(run.step)}")
                broken = data.broken - told  # the readers may meet another meanwhile
                for path in sorted(broken):
                    report(f"{path}: cannot be read, others are taken for it")
                told |= broken
                run.check(weighted_sum(log.latest, run.options))
            if is_due(save_every):
                run.save()
            if is_due(sheet_every):
                sheet = contact_sheet(run.averaged, pairs.contents[:4], pairs.styles[:4])
                write_picture(folder / f"sheet-{run.step:06d}.jpg", sheet)
                log.plot(folder / "losses.png")
                if run.judge_held_out(data, held_out):
                    progress.close()
                    report(f"held out  {held_out.write(run.step)}")
    except KeyboardInterrupt:
        run.save()
        raise
    finally:
        progress.close()


class _Run:
    """What a checkpoint holds, and one step of it."""

    def __init__(
        self, options: TrainingOptions, folder: Path, teacher: VGGEncoder, device: torch.device
    ) -> None:
        self.options = options
        self.device = device
        self.step = 0
        self.weights = folder / "weights.safetensors"
        self._checkpoint = folder / "checkpoint.pt"
        self._least = math.inf
        torch.manual_seed(options.seed)
        initial = None if options.initial is None else load_model(options.initial)
        self.objective = make_objective(options, teacher, initial)
        self.objective.to(device, memory_format=torch.channels_last)
        self.averaged: StyleNetwork = copy.deepcopy(self.objective.network)
        self.averaged.requires_grad_(False).eval()
        self._trained = [tensor for tensor in self.objective.parameters() if tensor.requires_grad]
        self._optimizer = torch.optim.Adam(self.objective.parameter_groups())
        if self._checkpoint.exists():
            self._load()

    def advance(self, pairs: Pairs) -> dict[str, float]:
        """Take one step with pairs on the device; return the parts of its loss."""
        torch.manual_seed(self.options.seed * 1_000_003 + self.step)
        rate = self.options.learning_rate * learning_rate_factor(self.step, self.options)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["rate_factor"]
        parts = self.objective(pairs)
        total = weighted_sum(parts, self.options)
        if not total.isfinite():
            raise self._astray("is not finite any more")
        self._optimizer.zero_grad(set_to_none=True)
        total.backward()
        if not nn.utils.clip_grad_norm_(self._trained, _MAX_GRADIENT).isfinite():
            raise self._astray("has a gradient that is not finite")
        self._optimizer.step()
        self.step += 1
        self._update_average(min(self.options.ema_decay, self.step / (self.step + 10)))
        return {name: value.item() for name, value in parts.items()}

    def judge_held_out(self, data: PairDataset, log: LossLog) -> bool:
        """Log the losses of pictures from which nothing is learnt; return whether there are any."""
        held_out = data.of_held_out()
        for step in range(_HELD_OUT_BATCHES if held_out is not None else 0):
            parts = self.objective.judge(self.averaged, held_out[step].on(self.device))
            if parts is None:
                return False
            log.add({name: value.item() for name, value in parts.items()})
        return held_out is not None

    def check(self, mean: float) -> None:
        """Raise TrainingError where the mean loss of the last steps has blown up."""
        self._least = min(self._least, mean)
        if mean > _BLOWN_UP * self._least:
            raise self._astray(f"has grown from {self._least:.3g} to {mean:.3g}")

    def save(self) -> None:
        """Write the checkpoint and the weights, each whole or not at all."""
        state = {
            "step": self.step,
            "objective": self.objective.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "least": self._least,
        }
        with whole_file(self._checkpoint) as part:
            torch.save(state, part)
        save_network(self.weights, self.averaged)

    def _astray(self, how: str) -> TrainingError:
        return TrainingError(
            f"{self.weights.parent}: the loss {how} after step {self.step}; "
            "what was saved before stays; a lower learning rate may help, in a new run"
        )

    def _load(self) -> None:
        try:
            state = torch.load(self._checkpoint, weights_only=True, map_location="cpu")
            self.step = state["step"]
            self.objective.load_state_dict(state["objective"])
            self.averaged.load_state_dict(state["averaged"])
            self._optimizer.load_state_dict(state["optimizer"])
        except Exception as error:  # of as many kinds as a file can be damaged in
            raise WeightsError(
                f"{self._checkpoint}: not a checkpoint of such a run ({first_line(error)}); "
                "without it the run begins anew"
            ) from error
        self._least = state.get("least", math.inf)  # older checkpoints have none

    @torch.no_grad()
    def _update_average(self, decay: float) -> None:
        network = self.objective.network
        pairs = zip(self.averaged.parameters(), network.parameters(), strict=True)
        for mean, current in pairs:
            mean.lerp_(current, 1 - decay)
        for kept, current in zip(self.averaged.buffers(), network.buffers(), strict=True):
            kept.copy_(current)


def weighted_sum(parts: dict[str, Any], options: TrainingOptions) -> Any:
    """Return the loss, of the type of its parts."""
    return sum(getattr(options, f"{name}_weight") * value for name, value in parts.items())


def learning_rate_factor(step: int, options: TrainingOptions) -> float:
    """Return what the learning rate of a step is multiplied with, 0..1."""
    rise = min(1.0, (step + 1) / max(options.warmup, 1))
    falling = options.cosine_fraction * options.steps
    done = (step - (options.steps - falling)) / max(falling, 1)
    fall = 0.5 + 0.5 * math.cos(math.pi * min(max(done, 0.0), 1.0))
    return rise * fall / (1 + options.inverse_decay * step)


def _dataset(options: TrainingOptions) -> PairDataset:
    return PairDataset(
        options.content,
        options.style,
        batch=options.batch,
        crop=options.crop,
        scale=(options.scale_min, options.scale_max),
        crops_per_picture=options.crops_per_picture,
        palette_augmentation=options.palette_augmentation,
        held_out=options.held_out,
        seed=options.seed,
    )


def _normalised(teacher: VGGEncoder, data: PairDataset, options: TrainingOptions) -> VGGEncoder:
    if options.normalise_teacher:
        contents = [data[step].contents for step in range(math.ceil(32 / options.batch))]
        normalise_activations(teacher, batch_to_tensor(torch.cat(contents), torch.device("cpu")))
    return teacher


def _check_same_options(options: TrainingOptions, folder: Path, note: Path) -> None:
    if not (folder / "weights.safetensors").exists() or not note.exists():
        return  # nothing has been learnt yet, or nobody knows how
    try:
        different = differing(options, json.loads(note.read_text()))
    except (ValueError, AttributeError) as error:
        raise WeightsError(f"{note}: not the options of a run ({first_line(error)})") from error
    if different:
        raise WeightsError(
            f"{folder}: holds a run with other options ({', '.join(different)}); to go on from its "
            f"weights with these: --initial {folder / 'weights.safetensors'} in a new folder"
        )
