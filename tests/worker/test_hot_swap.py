"""A worker follows the live pointer without a restart, and keeps what it has when it must."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from catalog import golive
from catalog.models import (
    Category,
    Embedding,
    MachineState,
    ModelVersion,
    Prediction,
    ProductImage,
    Serving,
    WorkerStatus,
)
from tests import factories
from worker import live
from worker.classify import Classifying
from worker.live import Loaded

from . import pictures
from .conftest import Stored

pytestmark = pytest.mark.django_db


def spoil(models_dir: Path, stored: Stored) -> str:
    """A copy of the stored version with one byte changed; its directory."""
    directory = "versions/spoilt"
    shutil.copytree(stored.root / stored.directory, models_dir / directory)
    weights = models_dir / directory / "head.weights.h5"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    return directory


def test_the_next_batch_is_answered_by_the_version_that_went_live(
    live_version: ModelVersion, make_version: Callable[..., ModelVersion], worker: Classifying
) -> None:
    merchant = factories.merchant()
    first = pictures.add(merchant, "cups", 900)
    worker.step()
    second_version = make_version()
    golive.promote(second_version, reason="Better.")
    second = pictures.add(merchant, "cups", 901)

    worker.step()
    worker.step()

    first.refresh_from_db()
    second.refresh_from_db()
    # What the old version answered last is answered again, after the upload.
    assert (second.version, first.version) == (second_version, second_version)
    assert WorkerStatus.objects.get().version == second_version


def test_a_damaged_version_leaves_the_one_before_in_service(
    live_version: ModelVersion,
    make_version: Callable[..., ModelVersion],
    worker: Classifying,
    models_dir: Path,
    stored_model: Stored,
    tints: dict[str, Category],
) -> None:
    worker.step()
    damaged = make_version(directory=spoil(models_dir, stored_model))
    golive.promote(damaged, reason="Better, it seemed.")
    image = pictures.add(factories.merchant(), "cups", 902)

    worker.drain()

    image.refresh_from_db()
    assert (image.predicted, image.version) == (tints["cups"], live_version)
    status = WorkerStatus.objects.get()
    assert status.version == live_version
    assert "missing or damaged" in status.error


@pytest.mark.parametrize("error", [RuntimeError("Not enough memory on the device"), MemoryError()])
def test_a_version_the_engine_breaks_on_leaves_the_one_before_in_service(
    live_version: ModelVersion,
    make_version: Callable[..., ModelVersion],
    worker: Classifying,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    from classifier.engines.keras import Classifier

    def break_down(_classifier: Classifier) -> None:
        raise error

    merchant = factories.merchant()
    before = pictures.add(merchant, "cups", 906)
    worker.drain()
    newer = make_version()
    golive.promote(newer, reason="Better, it seemed.")
    image = pictures.add(merchant, "cups", 907)
    with monkeypatch.context() as engine:
        engine.setattr(Classifier, "warm", break_down)
        worker.drain()
        worker.drain()

    image.refresh_from_db()
    assert image.version == live_version
    status = WorkerStatus.objects.get()
    assert status.version == live_version
    assert f"Version {newer.pk} cannot be loaded: {type(error).__name__}" in status.error
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.0)
    worker.drain()
    before.refresh_from_db()
    image.refresh_from_db()
    assert (before.version, image.version) == (newer, newer)


def test_what_a_stand_in_answered_is_answered_again_once_the_live_version_loads(
    live_version: ModelVersion,
    make_version: Callable[..., ModelVersion],
    worker: Classifying,
    models_dir: Path,
    stored_model: Stored,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker.step()
    damaged = make_version(directory=spoil(models_dir, stored_model))
    golive.promote(damaged, reason="Better, it seemed.")
    image = pictures.add(factories.merchant(), "cups", 903)
    worker.drain()
    shutil.rmtree(models_dir / damaged.directory)
    shutil.copytree(stored_model.root / stored_model.directory, models_dir / damaged.directory)

    monkeypatch.setattr(live, "RETRY_SECONDS", 0.0)
    worker.drain()

    image.refresh_from_db()
    assert image.version == damaged
    assert WorkerStatus.objects.get().error == ""


def test_what_a_stand_in_answered_is_answered_again_after_a_restart(
    live_version: ModelVersion,
    make_version: Callable[..., ModelVersion],
    worker: Classifying,
    models_dir: Path,
    stored_model: Stored,
) -> None:
    worker.step()
    damaged = make_version(directory=spoil(models_dir, stored_model))
    golive.promote(damaged, reason="Better, it seemed.")
    image = pictures.add(factories.merchant(), "cups", 908)
    worker.drain()
    shutil.rmtree(models_dir / damaged.directory)
    shutil.copytree(stored_model.root / stored_model.directory, models_dir / damaged.directory)

    restarted = Classifying("classify@test", "classify@test:2")
    restarted.live.loaded = Loaded(ModelVersion(pk=0), stored_model.classifier)
    restarted.drain()

    image.refresh_from_db()
    assert image.version == damaged


def test_a_first_version_that_cannot_be_loaded_claims_nothing(
    make_version: Callable[..., ModelVersion], fresh_worker: Classifying, models_dir: Path
) -> None:
    version = make_version()
    golive.promote(version, reason="The first.")
    (models_dir / version.directory).unlink()
    image = pictures.add(factories.merchant(), "cups", 904)

    assert fresh_worker.drain() == 0

    image.refresh_from_db()
    assert (image.machine, image.attempts) == (MachineState.PENDING, 0)
    status = WorkerStatus.objects.get()
    assert status.version is None
    assert "missing" in status.error


def test_a_rollback_is_followed_too(
    live_version: ModelVersion, make_version: Callable[..., ModelVersion], worker: Classifying
) -> None:
    worker.step()
    golive.promote(make_version(), reason="Better.")
    worker.step()
    golive.rollback(by=None)
    image = pictures.add(factories.merchant(), "cups", 905)

    worker.drain()

    image.refresh_from_db()
    assert image.version == live_version
    assert ProductImage.objects.filter(machine=MachineState.PENDING).count() == 0


def test_a_version_removed_while_it_was_loading_is_no_error(
    live_version: ModelVersion, worker: Classifying, monkeypatch: pytest.MonkeyPatch
) -> None:
    from classifier import store

    reopen = store.open_version

    def open_slowly(*args: Any, **kwargs: Any) -> Any:
        Serving.objects.update(live=None)
        ModelVersion.objects.all().delete()
        return reopen(*args, **kwargs)

    monkeypatch.setattr(store, "open_version", open_slowly)

    worker.drain()

    assert WorkerStatus.objects.get().version is None


def other_version(
    number: int, stored: Stored, models_dir: Path, make: Callable[..., ModelVersion]
) -> ModelVersion:
    """A version with a head of its own on the session's backbone."""
    from classifier import store
    from classifier.network import build_head
    from classifier.recipe import Recipe

    directory = store.save_version(
        models_dir,
        f"other-{number}",
        head=build_head(len(stored.classes), units=8, dropout=0.0),
        backbone_sha256=stored.sha256,
        classes=list(stored.classes),
        temperature=1.0 + number,
        recipe=Recipe(),
        metrics={},
        fingerprint="",
    )
    version = make(directory=directory)
    ModelVersion.objects.filter(pk=version.pk).update(temperature=1.0 + number)
    return version


