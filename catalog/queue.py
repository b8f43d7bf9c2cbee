"""What to review next: the order, and the leases that keep two reviewers off one image."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from random import SystemRandom

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from . import blind, products, together
from .models import (
    BlindLook,
    Decision,
    LabelState,
    MachineState,
    Origin,
    ProductImage,
    ReviewSkip,
    User,
)
from .models.image import IN_REVIEW, ImageQuerySet
from .queue_filters import ALL, Filters
from .sql import Constant

OPEN = Q(label_state=Constant(LabelState.UNLABELLED), withdrawn_at__isnull=True)
ANSWERED = [MachineState.CLASSIFIED, MachineState.FAILED]
SKIP_RETURNS_AFTER = timedelta(minutes=30)
MANY = 10_000
"""A page that shows how many are left counts no further."""
AGED_READ = 1000


def next_images(
    user: User, *, count: int = 1, exclude: Sequence[int] = (), filters: Filters = ALL
) -> list[ProductImage]:
    """Lease up to `count` images to `user`: what is already on their screen first, then what
    merchants reported as wrong, then disputed labels, then the least certain with one in ten from
    the random share. What belongs together comes together: the photos of one product, and
    near-duplicates.

    `exclude` names images the page holds already; `filters` leave out what does not fit them."""
    now = timezone.now()
    with transaction.atomic():
        held = _held(user, now, exclude).filter(_fits(user, filters, now))
        chosen = list(held.unlocked()[:count])
        if len(chosen) < count:
            rows = free_rows(user, now, [*exclude, *(i.pk for i in chosen)])
            rows = rows.filter(_fits(user, filters, now))
            chosen += _next(user, rows, count - len(chosen), filters, _under_way(user, exclude))
        free = ProductImage.objects.filter(_free(user, now), pk__in=[i.pk for i in chosen])
        free.update(reviewer=user, review_lease_until=_until(now))
        if filters.category is None:
            blind.hand_out(user, chosen)
    return chosen


def waiting(filters: Filters = ALL, *, most: int | None = None) -> int:
    """How many images are in review, whoever looks at them; `most` bounds the count and its cost:
    the desk asks after every decision."""
    rows = ProductImage.objects.filter(filters.where(timezone.now()))
    if filters.complaint:
        return _complaints(rows).order_by().values("pk")[:most].count()
    # Others that are reported stand in one of the parts below.
    reported = (
        _complaints(rows)
        .filter(disputed=False)
        .exclude(label_state=LabelState.UNLABELLED, machine__in=ANSWERED)
    )
    failed, classified = _uncertain(rows)
    searched = classified.filter(filters.lead())
    parts = (reported, _disputed(rows), _drawn(rows), failed, searched)
    counts = (part.order_by().values("pk")[:most].count() for part in parts)
    return sum(counts) if most is None else min(sum(counts), most)


def left(filters: Filters = ALL) -> int:
    """`waiting` as the desk shows it, up to MANY."""
    return waiting(filters, most=MANY)


def lease(user: User, image: ProductImage) -> bool:
    """Take one named image, if nobody else holds it."""
    now = timezone.now()
    free = ProductImage.objects.present().filter(_free(user, now), pk=image.pk)
    return bool(free.update(reviewer=user, review_lease_until=_until(now)))


@transaction.atomic
def renew(user: User, image_ids: Sequence[int]) -> dict[int, datetime]:
    """Hold on to images that a page still shows or has ready; an expired one is taken again if
    nobody else did. Returns {id: end of the lease} of those held; the others were decided or are
    on another screen. Of several, one that is being changed in this moment keeps the lease it
    has."""
    now = timezone.now()
    open_ones = ProductImage.objects.in_review().filter(pk__in=image_ids).values("pk")
    rows = ProductImage.objects.present().filter(pk__in=image_ids)
    mine = rows.filter(Q(reviewer=user) | Q(_free(user, now), pk__in=open_ones))
    if len(image_ids) > 1:  # for one alone it is safe to wait
        mine = rows.filter(pk__in=list(mine.unlocked().values_list("pk", flat=True)))
    mine.update(reviewer=user, review_lease_until=_until(now))
    held = rows.filter(reviewer=user, review_lease_until__gt=now)
    ends = held.order_by("pk").values_list("pk", "review_lease_until")
    return {pk: end for pk, end in ends if end is not None}


@transaction.atomic
def release(user: User, image_ids: Sequence[int], *, until: datetime | None = None) -> int:
    """Give images back that were leased and not decided. `until` spares leases that end later: a
    page that closes says how long it held its photos, and the same reviewer's next page may have
    taken them again by the time its message arrives."""
    held = ProductImage.objects.filter(pk__in=image_ids, reviewer=user)
    if until is not None:
        held = held.filter(review_lease_until__lte=until)
    products.lock_of(image_ids)
    return held.update(reviewer=None, review_lease_until=None)


@transaction.atomic
def skip(user: User, image: ProductImage) -> None:
    """Pass the image over: others see it at once, this reviewer again in half an hour."""
    release(user, [image.pk])
    pass_over(user, [image.pk])


def pass_over(user: User, image_ids: Iterable[int]) -> None:
    """Not to be chosen for this reviewer for half an hour; what they hold stays on their desk."""
    now = timezone.now()
    ReviewSkip.objects.bulk_create(
        [ReviewSkip(image_id=pk, reviewer=user, at=now) for pk in image_ids],
        update_conflicts=True,
        unique_fields=["image", "reviewer"],
        update_fields=["at"],
    )


def origin_of(image: ProductImage) -> Origin:
    """Why the image stands in the queue, from the server's own record."""
    return Origin.RANDOM if image.drawn else Origin.UNCERTAIN


