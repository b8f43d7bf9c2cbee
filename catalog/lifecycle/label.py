"""What people do to images: decide, and take a decision back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from .. import blind, merging, products, splits
from ..errors import LeaseLost, NotAllowed, StaleImage
from ..models import (
    BlindLook,
    Category,
    Decision,
    DecisionKind,
    LabelState,
    MachineState,
    Origin,
    ProductImage,
    Split,
    UnusableReason,
    User,
)
from ..queue import origin_of
from . import complaints, disputes

STATE_OF_KIND = {
    DecisionKind.CONFIRM: LabelState.CONFIRMED,
    DecisionKind.CORRECT: LabelState.CORRECTED,
    DecisionKind.IMPORT: LabelState.CONFIRMED,
    DecisionKind.UNUSABLE: LabelState.UNUSABLE,
    DecisionKind.NONE_OF_THESE: LabelState.NONE_OF_THESE,
    DecisionKind.REOPEN: LabelState.UNLABELLED,
}


@dataclass(frozen=True)
class Label:
    """A label state with what belongs to it."""

    state: str
    category_id: int | None = None
    reason: str = ""
    origin: str = ""
    said_id: int | None = None
    """What the person said, where that counts as `category_id` since the two were merged."""


def decide_category(
    image: ProductImage,
    category: Category,
    *,
    by: User,
    revision: int,
    token: UUID | None = None,
    batch: UUID | None = None,
    origin: Origin = Origin.NONE,
    looked: bool = True,
) -> Decision:
    """Label the image. The same category as the suggestion confirms it, another corrects it; one
    that was merged counts as what it was merged into.

    `revision` is the one the person saw; StaleImage if it moved on, LeaseLost if the image is on
    another reviewer's screen, NotAllowed for a category that is retired or has children. `origin`
    says how it came before the person, where that is not what its row says; `looked` is False
    where the tree was changed, and so is no opinion on this very photo."""
    counted = require_choosable(category)
    return _decide(
        image,
        DecisionKind.CORRECT,
        by=by,
        revision=revision,
        token=token,
        batch=batch,
        category_id=counted.pk,
        said_id=category.pk,
        origin=origin,
        looked=looked,
    )


def decide_unusable(
    image: ProductImage,
    reason: UnusableReason,
    *,
    by: User,
    revision: int,
    token: UUID | None = None,
) -> Decision:
    """The photo is no use to anyone; the merchant is asked to replace it."""
    if not reason:
        raise NotAllowed("Say why the photo is unusable: choose one of the reasons.")
    kind = DecisionKind.UNUSABLE
    return _decide(image, kind, by=by, revision=revision, token=token, reason=reason)


def decide_none_of_these(
    image: ProductImage, *, by: User, revision: int, token: UUID | None = None
) -> Decision:
    """The photo is fine, but the tree has no category for it."""
    return _decide(image, DecisionKind.NONE_OF_THESE, by=by, revision=revision, token=token)


def send_back(
    image: ProductImage,
    *,
    by: User,
    revision: int,
    token: UUID | None = None,
    batch: UUID | None = None,
) -> Decision:
    """Take a labelled image's label off, so that it is reviewed again: the tree was changed, and
    nobody looked at this very photo."""
    if not image.is_labelled:
        raise NotAllowed("This photo carries no category that could be taken off.")
    kind = DecisionKind.REOPEN
    return _decide(image, kind, by=by, revision=revision, token=token, batch=batch, looked=False)


@transaction.atomic
def import_label(
    image: ProductImage, category: Category, *, split: Split = Split.NONE, by: User | None = None
) -> bool:
    """A label that came with an import counts as a person's. Returns False when `split` could not
    be honoured because a near-duplicate already stands in another split."""
    counted = require_choosable(category)
    current = _locked(image.pk)
    if current.withdrawn_at is not None:
        raise NotAllowed("This photo was withdrawn; it cannot be labelled.")
    if current.revision != image.revision:
        raise StaleImage(f"Nothing was saved: {_latest(current)}.")
    origin = Origin(current.label_origin or Origin.IMPORT)
    label = Label(LabelState.CONFIRMED, counted.pk, origin=origin, said_id=category.pk)
    _write(current, label, kind=DecisionKind.IMPORT, by=by, token=None)
    honoured = splits.settle(current, origin, wanted=split)
    disputes.settle(current)
    return honoured


@transaction.atomic
def undo(decision: Decision, *, by: User, token: UUID | None = None) -> Decision:
    """Bring back the label before `decision`, which must be its image's latest that stands."""
    image = _locked(decision.image_id)
    if known := _already(token, image):
        return known
    if image.withdrawn_at is not None:
        raise NotAllowed("This photo was withdrawn; its decisions can no longer be undone.")
    undoes = Decision.objects.filter(undoes=decision)
    if decision.kind == DecisionKind.UNDO or undoes.exists():
        raise NotAllowed("This decision was already undone.")
    standing = image.decisions.exclude(kind=DecisionKind.UNDO).filter(undone_by__isnull=True)
    if standing.first() != decision:
        raise StaleImage(f"Since then, {_latest(image)}; undo that first.")
    _require_no_other_reviewer(image, by)
    before = Label(
        decision.before_state,
        _label_before(decision, standing.exclude(pk=decision.pk).exclude(blind.SECOND_OPINION)),
        decision.before_reason,
        decision.before_origin,
    )
    undone = _write(
        image,
        before,
        kind=DecisionKind.UNDO,
        by=by,
        token=token,
        batch=decision.batch,
        undoes=decision,
    )
    complaints.reopen(image, decision)
    blind.reopen(decision)
    disputes.settle(image)
    return undone


