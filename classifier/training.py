"""Training in two phases: a head on fixed features, then the top of the backbone with it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from classifier import devices
from classifier.checkpoint import Resumption
from classifier.dataset import PhotoBatches, Skipped, one_hot, photo_seed, sample_weights
from classifier.errors import NotEnoughData
from classifier.features import Embeddings, Features, JoinedEmbeddings, Progress, silent
from classifier.fit import FINE_TUNE, HEAD, Batches, Fit, History
from classifier.inheritance import Ancestor, inherit, targets
from classifier.interpolation import interpolate, weights_of
from classifier.network import (
    EMBEDDING_SIZE,
    Backbone,
    build_head,
    copy_backbone,
    identified,
    unfreeze_from,
)
from classifier.recipe import Recipe

Columns = npt.NDArray[np.integer[Any]]
Vectors = npt.NDArray[np.float16] | Embeddings | JoinedEmbeddings

AT_ONCE = 1024
LARGEST_BATCH = 1024


@dataclass(frozen=True)
class HeadResult:
    """A trained head: embeddings (N, 2048) to logits (N, C).

    `history` has one number per epoch for loss, accuracy, val_loss, val_accuracy, learning_rate.
    """

    head: Any
    history: History
    seconds: float


@dataclass(frozen=True)
class FineTuneResult:
    """A new backbone and the head that belongs to it; the ones that went in are unchanged.

    `share` of what training changed is in them: 0 is what went in, 1 the best epoch's weights.
    """

    backbone: Backbone
    head: Any
    history: History
    share: float
    skipped: dict[Path, str]
    seconds: float


def train_head(
    train: Features,
    labels: Columns,
    *,
    classes: int,
    validation: tuple[Vectors, Columns] | None,
    recipe: Recipe,
    ancestor: Ancestor | None = None,
    names: Sequence[str] = (),
    learns_on: bool = True,
    resumption: Resumption | None = None,
    log_dir: Path | None = None,
    progress: Progress = silent,
) -> HeadResult:
    """Train a head on every view of every photo in `train`.

    `labels` (len(train),) are columns 0 to `classes` - 1. `validation`, embeddings (V, 2048) and
    their columns, decides when to stop; None watches the training loss instead. With an `ancestor`,
    whose classes are matched by `names`, it begins as that head and learns on for a shorter while;
    without `learns_on` not at all, and then it has no history.
    TensorBoard logs go to `log_dir`, what a killed process needs to `resumption`. NotEnoughData
    with fewer than two categories.
    """
    _require_two_categories(labels)
    keras.utils.set_random_seed(recipe.seed)
    begins = ancestor if ancestor is not None and ancestor.units == recipe.head_units else None
    room = begins is not None and begins.has_room
    head = build_head(classes, units=recipe.head_units, dropout=recipe.dropout, room=room)
    batches = _FeatureBatches(train, labels, classes, recipe)
    if begins is not None:
        inherit(head, begins, names, train.embeddings, labels)
        if not learns_on:
            return HeadResult(head, {}, 0.0)
        batches.targets = targets(begins, names, train.embeddings, labels)
        batches.shown, batches.rate = recipe.quick_shown, recipe.quick_learning_rate
    _compile(head, batches.learning_rate, recipe)
    fit = Fit(
        HEAD,
        batches.epochs,
        recipe.head_patience,
        recipe,
        resumption.of(HEAD, len(train), *_fingerprint(head)) if resumption else None,
        log_dir,
        progress,
    )
    history, seconds = fit.run(
        head,
        batches,
        _dataset(batches, (EMBEDDING_SIZE,), classes, tf.float16),
        _head_validation(validation, classes),
    )
    # A copy carries no optimizer: what is stored is the head alone.
    return HeadResult(_copy_head(head), history, seconds)


def fine_tune(
    backbone: Backbone,
    head: Any,
    train: Sequence[tuple[Path, int]],
    validation: Sequence[tuple[Path, int]],
    *,
    classes: int,
    recipe: Recipe,
    resumption: Resumption | None = None,
    log_dir: Path | None = None,
    progress: Progress = silent,
) -> FineTuneResult:
    """Train the backbone's top layers together with a head that was trained on it before.

    Pairs are a photo and its column. What comes out is what has the least loss on `validation` of
    the network that went in, the best epoch's, and the recipe's number of mixtures between them.
    Without validation photos it is the epoch with the least training loss.
    """
    _require_two_categories(np.array([column for _, column in train]))
    keras.utils.set_random_seed(recipe.seed)
    strategy = devices.strategy()
    skipped = Skipped()
    size = backbone.image_size
    read = partial(PhotoBatches.of, multiple=strategy.num_replicas_in_sync)
    batches = read(train, classes, size, recipe, skipped, training=True)
    with strategy.scope():
        tuned = copy_backbone(backbone)
        unfreeze_from(tuned, recipe.fine_tune_from)
        head = _copy_head(head)
        model = keras.Model(tuned.model.input, head(tuned.model.output), name="network")
        _compile(model, recipe.fine_tune_learning_rate, recipe)
    checks = read(validation, classes, size, recipe, skipped, training=False)
    shape = (size, size, 3)
    began_with = (backbone.sha256, len(train), *_fingerprint(head))
    fit = Fit(
        FINE_TUNE,
        recipe.fine_tune_epochs,
        recipe.fine_tune_patience,
        recipe,
        resumption.of(FINE_TUNE, *began_with) if resumption else None,
        log_dir,
        progress,
    )
    judging = _dataset(checks, shape, classes, tf.float32) if validation else None
    with strategy.scope():
        began = weights_of(model)
        data = _dataset(batches, shape, classes, tf.float32)
        history, seconds = fit.run(model, batches, data, judging)
        share = 1.0 if history else 0.0  # a recipe may ask for no epoch
        if history and judging is not None:
            share = interpolate(
                model, began, judging, between=recipe.fine_tune_between, progress=progress
            )
    if strategy.num_replicas_in_sync > 1:  # what is stored and served lives on one device
        tuned, head = copy_backbone(tuned), _copy_head(head)
    tuned.model.trainable = True
    result = identified(tuned.model, size, backbone.source)
    return FineTuneResult(result, head, history, share, skipped.reasons, seconds)


def head_logits(head: Any, embeddings: Vectors) -> npt.NDArray[np.float32]:
    """Logits (N, C) of embeddings (N, 2048), uncalibrated."""
    logits = np.empty((len(embeddings), head.output_shape[-1]), np.float32)
    for start in range(0, len(embeddings), AT_ONCE):
        step = tf.constant(embeddings[start : start + AT_ONCE])
        logits[start : start + AT_ONCE] = head(tf.cast(step, tf.float32), training=False)
    return logits


class _FeatureBatches:
    """Shuffled batches over every view of every photo: (embeddings float16, one-hot, weights).

    An epoch goes through a small set several times, so that it takes `head_min_steps` steps: a few
    dozen photos would otherwise end their epochs long before the head has learned them. Of a large
    set the batches grow, so that it takes `head_max_steps`: small ones would mostly wait for Adam,
    which goes through every weight at each step.
    """

    def __init__(self, train: Features, labels: Columns, classes: int, recipe: Recipe) -> None:
        self.targets: npt.NDArray[np.float16] | None = None
        """(N, C) probabilities to learn instead of the labels."""
        self.shown, self.rate = recipe.head_shown, recipe.head_learning_rate
        self._train = train
        self._labels = labels
        self._classes = classes
        self._weights = sample_weights(labels, recipe.class_weights)
        self._recipe = recipe
        self._views = 1 + train.views
        self.rows = len(train) * self._views
        grown = min(math.ceil(self.rows / recipe.head_max_steps), LARGEST_BATCH)
        self.size = max(recipe.head_batch_size, grown)
        once = math.ceil(self.rows / self.size)
        self._rounds = math.ceil(recipe.head_min_steps / once)
        self.batches = once * self._rounds
        self.epoch = 0

    @property
    def epochs(self) -> int:
        """At most so many that a large set is learned in a minute."""
        affordable = self.shown // (self.rows * self._rounds)
        return min(self._recipe.head_epochs, max(1, affordable))

    @property
    def learning_rate(self) -> float:
        """Adam's rate grows with the root of the batch (Malladi et al. 2022)."""
        return self.rate * math.sqrt(self.size / self._recipe.head_batch_size)

    def __call__(self) -> Iterator[tuple[Any, Any, Any]]:
        generator = photo_seed(self._recipe, HEAD, self.epoch)
        for _ in range(self._rounds):
            yield from self._round(generator.permutation(self.rows))

    def _round(self, order: npt.NDArray[np.int64]) -> Iterator[tuple[Any, Any, Any]]:
        for start in range(0, len(order), self.size):
            photos, views = np.divmod(order[start : start + self.size], self._views)
            embeddings = self._train.rows[self._train.places[photos], views]
            yield embeddings, self._wanted(photos), self._weights[photos]

    def _wanted(self, photos: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        if self.targets is None:
            return one_hot(self._labels[photos], self._classes)
        return self.targets[photos].astype(np.float32)


class _Checks:
    """Validation embeddings in order, some at a time, weighted alike."""

    def __init__(self, embeddings: Vectors, labels: Columns, classes: int) -> None:
        self._embeddings = embeddings
        self._labels = labels
        self._classes = classes
        self.batches = math.ceil(len(labels) / AT_ONCE)
        self.epoch = 0

    def __call__(self) -> Iterator[tuple[Any, Any, Any]]:
        for start in range(0, len(self._labels), AT_ONCE):
            labels = self._labels[start : start + AT_ONCE]
            weights = np.ones(len(labels), np.float32)
            yield self._embeddings[start : start + AT_ONCE], one_hot(labels, self._classes), weights


def _dataset(batches: Batches, shape: tuple[int, ...], classes: int, kind: Any) -> Any:
    """A tf.data view of `batches`, begun anew each epoch; inputs come as `kind`."""
    signature = (
        tf.TensorSpec((None, *shape), kind),
        tf.TensorSpec((None, classes), tf.float32),
        tf.TensorSpec((None,), tf.float32),
    )
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    dataset = dataset.map(lambda x, y, weight: (tf.cast(x, tf.float32), y, weight))
    return dataset.apply(tf.data.experimental.assert_cardinality(batches.batches)).prefetch(1)


def _compile(model: Any, learning_rate: float, recipe: Recipe) -> None:
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=["accuracy"],
        jit_compile=False,  # XLA on a CPU took a quarter longer per step and twice as long to start
    )


def _head_validation(validation: tuple[Vectors, Columns] | None, classes: int) -> Any:
    if validation is None or len(validation[1]) == 0:
        return None
    return _dataset(_Checks(*validation, classes), (EMBEDDING_SIZE,), classes, tf.float16)


def _fingerprint(head: Any) -> list[float]:
    """Numbers that another head would hardly share."""
    return [float(np.abs(weights).sum()) for weights in head.get_weights()]


def _copy_head(head: Any) -> Any:
    copy = keras.models.clone_model(head)
    copy.set_weights(head.get_weights())
    return copy


def _require_two_categories(labels: Columns) -> None:
    if len(np.unique(labels)) < 2:
        raise NotEnoughData(
            f"{len(labels)} readable photos in fewer than two categories. Label more photos."
        )
