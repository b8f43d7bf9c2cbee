"""The training photos of a full run, handed out to the workers to be shown to its new backbone:
asked for by the trainer, claimed under a lease, finished, and taken back when nobody gets on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from . import enqueue
from .models import Backbone, EmbeddingShare, RunState, TrainingRun

SIZE = 8
"""Photos in one share: what nobody waits for longer than."""
MAX_ATTEMPTS = 2
"""What ended a worker so often is left to the trainer, which names a photo it cannot read."""
CHUNK = 500
UNOWNED = {"owner": "", "lease_until": None}


def ask(run: TrainingRun, backbone: Backbone, image_ids: Sequence[int]) -> None:
    """Hand these photos out, in place of whatever the run asked for before; a chunk at a time, so
    that nobody else waits for the database."""
    take_back(run)
    for start in range(0, len(image_ids), CHUNK * SIZE):
        chunk = image_ids[start : start + CHUNK * SIZE]
        parts = [list(chunk[place : place + SIZE]) for place in range(0, len(chunk), SIZE)]
        EmbeddingShare.objects.bulk_create(
            [
                EmbeddingShare(run=run, backbone=backbone, image_ids=part, size=len(part))
                for part in parts
            ]
        )
    enqueue.classify_soon(image_ids[:1])


def left(run: TrainingRun) -> int:
    """How many photos are still out."""
    found = EmbeddingShare.objects.filter(run=run).aggregate(left=Sum("size"))["left"]
    return int(found or 0)


def owners(run: TrainingRun) -> set[str]:
    """Who holds a share now."""
    held = EmbeddingShare.objects.filter(run=run, lease_until__gte=timezone.now())
    return set(held.order_by().values_list("owner", flat=True).distinct())


def take_back(run: TrainingRun) -> None:
    """What is still out is nobody's any more; a worker that is at it writes nothing."""
    EmbeddingShare.objects.filter(run=run).delete()


def forget_ended() -> None:
    """Shares that a trainer left behind when it died."""
    EmbeddingShare.objects.exclude(run__state=RunState.RUNNING).delete()


@transaction.atomic
def claim(*, owner: str, photos: int) -> list[EmbeddingShare]:
    """Take shares of at most so many photos, and at least one share, that nobody holds; none beside
    one that was held before. With their backbone, which is the same for all."""
    now = timezone.now()
    chosen = _claimable(now, max(1, photos // SIZE))
    EmbeddingShare.objects.filter(pk__in=chosen).update(
        owner=owner,
        lease_until=now + timedelta(seconds=settings.CLASSIFY_LEASE_SECONDS),
        attempts=F("attempts") + 1,
    )
    rows = EmbeddingShare.objects.filter(pk__in=chosen).select_related("backbone")
    return list(rows.order_by("id"))


def are_out() -> bool:
    """Whether any run waits for workers."""
    return EmbeddingShare.objects.exists()


def _claimable(now: datetime, count: int) -> list[int]:
    """Ids of shares of the run under way, locked where the database can lock rows."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    rows = EmbeddingShare.objects.filter(
        free, attempts__lt=MAX_ATTEMPTS, run__state=RunState.RUNNING
    )
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    found = list(rows.order_by("id").values_list("pk", "attempts")[:count])
    if found and found[0][1] > 0:
        return [found[0][0]]
    return [pk for pk, attempts in found if attempts == 0]


def finish(shares: Sequence[EmbeddingShare]) -> set[int]:
    """The shares are done: their rows go. Returns the photos of those that were still ours; call it
    in the transaction that writes their embeddings."""
    ours = list(_held(shares).values_list("pk", flat=True))
    EmbeddingShare.objects.filter(pk__in=ours).delete()
    return {pk for share in shares if share.pk in ours for pk in share.image_ids}


def release(shares: Sequence[EmbeddingShare]) -> None:
    """Hand shares back unspent: the worker is stopping, or has something more urgent to do."""
    _held(shares, locked=False).update(attempts=F("attempts") - 1, **UNOWNED)


def _held(shares: Sequence[EmbeddingShare], *, locked: bool = True) -> QuerySet[EmbeddingShare]:
    """The fence: a worker that was paused past its lease matches nothing."""
    ours = Q(pk__in=[])
    for share in shares:
        ours |= Q(pk=share.pk, owner=share.owner, attempts=share.attempts)
    rows = EmbeddingShare.objects.filter(ours)
    if locked and connection.features.has_select_for_update:
        rows = rows.select_for_update()
    return rows
