"""Fitting a network, whatever the phase: the usual callbacks, progress, and what a kill leaves."""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras

from classifier.checkpoint import BEST_FILE, START_FILE, Checkpoint, Epochs, Resumption
from classifier.features import Progress
from classifier.recipe import Recipe

History = dict[str, list[float]]

HEAD = "head"
FINE_TUNE = "fine-tune"


class Batches(Protocol):
    """Calling it begins `epoch` anew: (inputs, one-hot, weights), `batches` times."""

    epoch: int

    @property
    def batches(self) -> int: ...

    def __call__(self) -> Iterator[tuple[Any, Any, Any]]: ...


@dataclass(frozen=True)
class Fit:
    """How a phase is fitted, whatever its model."""

    phase: str
    epochs: int
    patience: int
    recipe: Recipe
    resumption: Resumption | None
    log_dir: Path | None
    progress: Progress

    def run(
        self, model: Any, batches: Batches, data: Any, validation: Any
    ) -> tuple[History, float]:
        """Leave the best epoch's weights in `model`; the curves, and the seconds of all attempts.

        What a process before this one kept of the same training is gone on from."""
        if self.log_dir is not None:
            self.log_dir.mkdir(parents=True, exist_ok=True)
        with self._folder() as folder:
            return self._run(model, batches, data, validation, folder)

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        if self.resumption is not None:
            self.resumption.folder.mkdir(parents=True, exist_ok=True)
            yield self.resumption.folder
            return
        with tempfile.TemporaryDirectory(prefix="checkpoint-", dir=self.log_dir) as folder:
            yield Path(folder)

    def _run(
        self, model: Any, batches: Batches, data: Any, validation: Any, folder: Path
    ) -> tuple[History, float]:
        monitor = "loss" if validation is None else "val_loss"
        model.optimizer.build(model.trainable_variables)
        keeping = Checkpoint(self.resumption, folder)
        best = keras.callbacks.ModelCheckpoint(
            folder / BEST_FILE, monitor=monitor, save_best_only=True, save_weights_only=True
        )
        stopping = _stopping_callbacks(monitor, self.patience, self.recipe)
        if not keeping.take_up(model, [best, *stopping]):
            model.save_weights(folder / START_FILE)  # what remains if no epoch has a loss
        if not keeping.epochs.stopped:
            model.fit(
                data,
                validation_data=validation,
                initial_epoch=keeping.epochs.done,
                epochs=self.epochs,
                callbacks=[
                    *self._schedule(),
                    self._report(batches, keeping.epochs),
                    best,
                    *stopping,
                    *_log_callbacks(self.log_dir, self.phase),
                    keeping,
                ],
                shuffle=False,  # the batches shuffle themselves
                verbose=0,
            )
        model.load_weights(keeping.best)
        return keeping.epochs.history, keeping.epochs.seconds

    def _schedule(self) -> list[Any]:
        return [_half_cosine(self.epochs)] if self.phase == FINE_TUNE else []

    def _report(self, batches: Batches, epochs: Epochs) -> Any:
        """Tells the batches which epoch it is and reports every one of them; what `progress` raises
        ends the fit there."""
        steps = batches.batches
        total, done = steps * self.epochs, steps * epochs.done

        def epoch_begins(epoch: int, logs: Any = None) -> None:  # noqa: ARG001 - Keras names them
            batches.epoch = epoch

        def batch_ended(batch: int, logs: Any = None) -> None:  # noqa: ARG001 - Keras names them
            nonlocal done
            done += 1
            message = f"epoch {(done - 1) // steps + 1} of {self.epochs}"
            self.progress(self.phase, done, total, message)

        def checked(batch: int, logs: Any = None) -> None:  # noqa: ARG001 - Keras names them
            self.progress(self.phase, done, total, "checking")

        return keras.callbacks.LambdaCallback(
            on_epoch_begin=epoch_begins, on_train_batch_end=batch_ended, on_test_batch_end=checked
        )


def _half_cosine(epochs: int) -> Any:
    """The learning rate falls to 0 along a half cosine (Loshchilov & Hutter 2017); what a plateau
    took from it stays taken."""

    def share(epoch: int) -> float:
        return (1 + math.cos(math.pi * epoch / epochs)) / 2

    def next_rate(epoch: int, rate: float) -> float:
        return rate * share(epoch) / share(epoch - 1) if epoch else rate

    return keras.callbacks.LearningRateScheduler(next_rate)


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
