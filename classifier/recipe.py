"""Every hyperparameter of a training run, in one frozen dataclass saved beside its model."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from classifier.errors import RecipeError

CLASS_WEIGHTS = ("balanced", "none")
BLOCKS = {2: 3, 3: 4, 4: 6, 5: 3}
"""Of each stage of a ResNet50."""
CONVOLUTIONS = (
    "conv1_conv",
    *(
        f"conv{stage}_block{block}_{place}_conv"
        for stage, blocks in BLOCKS.items()
        for block in range(1, blocks + 1)
        for place in (range(4) if block == 1 else range(1, 4))
    ),
)
"""Its layers that can learn, as Keras names them."""


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. docs/training.md says how the defaults were chosen.

    Angles are degrees either way, shifts fractions of the image's side; zoom 0.5 shows the photo
    up to half as large again, or smaller by the same factor. Learning rates are Adam's.
    `image_size` None means the size the backbone learned at. `views` are augmented copies of each
    photo that the head of a full run sees too. An epoch of the head takes `head_min_steps` to
    `head_max_steps` batches; together its epochs show it `head_shown` photos and views, or every
    one once. A quick run has `quick_views` instead; where it begins as the live head
    (`quick_from_live`), also `quick_learning_rate` and `quick_shown`. Between the weights that
    fine-tuning began with and those of its best epoch, `fine_tune_between` mixtures are judged too.
    """

    seed: int = 0
    image_size: int | None = None

    head_units: int = 1024
    dropout: float = 0.5
    views: int = 0
    head_epochs: int = 100
    head_batch_size: int = 128
    head_learning_rate: float = 1e-4
    head_min_steps: int = 30
    head_max_steps: int = 200
    head_shown: int = 300_000
    head_patience: int = 6

    quick_views: int = 0
    quick_from_live: bool = True
    quick_learning_rate: float = 1e-5
    quick_shown: int = 150_000

    fine_tune_epochs: int = 10
    fine_tune_batch_size: int = 32
    fine_tune_learning_rate: float = 1e-4
    fine_tune_from: str = "conv4_block1"
    fine_tune_patience: int = 4
    fine_tune_between: int = 3

    plateau_patience: int = 2
    plateau_factor: float = 0.3
    label_smoothing: float = 0.0
    class_weights: str = "balanced"

    rotation: float = 15.0
    shift: float = 0.12
    shear: float = 8.0
    zoom: float = 0.25
    flip: bool = True

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise RecipeError(
                    f"{name}={value} is outside {low} to {high}. Choose a value between."
                )
        if self.class_weights not in CLASS_WEIGHTS:
            raise RecipeError(
                f"class_weights={self.class_weights} is unknown. Use {' or '.join(CLASS_WEIGHTS)}."
            )
        if not any(name.startswith(self.fine_tune_from) for name in CONVOLUTIONS):
            raise RecipeError(
                f"fine_tune_from={self.fine_tune_from} begins no layer of ResNet50. Use for example"
                " conv5_block1."
            )

    @classmethod
    def demo(cls) -> Recipe:
        """Bounded for the sample catalog: minutes on two cores for a few hundred pictures."""
        return cls(
            views=4,
            head_epochs=40,
            head_learning_rate=5e-4,
            fine_tune_epochs=1,
            fine_tune_learning_rate=1e-5,
            fine_tune_from="conv5_block1",
        )

    def with_overrides(self, settings: Iterable[str]) -> Self:
        """A copy with each `KEY=VALUE` applied; RecipeError names the known keys."""
        changes: dict[str, Any] = {}
        for setting in settings:
            name, separator, text = setting.partition("=")
            if not separator:
                raise RecipeError(f"'{setting}' is not KEY=VALUE. Write for example views=8.")
            changes[name.strip()] = _parse(name.strip(), text.strip())
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("seed", 0, 2**31 - 1),
    ("image_size", 32, 1024),
    ("head_units", 1, 16384),
    ("dropout", 0.0, 0.95),
    ("views", 0, 64),
    ("quick_views", 0, 64),
    ("quick_learning_rate", 1e-8, 1.0),
    ("quick_shown", 1, 1_000_000_000),
    ("head_epochs", 1, 1000),
    ("head_batch_size", 1, 4096),
    ("head_learning_rate", 1e-8, 1.0),
    ("head_min_steps", 1, 10_000),
    ("head_max_steps", 1, 1_000_000),
    ("head_shown", 1, 1_000_000_000),
    ("head_patience", 1, 1000),
    ("fine_tune_epochs", 0, 1000),
    ("fine_tune_batch_size", 1, 1024),
    ("fine_tune_learning_rate", 1e-8, 1.0),
    ("fine_tune_patience", 1, 1000),
    ("fine_tune_between", 0, 99),
    ("plateau_patience", 1, 1000),
    ("plateau_factor", 0.01, 0.99),
    ("label_smoothing", 0.0, 0.9),
    ("rotation", 0.0, 180.0),
    ("shift", 0.0, 0.5),
    ("shear", 0.0, 45.0),
    ("zoom", 0.0, 2.0),
)


def _types() -> dict[str, Any]:
    return typing.get_type_hints(Recipe)


def _known_names() -> str:
    return f"Known settings: {', '.join(_types())}."


def _parse(name: str, text: str) -> Any:
    """The text as the field's own type; `none` where the field allows it."""
    kind = _types().get(name)
    if kind is None:
        raise RecipeError(f"Unknown setting '{name}'. {_known_names()}")
    if isinstance(kind, types.UnionType):
        if text.lower() in ("", "none"):
            return None
        kind = next(part for part in typing.get_args(kind) if part is not type(None))
    if kind is bool:
        return _parse_bool(name, text)
    try:
        return kind(text)
    except ValueError:
        raise RecipeError(
            f"{name}={text} is not a valid {kind.__name__}. Check the value."
        ) from None


def _parse_bool(name: str, text: str) -> bool:
    answers = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if text.lower() not in answers:
        raise RecipeError(f"{name}={text} is neither true nor false. Write {name}=true.")
    return answers[text.lower()]
