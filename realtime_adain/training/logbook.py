"""What a run tells: its losses as a table and a plot, contact sheets, the card of its weights."""

from __future__ import annotations

import csv
import hashlib
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ..dataset import PairDataset
from ..engines.processor import processor_name
from ..networks import StyleNetwork
from ..tensors import to_pixels
from .options import TrainingOptions


class LossLog:
    """Means of the parts of the loss, a CSV row each time they are written.

    Args:
        path: of the CSV; rows are added to one that exists.
        timed: whether the seconds per step are logged too.
    """

    def __init__(self, path: Path, *, timed: bool = True) -> None:
        self.latest: dict[str, float] = {}
        self._path = path
        self._timed = timed
        self._clear()

    def add(self, parts: dict[str, float]) -> None:
        """Count in the parts of one step."""
        self._steps += 1
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def forget_after(self, step: int) -> None:
        """Take the rows of later steps away: the run goes on from this one."""
        if self._path.exists():
            head, *rows = self._path.read_bytes().splitlines(keepends=True)
            kept = [row for row in rows if int(row.partition(b",")[0]) <= step]
            if kept:
                self._path.write_bytes(b"".join([head, *kept]))
            else:
                self._path.unlink()  # a run that begins anew may log other columns

    def write(self, step: int) -> str:
        """Write the means since the last row; return them as a line."""
        self.latest = {name: value / self._steps for name, value in self._sums.items()}
        seconds = (time.perf_counter() - self._started) / self._steps
        new = not self._path.exists()
        with self._path.open("a", newline="") as file:
            writer = csv.writer(file)
            timed = {"seconds_per_step": f"{seconds:.4f}"} if self._timed else {}
            if new:
                writer.writerow(["step", *timed, *self.latest])
            means = (f"{value:.5f}" for value in self.latest.values())
            writer.writerow([step, *timed.values(), *means])
        self._clear()
        figures = "  ".join(f"{name} {value:.4f}" for name, value in self.latest.items())
        return f"{seconds:.3f} s/step  {figures}" if self._timed else figures

    def plot(self, path: Path) -> None:
        """Draw the table, where matplotlib (the extra `train`) is there and has two rows."""
        try:
            from matplotlib.figure import Figure
        except ImportError:
            return
        if not self._path.exists():
            return
        with self._path.open() as file:
            rows = list(csv.DictReader(file))
        if len(rows) < 2:
            return
        names = [name for name in rows[0] if name not in ("step", "seconds_per_step")]
        figure = Figure(figsize=(4 * len(names), 3), layout="constrained")
        for axes, name in zip(np.atleast_1d(figure.subplots(1, len(names))), names, strict=True):
            axes.plot([int(row["step"]) for row in rows], [float(row[name]) for row in rows])
            axes.set(title=name, xlabel="step")
        figure.savefig(path)

    def _clear(self) -> None:
        self._sums: dict[str, float] = {}
        self._steps = 0
        self._started = time.perf_counter()


@torch.no_grad()
def contact_sheet(network: StyleNetwork, contents: Tensor, styles: Tensor) -> np.ndarray:
    """Return a table of pictures: the styles along the top, each content's outputs in a row.

    Args:
        network: what repaints.
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
    return to_pixels(table[None])


def write_card(
    path: Path,
    *,
    weights: Path,
    options: TrainingOptions,
    network: StyleNetwork,
    data: PairDataset,
    log: LossLog,
    device: torch.device,
    hours: float,
) -> None:
    """Write what is to be known of the weights as Markdown."""
    parameters = sum(tensor.numel() for tensor in network.parameters())
    cost = multiply_accumulates_per_pixel(network, device)
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name()
    losses = ", ".join(f"{name} {value:.4f}" for name, value in log.latest.items())
    settings = "\n".join(
        f"| {name.replace('_', ' ')} | {value} |" for name, value in vars(options).items()
    )
    path.write_text(
        f"# {weights.name}\n\n"
        f"| | |\n|---|---|\n"
        f"| network | {type(network).__name__} |\n"
        f"| parameters | {parameters} |\n"
        f"| cost | {cost / 1000:.1f} thousand multiply-accumulates per pixel |\n"
        f"| sha256 | `{hashlib.sha256(weights.read_bytes()).hexdigest()}` |\n"
        f"| data | {len(data.contents)} photographs, {len(data.styles)} artworks |\n"
        f"| machine | {machine} ({device.type}), {hours:.2f} h since its "
        f"last start |\n"
        f"| losses on the last training batches | {losses} |\n"
        f"{settings}\n",
        encoding="utf-8",
    )


@torch.no_grad()
def multiply_accumulates_per_pixel(
    network: StyleNetwork, device: torch.device, side: int = 256
) -> float:
    """Return what a square frame costs, its style cached."""
    style = network.encode_style(torch.zeros(1, 3, 256, 256, device=device))
    frame = torch.zeros(1, 3, side, side, device=device)
    with FlopCounterMode(display=False) as counter:
        network(frame, style)
    return counter.get_total_flops() / 2 / side**2