def free_rows(user: User, now: datetime, exclude: Sequence[int]) -> ImageQuerySet:
    """What may be handed to `user` now."""
    skipped = ReviewSkip.objects.filter(reviewer=user, at__gt=now - SKIP_RETURNS_AFTER)
    rows = ProductImage.objects.filter(_free(user, now)).exclude(pk__in=exclude)
    return rows.exclude(pk__in=skipped.values("image_id"))


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.REVIEW_LEASE_SECONDS)


def _fits(user: User, filters: Filters, now: datetime) -> Q:
    """Who asks for a category knows what is suggested: what they are to see blind stays out."""
    where = filters.where(now)
    return where & ~Q(pk__in=_blind_to(user)) if filters.category is not None else where


def _blind_to(user: User) -> QuerySet[BlindLook, int]:
    return blind.open_looks(user).values_list("image_id", flat=True)


def _free(user: User, now: datetime) -> Q:
    return Q(reviewer__isnull=True) | Q(reviewer=user) | Q(review_lease_until__lt=now)


def _complaints(rows: ImageQuerySet) -> ImageQuerySet:
    """What merchants reported as wrong, the longest waiting first."""
    return rows.filter(complaint_at__isnull=False).order_by("complaint_at", "id")


def _disputed(rows: ImageQuerySet) -> ImageQuerySet:
    return rows.filter(disputed=True, withdrawn_at__isnull=True).order_by("id")


def _drawn(rows: ImageQuerySet) -> ImageQuerySet:
    """The random share, drawn when each photo arrived: serving it oldest first stays an unbiased
    sample, whatever the model thought of it."""
    return rows.filter(OPEN, drawn=True, machine__in=ANSWERED).order_by("created_at", "id")


def _uncertain(rows: ImageQuerySet) -> tuple[ImageQuerySet, ImageQuerySet]:
    """The others: first what the model could not answer, then the least certain."""
    others = rows.filter(OPEN, drawn=False)
    failed = others.filter(machine=Constant(MachineState.FAILED)).order_by("created_at", "id")
    classified = others.filter(machine=Constant(MachineState.CLASSIFIED))
    return failed, classified.order_by("confidence", "id")


