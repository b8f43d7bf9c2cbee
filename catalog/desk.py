"""The review desk: what a reviewer finds there, and taking the last decision back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from . import lifecycle, queue, reclassify
from .errors import NotAllowed
from .models import CategoryChange, Decision, DecisionKind, ProductImage, Serving, User
from .models.decision import DecisionQuerySet
from .queue_filters import ALL, Filters

RECENT = 10
"""Decisions that the desk shows of a reviewer."""


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
    user: User,
    *,
    decision_id: int | None = None,
    of: UUID | None = None,
    token: UUID | None = None,
) -> TakenBack:
    """Undo this person's last decision that stands, or the one named by its id or by the token it
    was saved with (`of`), with all that were made by the same key, and put its photo on their
    screen again. The same `token` again undoes nothing more."""
    known = Decision.objects.filter(token=token).first() if token else None
    decision = known.undoes if known else _last_decision(user, decision_id, of)
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


def recent(user: User) -> list[Decision]:
    """The last decisions of this person that stand, newest first."""
    rows = _standing(user).select_related("image__product", "category")
    return list(rows.filter(image__withdrawn_at__isnull=True)[:RECENT])


def decided_today(user: User) -> int:
    """How many photos this person decided since midnight."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return _standing(user).filter(at__gte=midnight).order_by().count()


def _own(user: User) -> DecisionQuerySet:
    made_here = [DecisionKind.UNDO, DecisionKind.IMPORT]
    return Decision.objects.filter(by=user).exclude(kind__in=made_here)


def _standing(user: User) -> DecisionQuerySet:
    """What a split of a category decided is undone where the category was split."""
    by_split = CategoryChange.objects.values("key")
    return _own(user).filter(undone_by__isnull=True).exclude(batch__in=by_split)


def _last_decision(user: User, decision_id: int | None, of: UUID | None) -> Decision | None:
    """Those that somebody built upon stand in nobody's way: they come up only where nothing else
    is left, for the words that say so."""
    own = _own(user)
    if of is not None:
        return own.filter(Q(token=of) | Q(batch=of)).order_by("pk").first()
    if decision_id is not None:
        return own.filter(pk=decision_id).first()
    standing = _standing(user)
    here = standing.filter(image__withdrawn_at__isnull=True)
    return standing.with_nothing_since().first() or here.first()
