"""Photos are claimed, answered and written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from pytest_django.fixtures import Settings

from catalog import lifecycle
from catalog.models import (
    Category,
    Embedding,
    MachineState,
    Merchant,
    ModelVersion,
    Prediction,
    Priority,
    ProductImage,
    Reclassification,
)
from classifier.engines import Engine
from tests import factories
from worker import process
from worker.classify import Classifying

from . import pictures

pytestmark = pytest.mark.django_db


def test_a_photo_gets_its_category_top_five_version_and_embedding(
    live_version: ModelVersion, worker: Classifying, tints: dict[str, Category]
) -> None:
    image = pictures.add(factories.merchant(), "lamps", 500)

    worker.drain()

    image.refresh_from_db()
    assert (image.machine, image.predicted) == (MachineState.CLASSIFIED, tints["lamps"])
    answer = image.predictions.get()
    assert answer.version == live_version
    assert answer.top[0][0] == tints["lamps"].pk
    assert sum(confidence for _, confidence in answer.top) == pytest.approx(1, abs=1e-6)
    vector = Embedding.objects.get(image=image, backbone=live_version.backbone).vector
    assert len(vector) == 2 * 2048


def test_a_batch_is_answered_as_its_photos_are_alone(
    live_version: ModelVersion, worker: Classifying, tints: dict[str, Category]
) -> None:
    merchant = factories.merchant()
    images = [pictures.add(merchant, slug, 600 + n) for n in range(3) for slug in tints]

    assert worker.drain() == 9

    for image in images:
        image.refresh_from_db()
        assert image.predicted is not None
        assert image.original_name.startswith(image.predicted.slug)


def test_nothing_is_claimed_and_no_attempt_spent_while_no_version_is_live(
    tints: dict[str, Category], fresh_worker: Classifying
) -> None:
    image = pictures.add(factories.merchant(), "lamps", 1)

    assert fresh_worker.drain() == 0

    image.refresh_from_db()
    assert (image.machine, image.attempts) == (MachineState.PENDING, 0)


def test_a_bad_photo_fails_alone_with_a_reason(
    live_version: ModelVersion, worker: Classifying
) -> None:
    merchant = factories.merchant()
    good, torn, lost = (pictures.add(merchant, "cups", n) for n in (700, 701, 702))
    default_storage.delete(lost.file)
    data = Path(default_storage.path(torn.file)).read_bytes()
    Path(default_storage.path(torn.file)).write_bytes(data[:300])

    worker.drain()

    states = {i.pk: (i.machine, i.failure) for i in ProductImage.objects.all()}
    assert states[good.pk] == (MachineState.CLASSIFIED, "")
    assert states[torn.pk][0] == MachineState.FAILED
    assert "damaged" in states[torn.pk][1]
    assert states[lost.pk][0] == MachineState.FAILED
    assert "missing" in states[lost.pk][1]


def test_a_failed_photo_is_answered_after_a_retry(
    live_version: ModelVersion, worker: Classifying
) -> None:
    image = pictures.add(factories.merchant(), "cups", 703)
    data = Path(default_storage.path(image.file)).read_bytes()
    default_storage.delete(image.file)
    worker.drain()
    default_storage.save(image.file, ContentFile(data))
    image.refresh_from_db()

    lifecycle.retry(image)
    worker.drain()

    image.refresh_from_db()
    assert image.machine == MachineState.CLASSIFIED


def test_a_photo_seen_before_by_the_same_backbone_is_answered_without_its_file(
    live_version: ModelVersion, worker: Classifying
) -> None:
    image = pictures.add(factories.merchant(), "plants", 800)
    worker.drain()
    before = Prediction.objects.get()
    default_storage.delete(image.file)
    lifecycle.requeue(ProductImage.objects.all())

    worker.drain()

    after = Prediction.objects.first()
    assert after is not None
    assert after.pk != before.pk
    assert after.top == before.top


def test_a_worker_that_lost_its_claim_writes_nothing(
    live_version: ModelVersion,
    worker: Classifying,
    tints: dict[str, Category],
) -> None:
    image = pictures.add(factories.merchant(), "plants", 801)
    claims = lifecycle.claim(owner="slow worker", limit=8)
    lifecycle.release(claims)
    worker.drain()

    answer = lifecycle.Answer(claims[0], [(tints["cups"].pk, 1.0)], b"")
    assert lifecycle.finish([answer], version=live_version) == 0

    image.refresh_from_db()
    assert image.predicted == tints["plants"]
    assert Prediction.objects.count() == 1


def test_a_retired_category_is_not_answered_any_more(
    live_version: ModelVersion, worker: Classifying, tints: dict[str, Category]
) -> None:
    image = pictures.add(factories.merchant(), "plants", 802)
    worker.step()
    Category.objects.filter(slug="plants").update(retired_at=image.created_at)
    lifecycle.requeue(ProductImage.objects.all())

    worker.step()

    image.refresh_from_db()
    assert image.predicted in {tints["cups"], tints["lamps"]}
    latest = image.predictions.first()
    assert latest is not None
    assert {category_id for category_id, _ in latest.top} == {tints["cups"].pk, tints["lamps"].pk}
    assert sum(confidence for _, confidence in latest.top) == pytest.approx(1)


def test_nothing_is_claimed_when_the_version_knows_no_category_of_today(
    live_version: ModelVersion, worker: Classifying
) -> None:
    image = pictures.add(factories.merchant(), "plants", 803)
    Category.objects.update(retired_at=image.created_at)
    factories.category("Something new")

    assert worker.drain() == 0

    image.refresh_from_db()
    assert (image.machine, image.attempts) == (MachineState.PENDING, 0)


def test_a_stopping_worker_takes_nothing_new(
    live_version: ModelVersion, worker: Classifying
) -> None:
    image = pictures.add(factories.merchant(), "plants", 804)
    process.stopping.set()

    assert worker.drain() == 0

    image.refresh_from_db()
    assert image.machine == MachineState.PENDING


def test_background_jobs_go_on_when_nothing_urgent_waits(
    make_version: Callable[..., ModelVersion], live_version: ModelVersion, worker: Classifying
) -> None:
    from catalog import golive

    image = pictures.add(factories.merchant(), "plants", 805)
    worker.drain()
    second = make_version()
    golive.promote(second, reason="Better.")

    worker.drain()

    image.refresh_from_db()
    assert image.version == second
    assert Reclassification.objects.get().finished_at is not None
    assert Merchant.objects.count() == 1


class Interrupting:
    """An engine during which somebody presses Ctrl-C."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def embed(self, _images: Any) -> Any:
        raise KeyboardInterrupt


