"""The tasks. Each is a nudge to look at the rows, and may come twice or for nothing."""

from __future__ import annotations

import contextlib

from celery import shared_task

from catalog import doubts, learning
from catalog.models import RunState

from . import classify as classifying
from . import label_check, similar
from . import train as training
from .housekeeping import tidy_up


@shared_task(name="worker.tasks.classify", acks_late=True)
def classify(ids: list[int]) -> None:  # noqa: ARG001  (ids serve the log; the claim decides)
    """Photos wait: classify what there is."""
    classifying.this_process().drain()


@shared_task(name="worker.tasks.sweep")
def sweep() -> None:
    """Every few seconds: whatever no nudge reached, and what a crash left behind."""
    tidy_up()
    classifying.this_process().drain()
    similar.keep_up()


@shared_task(name="worker.tasks.train")
def train(ids: list[int]) -> None:
    """Take up the queued runs named here, one after the other."""
    for run_id in ids:
        run = training.take_up(run_id)
        if run is not None and run.state == RunState.SUCCEEDED:
            with contextlib.suppress(doubts.CheckUnderWay):
                doubts.request()


@shared_task(name="worker.tasks.check_labels")
def check_labels(ids: list[int]) -> None:
    """Take up the looks through the labels named here."""
    for check_id in ids:
        label_check.look(check_id)


@shared_task(name="worker.tasks.look")
def look() -> None:
    """Each minute: have enough labels changed for a run?"""
    learning.start_if_due()


@shared_task(name="worker.tasks.nightly")
def nightly() -> None:
    """At the nightly hour: a full run."""
    learning.start_nightly()
