"""Whether the site can do its work: what /readyz says. Anyone may ask, so addresses and accounts
stand in the log and not in the answer."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.db.migrations.executor import MigrationExecutor

from .models import Serving, WorkerStatus
from .models.serving import WORKER_SEEN_SECONDS

logger = logging.getLogger(__name__)

REDIS_SECONDS = 0.5


@dataclass(frozen=True)
class Check:
    ok: bool
    detail: str


@dataclass(frozen=True)
class Health:
    checks: dict[str, Check]
    serving: bool
    """Photos are being classified. False without a live version, which alone is no fault."""

    @property
    def ready(self) -> bool:
        return all(check.ok for check in self.checks.values())


def look() -> Health:
    """Every check. Without a database the checks that read it are not made."""
    checks = {"database": database()}
    if checks["database"].ok:
        checks["migrations"] = migrations()
    if all(check.ok for check in checks.values()):
        checks["model"] = live_model()
        checks["worker"] = worker()
    checks["redis"] = broker()
    checks["disk"] = disk()
    has_model = checks.get("model", Check(False, "")).ok and Serving.current().live_id is not None
    return Health(checks, serving=has_model and all(check.ok for check in checks.values()))


def database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return _failed("The database does not answer.", error)
    return Check(True, f"{connection.vendor} answers.")


def migrations() -> Check:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, MigrationSchemaMissing) as error:
        return _failed("The migrations cannot be read.", error)
    if waiting:
        return Check(False, f"{len(waiting)} migrations wait; run `manage.py migrate`.")
    return Check(True, "All are applied.")


def live_model() -> Check:
    """No live version yet is no fault: uploads and review work, and photos wait."""
    live = Serving.current().live
    if live is None:
        return Check(True, "No version is live yet; photos wait for the first one.")
    folders = (live.directory, live.backbone.directory)
    if not all((settings.MODELS_DIR / folder).is_dir() for folder in folders):
        return Check(False, f"Version {live.pk} is live but its files are gone from disk.")
    return Check(True, f"Version {live.pk} is live.")


def worker() -> Check:
    """A worker seen a moment ago that holds the live version."""
    live_id = Serving.current().live_id
    if live_id is None:
        return Check(True, "Not needed before the first version is live.")
    seen = list(WorkerStatus.alive().order_by("name"))
    if not seen:
        return Check(False, f"No worker was seen for {WORKER_SEEN_SECONDS} seconds; start one.")
    if any(status.version_id == live_id for status in seen):
        return Check(True, f"A worker answers with version {live_id}.")
    return Check(False, f"No worker holds version {live_id} yet.")


def broker() -> Check:
    try:
        client = redis.Redis.from_url(
            redis_url(),
            socket_connect_timeout=REDIS_SECONDS,
            socket_timeout=REDIS_SECONDS,
        )
        with client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        return _failed("Redis does not answer.", error)
    return Check(True, "Redis answers.")


def redis_url() -> str:
    """Celery writes a unix socket as redis+socket://, redis-py as unix://."""
    return settings.REDIS_URL.replace("redis+socket://", "unix://", 1)


def disk() -> Check:
    """Room for uploads, which are refused below UPLOAD_MIN_FREE_MB."""
    free = free_bytes()
    if free < settings.UPLOAD_MIN_FREE_BYTES:
        return Check(False, f"{free // 1_000_000} MB are free: uploads are refused. Make room.")
    return Check(True, f"{free // 1_000_000} MB are free.")


def free_bytes() -> int:
    return shutil.disk_usage(settings.DATA_DIR).free


def _failed(sentence: str, error: Exception) -> Check:
    logger.warning("not ready", extra={"check": sentence, "error": str(error)})
    return Check(False, sentence)
