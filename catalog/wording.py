"""How an image stands, in the words its merchant reads. Staff read the same words."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import models
from django.db.models import Q

from .models import (
    Decision,
    DecisionKind,
    LabelState,
    MachineState,
    Product,
    ProductImage,
    UnusableReason,
)


class Standing(models.TextChoices):
    """One word per image: the badge on every page, and the filter of the list."""

    WAITING = "waiting", "Waiting"
    SUGGESTED = "suggested", "Suggested, not yet checked"
    CHECKED = "checked", "Checked"
    REPLACE = "replace", "Please replace"
    FAILED = "failed", "No suggestion"
    DISPUTED = "disputed", "Being checked again"
    COMPLAINT = "complaint", "Reported as wrong"


REPLACE_BECAUSE = {
    UnusableReason.BLURRED: "blurred",
    UnusableReason.SEVERAL: "shows several products",
    UnusableReason.NOT_A_PRODUCT: "not a product",
    UnusableReason.PROHIBITED: "not allowed in the catalog",
}
COVERED = "not yet checked"
"""Of what is to be looked at without knowing the suggestion."""
DECIDED = [LabelState.CONFIRMED, LabelState.CORRECTED, LabelState.NONE_OF_THESE]
_UNLABELLED = Q(complaint_at__isnull=True, disputed=False, label_state=LabelState.UNLABELLED)
_QUIET = Q(complaint_at__isnull=True)
WHERE = {
    Standing.COMPLAINT: Q(complaint_at__isnull=False),
    Standing.DISPUTED: _QUIET & Q(disputed=True),
    Standing.CHECKED: _QUIET & Q(disputed=False, label_state__in=DECIDED),
    Standing.REPLACE: _QUIET & Q(disputed=False, label_state=LabelState.UNUSABLE),
    Standing.SUGGESTED: _UNLABELLED & Q(predicted__isnull=False),
    Standing.FAILED: _UNLABELLED & Q(predicted__isnull=True, machine=MachineState.FAILED),
    Standing.WAITING: _UNLABELLED
    & Q(predicted__isnull=True, machine__in=[MachineState.PENDING, MachineState.CLASSIFYING]),
}
"""The same rules as `standing`, for the database."""


def standing(image: ProductImage) -> Standing:
    if image.is_covered:
        return Standing.SUGGESTED
    if image.complaint_at is not None:
        return Standing.COMPLAINT
    if image.disputed:
        return Standing.DISPUTED
    if image.label_state in DECIDED:
        return Standing.CHECKED
    if image.label_state == LabelState.UNUSABLE:
        return Standing.REPLACE
    if image.predicted_id is not None:
        return Standing.SUGGESTED
    return Standing.FAILED if image.machine == MachineState.FAILED else Standing.WAITING


def may_be_wrong(image: ProductImage) -> bool:
    """There is a category, or the word that none fits, which its merchant may report as wrong."""
    return standing(image) in {Standing.SUGGESTED, Standing.CHECKED, Standing.DISPUTED}


def words(image: ProductImage) -> str:
    """A phrase such as “suggested: Shirts, not yet checked”. Reads `label` and `predicted`; fetch
    them with the image."""
    if image.is_covered:
        return COVERED
    match standing(image):
        case Standing.COMPLAINT:
            return "reported as wrong: being checked again"
        case Standing.DISPUTED:
            return "being checked again"
        case Standing.REPLACE:
            return f"please replace: {REPLACE_BECAUSE[UnusableReason(image.unusable_reason)]}"
        case Standing.CHECKED:
            checked = "checked again" if image.checked_again else "checked"
            return f"{checked}: {image.label.name if image.label else 'no category fits'}"
        case Standing.SUGGESTED if image.predicted:
            return f"suggested: {image.predicted.name}, not yet checked"
        case Standing.FAILED:
            return "no suggestion"
    return "waiting"


def product_standing(product: Product, photos: Sequence[ProductImage]) -> tuple[Standing, str]:
    """A product's badge and its words; `photos` are all that are here of it."""
    if any(photo.complaint_at for photo in photos):
        return Standing.COMPLAINT, "reported as wrong: being checked again"
    if any(photo.disputed for photo in photos):
        return Standing.DISPUTED, "people disagree: being checked again"
    if product.category is None:
        return _without_category(photos)
    if any(photo.is_covered for photo in photos):
        return Standing.SUGGESTED, COVERED
    if product.category_checked:
        return Standing.CHECKED, f"checked: {product.category.name}"
    return Standing.SUGGESTED, f"suggested: {product.category.name}, not yet checked"


def _without_category(photos: Sequence[ProductImage]) -> tuple[Standing, str]:
    """Why a product has none, if it is for one reason that all its photos share."""
    match list({standing(photo) for photo in photos}):
        case [Standing.REPLACE]:
            return Standing.REPLACE, f"please replace its photo{'s' if len(photos) > 1 else ''}"
        case [Standing.CHECKED] if any(photo.is_labelled for photo in photos):
            return Standing.CHECKED, "checked: photos in different categories"
        case [Standing.CHECKED]:
            return Standing.CHECKED, "checked: no category fits"
        case [Standing.FAILED]:
            return Standing.FAILED, "no suggestion"
    return Standing.WAITING, "no category yet"


def decided(decision: Decision) -> str:
    """What was decided, without who and when."""
    category = decision.category.path if decision.category else ""
    match decision.kind:
        case DecisionKind.CONFIRM:
            return f"Confirmed {category}"
        case DecisionKind.CORRECT:
            suggested = decision.prediction.category if decision.prediction else None
            before = decision.before_label or suggested
            return f"Chose {category}{f' instead of {before.path}' if before else ''}"
        case DecisionKind.IMPORT:
            return f"Came with the category {category}"
        case DecisionKind.UNUSABLE:
            return f"Marked unusable: {REPLACE_BECAUSE[UnusableReason(decision.reason)]}"
        case DecisionKind.NONE_OF_THESE:
            return "Said that no category fits"
        case DecisionKind.REOPEN:
            return "Sent back to review"
    undone = f": {decided(decision.undoes)}" if decision.undoes else ""
    return f"Undid{undone}"
