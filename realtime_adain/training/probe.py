"""Reading the teacher's statistics off a style encoder's code: what it knows of a style."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..adain import Statistics

_RIDGE = 1e-4  # of the mean variance of a code's numbers
_LEAST_STD = 1e-3
_LARGE_ERROR = 3.0


class StatisticsProbe(nn.Module):
    """A linear map from codes to the teacher's statistics, which only training has.

    It works in units of the usual deviation of every statistic, so that all are learnt alike.

    Args:
        code_width: of the style encoder.
        layer_widths: channels of the teacher's layers.
    """

    def __init__(self, code_width: int, layer_widths: tuple[int, ...]) -> None:
        super().__init__()
        count = 2 * sum(layer_widths)
        self.linear = nn.Linear(code_width, count)
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("std", torch.ones(count))
        shares = [torch.full((2 * width,), 1 / width) for width in layer_widths]
        self.register_buffer("shares", torch.cat(shares), persistent=False)

    def forward(self, codes: Tensor, rows: Tensor) -> Tensor:
        """Return the error of what is read, `(N,)`, measured as the style loss is.

        The few pictures, flat and glaring, with an error above three count as if they had three:
        they would be most of the gradient.

        Args:
            codes: `(N, code_width)`.
            rows: what is to be read, `(N, 2 * sum(layer_widths))`, as of `rows_of`.
        """
        read = self.linear(codes.float()) * self.std + self.mean
        error = ((read - rows).square() * self.shares).sum(1)
        return error * (_LARGE_ERROR / error.detach()).clamp(max=1.0)

    @torch.no_grad()
    def fit(self, codes: Tensor, rows: Tensor) -> None:
        """Take the least-squares solution of some examples, with a little ridge.

        A reader that begins at random teaches the encoder nonsense at first.

        Args:
            codes: `(N, code_width)`, N at least 2.
            rows: what is to be read off them, as of `rows_of`.
        """
        self.mean.copy_(rows.mean(0))
        self.std.copy_(rows.std(0).clamp_min(_LEAST_STD))
        wanted = (rows - self.mean) / self.std
        usual = codes.float().mean(0)
        centred = codes.float() - usual
        gram = centred.T @ centred / len(codes)
        ridge = _RIDGE * gram.diagonal().mean() * torch.eye(len(gram), device=gram.device)
        weight = torch.linalg.solve(gram + ridge, centred.T @ wanted / len(codes)).T
        self.linear.weight.copy_(weight)
        self.linear.bias.copy_(-weight @ usual)


def rows_of(statistics: Statistics) -> Tensor:
    """Return the statistics of N pictures as a row for each, `(N, 2 * sum(layer widths))`."""
    return torch.cat([part.flatten(1).float() for layer in statistics for part in layer], 1)
