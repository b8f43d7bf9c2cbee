"""manage.py doctor"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError as BrokerError

from catalog import enqueue, golive
from catalog.management.contract import Result
from catalog.models import Serving, WorkerStatus
from catalog.models.serving import WORKER_SEEN_SECONDS
from classifier import weights
from classifier.errors import ClassifierError
from classifier.store import read_manifest

from ..contract import ClassifierCommand


class Trouble(Exception):
    """What is wrong and what to do, in a sentence."""


class Command(ClassifierCommand):
    help = "Check Redis, database, weights, disk, the live model and the worker."

    def run(self, **_options: Any) -> Result:
        checks = [_checked(name, check) for name, check in CHECKS.items()]
        wrong = [check for check in checks if not check["ok"]]
        lines = [f"{'ok ' if c['ok'] else 'NO '} {c['name']:<9} {c['message']}" for c in checks]
        refused = ""
        if wrong:
            refused = f"{len(wrong)} of {len(checks)} checks failed: {wrong[0]['message']}"
        return Result({"ok": not wrong, "checks": checks}, lines, refused=refused)


def _checked(name: str, check: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "message": check()}
    except Trouble as trouble:
        return {"name": name, "ok": False, "message": str(trouble)}


def _database() -> str:
    try:
        plan = MigrationExecutor(connection)
        missing = plan.migration_plan(plan.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise Trouble(f"The database cannot be used ({error}); check DATABASE_URL.") from error
    if missing:
        raise Trouble(f"{len(missing)} migrations are missing; run `manage.py migrate`.")
    return f"{connection.display_name}, migrations up to date."


def _redis() -> str:
    try:
        with enqueue.app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
            return f"Redis answers at {broker.as_uri()}."
    except (BrokerError, OSError) as error:
        raise Trouble(
            f"Redis does not answer ({error}); start it, or set REDIS_URL. Uploads wait meanwhile."
        ) from error


def _weights() -> str:
    """Without a download: a check is no time to fetch 95 MB."""
    setting = settings.CLASSIFIER_WEIGHTS
    cached = weights.keras_cache() / weights.IMAGENET_FILE
    if setting == "imagenet" and not os.access(cached, os.R_OK):
        return (
            "The ImageNet weights are not here yet; the first run downloads them (95 MB), or "
            "takes the starter weights where they cannot be reached."
        )
    try:
        return weights.resolve(setting).note
    except ClassifierError as error:
        raise Trouble(str(error)) from error


def _disk() -> str:
    free = min(shutil.disk_usage(folder).free for folder in (settings.DATA_DIR, _models_folder()))
    for what, needed in (
        ("uploads", settings.UPLOAD_MIN_FREE_BYTES),
        ("training", settings.TRAINING_MIN_FREE_BYTES),
    ):
        if free < needed:
            raise Trouble(
                f"{free / 1e9:.1f} GB of disk are free and {what} need {needed / 1e9:.1f}; make "
                "room."
            )
    return f"{free / 1e9:.1f} GB free."


def _models_folder() -> Path:
    """The models' folder, or what there is of the way to it."""
    folders = (settings.MODELS_DIR, *settings.MODELS_DIR.parents)
    return next(folder for folder in folders if folder.is_dir())


def _model() -> str:
    try:
        live = Serving.current().live
    except DatabaseError as error:
        raise Trouble("The live model is unknown without the database.") from error
    if live is None:
        return _first_model()
    try:
        for directory in (live.directory, live.backbone.directory):
            read_manifest(settings.MODELS_DIR, directory)
    except ClassifierError as error:
        raise Trouble(
            f"Version {live.pk} is live and damaged ({error}) Go back with `manage.py "
            "model_versions rollback`."
        ) from error
    return f"Version {live.pk} is live, its files intact. {live.weights}"


def _first_model() -> str:
    waiting = golive.waiting()
    if waiting is not None:
        return (
            f"No model is live yet; version {waiting.pk} waits for `manage.py model_versions "
            f"promote {waiting.pk}`."
        )
    return "No model is live yet; import labelled photos and run `manage.py retrain`."


def _worker() -> str:
    try:
        latest = WorkerStatus.alive().order_by("-seen_at").first()
    except DatabaseError as error:
        raise Trouble("Workers are unknown without the database.") from error
    if latest is None:
        raise Trouble(
            f"No worker was seen for {WORKER_SEEN_SECONDS} seconds; start one (see Procfile)."
        )
    if latest.error:
        raise Trouble(f"{latest.name}: {latest.error}")
    if latest.version_id is None:
        return f"{latest.name} runs, with no version to load yet."
    return f"{latest.name} has version {latest.version_id} loaded."


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "redis": _redis,
    "weights": _weights,
    "disk": _disk,
    "model": _model,
    "worker": _worker,
}
