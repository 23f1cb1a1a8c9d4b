"""Everything that decides what a run learns."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any


def _option(default: Any, purpose: str) -> Any:
    return field(default=default, metadata={"purpose": purpose})


@dataclass(frozen=True)
class TrainingOptions:
    """Everything that decides what a run learns; saved beside its checkpoints.

    The fields are the options of the command line, where their purposes are shown; the defaults
    are those of the recipe `student`.
    """

    content: str = field(metadata={"purpose": "folder of photographs, any sizes"})
    style: str = field(metadata={"purpose": "folder of artworks, any sizes"})
    teacher: str | None = _option(
        None,
        "weights of the loss network: VGG-shaped safetensors of any width, the published "
        "vgg_normalised.pth, or torchvision's VGG-19 (default: what 'python -m "
        "realtime_adain.weights fetch vgg19' has fetched)",
    )
    recipe: str = _option(
        "student", "what is trained: student, style-encoder, distillation or paper"
    )
    config: dict = field(
        default_factory=dict,
        metadata={
            "purpose": 'arguments of the student as JSON, such as {"blocks": 3}; those that are '
            "not given are the initial network's"
        },
    )
    initial: str | None = _option(
        None,
        "shipped model or weights file to start from, of the same network or of a narrower one",
    )
    normalise_teacher: bool = _option(
        False, "scale the teacher's channels to a mean activation of one (torchvision's need it)"
    )
    steps: int = _option(40_000, "length of the run")
    batch: int = _option(4, "pairs in a step")
    crop: int = _option(192, "side of the training pictures in pixels")
    scale_min: float = _option(0.5, "least side of a crop as a part of the picture's short side")
    scale_max: float = _option(1.0, "largest side of a crop as a part of the picture's short side")
    crops_per_picture: int = _option(
        0,
        "draw from so many crops of each picture and keep in memory what the teacher sees in them, "
        "0.6 MB for a photograph's crop of 192 pixels; 0: fresh crops always",
    )
    palette_augmentation: float = _option(
        0.3, "fraction of the artworks' crops, 0 to 1, that are given another palette and contrast"
    )
    held_out: float = _option(
        0.05,
        "fraction of the pictures, 0 to 0.5, from which nothing is learnt; their losses are logged",
    )
    probe_samples: int = _option(
        1024,
        "artworks to which the linear probe is fitted before the first step",
    )
    learning_rate: float = _option(1e-3, "peak learning rate of Adam")
    style_encoder_rate: float = _option(
        1.0, "factor of the rate for the style encoder's features, below one where they are good"
    )
    warmup: int = _option(200, "steps over which the learning rate rises")
    cosine_fraction: float = _option(
        0.5, "last fraction of the steps, 0 to 1, over which the rate falls to zero along a cosine"
    )
    inverse_decay: float = _option(0.0, "d in the factor 1 / (1 + d * step) of the learning rate")
    mixed_precision: bool = _option(
        True, "compute convolutions in bfloat16, where the device gains by it"
    )
    content_weight: float = _option(1.0, "weight of the content loss at relu4_1")
    style_weight: float = _option(6.0, "weight of the style loss at relu1_1 ... relu4_1")
    probe_weight: float = _option(
        0.5,
        "weight of the linear probe's error in predicting the teacher's statistics from the code "
        "of the style",
    )
    features_weight: float = _option(
        1.0,
        "weight of the features' variance that is not met: of the teacher's by the style encoder "
        "alone, of the initial network's in a distillation",
    )
    retention_weight: float = _option(
        1.0,
        "weight of the change of the predicted AdaIN statistics against the initial style encoder, "
        "where that is trained alone",
    )
    picture_weight: float = _option(
        80.0, "weight of the mean squared error to the initial network's picture in a distillation"
    )
    identity_weight: float = _option(
        20.0, "weight of the mean absolute error to the content, for pairs of strength zero"
    )
    consistency_weight: float = _option(
        10.0,
        "weight of the mean absolute difference of outputs whose contents differ in noise and by a "
        "shift of some pixels alone",
    )
    checkerboard_weight: float = _option(10.0, "weight of patterns that repeat every two pixels")
    low_alpha_fraction: float = _option(
        0.15, "fraction of the pairs, 0 to 1, trained below full strength"
    )
    noise_std: float = _option(4 / 255, "largest standard deviation of the noise on the contents")
    ema_decay: float = _option(
        0.999, "decay of the exponential moving average of the weights, which is exported"
    )
    seed: int = _option(0, "of the random numbers")


RECIPES: dict[str, dict[str, Any]] = {
    "student": {},
    "style-encoder": {
        "steps": 6_000,
        "learning_rate": 3e-3,
        "cosine_fraction": 1.0,
        "probe_weight": 0.1,
        "ema_decay": 0.998,
    },
    "distillation": {
        "steps": 2_000,
        "batch": 8,
        "learning_rate": 3e-4,
        "cosine_fraction": 1.0,
        "mixed_precision": False,
    },
    "paper": {
        "steps": 160_000,
        "batch": 8,
        "crop": 256,
        "scale_max": 0.5,  # as is the least: crops of 256 where the short side is 512
        "palette_augmentation": 0.0,
        "learning_rate": 1e-4,
        "warmup": 0,
        "cosine_fraction": 0.0,
        "inverse_decay": 5e-5,
        "style_weight": 10.0,
        "ema_decay": 0.0,
    },
}
"""What differs from the defaults: `student` trains a lean network end to end; `style-encoder` its
style encoder alone, as a beginning for `student`; `distillation` makes a trained network one of low
rank, and faster; `paper` trains a decoder that mirrors the teacher, with the loss to the AdaIN
output (section 6 of the paper)."""


def make_options(given: dict[str, Any]) -> TrainingOptions:
    """Return the options of the recipe in `given`, changed by what else is given.

    Raises:
        ValueError: no such recipe, or a number outside its range.
    """
    recipe = given.get("recipe", "student")
    if recipe not in RECIPES:
        raise ValueError(f"no recipe named {recipe!r}; there are {', '.join(RECIPES)}")
    options = TrainingOptions(**{**RECIPES[recipe], **given})
    if not isinstance(options.config, dict):
        raise ValueError(f"config must be a JSON object, got {options.config!r}")
    for option in dataclasses.fields(options):
        value = getattr(options, option.name)
        if option.type in ("int", "float") and not 0 <= value < math.inf:
            raise ValueError(f"{option.name} must be a number from 0 on, got {value}")
    for name in ("steps", "batch"):
        if getattr(options, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(options, name)}")
    if options.probe_samples < 2:
        raise ValueError(f"probe_samples must be at least 2, got {options.probe_samples}")
    if options.crop < 32 or options.crop % 8:
        raise ValueError(f"crop must be a multiple of 8 from 32 on, got {options.crop}")
    for name in ("palette_augmentation", "cosine_fraction", "low_alpha_fraction", "ema_decay"):
        if not 0.0 <= getattr(options, name) <= 1.0:
            raise ValueError(f"{name} must be in 0..1, got {getattr(options, name)}")
    if not 0.0 <= options.held_out <= 0.5:
        raise ValueError(f"held_out must be in 0..0.5, got {options.held_out}")
    if not 0.0 < options.scale_min <= options.scale_max <= 1.0:
        raise ValueError(
            f"scales must be 0 < min <= max <= 1, got {options.scale_min}, {options.scale_max}"
        )
    return options


def differing(options: TrainingOptions, saved: dict[str, Any]) -> list[str]:
    """Return the names of the options that are not as they were saved."""
    return sorted(
        name for name, value in dataclasses.asdict(options).items() if saved.get(name) != value
    )
