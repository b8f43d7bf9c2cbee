"""Which model files stay on disk."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone
from pytest_django import Settings

from catalog.models import Embedding, ModelVersion, RunState, Serving, VersionState
from tests import factories
from worker import embeddings
from worker.retention import KEPT, prune

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(settings: Settings, tmp_path: Path) -> Path:
    settings.MODELS_DIR, settings.RUNS_DIR = tmp_path, tmp_path / "runs"
    return tmp_path


def stored(
    root: Path, *, state: VersionState = VersionState.RETIRED, pinned: bool = False
) -> ModelVersion:
    """A version, its backbone and their directories, older than any run that could write them."""
    version = factories.version(state=state, pinned=pinned)
    for directory in (version.directory, version.backbone.directory):
        folder(root / directory)
    return version


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))
    return path


def test_live_previous_pinned_and_the_last_five_stay(root: Path) -> None:
    live = stored(root, state=VersionState.LIVE)
    previous = stored(root)
    Serving.objects.update(previous=previous)
    pinned = stored(root, pinned=True)
    old = stored(root)
    newest = [stored(root) for _ in range(KEPT)]

    prune()

    present = set(ModelVersion.objects.filter(files_present=True))
    assert present == {live, previous, pinned, *newest}
    assert all((root / v.directory).is_dir() for v in present)
    assert not (root / old.directory).exists()
    assert not (root / old.backbone.directory).exists()
    assert ModelVersion.objects.filter(pk=old.pk).exists()


def test_the_version_a_person_put_live_last_stays(root: Path) -> None:
    earlier, last = stored(root), stored(root)
    put_live_by_hand(earlier, days_ago=9)
    put_live_by_hand(last, days_ago=8)
    never_live = stored(root)
    ModelVersion.objects.filter(pk=never_live.pk).update(approved_by_hand=True)
    live = stored(root, state=VersionState.LIVE)
    newest = [stored(root) for _ in range(KEPT)]

    prune()

    assert set(ModelVersion.objects.filter(files_present=True)) == {last, live, *newest}
    assert (root / last.directory).is_dir()
    assert (root / last.backbone.directory).is_dir()


def put_live_by_hand(version: ModelVersion, *, days_ago: int) -> None:
    when = timezone.now() - timedelta(days=days_ago)
    ModelVersion.objects.filter(pk=version.pk).update(approved_by_hand=True, promoted_at=when)


def test_a_directory_that_no_row_names_goes_once_it_is_old(root: Path) -> None:
    forgotten = folder(root / "versions/forgotten")
    fresh = root / "versions/being-written"
    fresh.mkdir()

    prune()

    assert not forgotten.exists()
    assert fresh.exists()


def test_nothing_is_deleted_while_a_run_is_active(root: Path) -> None:
    forgotten = folder(root / "versions/forgotten")
    factories.run(state=RunState.RUNNING)

    prune()

    assert forgotten.exists()


def test_embeddings_of_a_backbone_without_versions_go(root: Path) -> None:
    kept = stored(root, state=VersionState.LIVE).backbone
    gone = factories.backbone()
    image = factories.image(stored=False)
    for backbone in (kept, gone):
        embeddings.store(backbone, [image.pk], np.zeros((1, 2048), np.float16))

    prune()

    assert Embedding.objects.get().backbone == kept


def test_training_logs_of_removed_runs_go(root: Path) -> None:
    run = factories.run(state=RunState.SUCCEEDED)
    known, gone = (folder(root / "runs/tensorboard" / name) for name in (str(run.pk), "987654"))

    prune()

    assert known.exists()
    assert not gone.exists()
