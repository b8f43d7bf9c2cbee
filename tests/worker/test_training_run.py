"""A run from labels to its end, on a real small network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from catalog import lifecycle, runs, training_set
from catalog.models import (
    Category,
    Embedding,
    Merchant,
    ModelVersion,
    ProductImage,
    Role,
    RunMode,
    RunRow,
    RunState,
    RunTrigger,
    Serving,
    Split,
    TrainingRun,
    VersionState,
)
from classifier.recipe import Recipe
from tests import factories
from worker import process, train

from . import pictures
from .conftest import RECIPE

pytestmark = pytest.mark.django_db


def start(
    mode: RunMode = RunMode.HEAD, promote: str = "auto", settings: Sequence[str] = ()
) -> TrainingRun:
    """A run this process has claimed."""
    overrides = [*RECIPE, *settings]
    asked = runs.request(RunTrigger.COMMAND, mode=mode, promote=promote, overrides=overrides)
    claimed = runs.claim(asked.pk, owner=process.owner())
    assert claimed is not None
    return claimed


def finished(labels: Merchant, **columns: object) -> TrainingRun:
    """A run that learned from today's labels a moment ago, as a row."""
    read = training_set.build()
    weights = {"source": "starter", "sha256": _starter_sha256()}
    values = {
        "state": RunState.SUCCEEDED,
        "mode": RunMode.HEAD,
        "fingerprint": read.fingerprint,
        "label_count": len(read.rows),
        "last_decision": read.last_decision,
        "recipe": Recipe().with_overrides(RECIPE).to_dict() | {"weights": weights},
        "finished_at": timezone.now(),
    }
    return factories.run(**(values | columns))


def _starter_sha256() -> str:
    from classifier.weights import STARTER_SHA256

    return STARTER_SHA256


def test_the_first_model_proves_itself_and_goes_live(labelled: Merchant) -> None:
    seen: list[str] = []

    def watch(phase: str, done: int, total: int, message: str = "") -> None:
        if phase not in seen:
            seen.append(phase)

    run = train.execute(start(), progress=watch)

    assert (run.state, run.mode) == (RunState.SUCCEEDED, RunMode.HEAD)
    version = ModelVersion.objects.get()
    assert Serving.current().live == version
    assert version.state == VersionState.LIVE
    assert version.reason == run.reason
    assert "First model" in run.reason
    assert version.metrics["images"] == 30
    assert version.metrics["accuracy"] > 0.9
    assert version.metrics["confusion"]["labels"] == ["cups", "lamps", "plants"]
    low, high = version.metrics["intervals"]["accuracy"]
    assert low < version.metrics["accuracy"] <= high
    assert version.metrics["temperature"] == version.temperature
    assert version.weights == "Starter weights, as configured."
    assert version.recipe["weights"]["source"] == "starter"
    assert seen[0] == "reading labels"
    assert {"head", "comparing", "saving"} <= set(seen)
    _assert_the_run_kept_what_it_saw(run)
    assert Embedding.objects.filter(backbone=version.backbone).count() == 54


def _assert_the_run_kept_what_it_saw(run: TrainingRun) -> None:
    rows = RunRow.objects.filter(run=run)
    assert rows.count() == 54
    assert rows.exclude(predicted="").count() == rows.filter(split=Split.TEST).count() == 30
    assert {len(curve) for curve in run.history["head"].values()} == {
        len(run.history["head"]["loss"])
    }
    assert run.peak_rss_mb is not None
    assert run.peak_rss_mb > 100


def test_a_photo_that_cannot_be_read_is_left_out_and_named(
    labelled: Merchant, backbone_in_memory: None, client: Client
) -> None:
    from django.core.files.storage import default_storage

    lost = pictures.label(labelled, "cups", Category.objects.get(slug="cups"), Split.TRAIN, [950])[
        0
    ]
    default_storage.delete(lost.file)

    run = train.execute(start(promote="never"))

    assert run.state == RunState.SUCCEEDED
    assert [skipped["image"] for skipped in run.skipped_images] == [lost.pk]
    assert run.skipped_images[0]["reason"]
    assert Serving.current().live is None
    assert run.reason.startswith("Not put live, as asked.")
    client.force_login(factories.user(Role.REVIEWER))
    page = client.get(reverse("run", args=[run.pk])).content.decode()
    assert "1 photo could not be used" in page
    assert reverse("image", args=[lost.pk]) in page


