"""Photos of a full run, handed out to workers in shares."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog import shares
from catalog.models import Backbone, EmbeddingShare, RunState, TrainingRun
from tests import factories

pytestmark = pytest.mark.django_db

PHOTOS = list(range(1, 21))


@pytest.fixture
def run() -> TrainingRun:
    return factories.run(state=RunState.RUNNING, owner="trainer", attempts=1)


@pytest.fixture
def backbone() -> Backbone:
    return factories.backbone()


@pytest.fixture(autouse=True)
def asked(run: TrainingRun, backbone: Backbone) -> None:
    shares.ask(run, backbone, PHOTOS)


def photos_of(claimed: list[EmbeddingShare]) -> list[int]:
    return [pk for share in claimed for pk in share.image_ids]


def expire() -> None:
    EmbeddingShare.objects.exclude(owner="").update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )


def test_two_workers_never_hold_the_same_photo(run: TrainingRun) -> None:
    first = shares.claim(owner="one", photos=8)
    second = shares.claim(owner="two", photos=32)

    assert sorted(photos_of(first) + photos_of(second)) == PHOTOS
    assert shares.claim(owner="three", photos=8) == []
    assert shares.owners(run) == {"one", "two"}


def test_a_worker_that_was_paused_past_its_lease_has_nothing_to_write() -> None:
    paused = shares.claim(owner="one", photos=8)
    expire()
    again = shares.claim(owner="two", photos=8)

    assert photos_of(again) == photos_of(paused)
    assert shares.finish(paused) == set()
    assert shares.finish(again) == set(photos_of(again))


def test_a_share_that_ended_two_workers_is_left_to_the_trainer(run: TrainingRun) -> None:
    for owner in ("one", "two"):
        assert len(shares.claim(owner=owner, photos=8)) == 1
        expire()

    claimed = shares.claim(owner="three", photos=32)

    assert photos_of(claimed) == PHOTOS[8:]
    assert shares.left(run) == len(PHOTOS)


def test_what_is_handed_back_is_not_an_attempt() -> None:
    for _ in range(shares.MAX_ATTEMPTS + 1):
        claimed = shares.claim(owner="one", photos=8)
        assert photos_of(claimed) == PHOTOS[:8]
        shares.release(claimed)


def test_nobody_works_for_a_run_that_is_over(run: TrainingRun) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(state=RunState.CANCELLED)

    assert shares.claim(owner="one", photos=8) == []
    shares.forget_ended()
    assert not shares.are_out()