@transaction.atomic
def _decide(
    image: ProductImage,
    kind: DecisionKind,
    *,
    by: User,
    revision: int,
    token: UUID | None,
    batch: UUID | None = None,
    category_id: int | None = None,
    said_id: int | None = None,
    reason: str = "",
    origin: Origin = Origin.NONE,
    looked: bool = True,
) -> Decision:
    """`image` may be an old copy: the row is read again, locked, and compared by revision."""
    current = _locked(image.pk)
    if known := _already(token, current):
        return known
    _require_open(current, by, revision)
    if kind == DecisionKind.CORRECT and current.predicted_id == category_id:
        kind = DecisionKind.CONFIRM
    sees = looked and not origin
    look = blind.looks_at([current], by).get(current.pk) if sees else None
    origin = origin or Origin(current.label_origin) or _origin(current, by)
    label = Label(STATE_OF_KIND[kind], category_id, reason, origin, said_id)
    if look is not None and look.first_id is not None:
        return _second_opinion(current, label, look, kind=kind, by=by, token=token, batch=batch)
    decision = _write(
        current, label, kind=kind, by=by, token=token, batch=batch, is_blind=look is not None
    )
    if look is not None:
        blind.decided(look, decision)
    blind.settle(current)
    complaints.settle(current, decision)
    if category_id is not None:
        splits.settle(current, origin)
    disputes.settle(current, looked_again=current.disputed)
    return decision


def _second_opinion(
    image: ProductImage,
    said: Label,
    look: BlindLook,
    *,
    kind: DecisionKind,
    by: User,
    token: UUID | None,
    batch: UUID | None,
) -> Decision:
    """What a second reviewer says of a photo that another decided before, neither seeing what the
    other chose. The first label stays; where the two differ, the photo goes back to review."""
    stands = Label(image.label_state, image.label_id, image.unusable_reason, image.label_origin)
    decision = _write(
        image, stands, said=said, kind=kind, by=by, token=token, batch=batch, is_blind=True
    )
    disagrees = _meaning(said) != _meaning(stands)
    blind.decided(look, decision, disagrees=disagrees)
    if disagrees:
        ProductImage.objects.filter(pk=image.pk).update(disputed=True)
    return decision


def _meaning(label: Label) -> tuple[int | None, str]:
    """The category, or why there is none; whether the suggestion was that one does not matter."""
    return label.category_id, "" if label.category_id else label.state


def _label_before(decision: Decision, earlier: QuerySet[Decision]) -> int | None:
    """What the label was before `decision`, as that counts now; `earlier` is what stood then."""
    if decision.before_label_id is None:
        return None
    said = earlier.values_list("category_id", flat=True).first() or decision.before_label_id
    return merging.targets().get(said, said)


