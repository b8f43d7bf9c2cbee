"""One small real network for the session: ResNet50 at 32 pixels from the starter weights, with a
head for three tints. Tests see copies of rows, the same files, and one model in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pytest_django.fixtures import Settings

from catalog.models import (
    Backbone,
    Category,
    Merchant,
    ModelVersion,
    Split,
    VersionState,
)
from tests import factories
from worker import process
from worker.classify import Classifying
from worker.live import Loaded

from . import pictures

if TYPE_CHECKING:
    from classifier.engines.keras import Classifier

SIZE = 32
RECIPE = [f"image_size={SIZE}", "views=1", "head_units=32", "head_epochs=12", "dropout=0.2"]


@dataclass(frozen=True)
class Stored:
    """The session's model on disk and in memory."""

    root: Path
    cache: Path
    sha256: str
    backbone: str
    directory: str
    classes: tuple[str, ...]
    classifier: Classifier


@pytest.fixture(scope="session")
def stored_model(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """Trained by the classifier on the pictures of this package, once."""
    from classifier import network, store, weights
    from classifier.engines.keras import Embedder
    from classifier.features import extract_features
    from classifier.recipe import Recipe
    from classifier.training import train_head

    recipe = Recipe().with_overrides(RECIPE)
    root, cache = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("features")
    backbone = network.load_backbone(weights.resolve("starter"), image_size=SIZE)
    embedder = Embedder(backbone)
    classes = tuple(sorted(pictures.TINTS))
    paths = pictures.write_all(tmp_path_factory.mktemp("photos"))
    kept = {
        split: extract_features(
            embedder,
            paths[split],
            recipe=recipe,
            views=recipe.views if split == Split.TRAIN else 0,
            cache_dir=cache,
        )
        for split in Split
        if split
    }
    columns = np.array([classes.index(path.name.partition("-")[0]) for path in paths[Split.TRAIN]])
    trained = train_head(
        kept[Split.TRAIN], columns, classes=len(classes), validation=None, recipe=recipe
    )
    info = store.save_backbone(root, backbone)
    directory = store.save_version(
        root,
        "first",
        head=trained.head,
        backbone_sha256=info.sha256,
        classes=list(classes),
        temperature=1.0,
        recipe=recipe,
        metrics={},
        fingerprint="",
    )
    classifier = store.open_version(root, directory, embedder=embedder)
    return Stored(root, cache, info.sha256, info.directory, directory, classes, classifier)


@pytest.fixture
def models_dir(stored_model: Stored, settings: Settings, tmp_path: Path) -> Path:
    """A MODELS_DIR of the test's own, in which the session's files can be seen."""
    settings.MODELS_DIR, settings.RUNS_DIR = tmp_path / "models", tmp_path / "runs"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.RUN_LEASE_SECONDS = 3600  # the lease's thread cannot see into the test's transaction
    for directory in (stored_model.backbone, stored_model.directory):
        link = settings.MODELS_DIR / directory
        link.parent.mkdir(parents=True)
        link.symlink_to(stored_model.root / directory)
    settings.RUNS_DIR.mkdir()
    (settings.RUNS_DIR / "features").symlink_to(stored_model.cache)
    return tmp_path / "models"


@pytest.fixture
def tints(db: None) -> dict[str, Category]:
    """The three categories the session's model knows."""
    return {slug: factories.category(slug.capitalize()) for slug in pictures.TINTS}


@pytest.fixture
def make_version(
    stored_model: Stored, models_dir: Path, tints: dict[str, Category]
) -> Callable[..., ModelVersion]:
    """`make_version(state=…, directory=…)`: a row for the session's model."""

    def make(state: VersionState = VersionState.CANDIDATE, directory: str = "") -> ModelVersion:
        backbone, _ = Backbone.objects.get_or_create(
            sha256=stored_model.sha256,
            defaults={
                "directory": stored_model.backbone, "source": "starter", "image_size": SIZE,
            },
        )  # fmt: skip
        return factories.version(
            state=state,
            classes=list(stored_model.classes),
            backbone=backbone,
            directory=directory or stored_model.directory,
        )

    return make


@pytest.fixture
def live_version(make_version: Callable[..., ModelVersion]) -> ModelVersion:
    return make_version(VersionState.LIVE)


@pytest.fixture
def worker(stored_model: Stored, models_dir: Path) -> Classifying:
    """A worker in whose memory the backbone is already, as after an earlier version."""
    classifying = Classifying("classify@test", "classify@test:1")
    classifying.live.loaded = Loaded(ModelVersion(pk=0), stored_model.classifier)
    return classifying


@pytest.fixture
def fresh_worker(models_dir: Path) -> Classifying:
    """A worker that has just started."""
    return Classifying("classify@test", "classify@test:1")


@pytest.fixture
def backbone_in_memory(stored_model: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that begin from the session's backbone take the one that is loaded: the same weights,
    seconds sooner. One test of each way reads them from disk."""
    from classifier import network, store
    from classifier.weights import Weights

    backbone = stored_model.classifier.embedder.backbone
    load, reopen = network.load_backbone, store.open_backbone

    def load_once(weights: Weights, *, image_size: int | None = None) -> network.Backbone:
        return backbone if image_size == SIZE else load(weights, image_size=image_size)

    def open_once(root: Path, sha256: str) -> network.Backbone:
        return backbone if sha256 == backbone.sha256 else reopen(root, sha256)

    monkeypatch.setattr(network, "load_backbone", load_once)
    monkeypatch.setattr(store, "open_backbone", open_once)


@pytest.fixture
def labelled(models_dir: Path, tints: dict[str, Category]) -> Merchant:
    """The photos the session's model was trained on, labelled and split as it knew them."""
    merchant = factories.merchant("Imported")
    pictures.label_all(merchant, tints)
    return merchant


@pytest.fixture
def labels_only(models_dir: Path, tints: dict[str, Category]) -> Merchant:
    """As many labels, on rows without photos."""
    merchant = factories.merchant("Imported")
    pictures.label_rows(merchant, tints)
    return merchant


@pytest.fixture(autouse=True)
def not_stopping() -> Iterator[None]:
    yield
    process.stopping.clear()