@pytest.mark.django_db(transaction=True)
def test_every_answer_is_its_recorded_versions_answer_through_swaps(
    live_version: ModelVersion,
    make_version: Callable[..., ModelVersion],
    worker: Classifying,
    models_dir: Path,
    stored_model: Stored,
    settings: Settings,
) -> None:
    from classifier import store

    settings.CLASSIFY_BATCH = 3
    merchant = factories.merchant()
    for number in range(20):
        for slug in pictures.TINTS:
            pictures.add(merchant, slug, 910 + number)
    versions = [live_version]
    versions += [other_version(n, stored_model, models_dir, make_version) for n in range(2)]
    over = threading.Event()

    def keep_swapping() -> None:
        place = 0
        while not over.wait(0.05):
            place = (place + 1) % len(versions)
            golive.promote(versions[place], reason="The turn of this one.")
        connection.close()

    swapper = threading.Thread(target=keep_swapping)
    swapper.start()
    try:
        for _ in range(4):
            worker.drain(seconds=0.5)
    finally:
        over.set()
        swapper.join()
    worker.drain()

    opened = {
        version.pk: store.open_version(
            models_dir, version.directory, embedder=stored_model.classifier.embedder
        )
        for version in versions
    }
    predictions = Prediction.objects.select_related("image", "category")
    assert len({prediction.version_id for prediction in predictions}) > 1
    for prediction in predictions:
        vector = Embedding.objects.get(image=prediction.image).vector
        embedding = np.frombuffer(vector, "<f2")[np.newaxis]
        row = opened[prediction.version_id].predict_embeddings(embedding)[0]
        best = int(row.argmax())
        assert stored_model.classes[best] == prediction.category.slug
        assert prediction.confidence == pytest.approx(float(row[best]), abs=1e-5)
    assert ProductImage.objects.exclude(machine=MachineState.CLASSIFIED).count() == 0
    live = Serving.current().live
    assert set(ProductImage.objects.values_list("version", flat=True)) == {live and live.pk}