def _locked(image_id: int) -> ProductImage:
    """The row as it is now, held until the transaction ends; StaleImage where it was removed. The
    order is the same everywhere: splits, product, image."""
    splits.one_at_a_time()
    products.lock_of([image_id])
    image = ProductImage.objects.select_for_update(no_key=True).filter(pk=image_id).first()
    if image is None:
        raise StaleImage("This photo is not there any more.")
    return image


def _already(token: UUID | None, image: ProductImage) -> Decision | None:
    """What this very save decided before, when its answer got lost on the way."""
    known = Decision.objects.filter(token=token).first() if token else None
    if known is not None and known.image_id != image.pk:
        raise NotAllowed("This save belongs to another photo; reload the page and decide again.")
    return known


def require_choosable(category: Category) -> Category:
    """The category, or what it counts as since it was merged; NotAllowed for one that is retired or
    has others below it."""
    counted = merging.resolve(category)
    if not Category.objects.leaves().filter(pk=counted.pk).exists():
        raise NotAllowed(f"“{counted}” cannot be chosen: it is retired or has categories below.")
    return counted


def _require_open(image: ProductImage, by: User, revision: int) -> None:
    if image.withdrawn_at is not None:
        raise StaleImage("The merchant withdrew this photo.")
    if image.revision != revision:
        raise StaleImage(f"Nothing was saved: {_latest(image)}.")
    _require_no_other_reviewer(image, by)


def _require_no_other_reviewer(image: ProductImage, by: User) -> None:
    if image.leased_to_other(by.pk, timezone.now()):
        raise LeaseLost("Another reviewer has this photo on the screen now.")


def _latest(image: ProductImage) -> str:
    latest = image.decisions.select_related("by", "category").first()
    if image.complaint_at and (latest is None or latest.at < image.complaint_at):
        return "the merchant says that the category is wrong"
    if latest is None:
        return "the photo changed"
    who = latest.by.get_username() if latest.by else "an import"
    what = {
        DecisionKind.UNUSABLE: "marked the photo unusable",
        DecisionKind.NONE_OF_THESE: "said that no category fits",
        DecisionKind.REOPEN: "sent the photo back to review",
        DecisionKind.UNDO: "undid a decision",
    }.get(DecisionKind(latest.kind), f"chose “{latest.category}”")
    return f"{who} {what}"


def _origin(image: ProductImage, by: User) -> Origin:
    in_queue = image.machine in {MachineState.CLASSIFIED, MachineState.FAILED}
    if image.reviewer_id == by.pk and in_queue:
        return origin_of(image)
    return Origin.CHOSEN


def _write(
    image: ProductImage,
    label: Label,
    *,
    kind: DecisionKind,
    by: User | None,
    token: UUID | None,
    batch: UUID | None = None,
    undoes: Decision | None = None,
    said: Label | None = None,
    is_blind: bool = False,
) -> Decision:
    """One conditional UPDATE of the label fields plus one row of history: of `said`, where that is
    not what the label becomes."""
    now = timezone.now()
    labelled_at = image.labelled_at if said else now
    said = said or label
    written = ProductImage.objects.filter(pk=image.pk, revision=image.revision).update(
        label_state=label.state,
        label_id=label.category_id,
        unusable_reason=label.reason,
        label_origin=label.origin,
        labelled_at=labelled_at if label.state != LabelState.UNLABELLED else None,
        revision=image.revision + 1,
        reviewer=None,
        review_lease_until=None,
        changed_at=now,
    )
    if not written:
        raise StaleImage("Nothing was saved: the photo changed a moment ago.")
    return Decision.objects.create(
        image=image,
        by=by,
        kind=kind,
        category_id=said.said_id or said.category_id,
        reason=said.reason,
        origin=said.origin,
        prediction_id=image.prediction_id,
        revision=image.revision + 1,
        undoes=undoes,
        before_state=image.label_state,
        before_label_id=image.label_id,
        before_reason=image.unusable_reason,
        before_origin=image.label_origin,
        token=token,
        batch=batch,
        blind=is_blind,
        at=now,
    )