def _held(user: User, now: datetime, exclude: Sequence[int]) -> ImageQuerySet:
    leased = ProductImage.objects.present().filter(reviewer=user, review_lease_until__gt=now)
    second = blind.open_looks(user).filter(first__isnull=False).values("image_id")
    held = leased.filter(IN_REVIEW | Q(pk__in=second))
    return held.exclude(pk__in=exclude).order_by("review_lease_until", "id")


def _under_way(user: User, held: Sequence[int]) -> list[int]:
    """The products that `user` is at: of the photos on the page, and of the last one decided."""
    last = Decision.objects.filter(by=user).order_by("-id").values_list("image_id", flat=True)
    rows = ProductImage.objects.filter(pk__in=[*held, *last[:1]]).order_by()
    return list(rows.values_list("product_id", flat=True).distinct())


def _next(
    user: User,
    rows: ImageQuerySet,
    count: int,
    filters: Filters,
    products_under_way: Sequence[int],
) -> list[ProductImage]:
    """Up to `count` of `rows` by the order of the queue, that nobody else takes in this moment."""
    open_rows = rows.filter(OPEN, machine__in=ANSWERED)
    found = list(_complaints(rows).unlocked()[:count])
    if len(found) < count and not filters.complaint:
        found += _disputed(rows).unlocked()[:count]
    ids = together.grouped(found, open_rows)
    if len(ids) < count and not filters.any:
        ids += _seen_again(user, rows, count - len(ids))
    if len(ids) < count and not filters.complaint:
        routine = _routine(rows, count, filters)
        ids += together.grouped(routine, open_rows, after=products_under_way)
        found += routine
    taken = {image.pk: image for image in found}
    wanted = list(dict.fromkeys(ids))[: count * 2]  # some may be on other screens
    if companions := [pk for pk in wanted if pk not in taken]:
        taken |= rows.unlocked().in_bulk(companions)
    return [taken[pk] for pk in wanted if pk in taken][:count]


def _seen_again(user: User, rows: ImageQuerySet, count: int) -> list[int]:
    """Now and then a photo that another reviewer decided blind, for a second opinion."""
    dice = SystemRandom()
    wanted = sum(dice.random() < settings.REVIEW_BLIND_SHARE for _ in range(count))
    if not wanted:
        return []
    awaited = {look.image_id: look for look in blind.to_see_again(user)[: wanted * 4]}
    if not awaited:
        return []
    free = rows.filter(pk__in=awaited).order_by("pk").values_list("pk", flat=True)[:wanted]
    blind.hand_out_again(user, [awaited[pk] for pk in free])
    return list(free)


def _routine(rows: ImageQuerySet, count: int, filters: Filters) -> list[ProductImage]:
    """One in ten from the random share, the others by doubt; what there is when one runs out."""
    dice = SystemRandom()
    luck = [dice.random() < settings.REVIEW_RANDOM_SHARE for _ in range(count)]
    failed, classified = _uncertain(rows)
    uncertain = list(failed.unlocked()[:count])
    if (wanted := count - len(uncertain)) > 0:
        searched = classified.filter(filters.lead())
        uncertain += _oldest_or_newest(searched, filters).unlocked()[:wanted]
    drawn = _drawn(rows).unlocked()[:count] if any(luck) or len(uncertain) < count else ()
    by_luck = {True: deque(drawn), False: deque(uncertain)}
    return [
        (by_luck[lucky] or by_luck[not lucky]).popleft()
        for lucky in luck
        if by_luck[True] or by_luck[False]
    ]


def _oldest_or_newest(rows: ImageQuerySet, filters: Filters) -> ImageQuerySet:
    """With an age asked for: the least certain among the oldest thousand, or the newest. No index
    is in the order of doubt within every range of days; this costs the same for all of them."""
    if not filters.by_age:
        return rows
    by_time = ("created_at", "id") if filters.older_than is not None else ("-created_at", "-id")
    return rows.filter(pk__in=rows.order_by(*by_time).values("pk")[:AGED_READ])
