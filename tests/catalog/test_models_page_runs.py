"""Learn now, watch, cancel; and the page of one run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import runs
from catalog.models import Role, RunMode, RunState, RunTrigger, TrainingRun, User
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("manager")]


def progress(client: Client, run: TrainingRun) -> dict[str, Any]:
    answer = client.get(reverse("run-progress", args=[run.pk]))
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    found: dict[str, Any] = answer.json()
    return found


def running() -> TrainingRun:
    queued = runs.request(RunTrigger.BUTTON)
    claimed = runs.claim(queued.pk, owner="trainer")
    assert claimed is not None
    return claimed


def page(client: Client, run: TrainingRun) -> str:
    answer = client.get(reverse("run", args=[run.pk]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("mode", [RunMode.HEAD, RunMode.FULL])
def test_learn_now_queues_a_run_in_the_managers_name(
    client: Client, manager: User, mode: RunMode
) -> None:
    answer = client.post(reverse("learn"), {"mode": mode.value})
    assert answer.status_code == 302
    run = runs.active()
    assert run is not None
    assert (run.mode, run.requested_by, run.trigger) == (mode, manager, RunTrigger.BUTTON)


def test_learn_now_while_a_run_is_under_way_says_so(client: Client) -> None:
    running()
    answer = client.post(reverse("learn"), {"mode": "head"}, follow=True)
    assert "already under way" in answer.content.decode()
    assert TrainingRun.objects.count() == 1


def test_an_unknown_mode_is_refused(client: Client) -> None:
    client.post(reverse("learn"), {"mode": "auto"})
    client.post(reverse("learn"))
    assert not TrainingRun.objects.exists()


def test_a_reviewer_may_not_start_or_cancel(client: Client) -> None:
    client.force_login(factories.user(Role.REVIEWER))
    assert client.post(reverse("learn"), {"mode": "head"}).status_code == 403
    run = running()
    assert client.post(reverse("cancel-run", args=[run.pk])).status_code == 403
    run.refresh_from_db()
    assert not run.cancel_requested


def test_a_queued_run_waits_for_the_trainer(client: Client) -> None:
    found = progress(client, runs.request(RunTrigger.BUTTON))
    assert (found["active"], found["headline"]) == (True, "Waiting for the trainer")


def test_a_run_nobody_takes_names_the_trainer(client: Client) -> None:
    run = runs.request(RunTrigger.BUTTON)
    TrainingRun.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    assert "check that the trainer process runs" in progress(client, run)["detail"]


def test_progress_follows_the_phase(client: Client) -> None:
    run = running()
    runs.beat(run, phase="fine-tune", done=7, total=20, message="epoch 2 of 5")
    found = progress(client, run)
    assert found["headline"] == "Fine-tuning how it looks at photos"
    assert (found["done"], found["total"], found["detail"]) == (7, 20, "epoch 2 of 5")


def test_a_phase_without_words_is_shown_as_it_is(client: Client) -> None:
    run = running()
    runs.beat(run, phase="counting_stars", done=0, total=0)
    assert progress(client, run)["headline"] == "Counting stars"


def test_a_silent_trainer_is_told(client: Client) -> None:
    run = running()
    TrainingRun.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    assert "gone silent" in progress(client, run)["detail"]


def test_a_run_that_ended_is_no_longer_active(client: Client) -> None:
    run = running()
    runs.end(run, RunState.FAILED, "The disk is full.")
    found = progress(client, run)
    assert (found["active"], found["headline"]) == (False, "Failed")
    assert found["detail"] == "The disk is full."


def test_cancelling_a_running_run_asks_it_to_stop(client: Client) -> None:
    run = running()
    client.post(reverse("cancel-run", args=[run.pk]))
    assert progress(client, run)["headline"] == "Stopping at its next step"
    assert not runs.beat(run, phase="head", done=1, total=2)


def test_cancelling_a_waiting_run_ends_it_at_once(client: Client) -> None:
    run = runs.request(RunTrigger.BUTTON)
    client.post(reverse("cancel-run", args=[run.pk]))
    assert progress(client, run)["state"] == "cancelled"


def test_cancelling_what_is_over_is_refused_in_words(client: Client) -> None:
    run = factories.run(state=RunState.SUCCEEDED)
    answer = client.post(reverse("cancel-run", args=[run.pk]), follow=True)
    assert "already over" in answer.content.decode()


def test_a_signed_out_script_gets_a_401(client: Client) -> None:
    run = running()
    client.logout()
    url = reverse("run-progress", args=[run.pk])
    assert client.get(url, headers={"X-Requested-With": "fetch"}).status_code == 401


def test_the_page_of_a_run_tells_its_whole_story(client: Client, manager: User) -> None:
    photo = factories.image(stored=False)
    run = factories.run(
        state=RunState.SUCCEEDED,
        requested_by=manager,
        reason="Macro-F1 +2.0 points.",
        mode_reason="A quick run was asked for.",
        note="after the shoe clean-up",
        label_count=1204,
        peak_rss_mb=2210.4,
        recipe={"dropout": 0.5},
        history={"head": {"loss": [1.0, 0.5]}},
        skipped_images=[{"image": photo.pk, "reason": "The file is cut short."}],
        overrides=["views=8"],
    )
    version = factories.version(run=run)
    text = page(client, run)
    for words in (
        "Macro-F1 +2.0 points.",
        "Learn now, mira",
        "A quick run was asked for.",
        "after the shoe clean-up",
        "1,204",
        "2,210 MB",
        "views=8",
        f"Version {version.pk}",
        "The file is cut short.",
        "<polyline",
    ):
        assert words in text


def test_a_run_under_way_is_watched_by_a_script(client: Client) -> None:
    run = running()
    assert "js/run.js" in page(client, run)
    runs.end(run, RunState.SUCCEEDED, "Done.")
    assert "js/run.js" not in page(client, run)


def test_curves_move_while_the_run_is_under_way(client: Client) -> None:
    run = running()
    assert progress(client, run)["rounds"] == 0

    runs.record(run, history={"head": {"loss": [1.2, 0.8], "val_accuracy": [0.4, 0.6]}})

    assert progress(client, run)["rounds"] == 2
    curves = client.get(reverse("run-curves", args=[run.pk])).content.decode()
    assert "Photos answered right" in curves
    assert "<html" not in curves
    assert 'data-curves="2"' in page(client, run)


def test_a_run_without_curves_says_why(client: Client) -> None:
    run = running()
    assert "They begin with its first round" in page(client, run)

    runs.end(run, RunState.CANCELLED, "Cancelled.")

    assert "It ended before its first round" in page(client, run)


def test_a_run_that_learned_new_categories_alone_says_there_was_nothing_to_watch(
    client: Client,
) -> None:
    run = running()
    runs.end(run, RunState.SUCCEEDED, "Done.")
    assert "New categories alone are learned in a moment" in page(client, run)


@pytest.mark.parametrize("history", [[], {"head": []}, {"head": {"loss": None}}])
def test_a_broken_history_counts_no_rounds(client: Client, history: object) -> None:
    run = running()
    runs.record(run, history=history)
    assert progress(client, run)["rounds"] == 0
