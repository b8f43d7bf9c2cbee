"""What the worker does to images: claim, finish, fail, release; and requests to try again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from .. import enqueue, products
from ..errors import NotAllowed
from ..models import (
    Embedding,
    MachineState,
    ModelVersion,
    Prediction,
    Priority,
    ProductImage,
    Serving,
)
from ..sql import Constant, keep

CHUNK = 500


@dataclass(frozen=True)
class Claim:
    """One image held by one worker; `attempts` fences the finish."""

    image_id: int
    file: str
    owner: str
    attempts: int
    priority: int = Priority.UPLOAD


@dataclass(frozen=True)
class Likeness:
    """How near a photo is to what its version learned from, -1 to 1; `nearest` is the id of the
    nearest labelled photo where nothing is near enough to be called like it, else None."""

    nearness: float
    nearest: int | None


@dataclass(frozen=True)
class Answer:
    """What the model said of one claimed image."""

    claim: Claim
    top: list[tuple[int, float]]
    """Up to five (category id, calibrated confidence), best first."""
    embedding: bytes | None
    """2,048 float16 values, little-endian; None where its backbone's is stored already."""
    likeness: Likeness | None = None


def claim(*, owner: str, limit: int, background_limit: int | None = None) -> list[Claim]:
    """Take up to `limit` images that wait or whose lease ran out, urgent ones first; where a
    `background_limit` is given, at most so many that nobody waits for, and none beside urgent ones.

    Nothing is claimed while no version is live. An image on its second attempt or later comes
    alone, so that a photo that kills its worker takes no batch-mates along; after the last
    attempt it fails."""
    if not Serving.objects.filter(live__isnull=False).exists():
        return []
    now = timezone.now()
    with transaction.atomic():
        _give_up_on_repeaters(now)
        chosen = _claimable(now, limit, background_limit)
        if not chosen:
            return []
        ids = [pk for pk, _ in chosen]
        ProductImage.objects.filter(pk__in=ids).update(
            machine=MachineState.CLASSIFYING,
            owner=owner,
            lease_until=now + timedelta(seconds=settings.CLASSIFY_LEASE_SECONDS),
            attempts=F("attempts") + 1,
        )
        rows = ProductImage.objects.filter(pk__in=ids).order_by("priority", "id")
        return [
            Claim(pk, file, owner, attempts, priority)
            for pk, file, attempts, priority in rows.values_list(
                "pk", "file", "attempts", "priority"
            )
        ]


def _claimable(now: datetime, limit: int, background_limit: int | None) -> list[tuple[int, int]]:
    """(id, attempts) of the rows to take, locked where the database can lock rows."""
    images = ProductImage.objects.unlocked().order_by("priority", "id")
    expired = images.filter(machine=MachineState.CLASSIFYING, lease_until__lt=now)
    waiting = images.filter(machine=MachineState.PENDING)
    columns = ("priority", "pk", "attempts")
    rows = [*expired.values_list(*columns)[:1], *waiting.values_list(*columns)[:limit]]
    rows.sort()
    if background_limit is not None:
        urgent = sum(priority < Priority.BACKGROUND for priority, _, _ in rows)
        rows = rows[: urgent or background_limit]
    found = [(pk, attempts) for _, pk, attempts in rows]
    if found and found[0][1] > 0:
        return found[:1]
    return [(pk, attempts) for pk, attempts in found if attempts == 0]


def somebody_waits() -> bool:
    """Whether there are photos to be claimed that are no background work."""
    urgent = ProductImage.objects.filter(
        machine=Constant(MachineState.PENDING), priority__lt=Priority.BACKGROUND
    )
    return urgent.exists()


def _give_up_on_repeaters(now: datetime) -> None:
    repeaters = ProductImage.objects.unlocked().filter(
        machine=MachineState.CLASSIFYING,
        lease_until__lt=now,
        attempts__gte=settings.CLASSIFY_MAX_ATTEMPTS,
    )
    ids = list(repeaters.order_by().values_list("pk", flat=True))
    ProductImage.objects.filter(pk__in=ids).update(
        machine=MachineState.FAILED,
        owner="",
        lease_until=None,
        failure=f"The worker stopped {settings.CLASSIFY_MAX_ATTEMPTS} times on this photo.",
        changed_at=now,
    )


def _held(claims: Sequence[Claim]) -> QuerySet[ProductImage]:
    """The fence: a worker that was paused past its lease matches nothing."""
    ours = Q(pk__in=[])
    for (owner, attempts), group in _by_holder(claims).items():
        ours |= Q(pk__in=group, owner=owner, attempts=attempts)
    return ProductImage.objects.filter(ours, machine=MachineState.CLASSIFYING)


def _by_holder(claims: Sequence[Claim]) -> dict[tuple[str, int], list[int]]:
    """{(owner, attempts): image ids}; one entry for a batch, as it is claimed."""
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for claim in claims:
        found[claim.owner, claim.attempts].append(claim.image_id)
    return found


