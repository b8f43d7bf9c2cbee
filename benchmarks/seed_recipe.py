"""Against the recipe this project began with, as its authors ran it: `rescale=1/255` by
`tf.keras.preprocessing.image.ImageDataGenerator`, batches of 5 at 224 px, ResNet50 with a frozen
base, Dense 1024, dropout 0.5, 30 epochs, then 5 epochs with the whole base unfrozen at 1e-5; with
EarlyStopping, ReduceLROnPlateau, ModelCheckpoint and TensorBoard. Same photos, weights and split.

    python -m benchmarks.seed_recipe [--json] [--photos DIR] [--images N] [--quick] [--minutes M]
        [--full] [--weights W]

Its time is extrapolated: the seconds of the fastest whole epoch of each phase, times 30 and 5, so
that other work on the machine makes the old recipe look no slower than it is; ours, timed through
the real commands with extraction, has no such favour. Its accuracy is that of its best epoch by
validation among as many as fit into M minutes. The minutes are those of the processor, divided by
the cores, so that it gets as far as on an idle machine, unless that takes half as long again
by the clock. Importing is left out for both, since the old recipe reads folders and has no such
step, and is reported beside."""

# ruff: noqa: ARG002  (the clock's arguments are Keras')

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from classifier.intervals import wilson

from .real_photos import PHOTOS, SPLITS, Step, measure, sample, summary

MINUTES = 40.0
QUICK_MINUTES = 0.1
QUICK_IMAGES = 100
SIDE = 224
BATCH = 5
FROZEN_EPOCHS, UNFROZEN_EPOCHS = 30, 5
FROZEN_SHARE = 0.6
"""Of the minutes; an epoch of the second phase takes several times as long."""
PATIENCE = 1.5
"""How many times the minutes may pass by the clock."""


@dataclass(frozen=True)
class Time:
    """What has passed: `worked` is processor time over all cores, as an idle machine has it."""

    clock: float
    worked: float

    @classmethod
    def now(cls) -> Time:
        cores = len(os.sched_getaffinity(0))
        return cls(time.perf_counter(), time.process_time() / cores)

    def is_over(self, seconds: float) -> bool:
        now = Time.now()
        passed = max(now.worked - self.worked, (now.clock - self.clock) / PATIENCE)
        return passed > seconds


