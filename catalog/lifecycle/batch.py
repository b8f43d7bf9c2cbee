"""Many photos decided with one key, and taken back with one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from .. import products, splits
from ..errors import CatalogError, LeaseLost, NotAllowed, StaleImage
from ..models import Category, Decision, DecisionKind, LabelState, Origin, ProductImage, User
from .label import decide_category, require_choosable, undo

AT_ONCE = 200
"""Photos of one transaction: on SQLite everybody else's saves wait for its end."""


@dataclass(frozen=True)
class Outcome:
    """What became of each photo of a batch."""

    decisions: list[Decision]
    refused: dict[int, CatalogError]
    """{image id: why nothing was saved for it}"""


@transaction.atomic
def decide_many(
    seen: Mapping[int, int],
    category: Category,
    *,
    by: User,
    batch: UUID,
    origin: Origin = Origin.NONE,
) -> Outcome:
    """Put every photo of `seen`, {image id: the revision the person saw}, into one category. A
    photo that changed, was withdrawn or is on another screen is left as it is and named; the
    others are saved. The same `batch` again saves nothing more.

    NotAllowed if the category cannot be chosen, or for more than AT_ONCE photos."""
    if len(seen) > AT_ONCE:
        raise NotAllowed(f"At most {AT_ONCE} photos can be decided at once; choose fewer.")
    require_choosable(category)
    _hold(seen)
    if known := _known(batch, by):
        return Outcome(known, {})
    return _decide_each(seen, category, by=by, batch=batch, origin=origin)


@transaction.atomic
def decide_product(
    image: ProductImage, category: Category, *, by: User, revision: int, batch: UUID
) -> Outcome:
    """Label the photo on the screen, and with it the other photos of its product that nobody has
    decided yet, at most AT_ONCE. Those were not looked at one by one, so they count as chosen by
    hand: they never enter validation or test.

    The errors of decide_category for the photo on the screen; the others that cannot be had are
    named."""
    _hold([image.pk])
    if known := _known(batch, by):
        return Outcome(known, {})
    first = decide_category(image, category, by=by, revision=revision, batch=batch)
    photos = ProductImage.objects.present().filter(product_id=first.image.product_id)
    others = photos.filter(label_state=LabelState.UNLABELLED).exclude(pk=image.pk).order_by("pk")
    seen = dict(others.values_list("pk", "revision")[: AT_ONCE - 1])
    rest = _decide_each(seen, category, by=by, batch=batch, origin=Origin.CHOSEN)
    return Outcome([first, *rest.decisions], rest.refused)


@transaction.atomic
def undo_batch(batch: UUID, *, by: User, token: UUID | None = None) -> Outcome:
    """Take every decision of the batch back that is still its photo's latest; the others are
    named. The same `token` again undoes nothing more."""
    made = Decision.objects.filter(batch=batch).select_related("image")
    _hold(made.values_list("image_id", flat=True))
    if token and Decision.objects.filter(token=token).exists():
        return Outcome(list(made.filter(kind=DecisionKind.UNDO).order_by("pk")), {})
    undone: list[Decision] = []
    refused: dict[int, CatalogError] = {}
    for decision in made.exclude(kind=DecisionKind.UNDO).order_by("pk"):
        try:
            undone.append(undo(decision, by=by, token=None if undone else token))
        except CatalogError as error:
            refused[decision.image_id] = error
    return Outcome(undone, refused)


def _hold(image_ids: Iterable[int]) -> None:
    """Whatever belongs to these photos, in the order that single decisions take it."""
    splits.one_at_a_time()
    products.lock_of(image_ids)


def _known(batch: UUID, by: User) -> list[Decision]:
    """What this very batch decided before, when its answer got lost on the way."""
    known = list(
        Decision.objects.filter(batch=batch).exclude(kind=DecisionKind.UNDO).order_by("pk")
    )
    if any(decision.by_id != by.pk for decision in known):
        raise NotAllowed("This save belongs to somebody else; reload the page and decide again.")
    return known


def _decide_each(
    seen: Mapping[int, int], category: Category, *, by: User, batch: UUID, origin: Origin
) -> Outcome:
    images = ProductImage.objects.in_bulk(list(seen))
    decisions: list[Decision] = []
    refused: dict[int, CatalogError] = {}
    for pk, revision in seen.items():
        try:
            if pk not in images:
                raise StaleImage("This photo is not there any more.")
            decisions.append(
                decide_category(
                    images[pk], category, by=by, revision=revision, batch=batch, origin=origin
                )
            )
        except (StaleImage, LeaseLost) as error:
            refused[pk] = error
    return Outcome(decisions, refused)
