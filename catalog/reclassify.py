"""Background jobs that put images back into the queue at the lowest priority, in chunks by id, so
that a job of a million images is resumable after a crash and uploads always go first."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from . import enqueue, lifecycle
from .models import (
    Category,
    LabelState,
    MachineState,
    ProductImage,
    Reclassification,
    ReclassifyScope,
    Serving,
)
from .sql import Constant

CHUNK = 500


@transaction.atomic
def start(
    scope: ReclassifyScope, *, category: Category | None = None, reason: str = ""
) -> Reclassification:
    """Begin a job over the images there are now. An older job of the same scope that has not
    queued all its images yet is superseded."""
    older = Reclassification.objects.filter(scope=scope, category=category, queued_at=None)
    older.filter(cancelled_at=None).update(cancelled_at=timezone.now())
    last = ProductImage.objects.aggregate(last=Max("id"))["last"] or 0
    job = Reclassification.objects.create(
        scope=scope, category=category, reason=reason, last_id=last
    )
    enqueue.classify_soon([last] if last else [])
    return job


def select(job: Reclassification) -> QuerySet[ProductImage]:
    """The images a job is about, that stand beyond its cursor."""
    rows = ProductImage.objects.present().filter(pk__gt=job.cursor, pk__lte=job.last_id)
    rows = rows.filter(machine__in=[MachineState.CLASSIFIED, MachineState.FAILED])
    live_id = Serving.current().live_id
    match job.scope:
        case ReclassifyScope.STALE:
            return rows.exclude(version_id=live_id)
        case ReclassifyScope.FAILED:
            return rows.filter(machine=MachineState.FAILED)
        case ReclassifyScope.CATEGORY:
            return rows.filter(Q(predicted=job.category) | Q(label=job.category))
        case ReclassifyScope.UNREVIEWED:
            return rows.filter(label_state=LabelState.UNLABELLED).exclude(version_id=live_id)
        case _:
            return rows


def advance(*, chunks: int = 1) -> int:
    """Queue the next chunks of every unfinished job; returns how many images were queued. The
    worker calls this when nothing more urgent waits."""
    queued = 0
    for job in Reclassification.objects.filter(queued_at=None, cancelled_at=None).order_by("id"):
        for _ in range(chunks):
            count = _advance_one(job.pk)
            if count is None:
                break
            queued += count
    return queued


@transaction.atomic
def _advance_one(job_id: int) -> int | None:
    """One chunk; None when there is nothing to queue now. Cursor and rows move together."""
    job = Reclassification.objects.select_for_update().get(pk=job_id)
    if job.queued_at or job.cancelled_at:
        return None
    rows = select(job).order_by("id").select_for_update(no_key=True, of=("self",))
    ids = list(rows.values_list("pk", flat=True)[:CHUNK])
    if not ids and (first := _first_in_flight(job)) is not None:
        job.cursor = first - 1
        job.save(update_fields=["cursor"])
        return None
    if not ids:
        job.queued_at = timezone.now()
        job.save(update_fields=["queued_at"])
        return None
    queued = lifecycle.requeue(ProductImage.objects.filter(pk__in=ids))
    job.cursor, job.selected = ids[-1], job.selected + queued
    job.save(update_fields=["cursor", "selected"])
    return queued


def _first_in_flight(job: Reclassification) -> int | None:
    """The first image that a worker had claimed before the job began and still holds: it may yet
    be answered by the model before. The job looks again once that lease is over."""
    if job.scope not in {ReclassifyScope.STALE, ReclassifyScope.UNREVIEWED}:
        return None
    latest = job.created_at + timedelta(seconds=settings.CLASSIFY_LEASE_SECONDS)
    held = ProductImage.objects.filter(machine=MachineState.CLASSIFYING, lease_until__lte=latest)
    ids = held.filter(pk__lte=job.last_id).order_by("id").values_list("pk", flat=True)
    return ids.first()


def queue_counts() -> dict[str, int]:
    """{"pending": …, "classifying": …}; one count each, which partial indexes answer."""
    states = [MachineState.PENDING, MachineState.CLASSIFYING]
    rows = ProductImage.objects.all()
    return {str(state): rows.filter(machine=Constant(state)).count() for state in states}