@dataclass
class Phase:
    """What one phase took, as far as it got."""

    epochs: int
    """How many its authors ran."""
    steps_an_epoch: int
    step_seconds: list[float] = field(default_factory=list)
    checks: int = 0
    check_seconds: float = 0.0
    whole_epochs: list[float] = field(default_factory=list)
    """Seconds of each, with its validation."""
    accuracies: list[float] = field(default_factory=list)

    @property
    def seconds_an_epoch(self) -> float:
        """Of the fastest whole epoch; before there is one, of the faster half of the steps."""
        faster = sorted(self.step_seconds)[: max(1, len(self.step_seconds) // 2)]
        mean = math.fsum(faster) / max(len(faster), 1)
        checking = self.check_seconds / max(self.checks, 1)
        return min(self.whole_epochs, default=mean * self.steps_an_epoch + checking)

    def as_json(self) -> dict[str, Any]:
        return {
            "seconds_an_epoch": round(self.seconds_an_epoch, 1),
            "seconds_of_whole_epochs": [round(seconds, 1) for seconds in self.whole_epochs],
            "epochs_timed": round(len(self.step_seconds) / self.steps_an_epoch, 2),
            "epochs_of_the_recipe": self.epochs,
            "validation_accuracy": self.accuracies,
        }


def clock(phase: Phase, seconds: float) -> Any:
    """Times every step but the first, which builds the graph, and every whole epoch; stops the fit
    when the seconds are over."""
    import keras

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        start = Time.now()
        began = epoch_began = 0.0
        first = True
        cut_short = False

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch_began = time.perf_counter()

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.began = self.began or time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            now = time.perf_counter()
            if not self.first:
                phase.step_seconds.append(now - self.began)
            self.first, self.began = False, now
            if phase.step_seconds and self.start.is_over(seconds):
                self.cut_short = batch + 1 < phase.steps_an_epoch
                self.model.stop_training = True

        def on_test_begin(self, logs: Any = None) -> None:
            self.checking = time.perf_counter()

        def on_test_end(self, logs: Any = None) -> None:
            phase.checks += 1
            phase.check_seconds += time.perf_counter() - self.checking

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.began = 0.0
            if not self.cut_short:
                phase.whole_epochs.append(time.perf_counter() - self.epoch_began)
            phase.accuracies.append(float((logs or {}).get("val_accuracy", 0.0)))

    return Clock()


class SeedRecipe:
    """The old training script, with a clock."""

    def __init__(self, photos: Path, weights: Path, folder: Path) -> None:
        import tensorflow as tf

        generator = tf.keras.preprocessing.image.ImageDataGenerator(rescale=1.0 / 255)
        self.data = {
            split: generator.flow_from_directory(
                str(photos / split),
                target_size=(SIDE, SIDE),
                batch_size=BATCH,
                class_mode="categorical",
                classes=sorted(path.name for path in (photos / "train").iterdir()),
                shuffle=split == "train",
                seed=0,
            )
            for split in SPLITS
        }
        self.folder = folder
        self.best = folder / "best.weights.h5"
        tf.keras.utils.set_random_seed(0)
        self.base = tf.keras.applications.ResNet50(
            weights=str(weights), include_top=False, input_shape=(SIDE, SIDE, 3)
        )
        layers = tf.keras.layers
        hidden = layers.GlobalAveragePooling2D()(self.base.output)
        hidden = layers.Dropout(0.5)(layers.Dense(1024, activation="relu")(hidden))
        answer = layers.Dense(self.data["train"].num_classes, activation="softmax")(hidden)
        self.model = tf.keras.Model(self.base.input, answer)

    def run(self, minutes: float) -> tuple[Phase, Phase, float]:
        """Both phases, as far as they get, and the accuracy on the test photos."""
        seconds = 60 * minutes
        self.base.trainable = False
        frozen = self._fit(FROZEN_EPOCHS, 1e-3, FROZEN_SHARE * seconds)
        self.model.load_weights(self.best)
        self.base.trainable = True
        unfrozen = self._fit(UNFROZEN_EPOCHS, 1e-5, (1 - FROZEN_SHARE) * seconds)
        self.model.load_weights(self.best)
        return frozen, unfrozen, self._accuracy()

    def _fit(self, epochs: int, learning_rate: float, seconds: float) -> Phase:
        from keras import callbacks, optimizers

        phase = Phase(epochs, len(self.data["train"]))
        self.model.compile(
            optimizer=optimizers.Adam(learning_rate),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
        self.model.fit(
            self.data["train"],
            validation_data=self.data["validation"],
            epochs=epochs,
            callbacks=[
                callbacks.EarlyStopping(monitor="val_loss", patience=10),
                callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=5),
                callbacks.ModelCheckpoint(
                    self.best, monitor="val_loss", save_best_only=True, save_weights_only=True
                ),
                callbacks.TensorBoard(self.folder / "logs"),
                clock(phase, seconds),
            ],
            verbose=0,
        )
        return phase

    def _accuracy(self) -> float:
        test = self.data["test"]
        right = 0
        for _ in range(len(test)):
            pixels, labels = next(test)
            answers = self.model.predict_on_batch(pixels)
            right += int((answers.argmax(axis=1) == labels.argmax(axis=1)).sum())
        return right / int(test.samples)


def seconds_of(steps: list[Step], command: str) -> float:
    return sum(step.seconds for step in steps if step.command.startswith(command))


def report(
    phases: tuple[Phase, Phase], accuracy: float, steps: list[Step], rows: list[dict[str, Any]]
) -> dict[str, Any]:
    seed_seconds = sum(phase.epochs * phase.seconds_an_epoch for phase in phases)
    head, count = rows[0], rows[0]["images_test"]
    importing = seconds_of(steps, "import_images")
    return {
        "speedup": seed_seconds / head["train_seconds"],
        "speedup_with_import": seed_seconds / (head["train_seconds"] + importing),
        "accuracy_ours": head["accuracy"],
        "accuracy_ours_95": head["accuracy_95"],
        "accuracy_seed": accuracy,
        "accuracy_seed_95": wilson(accuracy * count, count),
        "images_test": count,
        "seconds_ours": head["train_seconds"],
        "seconds_import": importing,
        "seconds_seed_extrapolated": seed_seconds,
        "seed_frozen": phases[0].as_json(),
        "seed_unfrozen": phases[1].as_json(),
        "ours": rows,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--images", type=int, default=0, help="about so many photos; 0 for all")
    parser.add_argument("--weights", default="starter")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for the old recipe")
    parser.add_argument("--full", action="store_true", help="our full mode beside the head mode")
    parser.add_argument("--quick", action="store_true", help="100 photos, seconds of each phase")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.photos / "train").is_dir():
        print(f"{options.photos} has no train/ folder; name one with --photos.", file=sys.stderr)
        return 1
    limit = QUICK_IMAGES if options.quick else options.images
    minutes = min(options.minutes, QUICK_MINUTES) if options.quick else options.minutes
    modes = ["head", "full"] if options.full else ["head"]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        photos = sample(options.photos, limit, Path(folder) / "photos") if limit else options.photos
        steps = measure(photos, weights=options.weights, modes=modes)
        frozen, unfrozen, accuracy = _seed(photos, options.weights, Path(folder), minutes)
    result = report((frozen, unfrozen), accuracy, steps, summary(steps))
    _print(result)
    if options.json:
        settings = {"weights": options.weights, "minutes": minutes, "images": limit or "all"}
        settings |= {"side": SIDE, "batch": BATCH, "import": "left out for both"}
        print(json.dumps({"settings": settings} | result))
    return 0


def _seed(photos: Path, weights: str, folder: Path, minutes: float) -> tuple[Phase, Phase, float]:
    from classifier.weights import resolve

    return SeedRecipe(photos, resolve(weights).path, folder).run(minutes)


def _print(result: dict[str, Any]) -> None:
    for name, kind in (("seed_frozen", "frozen"), ("seed_unfrozen", "unfrozen")):
        phase = result[name]
        print(
            f"old recipe, base {kind}: {phase['seconds_an_epoch']:.1f} s an epoch "
            f"({phase['epochs_timed']} epochs timed) × {phase['epochs_of_the_recipe']}"
        )
    low, high = result["accuracy_seed_95"]
    hours = result["seconds_seed_extrapolated"] / 3600
    timed = math.fsum(result[name]["epochs_timed"] for name in ("seed_frozen", "seed_unfrozen"))
    print(
        f"old recipe: {hours:.2f} h (extrapolated), accuracy {result['accuracy_seed']:.3f} "
        f"[{low:.3f}, {high:.3f}] after {timed:.1f} epochs"
    )
    for row in result["ours"]:
        low, high = row["accuracy_95"]
        print(
            f"ours, {row['mode']}: {row['train_seconds']:.1f} s, accuracy {row['accuracy']:.3f} "
            f"[{low:.3f}, {high:.3f}] on {row['images_test']} test photos"
        )
    print(
        f"{result['speedup']:.0f} times faster to a live model "
        f"({result['speedup_with_import']:.0f} with our import, {result['seconds_import']:.0f} s)"
    )


if __name__ == "__main__":
    raise SystemExit(main())
