"""A full run's training photos are embedded by the workers, where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from catalog import runs, shares, training_set
from catalog.models import (
    Backbone,
    Embedding,
    EmbeddingShare,
    MachineState,
    Merchant,
    ModelVersion,
    Priority,
    ProductImage,
    RunMode,
    RunState,
    RunTrigger,
    Split,
    TrainingRun,
    WorkerStatus,
)
from catalog.training_set import Row
from classifier.errors import Cancelled
from classifier.features import Features
from classifier.run import NewNetwork
from tests import factories
from worker import process, sharing, train
from worker.classify import Classifying
from worker.housekeeping import tidy_up

from . import pictures
from .conftest import RECIPE, Stored

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_share_at_a_time(settings: Settings) -> None:
    settings.CLASSIFY_BATCH = shares.SIZE


@pytest.fixture
def photos(merchant_of_photos: Merchant) -> list[ProductImage]:
    return list(ProductImage.objects.filter(merchant=merchant_of_photos).order_by("pk"))


@pytest.fixture
def merchant_of_photos(models_dir: object) -> Merchant:
    merchant = factories.merchant("Imported")
    for number in range(20):
        pictures.add(merchant, "cups", number)
    ProductImage.objects.update(machine=MachineState.CLASSIFIED)
    return merchant


@pytest.fixture
def run(db: None) -> TrainingRun:
    return factories.run(
        state=RunState.RUNNING,
        owner="trainer",
        attempts=1,
        lease_until=timezone.now() + timedelta(minutes=5),
    )


@pytest.fixture
def newcomer(stored_model: Stored, live_version: ModelVersion) -> Backbone:
    """The backbone of a run: here the session's, of which no photo has an embedding."""
    return live_version.backbone


def worker_named(name: str) -> Classifying:
    return Classifying(name, f"{name}:1")


def ids_of(images: list[ProductImage]) -> list[int]:
    return [image.pk for image in images]


def test_two_workers_share_a_new_backbone_and_no_photo_is_lost_or_done_twice(
    run: TrainingRun, newcomer: Backbone, photos: list[ProductImage]
) -> None:
    shares.ask(run, newcomer, ids_of(photos))
    workers = [worker_named("one"), worker_named("two")]

    done = [worker.step() for _ in range(2) for worker in workers]

    assert sum(done) == len(photos)
    assert all(sum(done[n::2]) > 0 for n in range(2))
    embedded = Embedding.objects.filter(backbone=newcomer)
    assert sorted(embedded.values_list("image_id", flat=True)) == ids_of(photos)
    assert shares.left(run) == 0


def test_an_upload_goes_first_while_a_new_backbone_is_shown_photos(
    run: TrainingRun, newcomer: Backbone, photos: list[ProductImage]
) -> None:
    shares.ask(run, newcomer, ids_of(photos))
    upload = pictures.add(factories.merchant("Vera"), "lamps", 900)
    worker = worker_named("one")

    worker.step()

    upload.refresh_from_db()
    assert upload.machine == MachineState.CLASSIFIED
    assert shares.left(run) == len(photos)
    worker.drain()
    assert shares.left(run) == 0


def test_what_a_killed_worker_held_is_done_by_another_once_its_lease_is_over(
    run: TrainingRun, newcomer: Backbone, photos: list[ProductImage]
) -> None:
    shares.ask(run, newcomer, ids_of(photos))
    killed = shares.claim(owner="killed:1", photos=16)
    worker = worker_named("two")

    worker.drain()
    assert shares.left(run) == 16
    EmbeddingShare.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    worker.drain()

    assert shares.left(run) == 0
    assert Embedding.objects.filter(backbone=newcomer).count() == len(photos)
    assert shares.finish(killed) == set()


def test_a_photo_that_cannot_be_read_is_left_to_the_run(
    run: TrainingRun, newcomer: Backbone, photos: list[ProductImage]
) -> None:
    damaged = photos[3]
    ProductImage.objects.filter(pk=damaged.pk).update(file="originals/gone.jpg")
    shares.ask(run, newcomer, ids_of(photos))

    worker_named("one").drain()

    assert shares.left(run) == 0
    embedded = Embedding.objects.filter(backbone=newcomer).values_list("image_id", flat=True)
    assert set(ids_of(photos)) - set(embedded) == {damaged.pk}


def test_a_backbone_that_a_worker_cannot_open_leaves_its_photos_to_others(
    run: TrainingRun, live_version: ModelVersion, photos: list[ProductImage]
) -> None:
    missing = factories.backbone(image_size=32)
    shares.ask(run, missing, ids_of(photos))

    worker_named("one").drain()

    share = EmbeddingShare.objects.first()
    assert share is not None
    assert (share.owner, share.attempts) == ("", 0)


