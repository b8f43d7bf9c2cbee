"""Background jobs that put images back into the queue at the lowest priority, in chunks by id, so
that a job of a million images is resumable after a crash and uploads always go first. A job's row
holds all there is to know of it: whoever queues its next chunk goes on where the last one ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from . import enqueue, lifecycle
from .errors import NotAllowed
from .models import (
    Category,
    Embedding,
    LabelState,
    MachineState,
    Prediction,
    Priority,
    ProductImage,
    Reclassification,
    ReclassifyScope,
    Serving,
    User,
)
from .sql import Constant

CHUNK = 500
COMES_TO_LATE_ONES = [ReclassifyScope.UNREVIEWED, ReclassifyScope.STALE, ReclassifyScope.ALL]


@transaction.atomic
def start(
    scope: ReclassifyScope, *, category: Category | None = None, reason: str = ""
) -> Reclassification:
    """Begin a job over the images there are now. An older job of the same scope that has not
    queued all its images yet is superseded. Cheap: what is selected is counted by `advance`."""
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
    live = Serving.current().live
    live_id = live.pk if live else None
    match job.scope:
        case ReclassifyScope.STALE:
            return rows.exclude(version_id=live_id)
        case ReclassifyScope.FAILED:
            return rows.filter(machine=MachineState.FAILED)
        case ReclassifyScope.CATEGORY:
            return rows.filter(Q(predicted=job.category) | Q(label=job.category))
        case ReclassifyScope.UNREVIEWED:
            return rows.filter(label_state=LabelState.UNLABELLED).exclude(version_id=live_id)
        case ReclassifyScope.UNSEEN:
            seen = Embedding.objects.filter(
                image=OuterRef("pk"), backbone=live.backbone_id if live else None
            )
            return rows.filter(~Exists(seen), machine=MachineState.CLASSIFIED)
        case _:
            return rows


def ask_late_ones_again() -> Reclassification | None:
    """Begin a job where photos without a label carry an answer that another version gave after the
    live one had gone live: one that stood in, or was busy with a batch. None where there is no such
    photo, or the jobs under way come to each of them anyway."""
    serving = Serving.current()
    if serving.live_id is None or serving.changed_at is None:
        return None
    late = Prediction.objects.filter(at__gt=serving.changed_at).exclude(version=serving.live_id)
    for job in unfinished().filter(queued_at=None, scope__in=COMES_TO_LATE_ONES):
        late = late.exclude(image__gt=job.cursor, image__lte=job.last_id)
    if not _are_shown(late):
        return None
    reason = f"Answered by another version after version {serving.live_id} had gone live."
    return start(ReclassifyScope.UNREVIEWED, reason=reason)


def _are_shown(predictions: QuerySet[Prediction]) -> bool:
    """Whether one of them is the answer that a photo without a label carries. Looked for in two
    steps: SQLite would begin a join with every photo there is."""
    ids = predictions.order_by("at").values_list("pk", flat=True).iterator(chunk_size=CHUNK)
    while chunk := list(islice(ids, CHUNK)):
        images = ProductImage.objects.present().filter(prediction__in=chunk)
        unlabelled = images.filter(label_state=LabelState.UNLABELLED)
        if unlabelled.filter(machine=MachineState.CLASSIFIED).exists():
            return True
    return False


def unfinished() -> QuerySet[Reclassification]:
    """Jobs of which images are still to be queued or answered, oldest first."""
    return Reclassification.objects.filter(finished_at=None, cancelled_at=None).order_by("id")


def advance(*, chunks: int = 1) -> int:
    """Queue the next chunks of every unfinished job; returns how many images were queued. The
    worker calls this when nothing more urgent waits."""
    queued = 0
    for job in unfinished():
        if job.queued_at is not None:
            _finish_if_answered(job)
            continue
        count_once(job)
        for _ in range(chunks):
            count = _advance_one(job.pk)
            if count is None:
                break
            queued += count
    return queued


def count_once(job: Reclassification) -> int:
    """How many images the job is about; counted when it begins, outside any transaction."""
    if job.total is None:
        job.total = select(job).count()
        Reclassification.objects.filter(pk=job.pk, total=None).update(total=job.total)
    return job.total


def cancel(job: Reclassification, *, by: User | None = None) -> None:
    """Queue no more of its images. The few that are queued already are still answered."""
    stopped = unfinished().filter(pk=job.pk, queued_at=None)
    if not stopped.update(cancelled_at=timezone.now(), cancelled_by=by):
        job.refresh_from_db()
        if job.cancelled_at:
            raise NotAllowed(f"Job {job.pk} was cancelled before.")
        raise NotAllowed(f"Job {job.pk} has queued all its photos; there is nothing to cancel.")


def waiting(job: Reclassification) -> int:
    """How many images up to the job's cursor still wait for an answer at the lowest priority; no
    more than it has queued. One look each into two partial indexes."""
    rows = ProductImage.objects.filter(priority=Priority.BACKGROUND, pk__lte=job.cursor).order_by()
    states = [MachineState.PENDING, MachineState.CLASSIFYING]
    most = max(job.selected, 1)
    counts = (rows.filter(machine=Constant(s)).values("pk")[:most].count() for s in states)
    return min(sum(counts), job.selected)


def note_asked_again(images: Sequence[ProductImage]) -> None:
    """Set `asked_again` on those that an unfinished job is yet to queue: pages show them as about
    to change. One query where no job is under way."""
    ids = {image.pk for image in images if not image.is_pending}
    due: set[int] = set()
    for job in unfinished().filter(queued_at=None) if ids else ():
        due.update(select(job).filter(pk__in=ids).values_list("pk", flat=True))
    for image in images:
        image.asked_again = image.pk in due


@transaction.atomic
def _advance_one(job_id: int) -> int | None:
    """One chunk; None when there is nothing to queue now. Cursor and rows move together."""
    job = Reclassification.objects.select_for_update().get(pk=job_id)
    if job.queued_at or job.cancelled_at:
        return None
    ids = list(select(job).order_by("id").values_list("pk", flat=True)[:CHUNK])
    if not ids and (first := _first_in_flight(job)) is not None:
        job.cursor = first - 1
        job.save(update_fields=["cursor"])
        return None
    if not ids:
        job.queued_at, job.cursor, job.total = timezone.now(), job.last_id, job.selected
        job.finished_at = None if waiting(job) else job.queued_at
        job.save(update_fields=["queued_at", "cursor", "total", "finished_at"])
        return None
    queued = lifecycle.requeue(select(job).filter(pk__in=ids))
    job.cursor, job.selected = ids[-1], job.selected + queued
    job.save(update_fields=["cursor", "selected"])
    return queued


def _finish_if_answered(job: Reclassification) -> None:
    if not waiting(job):
        unfinished().filter(pk=job.pk).update(finished_at=timezone.now())


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
