"""What a run begins from: which labels, which mode, which backbone."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from catalog import runs, training_set
from catalog.models import ModelVersion, RunMode, Serving, Split, TrainingRun
from catalog.training_set import MIN_TRAIN_LABELS, TrainingSet
from classifier import weights
from classifier.errors import NotEnoughData, StoreError
from classifier.recipe import Recipe
from classifier.store import read_manifest
from classifier.weights import Weights

if TYPE_CHECKING:
    from classifier.inheritance import Ancestor
    from classifier.network import Backbone

logger = logging.getLogger(__name__)

MIN_CATEGORIES = 2
GROWN = 2.0
"""A backbone is made anew once there are so many times the labels it was made from."""


@dataclass(frozen=True)
class Beginning:
    """Decided before anything is computed. Exactly one of `weights` and `parent` is given."""

    recipe: Recipe
    full: bool
    why: str
    """Why it is a full or a quick run, in a sentence."""
    weights: Weights | None
    """Pretrained weights to begin from."""
    parent: ModelVersion | None
    """The live version, whose backbone is used as it is."""

    @property
    def mode(self) -> RunMode:
        return RunMode.FULL if self.full else RunMode.HEAD

    @property
    def views(self) -> int:
        """Augmented views of each training photo. A quick run opens no photo for the sake of views:
        where a backbone serves already, all embeddings are known."""
        return self.recipe.views if self.full else self.recipe.quick_views

    def ancestor(self, run: TrainingRun) -> Ancestor | None:
        """The live head, where a quick run begins as that and it can be read. What `run` learns
        from is recorded."""
        if self.parent is None or not self.recipe.quick_from_live:
            return None
        from classifier import store  # TensorFlow: seconds to import
        from classifier.inheritance import Ancestor

        try:
            head = store.open_head(settings.MODELS_DIR, self.parent.directory)
        except StoreError as error:
            extra = {"version": self.parent.pk, "error": str(error)}
            logger.warning("the head learns from the beginning", extra=extra)
            return None
        parent = self.parent
        same = parent.recipe == self.recipe_as_data()
        covered = same and training_set.is_covered(run, parent.classes, by=parent.run)
        return Ancestor(head, parent.classes, is_up_to_date=covered)

    @property
    def weights_in_words(self) -> str:
        words = self.weights.note if self.weights else self.parent.weights if self.parent else ""
        return words[:200]

    def recipe_as_data(self) -> dict[str, Any]:
        """The hyperparameters and the pretrained weights: the same again gives the same model."""
        if self.weights is not None:
            origin = {"source": self.weights.source, "sha256": self.weights.sha256}
        else:
            origin = dict(self.parent.recipe.get("weights", {})) if self.parent else {}
        return self.recipe.to_dict() | {"weights": origin}

    def load_backbone(self) -> Backbone:
        from classifier import network, store  # TensorFlow: seconds to import

        if self.parent is not None:
            row = self.parent.backbone
            return network.UnopenedBackbone(
                row.sha256,
                row.image_size,
                row.source,
                lambda: store.open_backbone(settings.MODELS_DIR, row.sha256),
            )
        assert self.weights is not None  # noqa: S101  (one of the two is given)
        return network.load_backbone(self.weights, image_size=self.recipe.image_size)


def begin(run: TrainingRun, *, labels: int) -> Beginning:
    """Read the recipe and decide the mode, for so many labelled photos; RecipeError, WeightsError
    when that cannot be."""
    recipe = Recipe().with_overrides(run.overrides)
    parent, obstacle = _usable_parent(recipe)
    pretrained = cache(lambda: weights.resolve(settings.CLASSIFIER_WEIGHTS))  # hashed once
    match run.mode:
        case RunMode.FULL:
            parent, full, why = None, True, "A full run was asked for."
        case RunMode.HEAD if parent is not None:
            full, why = False, "A quick run was asked for."
        case RunMode.HEAD:
            full, why = False, f"A quick run was asked for, on the pretrained weights: {obstacle}"
        case _ if parent is not None and (overdue := _why_overdue(parent, labels, pretrained())):
            parent, full, why = None, True, overdue
        case _ if parent is not None:
            full, why = False, f"The backbone of version {parent.pk} serves on; its head learns."
        case _:
            full, why = True, obstacle
    begins_with = None if parent is not None else pretrained()
    return Beginning(recipe, full, run.mode_reason or why, begins_with, parent)


def why_unchanged(run: TrainingRun, beginning: Beginning, fingerprint: str) -> str:
    """Why this run would repeat the last one, in a sentence; empty when it would not."""
    last = runs.last_finished()
    if last is None or run.promote == "always":
        return ""
    same_labels = last.fingerprint == fingerprint
    as_deep = last.mode == RunMode.FULL or not beginning.full
    if same_labels and as_deep and last.recipe == beginning.recipe_as_data():
        return (
            f"Nothing changed since run {last.pk}: the same {last.label_count} labels and the same"
            " recipe."
        )
    return ""


def require_enough(labels: TrainingSet) -> None:
    """NotEnoughData, with the counts, under two categories that can be learned."""
    usable = labels.usable()
    if len(usable) >= MIN_CATEGORIES:
        return
    counts = labels.counts(Split.TRAIN)
    listed = ", ".join(f"{slug} {count}" for slug, count in sorted(counts.items())) or "none"
    raise NotEnoughData(
        f"At least {MIN_CATEGORIES} categories with {MIN_TRAIN_LABELS} training labels each are "
        f"needed, and there are {len(usable)} (training labels: {listed}). Label more photos."
    )


def _why_overdue(live: ModelVersion, labels: int, wanted: Weights) -> str:
    """Why the live backbone should be made anew, in a sentence; empty when it may serve on. Weights
    that merely stand in, while a download is out of reach, are no reason."""
    used = live.recipe.get("weights", {}).get("sha256", wanted.sha256)
    if used != wanted.sha256 and not wanted.stand_in:
        return f"The live backbone was made from other pretrained weights. {wanted.note}"
    first = live.backbone.versions.order_by("id").select_related("run").first()
    then = first.run.label_count if first is not None and first.run is not None else 0
    if then and labels >= GROWN * then:
        return f"The live backbone was made from {then} labelled photos, and there are {labels}."
    return ""


def _usable_parent(recipe: Recipe) -> tuple[ModelVersion | None, str]:
    """The live version if a head can be trained on its backbone; else None and why."""
    live = Serving.current().live
    if live is None:
        return None, "There is no live model yet."
    if recipe.image_size not in {None, live.backbone.image_size}:
        return None, f"The recipe asks for {recipe.image_size} pixels, the live model has others."
    try:
        read_manifest(settings.MODELS_DIR, live.backbone.directory)
    except StoreError as error:
        logger.warning("backbone not usable", extra={"version": live.pk, "error": str(error)})
        return None, f"The live model's backbone cannot be read ({error})"
    return live, ""