def test_an_interrupted_worker_hands_back_all_it_has_in_hand(
    live_version: ModelVersion,
    worker: Classifying,
    settings: Settings,
) -> None:
    settings.CLASSIFY_BATCH = 1
    merchant = factories.merchant()
    for number in range(3):
        pictures.add(merchant, "cups", 820 + number)
    worker.live.refresh()
    assert worker.live.loaded is not None
    broken: Any = Interrupting(worker.live.loaded.classifier)
    worker.live.loaded = replace(worker.live.loaded, classifier=broken)

    with pytest.raises(KeyboardInterrupt):
        worker.drain()

    states = set(ProductImage.objects.values_list("machine", "attempts", "owner"))
    assert states == {(MachineState.PENDING, 0, "")}


def test_many_batches_are_all_answered_by_the_photo_they_show(
    live_version: ModelVersion,
    worker: Classifying,
    tints: dict[str, Category],
    settings: Settings,
) -> None:
    settings.CLASSIFY_BATCH = 4
    merchant = factories.merchant()
    images = [pictures.add(merchant, slug, 640 + n) for n in range(5) for slug in tints]
    ProductImage.objects.filter(pk=images[7].pk).update(attempts=1)  # comes alone
    default_storage.delete(images[9].file)

    assert worker.drain() == 15

    for image in images:
        image.refresh_from_db()
        if image == images[9]:
            assert image.machine == MachineState.FAILED
        else:
            assert image.predicted is not None
            assert image.original_name.startswith(image.predicted.slug)
            assert image.predictions.count() == 1


class Uploading(Interrupting):
    """An engine during whose first call somebody uploads a photo."""

    def __init__(self, engine: Engine, upload: Callable[[], None]) -> None:
        super().__init__(engine)
        self.upload = upload

    def embed(self, images: Any) -> Any:
        self.upload()
        self.upload = lambda: None
        return self.engine.embed(images)


@pytest.mark.django_db(transaction=True)
def test_an_upload_overtakes_what_was_claimed_and_can_wait(
    live_version: ModelVersion, worker: Classifying, settings: Settings
) -> None:
    settings.CLASSIFY_BATCH = 1
    merchant = factories.merchant()
    for number in range(4):
        pictures.add(merchant, "cups", 830 + number)
    ProductImage.objects.update(priority=Priority.BACKGROUND)
    worker.live.refresh()
    assert worker.live.loaded is not None

    def upload() -> None:
        pictures.add(merchant, "lamps", 840)
        connection.close()  # of the engine's thread

    uploading: Any = Uploading(worker.live.loaded.classifier, upload)
    worker.live.loaded = replace(worker.live.loaded, classifier=uploading)

    assert worker.drain() == 5

    answered = Prediction.objects.order_by("pk").values_list("image__original_name", flat=True)
    assert list(answered).index("lamps-840.jpg") == 1
