"""The review desk: what a reviewer finds there, and taking the last decision back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from . import lifecycle, queue, reclassify
from .errors import NotAllowed
from .models import CategoryChange, Decision, DecisionKind, ProductImage, Serving, User
from .queue_filters import ALL, Filters


@dataclass(frozen=True)
class Desk:
    """Photos leased to one reviewer, and how things stand around them."""

    images: Sequence[ProductImage]
    left: int
    """In review and let through by the filters, whoever looks at them; counted up to queue.MANY."""
    filters: Filters = ALL
    being_classified: int = 0
    """Counted only when there is nothing to show."""
    has_model: bool = True

    @property
    def is_more(self) -> bool:
        """There may be more than `left` says."""
        return self.left >= queue.MANY

    @property
    def empty_because(self) -> str:
        """ "" while there are photos; else elsewhere, filtered, no-model, soon or done."""
        if self.images:
            return ""
        if self.left:
            return "elsewhere"
        if self.filters.any:
            return "filtered"
        if not self.has_model:
            return "no-model"
        return "soon" if self.being_classified else "done"


def open_desk(
    user: User,
    *,
    count: int = 1,
    exclude: Sequence[int] = (),
    first: int | None = None,
    filters: Filters = ALL,
) -> Desk:
    """Lease up to `count` photos besides those the page holds already (`exclude`); `first` names
    one to begin with, if it can be had, whatever the filters."""
    left = queue.left(filters)
    if first is not None and queue.renew(user, [first]):
        return Desk(list(ProductImage.objects.filter(pk=first)), left, filters)
    images = queue.next_images(user, count=count, exclude=exclude, filters=filters)
    if images or exclude:
        return Desk(images, left, filters)
    has_model = Serving.current().live_id is not None
    return Desk(images, left, filters, sum(reclassify.queue_counts().values()), has_model)


@dataclass(frozen=True)
class TakenBack:
    """What one undo did."""

    image: ProductImage
    """On the reviewer's screen again; of several, the one that was decided first."""
    count: int
    """Decisions taken back: several where they were made with one key."""
    refused: int = 0
    """Of those, how many stand because somebody acted on their photo since."""


@transaction.atomic
def take_back(
    user: User, *, decision_id: int | None = None, token: UUID | None = None
) -> TakenBack:
    """Undo this person's last decision that stands, or the one named, with all that were made by
    the same key, and put its photo on their screen again. The same `token` again undoes nothing
    more."""
    known = Decision.objects.filter(token=token).first() if token else None
    decision = known.undoes if known else _last_decision(user, decision_id)
    if decision is None:
        raise NotAllowed("There is no decision of yours to undo.")
    count, refused, image_id = 1, 0, decision.image_id
    if decision.batch:
        outcome = lifecycle.undo_batch(decision.batch, by=user, token=token)
        if not outcome.decisions:
            raise next(iter(outcome.refused.values()))
        count, refused = len(outcome.decisions), len(outcome.refused)
        image_id = outcome.decisions[0].image_id
    elif known is None:
        lifecycle.undo(decision, by=user, token=token)
    image = ProductImage.objects.get(pk=image_id)
    queue.lease(user, image)
    return TakenBack(image, count, refused)


def _last_decision(user: User, decision_id: int | None) -> Decision | None:
    own = Decision.objects.filter(by=user).exclude(
        kind__in=[DecisionKind.UNDO, DecisionKind.IMPORT]
    )
    if decision_id is not None:
        return own.filter(pk=decision_id).first()
    # What a split of a category decided is undone where the category was split.
    own = own.exclude(batch__in=CategoryChange.objects.values("key"))
    return own.filter(undone_by__isnull=True, image__withdrawn_at__isnull=True).first()
