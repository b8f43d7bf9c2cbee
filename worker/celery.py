"""The Celery app as a consumer: `celery -A worker.celery:app worker -Q classify|train`.

The producer's app (catalog/enqueue.py) with what workers need besides. Delivery may fail, repeat
or come late: rows and leases decide what is done, so nothing here is about not losing messages,
only about coming back to work soon."""

from __future__ import annotations

import logging
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "catalog.settings")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up remarks are no events

from celery.signals import celeryd_init, setup_logging, worker_shutting_down

from catalog.enqueue import app

from .process import call_me, stopping
from .schedule import beat_schedule

app.conf.update(
    include=["worker.tasks"],
    beat_schedule=beat_schedule(),
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    # Redis may be away for a minute or a day: keep trying, at most a few seconds apart.
    broker_connection_retry=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        # Shared by both queues, so it must be short: a lost message comes again after this.
        "visibility_timeout": 300,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 5,
    },
)


QUIET_LOGGERS = ("celery.app.trace", "celery.worker.strategy", "celery.worker.request")


@setup_logging.connect
def keep_our_logging(**_kwargs: Any) -> None:
    """Django's settings configured the logs, and Celery leaves them alone when this is connected.
    Ticks come every few seconds; what they find to do is logged where it is done."""
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("celery.beat").addFilter(
        lambda record: not record.getMessage().startswith("Scheduler: Sending due task")
    )


@celeryd_init.connect
def note_the_name(sender: str, **_kwargs: Any) -> None:
    call_me(sender)


@worker_shutting_down.connect
def note_the_end(**_kwargs: Any) -> None:
    stopping.set()


__all__ = ["app"]
