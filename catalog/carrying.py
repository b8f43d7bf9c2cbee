"""Photos follow a change of the category tree: in chunks, each a transaction of its own, so that a
change of a million photos blocks nobody. The page that made the change carries what it can in a
moment; the worker's sweep goes on with the rest, also after a crash."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import Q, QuerySet

from . import lifecycle, merging
from .errors import CatalogError
from .models import (
    Category,
    CategoryChange,
    ChangeKind,
    Decision,
    DecisionKind,
    ProductImage,
    User,
)
from .models.image import ImageQuerySet

CHUNK = 500
AT_ONCE_SECONDS = 3.0
"""So long a page may take over it."""


def carry(change: CategoryChange, *, seconds: float = AT_ONCE_SECONDS) -> bool:
    """Go on for so long at most; True once all its photos stand where they belong."""
    if change.is_settled:
        return True
    if _cannot_go_on(change):
        return _settle(change)
    deadline = time.monotonic() + seconds
    step = _step(change)
    for ids in _chunks(_to_carry(change)):
        step(ids)
        change.cursor = ids[-1]
        stands = _row(change).update(cursor=change.cursor)
        if not stands or time.monotonic() > deadline:
            return False
    if _to_carry(change, again=True).exists():
        _row(change).update(cursor=0)
        return False
    return _settle(change)


def _settle(change: CategoryChange) -> bool:
    change.is_settled = bool(_row(change).update(is_settled=True))
    return change.is_settled


def _row(change: CategoryChange) -> QuerySet[CategoryChange]:
    """Its row, unless somebody undid it meanwhile: then there is another way to go."""
    return CategoryChange.objects.filter(pk=change.pk, undone_at=change.undone_at)


def _cannot_go_on(change: CategoryChange) -> bool:
    """What takes the photos of a split is no leaf any more: a person moves the others."""
    if change.kind != ChangeKind.SPLIT or change.undone_at is not None or change.other is None:
        return False
    return not Category.objects.leaves().filter(pk=change.other.pk).exists()


def carry_on(*, seconds: float = AT_ONCE_SECONDS) -> None:
    """The sweep's share: changes that are not settled, and what an answer or a decision that was
    under way during a merge wrote as before."""
    for change in CategoryChange.objects.filter(is_settled=False).order_by("id"):
        carry(change, seconds=seconds)
    ends = merging.targets()
    if ends:
        stray = ProductImage.objects.filter(Q(label__in=ends) | Q(predicted__in=ends))
        ids = list(stray.order_by().values_list("pk", flat=True)[:CHUNK])
        if ids:
            lifecycle.count_anew(ids)


def unsettled(category: Category) -> CategoryChange | None:
    """A change of this category whose photos are still on their way."""
    changes = CategoryChange.objects.filter(is_settled=False)
    return changes.filter(Q(category=category) | Q(other=category)).last()


def not_of(change: CategoryChange, categories: set[int]) -> int:
    """How many photos of these categories stand there by something else than this split or, once
    its source counts as itself again, this merge."""
    photos = ProductImage.objects.present().labelled().filter(label__in=categories)
    return sum(len(set(ids) - _brought(change, ids)) for ids in _chunks(photos))


def _brought(change: CategoryChange, ids: Sequence[int]) -> set[int]:
    if change.kind == ChangeKind.SPLIT:
        return {d.image_id for d in _standing(ids) if d.token == _token(change, d.image_id)}
    parts = merging.counting_as(change.category)
    return {pk for pk, category_id in lifecycle.said(ids).items() if category_id in parts}


def _to_carry(change: CategoryChange, *, again: bool = False) -> ImageQuerySet:
    """Photos beyond the cursor, or all of them again, that may not stand where they belong."""
    rows = ProductImage.objects.filter(pk__gt=0 if again else change.cursor)
    if change.kind == ChangeKind.SPLIT:
        rows = rows.present()
        if change.undone_at is None:
            return rows.labelled().filter(label=change.category_id)
        return rows.filter(pk__in=_last_words(change).values("image_id"))
    ends = merging.targets()
    if change.undone_at is None:
        return rows.filter(Q(label=change.category_id) | Q(predicted=change.category_id))
    if again:
        return rows.none()
    parts = [change.category_id, *(pk for pk, end in ends.items() if end == change.category_id)]
    said = Decision.objects.filter(category__in=parts).values("image_id")
    return rows.filter(Q(label__isnull=False, pk__in=said) | Q(prediction__category__in=parts))


def _step(change: CategoryChange) -> Callable[[Sequence[int]], None]:
    steps: dict[tuple[str, bool], Callable[[CategoryChange, Sequence[int]], None]] = {
        (ChangeKind.MERGE, False): _merge_step,
        (ChangeKind.MERGE, True): _part_step,
        (ChangeKind.SPLIT, False): _split_step,
        (ChangeKind.SPLIT, True): _join_step,
    }
    step = steps[change.kind, change.undone_at is not None]
    return lambda ids: step(change, ids)


@transaction.atomic
def _merge_step(change: CategoryChange, ids: Sequence[int]) -> None:
    agreed = lifecycle.count_anew(ids)
    if agreed:
        row = CategoryChange.objects.select_for_update().get(pk=change.pk)
        row.before["disputed"] = [*row.before.get("disputed", []), *agreed]
        row.save(update_fields=["before"])


@transaction.atomic
def _part_step(change: CategoryChange, ids: Sequence[int]) -> None:
    """A worker may have been at the merge when it was undone: what it settled is read only once its
    photos are ours."""
    lifecycle.count_anew(ids)
    before = CategoryChange.objects.values_list("before", flat=True).get(pk=change.pk)
    lifecycle.dispute_again(before.get("disputed", []), beside=ids)


def _split_step(change: CategoryChange, ids: Sequence[int]) -> None:
    """Photos on a reviewer's screen stay for the next time."""
    if change.by is None:
        return
    for image in ProductImage.objects.present().filter(pk__in=ids, label=change.category_id):
        try:
            if not _split_one(change, image, change.by):
                return
        except CatalogError:
            continue