def test_the_same_photos_recipe_and_seed_give_the_same_figures(
    labelled: Merchant, backbone_in_memory: None
) -> None:
    first = train.execute(start(promote="never"))
    TrainingRun.objects.update(state=RunState.FAILED)  # else the next one has nothing to do

    second = train.execute(start(promote="never"))

    a, b = (ModelVersion.objects.get(run=run) for run in (first, second))
    assert (a.fingerprint, a.recipe, a.temperature) == (b.fingerprint, b.recipe, b.temperature)
    assert a.metrics | {"seconds": {}} == b.metrics | {"seconds": {}}
    rows = [
        list(RunRow.objects.filter(run=run).values_list("image_id", "split", "label", "predicted"))
        for run in (first, second)
    ]
    assert sorted(rows[0]) == sorted(rows[1])


def test_an_unchanged_training_set_is_skipped_and_the_run_says_why(labels_only: Merchant) -> None:
    earlier = finished(labels_only)

    run = train.execute(start())

    assert run.state == RunState.SKIPPED
    assert run.reason.startswith(f"Nothing changed since run {earlier.pk}: the same 54 labels")


def test_other_settings_are_not_skipped(labels_only: Merchant) -> None:
    finished(labels_only, recipe=Recipe().to_dict())
    run = start()

    with pytest.raises(StopIteration):
        _stop_at(run, "loading the network")

    assert training_set.build().fingerprint == run.fingerprint


def _stop_at(run: TrainingRun, end: str) -> None:
    """Carry the run out up to a phase; StopIteration when it is reached."""

    def watch(phase: str, done: int, total: int, message: str = "") -> None:
        if phase == end:
            raise KeyboardInterrupt

    try:
        train.execute(run, progress=watch)
    except KeyboardInterrupt:
        run.refresh_from_db()
        raise StopIteration from None


def test_undoing_a_decision_after_a_run_changes_only_the_next_one(labels_only: Merchant) -> None:
    first = start()
    with pytest.raises(StopIteration):
        _stop_at(first, "loading the network")
    image = ProductImage.objects.filter(label__slug="cups", product__split=Split.TRAIN)[0]
    manager = factories.user(Role.MANAGER)

    lifecycle.undo(image.decisions.get(), by=manager)
    second = start()
    with pytest.raises(StopIteration):
        _stop_at(second, "loading the network")

    assert RunRow.objects.filter(run=first, image=image).exists()
    assert not RunRow.objects.filter(run=second, image=image).exists()
    assert first.fingerprint != second.fingerprint


def test_fewer_than_two_usable_categories_are_refused_with_the_counts(
    tints: dict[str, Category], models_dir: object
) -> None:
    merchant = factories.merchant()
    pictures.label(merchant, "cups", tints["cups"], Split.TRAIN, range(5))
    pictures.label(merchant, "lamps", tints["lamps"], Split.TRAIN, range(4))

    run = train.execute(start())

    assert run.state == RunState.FAILED
    assert "there are 1 (training labels: cups 5, lamps 4)" in run.reason


def test_too_little_disk_is_refused(labels_only: Merchant, settings: Settings) -> None:
    settings.TRAINING_MIN_FREE_BYTES = 10**18

    run = train.execute(start())

    assert run.state == RunState.FAILED
    assert "Make room" in run.reason


def test_a_cancelled_run_stops_at_its_next_report(labels_only: Merchant) -> None:
    run = start()
    runs.cancel(run)

    ended = train.execute(run)

    assert (ended.state, ended.reason) == (RunState.CANCELLED, "Cancelled.")
    assert not ModelVersion.objects.exists()


def test_a_trainer_told_to_stop_hands_the_run_back_unspent(labels_only: Merchant) -> None:
    run = start()
    process.stopping.set()

    ended = train.execute(run)

    assert (ended.state, ended.attempts, ended.owner) == (RunState.QUEUED, 0, "")


def test_a_trainer_that_lost_its_run_writes_nothing(labels_only: Merchant) -> None:
    run = start()
    TrainingRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    runs.reap()
    other = runs.claim(run.pk, owner="another trainer")
    assert other is not None

    train.execute(run)

    other.refresh_from_db()
    assert (other.state, other.owner) == (RunState.RUNNING, "another trainer")
    assert not ModelVersion.objects.exists()


def test_a_run_nobody_queued_is_not_taken_up(labels_only: Merchant) -> None:
    run = start()

    assert train.take_up(run.pk) is None
