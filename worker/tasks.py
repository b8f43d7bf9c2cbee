"""The tasks. Each is a nudge to look at the rows, and may come twice or for nothing."""

from __future__ import annotations

from celery import shared_task

from catalog import learning

from . import classify as classifying
from . import label_check, similar
from . import preview as previewing
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
        training.take_up(run_id)


@shared_task(name="worker.tasks.check_labels")
def check_labels(ids: list[int]) -> None:
    """Take up the looks through the labels named here."""
    for check_id in ids:
        label_check.look(check_id)


@shared_task(name="worker.tasks.preview")
def preview(ids: list[int]) -> None:
    """Work out what the versions would change whose previews are named here."""
    for preview_id in ids:
        previewing.look(preview_id)


@shared_task(name="worker.tasks.look")
def look() -> None:
    """Each minute: have enough labels changed for a run?"""
    learning.start_if_due()


@shared_task(name="worker.tasks.nightly")
def nightly() -> None:
    """At the nightly hour: a full run."""
    learning.start_nightly()
