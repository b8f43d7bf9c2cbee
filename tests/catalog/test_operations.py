"""What machines ask: alive, ready, figures."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from catalog import health
from catalog.models import (
    LabelState,
    MachineState,
    ModelVersion,
    Priority,
    RunState,
    Serving,
    VersionState,
    WorkerStatus,
)
from catalog.models.serving import WORKER_SEEN_SECONDS
from launcher.redis_server import answers, find_program, server_command, url_of
from tests import factories


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis on a unix socket."""
    folder: Path = tmp_path_factory.mktemp("redis")
    socket = folder / "r.sock"
    command = server_command(find_program(os.environ), folder=folder, unix_socket=socket)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not answers(url_of(socket)):
            assert process.poll() is None, "redis-server stopped"
            time.sleep(0.05)
        yield url_of(socket)
        process.terminate()


@pytest.fixture(autouse=True)
def models_dir(settings: Settings, tmp_path: Path) -> None:
    settings.MODELS_DIR = tmp_path


@pytest.fixture
def redis_answers(settings: Settings, redis_url: str) -> None:
    settings.REDIS_URL = redis_url


@pytest.fixture
def redis_is_down(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"


def ready(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def live_version() -> ModelVersion:
    live = factories.version(VersionState.LIVE, classes=["a", "b"])
    for folder in folders(live):
        folder.mkdir(parents=True)
    return live


def folders(version: ModelVersion) -> list[Path]:
    directories = (version.directory, version.backbone.directory)
    return [django_settings.MODELS_DIR / directory for directory in directories]


def worker(version: ModelVersion | None, *, seconds_ago: int = 1, **columns: Any) -> WorkerStatus:
    seen = timezone.now() - timedelta(seconds=seconds_ago)
    return WorkerStatus.objects.create(
        name="classify@here", version=version, seen_at=seen, **columns
    )


def figures(client: Client, **headers: str) -> dict[str, float]:
    """{name with labels: value}"""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    lines = [x for x in answer.content.decode().splitlines() if not x.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_health_asks_neither_the_database_nor_a_session(client: Client) -> None:
    """pytest-django refuses a database to tests that are not marked for one."""
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_answers")
def test_a_site_without_a_model_is_ready_and_not_serving(client: Client) -> None:
    status, answer = ready(client)
    assert (status, answer["ready"], answer["serving"]) == (200, True, False)
    assert "photos wait" in answer["checks"]["model"]["detail"]


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_answers")
def test_a_worker_with_the_live_version_serves(client: Client) -> None:
    worker(live_version())
    status, answer = ready(client)
    assert (status, answer["ready"], answer["serving"], answer["wrong"]) == (200, True, True, [])


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_answers")
def test_a_live_version_without_a_worker_is_not_ready(client: Client) -> None:
    live_version()
    status, answer = ready(client)
    assert status == 503
    assert answer["wrong"] == ["No worker was seen for 120 seconds; start one."]


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_answers")
def test_a_worker_that_fell_silent_does_not_count(client: Client) -> None:
    worker(live_version(), seconds_ago=WORKER_SEEN_SECONDS + 5)
    assert ready(client)[0] == 503


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_answers")
def test_a_worker_with_another_version_does_not_count(client: Client) -> None:
    worker(factories.version(VersionState.RETIRED))
    live = live_version()
    status, answer = ready(client)
    assert status == 503
    assert answer["wrong"] == [f"No worker holds version {live.pk} yet."]


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_answers")
@pytest.mark.parametrize("gone", [0, 1], ids=["version", "backbone"])
def test_a_live_version_whose_files_are_gone_is_not_ready(client: Client, gone: int) -> None:
    live = live_version()
    worker(live)
    assert ready(client)[0] == 200

    folders(live)[gone].rmdir()

    status, answer = ready(client)
    assert status == 503
    assert answer["wrong"] == [f"Version {live.pk} is live but its files are gone from disk."]


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_is_down")
def test_redis_being_down_is_named(client: Client) -> None:
    status, answer = ready(client)
    assert status == 503
    assert answer["wrong"] == ["Redis does not answer."]


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_answers")
def test_a_full_disk_is_named(client: Client, settings: Settings) -> None:
    settings.UPLOAD_MIN_FREE_BYTES = 10**18
    status, answer = ready(client)
    assert status == 503
    assert "uploads are refused" in answer["wrong"][0]


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_answers")
def test_a_lost_database_is_named_without_its_address(client: Client) -> None:
    refused = OperationalError("connection to server at 10.0.0.9 failed for user shelf")
    with patch("catalog.health.connection.cursor", side_effect=refused):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["wrong"] == ["The database does not answer."]
    assert b"10.0.0.9" not in answer.content


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_answers")
def test_a_migration_that_waits_is_named(client: Client) -> None:
    with patch("catalog.health.MigrationExecutor.migration_plan", return_value=[("m", False)]):
        status, answer = ready(client)
    assert status == 503
    assert "manage.py migrate" in answer["wrong"][0]


def test_a_unix_socket_is_written_as_redis_py_wants_it(settings: Settings) -> None:
    settings.REDIS_URL = "redis+socket:///run/redis.sock"
    assert health.redis_url() == "unix:///run/redis.sock"


@pytest.mark.django_db
def test_figures_are_for_this_machine_alone(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.7").status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 403


@pytest.mark.django_db
def test_a_request_through_a_proxy_is_not_from_this_machine(
    client: Client, settings: Settings
) -> None:
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert client.get("/metrics").status_code == 403


@pytest.mark.django_db
def test_a_token_opens_the_figures_from_anywhere(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "secret"
    statuses = [
        client.get(
            "/metrics", headers={"Authorization": f"Bearer {token}"}, REMOTE_ADDR="203.0.113.7"
        ).status_code
        for token in ("secret", "guess", "", "s\N{COMBINING ACUTE ACCENT}")
    ]
    assert statuses == [200, 403, 403, 403]


@pytest.mark.django_db
def test_without_a_token_in_the_settings_no_bearer_is_right(client: Client) -> None:
    headers = {"Authorization": "Bearer "}
    assert client.get("/metrics", headers=headers, REMOTE_ADDR="203.0.113.7").status_code == 403


@pytest.mark.django_db
def test_the_queue_is_counted_by_priority_with_the_age_of_its_oldest(client: Client) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    factories.image(stored=False, changed_at=hour_ago)
    factories.image(stored=False)
    factories.image(stored=False, priority=Priority.BACKGROUND)
    found = figures(client)
    assert found['shelfwise_queue_depth{priority="upload"}'] == 2
    assert found['shelfwise_queue_depth{priority="retry"}'] == 0
    assert found['shelfwise_queue_depth{priority="background"}'] == 1
    assert 3600 <= found['shelfwise_queue_oldest_seconds{priority="upload"}'] < 3700
    assert found['shelfwise_queue_oldest_seconds{priority="retry"}'] == 0


@pytest.mark.django_db
def test_images_are_counted_by_what_the_model_did(client: Client) -> None:
    soon = timezone.now() + timedelta(minutes=1)
    factories.image(stored=False)
    factories.image(stored=False, machine=MachineState.CLASSIFYING, owner="w", lease_until=soon)
    factories.image(stored=False, machine=MachineState.CLASSIFIED)
    factories.image(stored=False, machine=MachineState.CLASSIFIED)
    factories.image(stored=False, machine=MachineState.FAILED, failure="unreadable")
    factories.image(stored=False, machine=MachineState.FAILED, withdrawn_at=timezone.now())
    found = figures(client)
    states = ("pending", "classifying", "classified", "failed", "withdrawn")
    counts = [found[f'shelfwise_images{{state="{state}"}}'] for state in states]
    assert counts == [1, 1, 2, 1, 1]


@pytest.mark.django_db
def test_answers_and_the_review_queue_are_counted(client: Client) -> None:
    category = factories.category("Hats")
    before = figures(client)["shelfwise_predictions_total"]
    factories.answered_image(category)
    factories.answered_image(category, label_state=LabelState.UNLABELLED)
    found = figures(client)
    assert found["shelfwise_predictions_total"] >= before + 2
    assert found["shelfwise_review_queue"] == 2


@pytest.mark.django_db
def test_a_running_run_shows_how_far_it_is(client: Client) -> None:
    beat = timezone.now() - timedelta(seconds=30)
    factories.run(
        state=RunState.RUNNING,
        owner="t",
        lease_until=timezone.now(),
        done=30,
        total=120,
        heartbeat_at=beat,
    )
    found = figures(client)
    assert found['shelfwise_runs{state="running"}'] == 1
    assert found["shelfwise_run_progress_ratio"] == 0.25
    assert found["shelfwise_run_heartbeat_seconds"] >= 30


@pytest.mark.django_db
def test_the_version_of_every_worker_is_told(client: Client) -> None:
    live = live_version()
    worker(live, seconds_ago=10, error='It "broke"\nbadly')
    Serving.objects.update(paused_at=timezone.now())
    found = figures(client)
    assert found["shelfwise_live_version"] == live.pk
    assert found["shelfwise_promotion_paused"] == 1
    assert found['shelfwise_worker_version{worker="classify@here"}'] == live.pk
    assert found['shelfwise_worker_seen_seconds{worker="classify@here"}'] >= 10
    assert found['shelfwise_worker_load_failed{worker="classify@here"}'] == 1


@pytest.mark.django_db
def test_large_figures_are_written_in_full(client: Client) -> None:
    text = client.get("/metrics").content.decode()
    [line] = [x for x in text.splitlines() if x.startswith("shelfwise_disk_free_bytes ")]
    assert line.split()[1].isdigit()


@pytest.mark.django_db
def test_a_scrape_asks_the_same_queries_however_many_images_there_are(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        factories.image(stored=False)
    with django_assert_max_num_queries(24):
        figures(client)
