"""The Celery app as a producer. Messages are nudges: they carry ids, go out on commit, by name,
and may be lost, since the worker's sweep finds whatever no nudge reached."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from functools import partial

from celery import Celery
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

app = Celery("catalog")
app.conf.update(
    broker_url=settings.REDIS_URL,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "max_retries": 0,
        "socket_connect_timeout": 0.5,
        "socket_timeout": 0.5,
    },
    result_backend=None,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="classify",
    task_routes={
        "worker.tasks.train": {"queue": "train"},
        "worker.tasks.check_labels": {"queue": "train"},
        "worker.tasks.preview": {"queue": "train"},
    },
    task_publish_retry=False,
    worker_hijack_root_logger=False,
    enable_utc=True,
    timezone=settings.TIME_ZONE,
)

QUIET_SECONDS = 5.0
_silent_until = 0.0


def classify_soon(image_ids: Iterable[int]) -> None:
    """Once the transaction commits, nudge a worker to claim what is pending."""
    ids = list(image_ids)
    if ids:
        transaction.on_commit(partial(_send, "worker.tasks.classify", ids), robust=True)


def train_soon(run_id: int) -> None:
    """Once the transaction commits, nudge the trainer to take up the queued run."""
    transaction.on_commit(partial(_send, "worker.tasks.train", [run_id]), robust=True)


def check_labels_soon(check_id: int) -> None:
    """Once the transaction commits, nudge the trainer to look through the labels."""
    transaction.on_commit(partial(_send, "worker.tasks.check_labels", [check_id]), robust=True)


def preview_soon(preview_id: int) -> None:
    """Once the transaction commits, nudge the trainer to work out what a version would change."""
    transaction.on_commit(partial(_send, "worker.tasks.preview", [preview_id]), robust=True)


def _send(task: str, ids: list[int]) -> None:
    """After one failure, stay quiet for a few seconds: a hundred uploads must not each wait for a
    broker that is down."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        app.send_task(task, args=[ids])
    except (OperationalError, OSError) as error:
        _silent_until = time.monotonic() + QUIET_SECONDS
        logger.warning("nudge lost", extra={"task": task, "ids": ids[:10], "error": str(error)})
