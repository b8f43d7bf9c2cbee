"""Which engine a worker serves with, and what it does about one that cannot be had."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from catalog import golive, runs
from catalog.models import (
    Backbone,
    Category,
    MachineState,
    Merchant,
    ModelVersion,
    RunMode,
    RunState,
    RunTrigger,
    Split,
    WorkerStatus,
)
from tests import factories
from worker import train
from worker.classify import Classifying

from . import pictures
from .conftest import RECIPE, Stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_backbone(models_dir: Path, stored_model: Stored) -> Path:
    """The session's backbone in a folder of the test's own, without an export."""
    folder = models_dir / stored_model.backbone
    folder.unlink()
    folder.mkdir()
    for name in ("backbone.weights.h5", "manifest.json"):
        (folder / name).symlink_to(stored_model.root / stored_model.backbone / name)
    return folder


def test_a_backbone_that_was_never_exported_is_served_by_keras(
    live_version: ModelVersion, worker: Classifying, own_backbone: Path, settings: Settings
) -> None:
    settings.CLASSIFIER_ENGINE = "openvino"
    image = pictures.add(factories.merchant(), "cups", 950)

    worker.drain()

    image.refresh_from_db()
    assert image.version == live_version
    assert WorkerStatus.objects.get().engine == "Keras float32"


def spoil_export(models_dir: Path, stored: Stored) -> str:
    """An export whose files are not the ones it lists."""
    folder = models_dir / stored.backbone / "openvino"
    folder.mkdir()
    (folder / "backbone.xml").write_text("<net/>")
    manifest = json.loads((stored.root / stored.backbone / "manifest.json").read_text())
    files = {"backbone.xml": {"sha256": "0" * 64, "bytes": 6}}
    (folder / "manifest.json").write_text(json.dumps(manifest | {"kind": "export", "files": files}))
    return stored.directory


def change_architecture(models_dir: Path, stored: Stored) -> str:
    return _with_manifest(models_dir, stored, architecture="vgg16")


def change_head(models_dir: Path, stored: Stored) -> str:
    return _with_manifest(models_dir, stored, head_units=33)


def _with_manifest(models_dir: Path, stored: Stored, **changes: object) -> str:
    directory = "versions/changed"
    shutil.copytree(stored.root / stored.directory, models_dir / directory)
    path = models_dir / directory / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return directory


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_export, "backbone.xml is missing or damaged"),
        (change_architecture, "is not a resnet50-avg-middle version"),
        (change_head, "does not fit the network"),
    ],
)
def test_what_cannot_be_served_leaves_the_version_before_in_service(
    live_version: ModelVersion,
    make_version: Callable[..., ModelVersion],
    worker: Classifying,
    own_backbone: Path,
    models_dir: Path,
    stored_model: Stored,
    settings: Settings,
    spoil: Callable[[Path, Stored], str],
    said: str,
) -> None:
    settings.CLASSIFIER_ENGINE = "openvino"
    worker.step()
    worse = make_version(directory=spoil(models_dir, stored_model))
    golive.promote(worse, reason="Better, it seemed.")
    image = pictures.add(factories.merchant(), "cups", 951)

    worker.drain()

    image.refresh_from_db()
    assert (image.machine, image.version) == (MachineState.CLASSIFIED, live_version)
    error = WorkerStatus.objects.get().error
    assert said in error
    assert error.startswith(f"Version {worse.pk} cannot be loaded: ")


def test_a_run_exports_its_backbone_and_workers_serve_the_export(
    live_version: ModelVersion,
    labelled: Merchant,
    own_backbone: Path,
    backbone_in_memory: None,
    fresh_worker: Classifying,
    settings: Settings,
    tints: dict[str, Category],
) -> None:
    settings.CLASSIFIER_ENGINE = "auto"
    run = runs.request(
        RunTrigger.COMMAND, mode=RunMode.HEAD, promote="always", overrides=RECIPE, nudge=False
    )
    ended = train.take_up(run.pk)
    assert ended is not None
    assert ended.state == RunState.SUCCEEDED, ended.reason
    report = Backbone.objects.get().export
    assert report is not None
    counts = pictures.COUNTS
    assert report["compared"] == 3 * (counts[Split.TRAIN] + counts[Split.VALIDATION])
    assert report["validation"] == 3 * counts[Split.VALIDATION]
    image = pictures.add(factories.merchant(), "lamps", 952)

    fresh_worker.drain()

    image.refresh_from_db()
    assert image.predicted == tints["lamps"]
    assert WorkerStatus.objects.get().engine == f"OpenVINO {report['precision']}"