@transaction.atomic
def finish(answers: Sequence[Answer], *, version: ModelVersion) -> int:
    """Write the answers of one batch; returns how many were still ours to write. A version that was
    removed meanwhile answers nothing: its images wait for another."""
    now = timezone.now()
    products.lock_of([a.claim.image_id for a in answers])
    if not keep(version):
        release([a.claim for a in answers])
        return 0
    locked = _held([a.claim for a in answers]).order_by("pk").select_for_update(no_key=True)
    ours = set(locked.values_list("pk", flat=True))
    held = [a for a in answers if a.claim.image_id in ours]
    nearest = _still_there(held)
    predictions = Prediction.objects.bulk_create(
        [
            Prediction(
                image_id=a.claim.image_id,
                version=version,
                category_id=a.top[0][0],
                confidence=a.top[0][1],
                top=a.top,
                at=now,
                nearness=a.likeness.nearness if a.likeness else None,
                unfamiliar=a.likeness is not None and a.likeness.nearest is not None,
                nearest_id=nearest.get(a.claim.image_id),
            )
            for a in held
        ],
        batch_size=CHUNK,
    )
    for start in range(0, len(predictions), CHUNK):
        _show(predictions[start : start + CHUNK], version, now)
    _store_embeddings(held, version)
    products.refresh_suggestions(ours)
    return len(held)


def _show(predictions: Sequence[Prediction], version: ModelVersion, now: datetime) -> None:
    """The images carry these as their answers; one statement, since each image has one here."""
    new = Prediction.objects.filter(pk__in=[p.pk for p in predictions], image=OuterRef("pk"))
    ProductImage.objects.filter(pk__in=[p.image_id for p in predictions]).update(
        machine=MachineState.CLASSIFIED,
        owner="",
        lease_until=None,
        attempts=0,
        failure="",
        predicted_id=Subquery(new.values("category_id")),
        confidence=Subquery(new.values("confidence")),
        prediction_id=Subquery(new.values("pk")),
        version=version,
        changed_at=now,
    )


def _still_there(answers: Sequence[Answer]) -> dict[int, int]:
    """{image id: its nearest labelled photo}, of those whose rows were not removed since."""
    wanted = {
        a.claim.image_id: a.likeness.nearest for a in answers if a.likeness and a.likeness.nearest
    }
    if not wanted:
        return {}
    rows = ProductImage.objects.filter(pk__in=set(wanted.values()))
    there = set(rows.values_list("pk", flat=True))
    return {image: nearest for image, nearest in wanted.items() if nearest in there}


def _store_embeddings(answers: Sequence[Answer], version: ModelVersion) -> None:
    """By id, as everybody inserts them: an insert waits for another's of the same image."""
    Embedding.objects.bulk_create(
        [
            Embedding(
                image_id=a.claim.image_id, backbone_id=version.backbone_id, vector=a.embedding
            )
            for a in sorted(answers, key=lambda a: a.claim.image_id)
            if a.embedding is not None
        ],
        batch_size=CHUNK,
        ignore_conflicts=True,
    )


def fail(claim: Claim, *, reason: str) -> bool:
    """This photo cannot be classified; it alone fails, with a reason people can read."""
    return bool(
        _held([claim]).update(
            machine=MachineState.FAILED,
            owner="",
            lease_until=None,
            attempts=0,
            failure=reason[:300],
            changed_at=timezone.now(),
        )
    )


@transaction.atomic
def release(claims: Sequence[Claim]) -> int:
    """Hand claims back unspent: the worker is stopping, or its model went away."""
    products.lock_of([claim.image_id for claim in claims])
    return _held(claims).update(
        machine=MachineState.PENDING, owner="", lease_until=None, attempts=F("attempts") - 1
    )


@transaction.atomic
def retry(image: ProductImage) -> None:
    """A person asks for another try at a failed photo."""
    updated = ProductImage.objects.present().filter(pk=image.pk, machine=MachineState.FAILED)
    if not updated.update(
        machine=MachineState.PENDING,
        priority=Priority.RETRY,
        attempts=0,
        failure="",
        changed_at=timezone.now(),
    ):
        raise NotAllowed("Only a failed photo can be tried again; reload to see its state.")
    enqueue.classify_soon([image.pk])


@transaction.atomic
def requeue(rows: QuerySet[ProductImage]) -> int:
    """Put answered or failed images back into the queue at the lowest priority. The answer they
    have stays readable until the new one replaces it."""
    states = [MachineState.CLASSIFIED, MachineState.FAILED]
    rows = rows.filter(machine__in=states, withdrawn_at__isnull=True)
    ids = list(rows.values_list("pk", flat=True))
    products.lock_of(ids)
    return rows.filter(pk__in=ids).update(
        machine=MachineState.PENDING,
        priority=Priority.BACKGROUND,
        attempts=0,
        failure="",
        changed_at=timezone.now(),
    )


def forget_answers(rows: QuerySet[ProductImage]) -> int:
    """The version that gave these answers is removed: the images wait for another, and show none
    until then. Returns how many there were."""
    ids = list(rows.values_list("pk", flat=True))
    products.lock_of(ids)
    images = ProductImage.objects.filter(pk__in=ids)
    images.update(
        predicted=None, confidence=None, prediction=None, version=None, changed_at=timezone.now()
    )
    requeue(images.filter(machine=MachineState.CLASSIFIED))
    products.refresh_suggestions(ids)
    return len(ids)
