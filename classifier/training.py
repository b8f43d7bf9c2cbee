"""Training in two phases: a head on fixed features, then the top of the backbone with it."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from classifier import devices
from classifier.dataset import PhotoBatches, Skipped, one_hot, photo_seed, sample_weights
from classifier.errors import NotEnoughData
from classifier.features import Features, Progress, silent
from classifier.network import (
    EMBEDDING_SIZE,
    Backbone,
    build_head,
    copy_backbone,
    identified,
    unfreeze_from,
)
from classifier.recipe import Recipe

History = dict[str, list[float]]
Columns = npt.NDArray[np.integer[Any]]
Batches = Callable[[], Iterator[tuple[Any, Any, Any]]]

HEAD = "head"
FINE_TUNE = "fine-tune"


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
    """A new backbone and the head that belongs to it; the ones that went in are unchanged."""

    backbone: Backbone
    head: Any
    history: History
    skipped: dict[Path, str]
    seconds: float


def train_head(
    train: Features,
    labels: Columns,
    *,
    classes: int,
    validation: tuple[npt.NDArray[np.float16], Columns] | None,
    recipe: Recipe,
    log_dir: Path | None = None,
    progress: Progress = silent,
) -> HeadResult:
    """Train a head on every view of every photo in `train`.

    `labels` (len(train),) are columns 0 to `classes` - 1. `validation`, embeddings (V, 2048) and
    their columns, decides when to stop; None watches the training loss instead. TensorBoard logs go
    to `log_dir`. NotEnoughData with fewer than two categories.
    """
    _require_two_categories(labels)
    started = time.monotonic()
    keras.utils.set_random_seed(recipe.seed)
    head = build_head(classes, units=recipe.head_units, dropout=recipe.dropout)
    _compile(head, recipe.head_learning_rate, recipe)
    batches = _FeatureBatches(train, labels, classes, recipe)
    history = _fit(
        head,
        _dataset(batches, (EMBEDDING_SIZE,), classes, batches.batches),
        validation=_head_validation(validation, classes),
        steps=batches.batches,
        epochs=recipe.head_epochs,
        patience=recipe.head_patience,
        phase=HEAD,
        recipe=recipe,
        log_dir=log_dir,
        progress=progress,
    )
    # A copy carries no optimizer: what is stored is the head alone.
    return HeadResult(_copy_head(head), history, time.monotonic() - started)


def fine_tune(
    backbone: Backbone,
    head: Any,
    train: Sequence[tuple[Path, int]],
    validation: Sequence[tuple[Path, int]],
    *,
    classes: int,
    recipe: Recipe,
    log_dir: Path | None = None,
    progress: Progress = silent,
) -> FineTuneResult:
    """Train the backbone's top layers together with a head that was trained on it before.

    Pairs are a photo and its column. The best epoch by validation is kept; if none beats the
    network that went in, its weights are what comes out.
    """
    _require_two_categories(np.array([column for _, column in train]))
    started = time.monotonic()
    keras.utils.set_random_seed(recipe.seed)
    strategy = devices.strategy()
    with strategy.scope():
        tuned = copy_backbone(backbone)
        unfreeze_from(tuned, recipe.fine_tune_from)
        head = _copy_head(head)
        model = keras.Model(tuned.model.input, head(tuned.model.output), name="network")
        _compile(model, recipe.fine_tune_learning_rate, recipe)
    skipped = Skipped()
    size = backbone.image_size
    share = partial(PhotoBatches.of, multiple=strategy.num_replicas_in_sync)
    batches = share(train, classes, size, recipe, skipped, training=True)
    checks = share(validation, classes, size, recipe, skipped, training=False)
    shape = (size, size, 3)
    history = _fit(
        model,
        _dataset(batches, shape, classes, batches.batches),
        validation=_dataset(checks, shape, classes, checks.batches) if validation else None,
        steps=batches.batches,
        epochs=recipe.fine_tune_epochs,
        patience=recipe.fine_tune_patience,
        phase=FINE_TUNE,
        recipe=recipe,
        log_dir=log_dir,
        progress=progress,
    )
    if strategy.num_replicas_in_sync > 1:  # what is stored and served lives on one device
        tuned, head = copy_backbone(tuned), _copy_head(head)
    tuned.model.trainable = True
    result = identified(tuned.model, size, backbone.source)
    return FineTuneResult(result, head, history, skipped.reasons, time.monotonic() - started)


def head_logits(head: Any, embeddings: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
    """Logits (N, C) of embeddings (N, 2048), uncalibrated."""
    steps = [embeddings[start : start + 4096] for start in range(0, len(embeddings), 4096)]
    if not steps:
        return np.empty((0, head.output_shape[-1]), np.float32)
    return np.concatenate(
        [np.asarray(head(tf.constant(step, tf.float32), training=False)) for step in steps]
    )


class _FeatureBatches:
    """Shuffled batches over every view of every photo: (embeddings, one-hot, weights).

    An epoch goes through a small set several times, so that it takes `head_min_steps` steps: a few
    dozen photos would otherwise end their epochs long before the head has learned them.
    """

    def __init__(self, train: Features, labels: Columns, classes: int, recipe: Recipe) -> None:
        self._train = train
        self._targets = one_hot(labels, classes)
        self._weights = sample_weights(labels, recipe.class_weights)
        self._recipe = recipe
        self._views = 1 + train.views
        self._epoch = 0
        once = math.ceil(len(train) * self._views / recipe.head_batch_size)
        self._rounds = math.ceil(recipe.head_min_steps / once)
        self.batches = once * self._rounds

    def __call__(self) -> Iterator[tuple[Any, Any, Any]]:
        generator = photo_seed(self._recipe, HEAD, self._epoch)
        self._epoch += 1
        for _ in range(self._rounds):
            yield from self._round(generator.permutation(len(self._train) * self._views))

    def _round(self, order: npt.NDArray[np.int64]) -> Iterator[tuple[Any, Any, Any]]:
        size = self._recipe.head_batch_size
        for start in range(0, len(order), size):
            photos, views = np.divmod(order[start : start + size], self._views)
            embeddings = self._train.rows[self._train.places[photos], views]
            yield embeddings.astype(np.float32), self._targets[photos], self._weights[photos]


def _fit(
    model: Any,
    dataset: Any,
    *,
    validation: Any,
    steps: int,
    epochs: int,
    patience: int,
    phase: str,
    recipe: Recipe,
    log_dir: Path | None,
    progress: Progress,
) -> History:
    """Fit with the usual callbacks and leave the best epoch's weights in `model`."""
    monitor = "loss" if validation is None else "val_loss"
    report = _progress_callback(phase, steps, epochs, progress)
    before = None
    if phase == FINE_TUNE and validation is not None:
        judged = model.evaluate(validation, callbacks=[report], verbose=0, return_dict=True)
        before = judged["loss"]
    if log_dir is not None:
        log_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="checkpoint-", dir=log_dir) as folder:
        best = Path(folder) / "best.weights.h5"
        model.optimizer.build(model.trainable_variables)
        model.save_weights(best)  # what remains if no epoch is better
        fitted = model.fit(
            dataset,
            validation_data=validation,
            epochs=epochs,
            callbacks=[
                report,
                keras.callbacks.ModelCheckpoint(
                    best,
                    monitor=monitor,
                    save_best_only=True,
                    save_weights_only=True,
                    initial_value_threshold=before,
                ),
                *_stopping_callbacks(monitor, patience, recipe),
                *_log_callbacks(log_dir, phase),
            ],
            shuffle=False,  # the batches shuffle themselves
            verbose=0,
        )
        model.load_weights(best)
    return {name: [float(value) for value in values] for name, values in fitted.history.items()}


