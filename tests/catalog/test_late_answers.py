"""An answer that an older version gave after another went live is asked for again, once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from catalog import golive, lifecycle, reclassify
from catalog.models import (
    Category,
    MachineState,
    ModelVersion,
    Reclassification,
    ReclassifyScope,
    Role,
    VersionState,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(shirts: Category) -> ModelVersion:
    return factories.version(state=VersionState.LIVE, classes=[shirts.slug])


def answer(version: ModelVersion, category: Category) -> None:
    claims = lifecycle.claim(owner="w1", limit=100)
    answers = [lifecycle.Answer(claim, [(category.pk, 0.5)], b"\0" * 4096) for claim in claims]
    lifecycle.finish(answers, version=version)


def promote() -> ModelVersion:
    newer = factories.version()
    golive.promote(newer, reason="Better.")
    return newer


def queue_all() -> None:
    for _ in range(10):
        reclassify.advance()


def unlabelled_jobs() -> int:
    return Reclassification.objects.filter(
        scope=ReclassifyScope.UNREVIEWED, cancelled_at=None
    ).count()


def test_an_upload_that_the_version_before_answered_is_queued_again(
    old: ModelVersion, shirts: Category
) -> None:
    promote()
    queue_all()
    upload = factories.image(stored=False)
    answer(old, shirts)

    job = reclassify.ask_late_ones_again()
    queue_all()

    assert job is not None
    assert "had gone live" in job.reason
    upload.refresh_from_db()
    assert upload.machine == MachineState.PENDING


def test_a_photo_below_the_cursor_of_the_promotions_job_is_queued_again(
    old: ModelVersion, shirts: Category
) -> None:
    photo = factories.image(stored=False)
    answer(old, shirts)
    promote()
    reclassify.advance()
    answer(old, shirts)  # by a worker that still has the version before

    assert reclassify.ask_late_ones_again() is not None

    queue_all()
    photo.refresh_from_db()
    assert photo.machine == MachineState.PENDING
    assert unlabelled_jobs() == 1


def test_what_the_promotions_own_job_comes_to_makes_no_second_job(
    old: ModelVersion, shirts: Category
) -> None:
    factories.image(stored=False)
    claims = lifecycle.claim(owner="w1", limit=1)
    promote()
    answers = [lifecycle.Answer(claims[0], [(shirts.pk, 0.5)], b"\0" * 4096)]
    lifecycle.finish(answers, version=old)

    assert reclassify.ask_late_ones_again() is None
    assert unlabelled_jobs() == 1


def test_two_workers_that_start_together_make_one_job(old: ModelVersion, shirts: Category) -> None:
    promote()
    factories.image(stored=False)
    answer(old, shirts)

    first, second = reclassify.ask_late_ones_again(), reclassify.ask_late_ones_again()

    assert first is not None
    assert second is None


def test_earlier_answers_labels_and_answers_of_the_live_one_are_left_alone(
    old: ModelVersion, shirts: Category
) -> None:
    factories.image(stored=False)
    answer(old, shirts)
    newer = promote()
    Reclassification.objects.update(cancelled_at=timezone.now())
    labelled = factories.image(stored=False)
    answer(old, shirts)
    lifecycle.decide_category(labelled, shirts, by=factories.user(Role.REVIEWER), revision=0)
    factories.image(stored=False)
    answer(newer, shirts)

    assert reclassify.ask_late_ones_again() is None
