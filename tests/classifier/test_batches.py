"""Photos become batches; an unreadable one is named and left out, never fatal."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np

from classifier.dataset import PhotoBatches, Skipped, ahead, sample_weights
from classifier.recipe import Recipe
from tests.classifier.factories import write_catalog

RECIPE = Recipe(fine_tune_batch_size=4, rotation=0, shift=0, shear=0, zoom=0, flip=False)


def pairs(folder: Path, counts: dict[str, int]) -> list[tuple[Path, int]]:
    paths, labels = write_catalog(folder, counts)
    columns = {slug: column for column, slug in enumerate(counts)}
    return [(path, columns[label]) for path, label in zip(paths, labels, strict=True)]


def test_every_photo_comes_once_an_epoch_with_its_own_label(tmp_path: Path) -> None:
    photos = pairs(tmp_path, {"red-hats": 6, "blue-hats": 5})
    batches = PhotoBatches.of(photos, 2, 32, RECIPE, Skipped(), training=True)
    images, targets = [], []
    for pixels, columns, _ in batches():
        images.extend(pixels)
        targets.extend(columns.argmax(axis=1))
    assert len(images) == 11
    assert all(
        (image[..., 2].mean() > 128) == column
        for image, column in zip(images, targets, strict=True)
    )


def test_each_epoch_has_an_order_of_its_own_and_a_rerun_repeats_it(tmp_path: Path) -> None:
    photos = pairs(tmp_path, {"red-hats": 6, "blue-hats": 6})

    def order(epoch: int) -> list[int]:
        batches = PhotoBatches.of(photos, 2, 32, RECIPE, Skipped(), training=True)
        batches.epoch = epoch
        return [int(c) for _, t, _ in batches() for c in t.argmax(axis=1)]

    assert [order(0), order(1)] == [order(0), order(1)]
    assert order(0) != order(1) or order(1) != order(2)


def test_a_corrupt_photo_is_named_and_weighs_nothing(tmp_path: Path) -> None:
    photos = pairs(tmp_path, {"red-hats": 3, "blue-hats": 3})
    corrupt = tmp_path / "red-hats" / "1.png"
    corrupt.write_bytes(corrupt.read_bytes()[:60])
    skipped = Skipped()
    batches = PhotoBatches.of(photos, 2, 32, RECIPE, skipped, training=True)
    for _ in range(2):
        weights = np.concatenate([w for _, _, w in batches()])
        assert np.count_nonzero(weights == 0) == 1
    assert list(skipped.reasons) == [corrupt]
    assert "damaged" in skipped.reasons[corrupt]


def test_balanced_weights_give_every_class_the_same_say() -> None:
    labels = np.array([0] * 9 + [2] * 3)
    weights = sample_weights(labels, "balanced")
    assert np.isclose(weights[labels == 0].sum(), weights[labels == 2].sum())
    assert np.isclose(weights.mean(), 1)


def test_weights_can_be_turned_off() -> None:
    assert (sample_weights(np.array([0, 0, 1]), "none") == 1).all()


def test_decoding_runs_ahead_only_as_far_as_its_window() -> None:
    started: list[int] = []
    lock = threading.Lock()

    def work(item: int) -> int:
        with lock:
            started.append(item)
        return item * 2

    results = ahead(work, range(100), window=5)
    assert next(results) == 0
    time.sleep(0.05)
    assert len(started) <= 6
    assert list(results) == [item * 2 for item in range(1, 100)]
