"""What to review next: the order, and the leases that keep two reviewers off one image."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import SystemRandom

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .models import LabelState, MachineState, Origin, ProductImage, ReviewSkip, User
from .models.image import ImageQuerySet
from .sql import Constant

OPEN = Q(label_state=Constant(LabelState.UNLABELLED), withdrawn_at__isnull=True)
ANSWERED = [MachineState.CLASSIFIED, MachineState.FAILED]
SKIP_RETURNS_AFTER = timedelta(minutes=30)
MANY = 10_000
"""A page that shows how many are left counts no further."""


def next_images(user: User, *, count: int = 1, exclude: Sequence[int] = ()) -> list[ProductImage]:
    """Lease up to `count` images to `user`: what is already on their screen first, then what
    merchants reported as wrong, then disputed labels, then the least certain with one in ten from
    the random share.

    `exclude` names images the page holds already."""
    now = timezone.now()
    with transaction.atomic():
        chosen = [i for i in _held(user, now, exclude).unlocked()[:count] if lease(user, i)]
        seen = [*exclude, *(i.pk for i in chosen)]
        while len(chosen) < count and (image := _pick(user, now, seen)) is not None:
            seen.append(image.pk)
            if lease(user, image):
                chosen.append(image)
    return chosen


def waiting(*, most: int | None = None) -> int:
    """How many images are in review, whoever looks at them; `most` bounds the count and its cost:
    the desk asks after every decision."""
    rows = ProductImage.objects.all()
    disputed = rows.present().filter(disputed=True)
    # Others that are reported stand in one of the parts below.
    reported = (
        _complaints(rows)
        .filter(disputed=False)
        .exclude(label_state=LabelState.UNLABELLED, machine__in=ANSWERED)
    )
    parts = (reported, disputed, _drawn(rows), *_uncertain(rows))
    counts = (part.order_by().values("pk")[:most].count() for part in parts)
    return sum(counts) if most is None else min(sum(counts), most)


def left() -> int:
    """`waiting` as the desk shows it, up to MANY."""
    return waiting(most=MANY)


def lease(user: User, image: ProductImage) -> bool:
    """Take one named image, if nobody else holds it."""
    now = timezone.now()
    free = ProductImage.objects.present().filter(_free(user, now), pk=image.pk)
    return bool(free.update(reviewer=user, review_lease_until=_until(now)))


def renew(user: User, image_ids: Sequence[int]) -> dict[int, datetime]:
    """Hold on to images that a page still shows or has ready; an expired one is taken again if
    nobody else did. Returns {id: end of the lease} of those held; the others were decided or are
    on another screen."""
    now = timezone.now()
    open_ones = ProductImage.objects.in_review().filter(pk__in=image_ids).values("pk")
    rows = ProductImage.objects.present().filter(pk__in=image_ids)
    mine = rows.filter(Q(reviewer=user) | Q(_free(user, now), pk__in=open_ones))
    mine.update(reviewer=user, review_lease_until=_until(now))
    held = rows.filter(reviewer=user, review_lease_until__gt=now)
    ends = held.order_by("pk").values_list("pk", "review_lease_until")
    return {pk: end for pk, end in ends if end is not None}


def release(user: User, image_ids: Sequence[int], *, until: datetime | None = None) -> int:
    """Give images back that were leased and not decided. `until` spares leases that end later: a
    page that closes says how long it held its photos, and the same reviewer's next page may have
    taken them again by the time its message arrives."""
    held = ProductImage.objects.filter(pk__in=image_ids, reviewer=user)
    if until is not None:
        held = held.filter(review_lease_until__lte=until)
    return held.update(reviewer=None, review_lease_until=None)


@transaction.atomic
def skip(user: User, image: ProductImage) -> None:
    """Pass the image over: others see it at once, this reviewer again in half an hour."""
    ReviewSkip.objects.update_or_create(image=image, reviewer=user, defaults={"at": timezone.now()})
    release(user, [image.pk])


def origin_of(image: ProductImage) -> Origin:
    """Why the image stands in the queue, from the server's own record."""
    return Origin.RANDOM if image.drawn else Origin.UNCERTAIN


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.REVIEW_LEASE_SECONDS)


def _free(user: User, now: datetime) -> Q:
    return Q(reviewer__isnull=True) | Q(reviewer=user) | Q(review_lease_until__lt=now)


def _complaints(rows: ImageQuerySet) -> ImageQuerySet:
    """What merchants reported as wrong, the longest waiting first."""
    return rows.filter(complaint_at__isnull=False).order_by("complaint_at", "id")


def _drawn(rows: ImageQuerySet) -> ImageQuerySet:
    """The random share, drawn when each photo arrived: serving it oldest first stays an unbiased
    sample, whatever the model thought of it."""
    return rows.filter(OPEN, drawn=True, machine__in=ANSWERED).order_by("id")


def _uncertain(rows: ImageQuerySet) -> tuple[ImageQuerySet, ImageQuerySet]:
    """The others: first what the model could not answer, then the least certain."""
    others = rows.filter(OPEN, drawn=False)
    return (
        others.filter(machine=Constant(MachineState.FAILED)).order_by("id"),
        others.filter(machine=Constant(MachineState.CLASSIFIED)).order_by("confidence", "id"),
    )


def _held(user: User, now: datetime, exclude: Sequence[int]) -> ImageQuerySet:
    held = ProductImage.objects.in_review().filter(reviewer=user, review_lease_until__gt=now)
    return held.exclude(pk__in=exclude).order_by("review_lease_until", "id")


def _pick(user: User, now: datetime, exclude: Sequence[int]) -> ProductImage | None:
    """One image by the order above, that nobody else takes in this moment."""
    skipped = ReviewSkip.objects.filter(reviewer=user, at__gt=now - SKIP_RETURNS_AFTER)
    rows = (
        ProductImage.objects.unlocked()
        .filter(_free(user, now))
        .exclude(pk__in=exclude)
        .exclude(pk__in=skipped.values("image_id"))
    )
    disputed = rows.filter(disputed=True, withdrawn_at__isnull=True).order_by("id")
    drawn, uncertain = _drawn(rows), _uncertain(rows)
    lucky = SystemRandom().random() < settings.REVIEW_RANDOM_SHARE
    urgent = (_complaints(rows), disputed)
    order = (*urgent, drawn, *uncertain) if lucky else (*urgent, *uncertain, drawn)
    return next((image for part in order if (image := part.first()) is not None), None)
