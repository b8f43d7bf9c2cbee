"""Labels worth a second look: asking for a look through them, what it found, what people say."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from . import blind, enqueue, training_set
from .errors import CatalogError, NotAllowed
from .models import Category, CheckState, LabelCheck, LabelDoubt, ProductImage, Split, User

logger = logging.getLogger(__name__)

KEPT = 500
"""More than anybody goes through between two looks."""
CHUNK = 500
LOST_AFTER = timedelta(minutes=5)
GONE = "This label changed, or is no longer doubted; nothing was saved."


class CheckUnderWay(CatalogError):
    """The labels are being looked through already."""


class DoubtGone(CatalogError):
    """The label changed, or another look no longer doubts it."""


@dataclass(frozen=True)
class Found:
    """One doubtful label, by ids."""

    image_id: int
    label_id: int
    suggested_id: int
    confidence: float
    own: float


def request(*, by: User | None = None) -> LabelCheck:
    """Ask the trainer to look through the labels; CheckUnderWay while one look is going on."""
    give_up_on_lost()
    try:
        with transaction.atomic():
            check = LabelCheck.objects.create(requested_by=by)
            enqueue.check_labels_soon(check.pk)
    except IntegrityError:
        raise CheckUnderWay("The labels are being looked through already; wait for it.") from None
    return check


def latest() -> LabelCheck | None:
    give_up_on_lost()
    return LabelCheck.objects.first()


def waiting() -> int | None:
    """A look that nobody has taken up: its nudge may have been lost."""
    return LabelCheck.objects.filter(state=CheckState.QUEUED).values_list("pk", flat=True).first()


def claim(check_id: int) -> LabelCheck | None:
    """Take it up; None when somebody else did."""
    queued = LabelCheck.objects.filter(pk=check_id, state=CheckState.QUEUED)
    if not queued.update(state=CheckState.RUNNING, seen_at=timezone.now()):
        return None
    return LabelCheck.objects.get(pk=check_id)


def beat(check: LabelCheck) -> None:
    """The trainer is still at it."""
    _running(check).update(seen_at=timezone.now())


@transaction.atomic
def finish(check: LabelCheck, found: Sequence[Found], *, labels: int) -> bool:
    """Replace what the last look found. A label a person called right is not doubted again until it
    changes. False when the look was given up on meanwhile: nothing is written."""
    now = timezone.now()
    ended = {"state": CheckState.DONE, "labels": labels, "finished_at": now, "seen_at": now}
    if not _running(check).update(**ended):
        return False
    # First wait for what people say in this moment: a DELETE that waits itself removes it unread.
    list(LabelDoubt.objects.select_for_update().order_by("pk").values_list("pk"))
    LabelDoubt.objects.filter(_changed() | Q(dismissed_at__isnull=True)).delete()
    called_right = set(LabelDoubt.objects.values_list("image_id", flat=True))
    doubts = [
        LabelDoubt(
            image_id=one.image_id,
            label_id=one.label_id,
            suggested_id=one.suggested_id,
            confidence=one.confidence,
            own=one.own,
        )
        for one in _still_there(found)
        if one.image_id not in called_right
    ][:KEPT]
    LabelDoubt.objects.bulk_create(doubts, batch_size=CHUNK)
    LabelCheck.objects.filter(pk=check.pk).update(found=len(doubts))
    return True


def _still_there(found: Sequence[Found]) -> list[Found]:
    """Those whose photo and categories were not removed since the look began."""
    images = ProductImage.objects.filter(pk__in=[one.image_id for one in found])
    photos = set(images.values_list("pk", flat=True))
    categories = set(Category.objects.values_list("pk", flat=True))
    return [
        one
        for one in found
        if one.image_id in photos and {one.label_id, one.suggested_id} <= categories
    ]


def fail(check: LabelCheck, reason: str) -> None:
    _running(check).update(state=CheckState.FAILED, reason=reason[:300], finished_at=timezone.now())


def give_up_on_lost() -> None:
    """A trainer that died leaves its look behind; another may be asked for."""
    LabelCheck.objects.filter(
        state=CheckState.RUNNING, seen_at__lt=timezone.now() - LOST_AFTER
    ).update(
        state=CheckState.FAILED,
        reason="The trainer stopped on the way. Look again.",
        finished_at=timezone.now(),
    )


def standing() -> QuerySet[LabelDoubt]:
    """Doubts about labels that are still what they were, the most doubtful first."""
    present = LabelDoubt.objects.filter(dismissed_at__isnull=True, label=F("image__label"))
    shown = present.filter(image__withdrawn_at__isnull=True)
    return shown.select_related("image__product", "label", "suggested").order_by("own", "id")


def shown_to(reader: User) -> QuerySet[LabelDoubt]:
    """Those that stand, without photos of which `reader` is to say first what they see unaided."""
    return standing().exclude(image__in=blind.looks_now(reader).values("image"))


def require_in_sight(image: ProductImage, reader: User) -> None:
    """NotAllowed for a photo that `reader` is to look at first without knowing its label."""
    if blind.is_blind(image, reader):
        raise NotAllowed(
            "Nothing was saved: decide this photo on the review desk first, its label unseen."
        )


def dismiss(doubt_id: int, *, by: User) -> None:
    """The label is right; DoubtGone when there is nothing left to say, NotAllowed where they are
    to look without knowing it first."""
    doubts = LabelDoubt.objects.filter(pk=doubt_id, label=F("image__label"))
    doubt = doubts.select_related("image").first()
    if doubt is None:
        raise DoubtGone(GONE)
    require_in_sight(doubt.image, by)
    rows = LabelDoubt.objects.filter(pk=doubt_id)
    said = rows.filter(dismissed_at__isnull=True)
    if not said.update(dismissed_at=timezone.now(), dismissed_by=by) and not rows.exists():
        raise DoubtGone(GONE)


def following(after: LabelDoubt | None, *, reader: User) -> LabelDoubt | None:
    """The most doubtful label, or the one that comes after this; then it begins anew."""
    rows = shown_to(reader)
    if after is None:
        return rows.first()
    less = rows.filter(Q(own__gt=after.own) | Q(own=after.own, pk__gt=after.pk))
    return less.first() or rows.first()


def doubt_again(doubt_id: int, *, by: User) -> None:
    """Take back that the label is right; DoubtGone unless it was this person who said so."""
    said = LabelDoubt.objects.filter(pk=doubt_id, dismissed_by=by)
    if not said.update(dismissed_at=None, dismissed_by=None):
        raise DoubtGone("There is nothing of yours to take back here.")


def labels_to_check() -> Iterator[tuple[int, int]]:
    """(image id, category id) of the labels that are learned from. Those of validation and test
    photos are left alone: corrected where the model disagrees and nowhere else, they would come to
    agree with it, and the test would flatter."""
    rows = training_set.counting().filter(product__split=Split.TRAIN).order_by("id")
    yield from rows.values_list("pk", "label_id").iterator(chunk_size=2000)


def _running(check: LabelCheck) -> QuerySet[LabelCheck]:
    return LabelCheck.objects.filter(pk=check.pk, state=CheckState.RUNNING)


def _changed() -> Q:
    """Doubts whose image carries another label by now, or none."""
    return ~Q(label=F("image__label")) | Q(image__label__isnull=True)
