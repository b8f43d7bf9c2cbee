"""What /models/ tells of background jobs that ask the model again."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog import reclassify
from catalog.models import (
    MachineState,
    Reclassification,
    ReclassifyScope,
    Role,
    VersionState,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Reclassification:
    live = factories.version(state=VersionState.LIVE)
    for _ in range(3):
        factories.image(stored=False, machine=MachineState.CLASSIFIED, version=live)
    job = reclassify.start(ReclassifyScope.ALL, reason="Asked for at the command line.")
    reclassify.count_once(job)
    return job


def page(client: Client) -> str:
    return " ".join(client.get("/models/").content.decode().split())


@pytest.mark.usefixtures("manager")
def test_without_jobs_nothing_is_said_of_them(client: Client) -> None:
    assert "Asking the model again" not in page(client)


@pytest.mark.usefixtures("manager")
def test_a_job_under_way_shows_its_progress_live(client: Client, job: Reclassification) -> None:
    text = page(client)

    assert "Every photo" in text
    assert "0 of 3" in text
    assert "js/run.js" in text
    told = client.get(f"/models/jobs/{job.pk}/progress/").json()
    assert (told["active"], told["done"], told["total"]) == (True, 0, 3)


@pytest.mark.usefixtures("manager")
def test_a_manager_cancels_it_and_the_page_says_who_did(
    client: Client, job: Reclassification
) -> None:
    reclassify.advance()
    Reclassification.objects.update(queued_at=None)

    answer = client.post(f"/models/jobs/{job.pk}/cancel/", follow=True)

    text = " ".join(answer.content.decode().split())
    assert "Photos that are queued already are still answered." in text
    assert "Every photo: Cancelled by mira after 3 of 3 photos." in text
    again = client.post(f"/models/jobs/{job.pk}/cancel/", follow=True)
    assert "was cancelled before" in again.content.decode()


def test_a_reviewer_watches_and_cannot_cancel(client: Client, job: Reclassification) -> None:
    client.force_login(factories.user(Role.REVIEWER))

    text = page(client)

    assert "Every photo" in text
    assert "Cancel this job" not in text
