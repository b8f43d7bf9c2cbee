"""Whether an option of the recipe earns its place: heads trained with one option changed at a time,
over three seeds on cached embeddings; the image size with one seed, since each size has embeddings
of its own, and so fine-tuning, by whole full runs of a few epochs. Reported on the validation
photos. The test photos are not read.

    python -m benchmarks.ablation [--json] [--photos DIR] [--images N] [--quick]
        [--groups NAME ...] [--seeds N] [--cache DIR] [--weights W]

Besides, a head trained on four fifths of the training photos is judged on the fifth it left out and
on the validation photos. Weights that were trained on the training photos themselves are better on
the former, and then fine-tuning on them has little to find.

DIR holds train/ and validation/, each with one folder per category. Embeddings are computed once
and stay in --cache. Label smoothing, width and class weights are compared on the photos as
they are, the numbers of views with the default of everything else. Whole photos are stretched to a
square, as the network would see them if nothing was cut off; photos decoded whole have all their
pixels averaged, without the short cut for ordinary JPEGs."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from .real_photos import PHOTOS, sample

if TYPE_CHECKING:
    from classifier.features import Features
    from classifier.recipe import Recipe

SEEDS = 3
QUICK_IMAGES = 200
MOST_VIEWS = 4
SHAPE, DECODING, FINE_TUNING = "whole photos", "decoded whole", "fine-tuning"
GROUPS: dict[str, tuple[str, ...]] = {
    "label smoothing": ("label_smoothing=0.05", "label_smoothing=0.1"),
    "head width": ("head_units=256", "head_units=512", "head_units=2048"),
    "views": ("views=2", "views=4"),
    "image size": ("image_size=96", "image_size=128", "image_size=160"),
    "class weights": ("class_weights=none",),
    SHAPE: ("",),
    DECODING: ("",),
    FINE_TUNING: (
        "",
        "fine_tune_between=0",
        "fine_tune_learning_rate=1e-5 fine_tune_from=conv5_block1",
    ),
}
FINE_TUNE_EPOCHS = 5
FOLDS = 5
DEFAULTS = "defaults, no views"


@dataclass(frozen=True)
class Split:
    paths: list[Path]
    labels: list[str]
    keys: list[str]


@dataclass
class Bench:
    splits: dict[str, Split]
    weights: str
    cache: Path

    def __post_init__(self) -> None:
        self.classes = sorted(set(self.splits["train"].labels))

    def features(self, recipe: Recipe, views: int, read_as: str = "") -> dict[str, Features]:
        """Of the training photos with so many views, and of the validation photos; read as ever, or
        as SHAPE or DECODING say."""
        from classifier.engines.keras import Embedder
        from classifier.features import extract_features
        from classifier.network import load_backbone
        from classifier.weights import resolve

        backbone = load_backbone(resolve(self.weights), image_size=recipe.image_size)
        with _reading(read_as):
            return {
                name: extract_features(
                    Embedder(backbone),
                    split.paths,
                    recipe=recipe,
                    views=views if name == "train" else 0,
                    keys=split.keys,
                    cache_dir=self.cache / read_as,
                )
                for name, split in self.splits.items()
            }

    def columns(self, name: str, kept: Any) -> Any:
        labels = self.splits[name].labels
        return np.array([self.classes.index(labels[place]) for place in kept], np.int64)

    def trained(self, features: dict[str, Features], recipe: Recipe) -> dict[str, float]:
        """A head of this recipe, judged on the validation photos."""
        from classifier.evaluation import (
            accuracy,
            fit_temperature,
            macro_f1,
            negative_log_likelihood,
        )
        from classifier.training import head_logits, train_head

        began = time.process_time()
        wanted = self.columns("validation", features["validation"].kept)
        result = train_head(
            features["train"],
            self.columns("train", features["train"].kept),
            classes=len(self.classes),
            validation=(features["validation"].embeddings, wanted),
            recipe=recipe,
        )
        logits = head_logits(result.head, features["validation"].embeddings)
        predicted = [self.classes[column] for column in logits.argmax(axis=1)]
        labels = [self.classes[column] for column in wanted]
        calibrated = logits / fit_temperature(logits, wanted)
        return {
            "accuracy": accuracy(predicted, labels),
            "macro_f1": macro_f1(predicted, labels),
            "loss": negative_log_likelihood(calibrated, wanted),
            "epochs": len(result.history["loss"]),
            "processor_seconds": time.process_time() - began,
        }

    def fine_tuned(self, recipe: Recipe) -> dict[str, float]:
        """A full run of this recipe, judged on the validation photos."""
        from classifier.evaluation import negative_log_likelihood
        from classifier.network import load_backbone
        from classifier.run import LabelledPhotos, train
        from classifier.weights import resolve

        began = time.process_time()
        photos = {
            name: LabelledPhotos(split.paths, split.labels, split.keys)
            for name, split in self.splits.items()
        }
        backbone = load_backbone(resolve(self.weights), image_size=recipe.image_size)
        splits = photos | {"test": LabelledPhotos()}
        result = train(splits, backbone=backbone, recipe=recipe, full=True, cache_dir=self.cache)
        judged = result.judgements["validation"]
        wanted = self.columns("validation", judged.kept)
        return {
            "accuracy": judged.report["accuracy"],
            "macro_f1": judged.report["macro_f1"],
            "loss": negative_log_likelihood(np.log(judged.probabilities), wanted),
            "epochs": len(result.histories["fine-tune"]["loss"]),
            "processor_seconds": time.process_time() - began,
        }


def _reading(read_as: str) -> AbstractContextManager[Any]:
    from classifier import images

    if read_as == SHAPE:
        return mock.patch.object(images, "LEAST_KEPT", 1.0)
    if read_as == DECODING:
        return mock.patch.object(images, "_by_short_cut", return_value=None)
    return nullcontext()


def measure(bench: Bench, groups: list[str], seeds: int) -> Iterator[dict[str, Any]]:
    """A row for the defaults and one for each option."""
    from classifier.recipe import Recipe

    plain = bench.features(Recipe(), 0)
    viewed = bench.features(Recipe(), MOST_VIEWS) if "views" in groups else None
    yield _row("–", DEFAULTS, [bench.trained(plain, _seeded(Recipe(), n)) for n in range(seeds)])
    for group in groups:
        for option in GROUPS[group]:
            recipe = Recipe().with_overrides(option.split())
            if group == FINE_TUNING:
                recipe = replace(recipe, fine_tune_epochs=FINE_TUNE_EPOCHS)
                yield _row(group, option or group, [bench.fine_tuned(recipe)])
                continue
            found, tries = plain, seeds
            if group == "views" and viewed is not None:
                found = viewed | {"train": first_views(viewed["train"], recipe.views)}
            if group == "image size":
                found, tries = bench.features(recipe, 0), 1
            if group in (SHAPE, DECODING):
                found = bench.features(recipe, 0, group)
            draws = [bench.trained(found, _seeded(recipe, n)) for n in range(tries)]
            yield _row(group, option or group, draws)


def seen(bench: Bench, seeds: int) -> dict[str, float]:
    """Accuracy on training photos that the head has not seen, and on the validation photos."""
    from classifier.evaluation import accuracy
    from classifier.recipe import Recipe
    from classifier.training import head_logits, train_head

    features = bench.features(Recipe(), 0)
    train, checks = features["train"], features["validation"].embeddings
    columns = bench.columns("train", train.kept)
    wanted = bench.columns("validation", features["validation"].kept)
    found: dict[str, list[float]] = {"left_out": [], "validation": []}
    for seed in range(seeds):
        out = np.random.default_rng(seed).permutation(len(train)) % FOLDS == 0
        part = replace(train, places=train.places[~out], kept=train.kept[~out])
        head = train_head(
            part,
            columns[~out],
            classes=len(bench.classes),
            validation=(checks, wanted),
            recipe=_seeded(Recipe(), seed),
        ).head
        for name, embeddings, labels in (
            ("left_out", train.embeddings.only(out), columns[out]),
            ("validation", checks, wanted),
        ):
            predicted = head_logits(head, embeddings).argmax(axis=1)
            found[name].append(accuracy([str(c) for c in predicted], [str(c) for c in labels]))
    return {name: float(np.mean(values)) for name, values in found.items()}


def _seeded(recipe: Recipe, seed: int) -> Recipe:
    return replace(recipe, seed=seed)


def first_views(features: Features, views: int) -> Features:
    """The same with fewer of its views, in memory."""
    rows = features.rows[np.arange(features.rows.shape[0])[:, np.newaxis], np.arange(1 + views)]
    return replace(features, rows=rows)


def _row(group: str, option: str, draws: list[dict[str, float]]) -> dict[str, Any]:
    row: dict[str, Any] = {"group": group, "option": option, "seeds": len(draws)}
    for name in draws[0]:
        values = [draw[name] for draw in draws]
        row[name] = float(np.mean(values))
        row[f"{name}_spread"] = max(values) - min(values)
    return row


def read(photos: Path) -> dict[str, Split]:
    from classifier.weights import file_sha256

    found = {}
    for split in ("train", "validation"):
        paths = sorted(path for path in (photos / split).glob("*/*") if path.is_file())
        labels = [path.parent.name for path in paths]
        found[split] = Split(paths, labels, [file_sha256(path) for path in paths])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--images", type=int, default=0, help="about so many photos; 0 for all")
    parser.add_argument("--weights", default="starter")
    parser.add_argument("--groups", nargs="+", choices=list(GROUPS), default=list(GROUPS))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--cache", type=Path, help="where embeddings stay from run to run")
    parser.add_argument("--quick", action="store_true", help="200 photos, label smoothing, a seed")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.photos / "train").is_dir():
        print(f"{options.photos} has no train/ folder; name one with --photos.", file=sys.stderr)
        return 1
    limit = QUICK_IMAGES if options.quick else options.images
    groups = ["label smoothing"] if options.quick else options.groups
    seeds = 1 if options.quick else options.seeds
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        photos = sample(options.photos, limit, Path(folder)) if limit else options.photos
        bench = Bench(read(photos), options.weights, options.cache or Path(folder) / "cache")
        for row in measure(bench, groups, seeds):
            rows.append(row)
            print(
                f"{row['option']:<24} accuracy {row['accuracy']:.3f} ± {_half(row, 'accuracy')}, "
                f"macro-F1 {row['macro_f1']:.3f} ± {_half(row, 'macro_f1')}, "
                f"loss {row['loss']:.3f} ± {_half(row, 'loss')}, {row['epochs']:.0f} epochs, "
                f"{row['processor_seconds']:.0f} s of processor time, {row['seeds']} seeds",
                flush=True,
            )
        known = None if options.quick else seen(bench, seeds)
        if known:
            print(
                f"training photos the head has not seen: {known['left_out']:.3f} right, "
                f"validation photos: {known['validation']:.3f}"
            )
    if options.json:
        settings = {"weights": options.weights, "images": limit or "all", "seeds": seeds}
        settings |= {"images_validation": len(bench.splits["validation"].paths)}
        print(json.dumps({"settings": settings, "rows": rows, "seen": known}))
    return 0


def _half(row: dict[str, Any], name: str) -> str:
    """Half of what lies between the lowest and the highest seed."""
    return f"{row[f'{name}_spread'] / 2:.3f}"


if __name__ == "__main__":
    raise SystemExit(main())