def _stopping_callbacks(monitor: str, patience: int, recipe: Recipe) -> list[Any]:
    return [
        keras.callbacks.EarlyStopping(monitor=monitor, patience=patience),
        keras.callbacks.ReduceLROnPlateau(
            monitor=monitor, patience=recipe.plateau_patience, factor=recipe.plateau_factor
        ),
    ]


def _log_callbacks(log_dir: Path | None, phase: str) -> list[Any]:
    if log_dir is None:
        return []
    return [keras.callbacks.TensorBoard(log_dir / phase, write_graph=False)]


def _progress_callback(phase: str, steps: int, epochs: int, progress: Progress) -> Any:
    """Reports every batch; what `progress` raises ends the fit there."""
    total = steps * epochs
    done = 0

    def batch_ended(batch: int, logs: Any = None) -> None:  # noqa: ARG001 - Keras names them
        nonlocal done
        done += 1
        progress(phase, done, total, f"epoch {(done - 1) // steps + 1} of {epochs}")

    def checked(batch: int, logs: Any = None) -> None:  # noqa: ARG001 - Keras names them
        progress(phase, done, total, "checking")

    return keras.callbacks.LambdaCallback(on_train_batch_end=batch_ended, on_test_batch_end=checked)


def _dataset(batches: Batches, shape: tuple[int, ...], classes: int, count: int) -> Any:
    """A tf.data view of `batches`, begun anew each epoch."""
    signature = (
        tf.TensorSpec((None, *shape), tf.float32),
        tf.TensorSpec((None, classes), tf.float32),
        tf.TensorSpec((None,), tf.float32),
    )
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(1)


def _compile(model: Any, learning_rate: float, recipe: Recipe) -> None:
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=["accuracy"],
        jit_compile=False,  # XLA on a CPU took a quarter longer per step and twice as long to start
    )


def _head_validation(
    validation: tuple[npt.NDArray[np.float16], Columns] | None, classes: int
) -> tuple[Any, Any] | None:
    if validation is None or len(validation[1]) == 0:
        return None
    embeddings, labels = validation
    return embeddings.astype(np.float32), one_hot(labels, classes)


def _copy_head(head: Any) -> Any:
    copy = keras.models.clone_model(head)
    copy.set_weights(head.get_weights())
    return copy


def _require_two_categories(labels: Columns) -> None:
    if len(np.unique(labels)) < 2:
        raise NotEnoughData(
            f"{len(labels)} readable photos in fewer than two categories. Label more photos."
        )
