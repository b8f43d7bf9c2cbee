"""What /models/ tells a catalog team."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import golive, runs
from catalog.models import (
    Backbone,
    ModelVersion,
    Role,
    RunMode,
    RunState,
    RunTrigger,
    Serving,
    User,
    VersionState,
    WorkerStatus,
)
from tests import factories
from tests.catalog.model_reports import judged_version

pytestmark = pytest.mark.django_db


def page(client: Client) -> str:
    answer = client.get("/models/")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def two_live_in_turn() -> tuple[ModelVersion, ModelVersion]:
    first, second = factories.version(), factories.version()
    golive.promote_automatically(first, reason="First model.")
    golive.promote_automatically(second, reason="Better.")
    return first, second


@pytest.mark.usefixtures("manager")
def test_an_empty_site_says_what_to_do_first(client: Client) -> None:
    text = page(client)
    assert "No version is live yet" in text
    assert "No version yet" in text
    assert "Nothing was learned yet" in text
    assert "Learn now" in text


@pytest.mark.usefixtures("manager")
def test_before_the_first_version_is_live_the_page_says_what_is_on_its_way(client: Client) -> None:
    run = runs.claim(runs.request(RunTrigger.BUTTON, mode=RunMode.FULL).pk, owner="trainer")
    assert run is not None
    assert "wait for the run that is under way" in page(client)

    runs.end(run, RunState.SUCCEEDED, "Not enough evidence.")
    version = factories.version(state=VersionState.CANDIDATE)

    assert f"Version {version.pk}</a> is made and waits for a manager" in page(client)


@pytest.mark.usefixtures("manager")
def test_the_live_version_shows_its_figures_with_their_test_photos(client: Client) -> None:
    hats, shoes = factories.category("Hats"), factories.category("Shoes")
    answers = [(hats, hats)] * 20 + [(shoes, shoes)] * 15 + [(shoes, hats)] * 5
    version = judged_version(answers)
    golive.promote_automatically(version, reason="First model: 88% right.")
    text = page(client)
    assert f"Version {version.pk}</a> is live" in text
    assert "First model: 88% right." in text
    assert "87.5%" in text
    assert "answered right: 35 of 40 test photos" in text


@pytest.mark.usefixtures("manager")
def test_few_test_photos_are_called_few(client: Client) -> None:
    hats = factories.category("Hats")
    golive.promote_automatically(judged_version([(hats, hats)] * 3), reason="")
    assert "Only 3 test photos: these figures say little." in page(client)


@pytest.mark.usefixtures("manager")
def test_no_test_photos_means_nobody_knows_how_good_it_is(client: Client) -> None:
    golive.promote_automatically(factories.version(metrics={"images": 0}), reason="")
    assert "nobody knows how good this version is" in page(client)


@pytest.mark.usefixtures("manager")
def test_starter_weights_are_said_loudly(client: Client) -> None:
    note = "ImageNet weights could not be had (timeout); the starter weights are used."
    golive.promote_automatically(factories.version(weights=note), reason="")
    text = page(client)
    assert "This version stands on the small starter weights." in text
    assert note in text


@pytest.mark.usefixtures("manager")
def test_imagenet_weights_need_no_warning(client: Client) -> None:
    version = factories.version(weights="ImageNet weights from keras.applications.")
    Backbone.objects.update(source="imagenet")
    golive.promote_automatically(version, reason="")
    text = page(client)
    assert "starter weights" not in text
    assert "ImageNet weights from keras.applications." in text


@pytest.mark.usefixtures("manager")
def test_learning_from_drawn_samples_is_said_loudly(client: Client) -> None:
    hats = factories.category("Hats")
    version = judged_version([(hats, hats)])
    golive.promote_automatically(version, reason="")
    assert "learned from drawn samples" not in page(client)
    assert version.run is not None
    merchant = version.run.rows.get().image.merchant
    merchant.is_sample = True
    merchant.save()
    assert "learned from drawn samples" in page(client)


@pytest.mark.usefixtures("manager")
def test_a_worker_that_failed_to_load_the_version_is_shown(client: Client) -> None:
    golive.promote_automatically(factories.version(), reason="")
    WorkerStatus.objects.create(name="classify@here", error="head.keras is damaged.")
    text = page(client)
    assert "classify@here: head.keras is damaged." in text
    assert "Uploads and review go on; photos wait." in text


def test_a_rollback_shows_who_paused_and_can_be_resumed(client: Client, manager: User) -> None:
    first, second = two_live_in_turn()
    answer = client.post(reverse("rollback"), {"to": first.pk})
    assert answer.status_code == 302
    text = page(client)
    assert "New versions do not go live by themselves." in text
    assert f"Rolled back from version {second.pk} to {first.pk}." in text
    assert "mira did this on" in text
    client.post(reverse("resume-promotion"))
    assert "New versions do not go live by themselves." not in page(client)
    assert Serving.current().live == first


def test_a_rollback_sent_twice_does_not_swing_back(client: Client, manager: User) -> None:
    first, _ = two_live_in_turn()
    for _ in range(2):
        client.post(reverse("rollback"), {"to": first.pk})
    assert Serving.current().live == first
    assert f"Version {first.pk} is live already." in page(client)


def test_a_rollback_to_nothing_is_refused(client: Client, manager: User) -> None:
    _, second = two_live_in_turn()
    client.post(reverse("rollback"), {"to": 999_999})
    assert Serving.current().live == second
    assert "Choose the version to go back to." in page(client)


@pytest.mark.usefixtures("manager")
def test_going_back_is_offered_only_while_the_files_are_there(client: Client) -> None:
    first, _ = two_live_in_turn()
    assert f"Go back to version {first.pk}" in page(client)
    ModelVersion.objects.filter(pk=first.pk).update(files_present=False)
    assert f"Go back to version {first.pk}" not in page(client)


@pytest.mark.usefixtures("manager")
def test_the_page_says_what_the_next_run_waits_for(client: Client) -> None:
    assert "0 of the 2 that are needed" in page(client)


@pytest.mark.usefixtures("manager")
def test_a_run_under_way_shows_its_phase_and_how_far_it_is(client: Client) -> None:
    run = runs.request(RunTrigger.NIGHTLY)
    claimed = runs.claim(run.pk, owner="trainer")
    assert claimed is not None
    runs.beat(claimed, phase="head", done=3, total=12, message="epoch 1 of 4")
    text = page(client)
    assert "Learning the categories" in text
    assert "3 of 12" in text
    assert "Cancel this run" in text
    assert ">Learn now</button>" not in text


@pytest.mark.usefixtures("manager")
def test_versions_and_runs_are_listed_with_state_and_reason(client: Client) -> None:
    factories.version(VersionState.REJECTED, reason="Shirts lost 6 photos.")
    ended = {"started_at": timezone.now() - timedelta(seconds=200), "finished_at": timezone.now()}
    factories.run(state=RunState.SKIPPED, reason="Nothing changed since run 3.", **ended)
    text = page(client)
    assert "Rejected" in text
    assert "Shirts lost 6 photos." in text
    assert "Skipped" in text
    assert "Nothing changed since run 3." in text
    assert "3 min 20 s" in text


@pytest.mark.usefixtures("manager")
def test_older_versions_are_a_page_away(client: Client) -> None:
    first = factories.version(reason="The very first.")
    for _ in range(12):
        factories.version()
    assert "The very first." not in page(client)
    older = client.get("/models/?versions=2").content.decode()
    assert "The very first." in older
    assert f'href="/models/{first.pk}/"' in older


def test_a_reviewer_sees_the_page_without_its_buttons(client: Client) -> None:
    client.force_login(factories.user(Role.REVIEWER))
    two_live_in_turn()
    text = page(client)
    assert "is live" in text
    for words in ("Learn now</button>", "Go back to", "Put live"):
        assert words not in text


def test_a_merchant_may_not_look(client: Client) -> None:
    client.force_login(factories.user(Role.MERCHANT))
    assert client.get("/models/").status_code == 403


@pytest.mark.usefixtures("manager")
def test_the_page_asks_no_more_queries_for_more_versions(client: Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            page(client)
        return len(captured)

    factories.version()
    factories.run(state=RunState.FAILED, requested_by=User.objects.get())
    page(client)
    few = queries()
    for _ in range(8):
        factories.version()
        factories.run(state=RunState.FAILED, requested_by=factories.user(Role.MANAGER))
    assert queries() == few