@transaction.atomic
def _split_one(change: CategoryChange, image: ProductImage, by: User) -> bool:
    """False once the split is undone. Whoever undoes it waits for this photo, and so finds it."""
    if _row(change).select_for_update(no_key=True).first() is None:
        return False
    token, batch, seen = _token(change, image.pk), change.key, image.revision
    if change.other is None:
        lifecycle.send_back(image, by=by, revision=seen, token=token, batch=batch)
    else:
        target = change.other
        lifecycle.decide_category(
            image, target, by=by, revision=seen, token=token, batch=batch, looked=False
        )
    return True


def _join_step(change: CategoryChange, ids: Sequence[int]) -> None:
    """What was decided anew since stays as it is; photos on a reviewer's screen stay for the next
    time."""
    if change.undone_by is None:
        return
    for decision in _standing(ids):
        if decision.token == _token(change, decision.image_id):
            try:
                lifecycle.undo(decision, by=change.undone_by)
            except CatalogError:
                continue


def _last_words(change: CategoryChange) -> QuerySet[Decision]:
    """What this split decided and nobody has undone or decided anew since."""
    made = Decision.objects.filter(batch=change.key, undone_by__isnull=True)
    return made.exclude(kind=DecisionKind.UNDO).with_nothing_since()


def _standing(ids: Sequence[int]) -> list[Decision]:
    """The latest decision of each image that stands."""
    rows = Decision.objects.filter(image_id__in=ids, undone_by__isnull=True)
    rows = rows.exclude(kind=DecisionKind.UNDO).order_by("id")
    return list({decision.image_id: decision for decision in rows}.values())


def _token(change: CategoryChange, image_id: int) -> UUID:
    """Known from the change, so that its decisions are found again and made once."""
    return uuid5(change.key, str(image_id))


def _chunks(rows: QuerySet[ProductImage]) -> Iterator[list[int]]:
    """Their ids in order, read once."""
    ids = sorted(set(rows.order_by().values_list("pk", flat=True)))
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
