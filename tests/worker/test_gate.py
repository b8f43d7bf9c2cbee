"""No model goes live unless it proved itself against the one it replaces."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from catalog import golive, lifecycle, training_set
from catalog.models import (
    Category,
    Merchant,
    ModelVersion,
    ProductImage,
    Role,
    RunMode,
    RunState,
    Serving,
    Split,
    VersionState,
)
from catalog.training_set import Row
from classifier.features import Embeddings
from classifier.network import Backbone
from classifier.recipe import Recipe
from classifier.run import Judgement, Trained
from tests import factories
from worker import judging, train
from worker.classify import Classifying
from worker.reporting import silent

from . import pictures
from .conftest import Stored
from .test_training_run import start

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backbone_in_memory")]


def test_a_model_trained_on_shuffled_labels_is_rejected(
    live_version: ModelVersion, labelled: Merchant, tints: dict[str, Category]
) -> None:
    wheel = dict(zip(tints.values(), [*list(tints.values())[1:], tints["cups"]], strict=True))
    for image in ProductImage.objects.filter(product__split=Split.TRAIN):
        assert image.label is not None
        ProductImage.objects.filter(pk=image.pk).update(label=wheel[image.label])

    run = train.execute(start(settings=["quick_from_live=no"]))

    assert run.state == RunState.SUCCEEDED
    rejected = ModelVersion.objects.get(run=run)
    assert rejected.state == VersionState.REJECTED
    assert re.search(r"Lamps lost \d+ photos it used to get right", rejected.reason)
    assert rejected.metrics["baseline"]["version"] == live_version.pk
    assert rejected.metrics["baseline"]["accuracy"] > 0.9
    assert Serving.current().live == live_version


def test_a_category_the_new_model_no_longer_knows_blocks_it(
    live_version: ModelVersion, labelled: Merchant, tints: dict[str, Category]
) -> None:
    lamps = ProductImage.objects.filter(label=tints["lamps"], product__split=Split.TRAIN)
    lamps.update(withdrawn_at=lamps[0].created_at)

    run = train.execute(start())

    rejected = ModelVersion.objects.get(run=run)
    assert rejected.state == VersionState.REJECTED
    assert "Lamps is unknown to the new model" in rejected.reason
    assert Serving.current().live == live_version


def test_a_passing_model_waits_while_going_live_is_paused(
    live_version: ModelVersion, labelled: Merchant
) -> None:
    manager = factories.user(Role.MANAGER)
    Serving.objects.update(paused_at=live_version.created_at, paused_by=manager)

    run = train.execute(start())

    waiting = ModelVersion.objects.get(run=run)
    assert waiting.state == VersionState.CANDIDATE
    assert "paused" in waiting.reason
    assert Serving.current().live == live_version


def test_a_live_model_that_cannot_be_read_leaves_the_choice_to_a_manager(
    live_version: ModelVersion, labelled: Merchant, models_dir: Path
) -> None:
    (models_dir / live_version.directory).unlink()

    run = train.execute(start())

    waiting = ModelVersion.objects.get(run=run)
    assert (run.state, run.mode) == (RunState.SUCCEEDED, RunMode.HEAD)
    assert waiting.state == VersionState.CANDIDATE
    assert "A manager decides" in waiting.reason


def test_a_test_photo_withdrawn_during_the_run_is_left_out_of_the_comparison(
    live_version: ModelVersion,
    labelled: Merchant,
    tints: dict[str, Category],
    stored_model: Stored,
    tmp_path: Path,
) -> None:
    more = pictures.label(labelled, "cups", tints["cups"], Split.TEST, [901, 902])
    rows = training_set.build().of(Split.TEST)
    lifecycle.withdraw(more[0], by=factories.user(Role.MANAGER))
    lifecycle.delete_withdrawn_files()
    tests = judging.TestPhotos(rows, {}, Recipe(), tmp_path / "features", silent)

    verdict = judging.judge(all_right(rows, stored_model), tests)

    assert verdict.baseline is not None, verdict.reason
    assert verdict.baseline["images"] == verdict.details["photos"] == len(rows) - 1
    assert verdict.promote


def all_right(rows: Sequence[Row], stored: Stored) -> Trained:
    """A candidate on another backbone that answered all of them as people do."""
    labels = [row.slug for row in rows]
    sure = np.eye(len(stored.classes))[[stored.classes.index(slug) for slug in labels]]
    embeddings = Embeddings(np.empty((0, 1, 2048), np.float16), np.empty(0, np.int64))
    judged = Judgement(np.arange(len(rows)), embeddings, sure, labels, labels, {})
    backbone = Backbone(None, 32, "starter", "f" * 64)
    return Trained(backbone, None, stored.classes, 1.0, {"test": judged}, {}, {})


def test_a_second_rival_whose_files_are_gone_is_missed_in_the_log(
    live_version: ModelVersion,
    make_version: Callable[..., ModelVersion],
    labelled: Merchant,
    caplog: pytest.LogCaptureFixture,
) -> None:
    approved = make_version(VersionState.RETIRED)
    columns = {"approved_by_hand": True, "promoted_at": approved.created_at}
    ModelVersion.objects.filter(pk=approved.pk).update(files_present=False, **columns)

    run = train.execute(start())

    assert Serving.current().live == ModelVersion.objects.get(run=run)
    assert "no second rival" in caplog.text


def test_a_candidate_damaged_on_disk_leaves_predictions_flowing(
    live_version: ModelVersion,
    labelled: Merchant,
    worker: Classifying,
    models_dir: Path,
    stored_model: Stored,
) -> None:
    run = train.execute(start(promote="never"))
    candidate = ModelVersion.objects.get(run=run)
    shutil.rmtree(models_dir / candidate.directory)
    worker.step()
    golive.promote(candidate, reason="Put live by hand.", by_hand=True)

    image = pictures.add(factories.merchant(), "cups", 960)
    worker.drain()

    image.refresh_from_db()
    assert image.predicted == Category.objects.get(slug="cups")
    assert image.version == live_version
