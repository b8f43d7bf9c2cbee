"""Asking the model again about photos it has answered: in chunks, and never about people's word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from catalog import job_progress, lifecycle, reclassify
from catalog.errors import NotAllowed
from catalog.models import (
    Category,
    Embedding,
    LabelState,
    MachineState,
    ModelVersion,
    Prediction,
    Priority,
    ProductImage,
    Reclassification,
    ReclassifyScope,
    Role,
    VersionState,
)
from tests import factories

pytestmark = pytest.mark.django_db
Scope = ReclassifyScope


@pytest.fixture
def old() -> ModelVersion:
    return factories.version(state=VersionState.RETIRED)


@pytest.fixture
def live() -> ModelVersion:
    return factories.version(state=VersionState.LIVE)


def answered(version: ModelVersion, **columns: Any) -> ProductImage:
    return factories.image(
        stored=False, machine=MachineState.CLASSIFIED, version=version, confidence=0.5, **columns
    )


def queued() -> set[int]:
    return set(
        ProductImage.objects.filter(
            machine=MachineState.PENDING, priority=Priority.BACKGROUND
        ).values_list("pk", flat=True)
    )


def finish_all() -> None:
    for _ in range(50):
        reclassify.advance()


def answer_next(version: ModelVersion, category: Category, *, limit: int) -> int:
    """What a worker does with one batch."""
    claims = lifecycle.claim(owner="w1", limit=limit)
    top = [(category.pk, 0.5)]
    answers = [lifecycle.Answer(claim, top, b"\0" * 4096) for claim in claims]
    return lifecycle.finish(answers, version=version)


def pks(*images: ProductImage) -> set[int]:
    return {image.pk for image in images}


def test_each_scope_takes_its_photos(
    old: ModelVersion, live: ModelVersion, shirts: Category
) -> None:
    stale = answered(old, label_state=LabelState.NONE_OF_THESE)
    unreviewed = answered(old)
    current = answered(live)
    failed = factories.image(stored=False, machine=MachineState.FAILED)
    shirt = answered(live, label=shirts, label_state=LabelState.CORRECTED)
    like_a_shirt = answered(live, predicted=shirts)
    everything = pks(stale, unreviewed, current, failed, shirt, like_a_shirt)
    expected = {
        Scope.ALL: everything,
        Scope.STALE: pks(stale, unreviewed, failed),
        Scope.FAILED: pks(failed),
        Scope.UNREVIEWED: pks(unreviewed, failed),
        Scope.CATEGORY: pks(shirt, like_a_shirt),
    }
    factories.image(stored=False)
    lifecycle.withdraw(answered(old), by=factories.user(Role.MANAGER))

    for scope, images in expected.items():
        category = shirts if scope == Scope.CATEGORY else None
        job = reclassify.start(scope, category=category)
        assert set(reclassify.select(job).values_list("pk", flat=True)) == images, scope


def test_photos_without_an_embedding_of_the_live_backbone_are_shown_to_it(
    old: ModelVersion, live: ModelVersion, shirts: Category
) -> None:
    seen, reviewed, elsewhere = answered(live), answered(old), answered(old)
    ProductImage.objects.filter(pk=reviewed.pk).update(
        label=shirts, label_state=LabelState.CONFIRMED
    )
    factories.image(stored=False, machine=MachineState.FAILED)
    for image, backbone in ((seen, live.backbone), (elsewhere, old.backbone)):
        Embedding.objects.create(image=image, backbone=backbone, vector=b"\0" * 4096)

    reclassify.start(Scope.UNSEEN)
    finish_all()

    assert queued() == pks(reviewed, elsewhere)


def test_a_job_goes_in_chunks_and_survives_a_stop_between_them(
    live: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassify, "CHUNK", 2)
    images = [answered(live) for _ in range(5)]
    job = reclassify.start(Scope.ALL)

    assert reclassify.advance() == 2
    assert queued() == pks(*images[:2])
    assert reclassify.advance(chunks=2) == 3
    assert queued() == pks(*images)
    assert reclassify.advance() == 0

    job.refresh_from_db()
    assert job.selected == 5
    assert job.queued_at is not None


def test_a_photo_answered_meanwhile_is_not_asked_about_twice(
    live: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassify, "CHUNK", 1)
    first, second = answered(live), answered(live)
    reclassify.start(Scope.ALL)
    reclassify.advance()
    ProductImage.objects.filter(pk=first.pk).update(machine=MachineState.CLASSIFIED)

    finish_all()

    assert queued() == pks(second)


def test_photos_that_arrive_later_are_not_part_of_the_job(live: ModelVersion) -> None:
    image = answered(live)
    reclassify.start(Scope.ALL)
    answered(live)

    finish_all()

    assert queued() == pks(image)


def test_human_decisions_stand(old: ModelVersion, live: ModelVersion, shirts: Category) -> None:
    by = factories.user(Role.REVIEWER)
    image = answered(old, predicted=shirts)
    lifecycle.decide_category(image, shirts, by=by, revision=0)

    reclassify.start(Scope.ALL)
    finish_all()

    image.refresh_from_db()
    assert image.machine == MachineState.PENDING
    assert (image.label_state, image.label, image.revision) == (LabelState.CONFIRMED, shirts, 1)
    assert image.predicted == shirts


def test_a_new_job_supersedes_an_unfinished_one_of_its_scope(live: ModelVersion) -> None:
    answered(live)
    first, other = reclassify.start(Scope.ALL), reclassify.start(Scope.STALE)
    second = reclassify.start(Scope.ALL)

    for job in (first, other, second):
        job.refresh_from_db()
    assert first.cancelled_at is not None
    assert (other.cancelled_at, second.cancelled_at) == (None, None)
    assert reclassify.advance() == 1
    assert first.selected == 0


def test_jobs_for_two_categories_do_not_supersede_each_other(shirts: Category) -> None:
    first = reclassify.start(Scope.CATEGORY, category=shirts)
    reclassify.start(Scope.CATEGORY, category=factories.category())

    first.refresh_from_db()
    assert first.cancelled_at is None


def test_a_job_over_nothing_ends_at_once(live: ModelVersion) -> None:
    job = reclassify.start(Scope.ALL)

    assert reclassify.advance() == 0

    job.refresh_from_db()
    assert job.queued_at is not None


def test_a_photo_in_the_works_when_the_version_changed_is_looked_at_again(
    old: ModelVersion, live: ModelVersion
) -> None:
    """Its worker had claimed it before, and answers with the model it had loaded."""
    factories.image(stored=False)
    (claim,) = lifecycle.claim(owner="w1", limit=1)
    job = reclassify.start(Scope.UNREVIEWED)
    reclassify.advance()
    job.refresh_from_db()
    assert job.queued_at is None

    category = factories.category()
    lifecycle.finish([lifecycle.Answer(claim, [(category.pk, 0.5)], b"\0" * 4096)], version=old)
    finish_all()

    job.refresh_from_db()
    assert queued() == {claim.image_id}
    assert job.queued_at is not None


def test_a_worker_that_never_loads_the_new_version_keeps_no_job_busy(
    old: ModelVersion, live: ModelVersion
) -> None:
    factories.image(stored=False)
    (claim,) = lifecycle.claim(owner="w1", limit=1)
    job = reclassify.start(Scope.UNREVIEWED)
    job.created_at = timezone.now() - timedelta(seconds=settings.CLASSIFY_LEASE_SECONDS + 1)
    job.save()
    category = factories.category()
    for _ in range(4):
        lifecycle.finish([lifecycle.Answer(claim, [(category.pk, 0.5)], b"\0" * 4096)], version=old)
        reclassify.advance()
        claim = next(iter(lifecycle.claim(owner="w1", limit=1)), claim)

    finish_all()

    job.refresh_from_db()
    assert job.queued_at is not None


def test_the_queue_is_counted_by_state(live: ModelVersion) -> None:
    for _ in range(3):
        factories.image(stored=False)
    lifecycle.claim(owner="w1", limit=1)

    assert reclassify.queue_counts() == {"pending": 2, "classifying": 1}


def test_a_job_is_over_when_its_last_photo_is_answered(
    live: ModelVersion, shirts: Category
) -> None:
    for _ in range(3):
        answered(live)
    job = reclassify.start(Scope.ALL)
    reclassify.advance()
    answer_next(live, shirts, limit=2)
    reclassify.advance()
    job.refresh_from_db()
    assert (job.queued_at is not None, job.finished_at) == (True, None)

    answer_next(live, shirts, limit=2)
    reclassify.advance()

    job.refresh_from_db()
    assert job.finished_at is not None
    assert (job.total, job.selected, reclassify.waiting(job)) == (3, 3, 0)


def test_a_cancelled_job_queues_no_more(
    live: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassify, "CHUNK", 2)
    first, second = answered(live), answered(live)
    answered(live)
    job = reclassify.start(Scope.ALL)
    reclassify.advance()

    reclassify.cancel(job, by=factories.user(Role.MANAGER, name="mira"))
    finish_all()

    assert queued() == pks(first, second)
    job.refresh_from_db()
    assert job_progress.of(job).detail == "Cancelled by mira after 2 of 3 photos."
    with pytest.raises(NotAllowed, match="cancelled before"):
        reclassify.cancel(job)


def test_a_job_that_queued_everything_cannot_be_cancelled(live: ModelVersion) -> None:
    job = reclassify.start(Scope.ALL)
    finish_all()

    with pytest.raises(NotAllowed, match="nothing to cancel"):
        reclassify.cancel(job)


def test_an_upload_goes_before_what_a_job_has_queued(live: ModelVersion, shirts: Category) -> None:
    for _ in range(4):
        answered(live)
    reclassify.start(Scope.ALL)
    reclassify.advance()
    answer_next(live, shirts, limit=1)
    upload = factories.image(stored=False)

    answer_next(live, shirts, limit=2)

    order = list(Prediction.objects.order_by("id").values_list("image_id", flat=True))
    assert order[1] == upload.pk
    assert len(order) == 3


def test_progress_tells_how_many_how_fast_and_how_long(
    live: ModelVersion, shirts: Category
) -> None:
    for _ in range(5):
        answered(live)
    job = reclassify.start(Scope.ALL)
    assert job_progress.of(job).detail == "It begins when no upload waits."
    reclassify.advance()
    answer_next(live, shirts, limit=3)
    Reclassification.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    job.refresh_from_db()

    found = job_progress.of(job)

    assert (found.done, found.total, found.rate) == (3, 5, 0.1)
    assert found.detail == "0.1 photos a second; about 20 s left. Uploads go first."
    Prediction.objects.update(at=timezone.now() - timedelta(minutes=1))
    assert "check that a worker runs" in job_progress.of(job).detail


def test_photos_a_job_has_yet_to_queue_are_about_to_change(
    old: ModelVersion, live: ModelVersion
) -> None:
    stale, current = answered(old), answered(live)
    reclassify.start(Scope.UNREVIEWED)

    reclassify.note_asked_again([stale, current])

    assert (stale.will_change, current.will_change) == (True, False)
