"""A worker follows the live pointer without a restart, and keeps what it has when it must."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalog import golive
from catalog.models import (
    Category,
    MachineState,
    ModelVersion,
    ProductImage,
    Serving,
    WorkerStatus,
)
from tests import factories
from worker.classify import Classifying

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

    first.refresh_from_db()
    second.refresh_from_db()
    # What the old version answered last is answered again at once.
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


def test_what_a_stand_in_answered_is_answered_again_once_the_live_version_loads(
    live_version: ModelVersion,
    make_version: Callable[..., ModelVersion],
    worker: Classifying,
    models_dir: Path,
    stored_model: Stored,
) -> None:
    worker.step()
    damaged = make_version(directory=spoil(models_dir, stored_model))
    golive.promote(damaged, reason="Better, it seemed.")
    image = pictures.add(factories.merchant(), "cups", 903)
    worker.drain()
    shutil.rmtree(models_dir / damaged.directory)
    shutil.copytree(stored_model.root / stored_model.directory, models_dir / damaged.directory)

    worker.live.try_again()
    worker.drain()

    image.refresh_from_db()
    assert image.version == damaged
    assert WorkerStatus.objects.get().error == ""


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
