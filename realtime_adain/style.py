"""The style cache: what is kept of a painting once it has been encoded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from .adain import Statistics, mix_statistics, pack_statistics
from .errors import StyleError
from .stylebook import SAVED_STYLE_SUFFIX, is_saved_style
from .writing import whole_file

_THUMBNAIL = "thumbnail"


@dataclass(frozen=True, eq=False)
class Style:
    """The channel means and standard deviations of a style for every AdaIN layer of a network.

    Attributes:
        name: what is shown to the user.
        statistics: one pair per AdaIN layer, each `(1, C, 1, 1)` float32.
        fingerprint: of the network that encoded it; no other can use it.
        thumbnail: what the painting looks like, small, uint8 `(H, W, 3)` RGB; None where nobody
            has kept it.
    """

    name: str
    statistics: Statistics = field(repr=False)
    fingerprint: str
    thumbnail: np.ndarray | None = field(default=None, repr=False)

    @classmethod
    def mix(cls, styles: Sequence[Style], weights: Sequence[float]) -> Style:
        """Return the style between several ones (equation 15 of the paper).

        Args:
            styles: at least one, all of the same network.
            weights: one per style, in 0..1, that sum to one.

        Raises:
            StyleError: the styles come from different networks.
            TypeError: they are no styles.
            ValueError: the weights do not fit.
        """
        if not isinstance(styles, Sequence) or not all(isinstance(s, Style) for s in styles):
            raise TypeError(
                f"styles must be a list of what encode_style returned, got {styles!r:.80}"
            )
        if len({style.fingerprint for style in styles}) > 1:
            raise StyleError("styles of different networks cannot be mixed")
        statistics = mix_statistics([style.statistics for style in styles], weights)
        return cls(" + ".join(style.name for style in styles), statistics, styles[0].fingerprint)

    def to(self, device: torch.device) -> Style:
        """Return the style with its statistics on a device."""
        statistics = tuple((mean.to(device), std.to(device)) for mean, std in self.statistics)
        return replace(self, statistics=statistics)

    def packed(self) -> np.ndarray:
        """Return the statistics as an exported network takes them: float32 `(2, C)`, means, then
        standard deviations, of all AdaIN layers side by side."""
        return pack_statistics(self.statistics).cpu().numpy()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the style as safetensors, so that it can be shared without its picture.

        Args:
            path: must end in `.safetensors`, by which a saved style is known.

        Raises:
            StyleError: the path ends otherwise, or cannot be written.
        """
        if not is_saved_style(Path(path)):
            raise StyleError(f"{path}: a saved style must end in {SAVED_STYLE_SUFFIX}")
        tensors = {}
        for index, (mean, std) in enumerate(self.statistics):
            tensors[f"{index}.mean"] = mean.cpu().contiguous()
            tensors[f"{index}.std"] = std.cpu().contiguous()
        if self.thumbnail is not None:
            tensors[_THUMBNAIL] = torch.from_numpy(np.ascontiguousarray(self.thumbnail))
        try:
            with whole_file(path) as part:
                name = self.name.encode(errors="replace").decode()  # files may have any bytes
                part.write_bytes(save(tensors, {"name": name, "network": self.fingerprint}))
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StyleError(f"{path}: style cannot be written: {reason}") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Style:
        """Return a saved style, on the processor.

        Raises:
            StyleError: the file is missing or no saved style.
        """
        if not Path(path).is_file():
            raise StyleError(f"{path}: no such style file")
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                # Copies: what is in the file may be overwritten while it is in use.
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            thumbnail = tensors[_THUMBNAIL].numpy() if _THUMBNAIL in tensors else None
            layers = sum(name.endswith(".mean") for name in tensors)
            statistics = tuple(
                (tensors[f"{index}.mean"], tensors[f"{index}.std"]) for index in range(layers)
            )
            _check(statistics, thumbnail)
            return cls(metadata["name"], statistics, metadata["network"], thumbnail)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise StyleError(f"{path}: not a saved style ({error})") from error


def _check(statistics: Statistics, thumbnail: np.ndarray | None) -> None:
    """Raise ValueError unless a file's tensors are those of a style."""
    if not statistics:
        raise ValueError("it has no layers")
    for mean, std in statistics:
        if not mean.shape == std.shape == (1, mean.numel(), 1, 1):
            raise ValueError(f"statistics of shapes {tuple(mean.shape)} and {tuple(std.shape)}")
        if not (mean.dtype == std.dtype == torch.float32 and (mean + std).isfinite().all()):
            raise ValueError("statistics that are no finite float32 numbers")
    if thumbnail is not None and not (
        thumbnail.dtype == np.uint8 and thumbnail.ndim == 3 and thumbnail.shape[2] == 3
    ):
        raise ValueError(f"a thumbnail of shape {thumbnail.shape}")