def test_a_backbone_that_an_engine_breaks_on_stops_no_other_work(
    run: TrainingRun,
    newcomer: Backbone,
    photos: list[ProductImage],
    worker: Classifying,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from classifier import serving

    def break_down(*_args: object, **_options: object) -> None:
        raise RuntimeError("Not enough memory on the device")

    monkeypatch.setattr(serving, "open_embedder", break_down)
    shares.ask(run, newcomer, ids_of(photos))
    ProductImage.objects.update(machine=MachineState.PENDING, priority=Priority.BACKGROUND)

    worker.drain()

    assert not ProductImage.objects.exclude(machine=MachineState.CLASSIFIED).exists()
    share = EmbeddingShare.objects.first()
    assert share is not None
    assert (share.owner, share.attempts) == ("", 0)


def test_what_a_dead_trainer_asked_for_is_forgotten(
    run: TrainingRun, newcomer: Backbone, photos: list[ProductImage]
) -> None:
    shares.ask(run, newcomer, ids_of(photos))
    TrainingRun.objects.filter(pk=run.pk).update(state=RunState.FAILED)

    assert shares.claim(owner="one:1", photos=8) == []
    tidy_up()

    assert not EmbeddingShare.objects.exists()


class Helped:
    """The progress of a run, at which workers take their turns."""

    def __init__(self, *workers: Classifying, cancel_at: int | None = None) -> None:
        self.workers = workers
        self.cancel_at = cancel_at
        self.done: list[int] = []

    def __call__(self, phase: str, done: int, total: int, message: str = "") -> None:  # noqa: ARG002  (the protocol's names)
        if phase != sharing.PHASE:
            return
        self.done.append(done)
        if self.cancel_at is not None and done >= self.cancel_at:
            raise Cancelled("Cancelled.")
        for worker in self.workers:
            worker.step()


@pytest.fixture
def network(
    stored_model: Stored, settings: Settings, labelled: Merchant, monkeypatch: pytest.MonkeyPatch
) -> NewNetwork:
    """What a full run made: the session's network, as if it were new."""
    settings.CLASSIFIER_ENGINE = "keras"  # exporting has tests of its own
    monkeypatch.setattr(sharing, "POLL_SECONDS", 0.01)
    ProductImage.objects.update(machine=MachineState.CLASSIFIED)

    def embed(places: Sequence[int]) -> Features:
        raise AssertionError("without an export no photo is looked at beforehand")

    backbone = stored_model.classifier.embedder.backbone
    return NewNetwork(backbone, None, stored_model.classes, {}, embed, fine_tuned=True)


def training_rows() -> dict[Split, list[Row]]:
    return train.split_rows(training_set.build())


@pytest.mark.parametrize("fine_tuned", [True, False])
def test_a_backbone_is_called_fine_tuned_where_something_of_it_was_kept(
    run: TrainingRun, network: NewNetwork, *, fine_tuned: bool
) -> None:
    made = replace(network, fine_tuned=fine_tuned)

    sharing.share_out(run, made, training_rows(), Helped(worker_named("one")))

    assert Backbone.objects.get(sha256=network.backbone.sha256).fine_tuned is fine_tuned


def test_a_run_waits_until_the_workers_have_embedded_its_training_photos(
    run: TrainingRun, network: NewNetwork
) -> None:
    rows = training_rows()
    progress = Helped(worker_named("one"), worker_named("two"))

    sharing.share_out(run, network, rows, progress)

    embedded = Embedding.objects.filter(backbone__sha256=network.backbone.sha256)
    wanted = {row.image_id for row in rows[Split.TRAIN]}
    assert set(embedded.values_list("image_id", flat=True)) == wanted
    assert progress.done == sorted(progress.done)


def test_a_cancelled_run_takes_back_what_it_asked_for(
    run: TrainingRun, network: NewNetwork
) -> None:
    with pytest.raises(Cancelled):
        sharing.share_out(run, network, training_rows(), Helped(worker_named("one"), cancel_at=8))

    assert not EmbeddingShare.objects.exists()
    assert Embedding.objects.exists()  # what was done stays done


def test_a_run_begun_again_asks_only_for_what_is_missing(
    run: TrainingRun, network: NewNetwork
) -> None:
    rows = training_rows()
    with pytest.raises(Cancelled):
        sharing.share_out(run, network, rows, Helped(worker_named("one"), cancel_at=8))
    before = set(Embedding.objects.values_list("pk", flat=True))
    progress = Helped(worker_named("two"))

    sharing.share_out(run, network, rows, progress)

    after = set(Embedding.objects.values_list("pk", flat=True))
    assert before < after
    assert len(after) == len(rows[Split.TRAIN])


def test_a_full_run_goes_on_alone_where_no_worker_gets_on(
    labelled: Merchant, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CLASSIFIER_ENGINE = "keras"
    monkeypatch.setattr(sharing, "PATIENCE_SECONDS", 0.05)
    WorkerStatus.objects.create(name="hung@host")
    overrides = [*RECIPE, "fine_tune_epochs=1", "fine_tune_from=conv5_block3"]
    asked = runs.request(RunTrigger.COMMAND, mode=RunMode.FULL, overrides=overrides)
    claimed = runs.claim(asked.pk, owner=process.owner())
    assert claimed is not None
    progress = Helped()

    ended = train.execute(claimed, progress=progress)

    assert ended.state == RunState.SUCCEEDED, ended.reason
    assert progress.done
    version = ModelVersion.objects.get(run=ended)
    assert Embedding.objects.filter(backbone=version.backbone).count() == ended.label_count
    assert not EmbeddingShare.objects.exists()
