"""What the sweep looks after besides photos that wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from catalog import runs
from catalog.models import Embedding, ProductImage, Role, RunState
from tests import factories
from worker import housekeeping
from worker.housekeeping import tidy_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def nudges(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Runs the trainer is nudged about; no message is sent."""
    sent: list[int] = []
    monkeypatch.setattr("catalog.enqueue.train_soon", sent.append)
    housekeeping._nudged.clear()
    return sent


def test_a_run_whose_trainer_died_waits_again_and_the_trainer_is_nudged(nudges: list[int]) -> None:
    lost = factories.run(
        state=RunState.RUNNING,
        owner="gone",
        attempts=1,
        lease_until=timezone.now() - timedelta(seconds=1),
    )

    tidy_up()

    lost.refresh_from_db()
    assert (lost.state, lost.owner) == (RunState.QUEUED, "")
    assert nudges == [lost.pk]


def test_a_run_whose_trainer_died_three_times_has_failed(nudges: list[int]) -> None:
    lost = factories.run(
        state=RunState.RUNNING,
        owner="gone",
        attempts=runs.MAX_ATTEMPTS,
        lease_until=timezone.now() - timedelta(seconds=1),
    )

    tidy_up()

    lost.refresh_from_db()
    assert lost.state == RunState.FAILED
    assert "stopped 3 times" in lost.reason
    assert nudges == []


def test_the_trainer_is_not_nudged_about_one_run_at_every_sweep(nudges: list[int]) -> None:
    factories.run()

    tidy_up()
    tidy_up()

    assert len(nudges) == 1


def test_a_run_in_good_hands_is_left_alone(nudges: list[int]) -> None:
    run = factories.run()
    runs.claim(run.pk, owner="trainer")

    tidy_up()

    run.refresh_from_db()
    assert run.state == RunState.RUNNING
    assert nudges == []


def test_files_of_a_withdrawn_photo_that_a_crash_left_are_deleted(nudges: list[int]) -> None:
    image = factories.image()
    Embedding.objects.create(image=image, backbone=factories.backbone(), vector=b"")
    owner = factories.user(Role.MERCHANT, merchant=image.merchant)
    ProductImage.objects.update(withdrawn_at=timezone.now(), withdrawn_by=owner)

    tidy_up()

    assert not default_storage.exists(image.file)
    assert not Embedding.objects.exists()
