"""Look-alikes confirmed by the page: 24 photos that the model puts into one category, ordered by
likeness. A glance tells which do not belong; the others are confirmed with one key.

Photos drawn at random are left out: what people say of those, one by one, is the unbiased sample.
What the grid confirms is marked as such and never enters validation or test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from . import blind, lifecycle, queue, similar
from .errors import CatalogError, NotAllowed
from .lifecycle import Outcome
from .models import (
    Category,
    Decision,
    DecisionKind,
    MachineState,
    Origin,
    ProductImage,
    User,
)
from .models.decision import DecisionQuerySet
from .models.image import ImageQuerySet
from .queue import OPEN
from .sql import Constant

TILES = 24
TRIED = 5
UNSURE = OPEN & Q(drawn=False, machine=Constant(MachineState.CLASSIFIED))


@dataclass(frozen=True)
class Grid:
    """One page, leased to its reviewer."""

    category: Category | None
    """What the model says of every tile; None where nothing waits for a grid."""
    images: Sequence[ProductImage]
    left: int = 0
    """In this category, whoever looks at them, these among them."""
    categories: Sequence[tuple[Category, int]] = field(default=())
    """All that have photos for a grid, the most first."""


@dataclass(frozen=True)
class Saved:
    """What one page's save did."""

    confirmed: int
    flagged: int
    refused: Sequence[tuple[ProductImage, str]]
    """Photos that were not confirmed, and why."""


def open_grid(user: User, category: Category | None = None, *, exclude: Sequence[int] = ()) -> Grid:
    """The next page of `category`, else of the category with most photos; empty where the one asked
    for has none left that nobody looks at. `exclude` names photos that the screen has already."""
    counted = waiting()
    wanted = [category] if category else [each for each, _ in counted[:TRIED]]
    for each in wanted:
        images = _lease_page(user, each, exclude)
        if images:
            return Grid(each, images, dict(counted).get(each, 0), counted)
    return Grid(category, [], dict(counted).get(category, 0) if category else 0, counted)


def waiting() -> list[tuple[Category, int]]:
    """How many photos wait in each category that may be chosen, the most first."""
    counts = (
        ProductImage.objects.filter(UNSURE)
        .order_by()
        .values_list("predicted")
        .annotate(photos=Count("pk"))
    )
    photos = dict(counts)
    leaves = Category.objects.leaves().in_bulk(list(photos))
    found = [(leaf, photos[pk]) for pk, leaf in leaves.items()]
    return sorted(found, key=lambda pair: (-pair[1], pair[0].path))


@transaction.atomic
def save(
    user: User, category: Category, *, seen: Mapping[int, int], flagged: Sequence[int], batch: UUID
) -> Saved:
    """Confirm the tiles of `seen`, {image id: revision}, except the flagged ones, which stay with
    this reviewer for the desk and come on no page of theirs soon. The same `batch` again saves
    nothing more."""
    kept = {pk: revision for pk, revision in seen.items() if pk not in set(flagged)}
    drawn = ProductImage.objects.filter(pk__in=kept, drawn=True).values_list("pk", flat=True)
    reasons = {pk: NotAllowed("This photo is to be looked at by itself.") for pk in drawn}
    kept = {pk: revision for pk, revision in kept.items() if pk not in reasons}
    outcome = lifecycle.decide_many(kept, category, by=user, batch=batch, origin=Origin.GRID)
    held = queue.renew(user, flagged)
    queue.pass_over(user, held)
    return Saved(len(outcome.decisions), len(held), _refused({**reasons, **outcome.refused}))


def take_back(
    user: User, *, batch: UUID | None = None, token: UUID | None = None
) -> tuple[Grid, Outcome]:
    """Undo a page, this reviewer's last where none is named, and put its photos on their screen
    again. The same `token` again undoes nothing more."""
    own = Decision.objects.filter(by=user, origin=Origin.GRID, batch__isnull=False)
    made = own.exclude(kind=DecisionKind.UNDO).select_related("category")
    if batch is None and token and (known := Decision.objects.filter(token=token).first()):
        batch = known.batch
    last = made.filter(batch=batch).first() if batch else _last_to_undo(made)
    if last is None or last.batch is None:
        raise NotAllowed("There is no page of yours to take back.")
    outcome = lifecycle.undo_batch(last.batch, by=user, token=token)
    if not outcome.decisions:
        raise next(iter(outcome.refused.values()), NotAllowed("This page was taken back already."))
    ids = [decision.image_id for decision in outcome.decisions]
    held = queue.renew(user, ids)
    rows = ProductImage.objects.select_related(*similar.SHOWN_WITH).in_bulk(list(held))
    images = [rows[pk] for pk in ids if pk in rows]
    left = dict(waiting())
    return Grid(last.category, images, left.get(last.category, 0) if last.category else 0), outcome


def _last_to_undo(made: DecisionQuerySet) -> Decision | None:
    """What somebody built upon stands in nobody's way: it comes up only where nothing else is left,
    for the words that say so."""
    standing = made.filter(undone_by__isnull=True)
    return standing.with_nothing_since().first() or standing.first()


def _rows(user: User, category: Category, exclude: Sequence[int]) -> ImageQuerySet:
    """What may be put on `user`'s next page, what their desk just held included."""
    free = queue.free_rows(user, timezone.now(), exclude).filter(UNSURE, predicted=category)
    alone = blind.open_looks(user).values("image_id")
    return free.filter(disputed=False, complaint_at__isnull=True).exclude(pk__in=alone)


@transaction.atomic
def _lease_page(user: User, category: Category, exclude: Sequence[int]) -> list[ProductImage]:
    """The photo the model is surest of, then those that look most like it; where nothing can be
    compared yet, the surest ones."""
    free = _rows(user, category, exclude)
    surest = free.order_by("-confidence", "-id").select_related(*similar.SHOWN_WITH)
    seed = surest.first()
    if seed is None:
        return []
    alike = [image for image, _ in similar.nearest(seed, free, count=TILES - 1)]
    known = {image.pk for image in (seed, *alike)}
    others = (image for image in surest[: 2 * TILES] if image.pk not in known)
    page = [seed, *alike, *others][:TILES]
    held = queue.renew(user, [image.pk for image in page])
    return [image for image in page if image.pk in held]


def _refused(reasons: Mapping[int, CatalogError]) -> list[tuple[ProductImage, str]]:
    images = ProductImage.objects.in_bulk(list(reasons))
    return [(images[pk], str(reason)) for pk, reason in reasons.items() if pk in images]
