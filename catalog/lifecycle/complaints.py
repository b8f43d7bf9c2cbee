"""A merchant says that a category is wrong. That is a reason to look again, never a label: it goes
to the front of the review queue with what the merchant expects, and a reviewer decides."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from ..errors import NotAllowed
from ..models import Category, Complaint, Decision, LabelState, ProductImage, User

NOTE_LENGTH = 200
HAS_AN_ANSWER = Q(label_state=LabelState.UNLABELLED, predicted__isnull=False) | Q(
    label_state__in=[LabelState.CONFIRMED, LabelState.CORRECTED, LabelState.NONE_OF_THESE]
)


@transaction.atomic
def complain(
    image: ProductImage, *, by: User, category: Category | None = None, note: str = ""
) -> Complaint:
    """This merchant finds the category wrong; `category` is the one they expect. The label that
    there is stays. A reviewer who has the photo on the screen sees it anew: the revision rises."""
    _require_own(image, by)
    _require_another(image, category)
    now = timezone.now()
    note = note.strip()[:NOTE_LENGTH]
    rows = ProductImage.objects.present().filter(HAS_AN_ANSWER, pk=image.pk)
    if not rows.filter(complaint_at__isnull=True).update(
        complaint_at=now,
        complaint_category=category,
        complaint_note=note,
        revision=F("revision") + 1,
        changed_at=now,
    ):
        raise NotAllowed(_why_not(image))
    return Complaint.objects.create(image=image, by=by, category=category, note=note, at=now)


@transaction.atomic
def take_back_complaint(image: ProductImage, *, by: User) -> None:
    """The merchant no longer says so; the photo stands where it stood."""
    _require_own(image, by)
    if not _close(image):
        raise NotAllowed("This photo is not being looked at again any longer; reload the page.")
    _open(image).update(taken_back_at=timezone.now())


def settle(image: ProductImage, decision: Decision) -> None:
    """A reviewer has decided since: the complaint is answered, whatever they chose. The caller
    holds the transaction and the image."""
    if _close(image, checked_again=True):
        _open(image).update(settled_by=decision)


def reopen(image: ProductImage, undone: Decision) -> None:
    """The decision that answered a complaint is taken back: the complaint stands again, unless the
    merchant has complained anew since."""
    complaint = Complaint.objects.filter(settled_by=undone).first()
    if complaint is None or image.complaint_at is not None:
        return
    Complaint.objects.filter(pk=complaint.pk).update(settled_by=None)
    others = Complaint.objects.filter(image=image, settled_by__isnull=False)
    ProductImage.objects.filter(pk=image.pk).update(
        complaint_at=complaint.at,
        complaint_category_id=complaint.category_id,
        complaint_note=complaint.note,
        checked_again=others.exists(),
    )


def drop(image: ProductImage) -> None:
    """The photo is withdrawn, and with it what was said of it."""
    _close(image)
    _open(image).update(taken_back_at=timezone.now())


def _open(image: ProductImage) -> QuerySet[Complaint]:
    return Complaint.objects.filter(image=image, taken_back_at=None, settled_by=None)


def _close(image: ProductImage, **more: bool) -> bool:
    return bool(
        ProductImage.objects.filter(pk=image.pk, complaint_at__isnull=False).update(
            complaint_at=None,
            complaint_category=None,
            complaint_note="",
            changed_at=timezone.now(),
            **more,
        )
    )


def _require_own(image: ProductImage, by: User) -> None:
    if by.merchant_id is None or by.merchant_id != image.merchant_id:
        raise NotAllowed("Only the merchant whose photo it is can say this.")


def _require_another(image: ProductImage, category: Category | None) -> None:
    if category is None:
        return
    if not Category.objects.leaves().filter(pk=category.pk).exists():
        raise NotAllowed(f"“{category}” cannot be chosen: it is retired or has categories below.")
    shown = image.label_id if image.is_labelled else image.predicted_id
    if category.pk == shown and image.label_state != LabelState.NONE_OF_THESE:
        raise NotAllowed(f"The photo is in “{category}” already; choose the one you would expect.")


def _why_not(image: ProductImage) -> str:
    current = ProductImage.objects.get(pk=image.pk)
    if current.withdrawn_at is not None:
        return "This photo was withdrawn."
    if current.complaint_at is not None:
        return "You have told us already; a reviewer looks at this photo again soon."
    if current.label_state == LabelState.UNUSABLE:
        return "This photo cannot be used as it is; please upload a better one."
    return "This photo has no category yet; wait until it has one."
