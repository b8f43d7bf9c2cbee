"""One small random network and one whole run for all tests here: each takes seconds to make."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.engines.keras import Embedder
from classifier.network import Backbone, build_backbone, identified
from classifier.recipe import Recipe
from classifier.run import LabelledPhotos, Trained, train
from tests.classifier.factories import write_catalog

RECIPE = Recipe(
    views=1,
    head_units=32,
    head_epochs=30,
    head_batch_size=8,
    head_learning_rate=1e-3,
    fine_tune_epochs=1,
    fine_tune_batch_size=8,
    fine_tune_from="conv5_block3",
)


@pytest.fixture(scope="session")
def backbone() -> Backbone:
    """Random weights at 32 px. Tests leave it as it is."""
    import keras

    keras.utils.set_random_seed(1)
    return identified(build_backbone(None, 32), 32, "random")


@pytest.fixture(scope="session")
def embedder(backbone: Backbone) -> Embedder:
    return Embedder(backbone)


@pytest.fixture(scope="session")
def trained(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A full run on photos of two categories; the first training photo is an empty file, and one
    test photo is of a category that training does not have."""
    folder = tmp_path_factory.mktemp("photos")
    photos = {
        "train": _split(folder / "train", {"red-hats": 9, "blue-hats": 8}, seed=1),
        "validation": _split(folder / "validation", {"red-hats": 4, "blue-hats": 4}, seed=2),
        "test": _split(folder / "test", {"red-hats": 4, "blue-hats": 3, "green-hats": 1}, seed=3),
    }
    photos["train"].paths[0].write_bytes(b"")
    return train(photos, backbone=backbone, recipe=RECIPE, full=True, cache_dir=folder / "cache")


def _split(folder: Path, counts: dict[str, int], *, seed: int) -> LabelledPhotos:
    paths, labels = write_catalog(folder, counts, seed=seed)
    return LabelledPhotos(paths, labels)
