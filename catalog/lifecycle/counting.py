"""What images carry after categories were merged or parted again: label and answer as they count
now. What people said and the model answered stays in their history, from which this is worked out;
so the same step makes a merge count and takes it back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from .. import blind, merging, products
from ..models import Decision, DecisionKind, Prediction, ProductImage
from ..sql import update_each


@transaction.atomic
def count_anew(image_ids: Sequence[int]) -> list[int]:
    """Bring these images up to date; may run twice. Returns those whose dispute is settled by it:
    the photos of their product carry one label now."""
    products.lock_of(image_ids)
    ends = merging.targets()  # as they are now that nobody else brings these images up to date
    rows = ProductImage.objects.filter(pk__in=image_ids).order_by("pk")
    images = list(rows.select_for_update(no_key=True))
    changed = _labels(images, ends) | _answers(images, ends)
    touched = {image.product_id for image in images if image.pk in changed}
    agreed = _settle(touched)
    products.refresh(touched)
    return agreed


def dispute_again(image_ids: Sequence[int], *, beside: Sequence[int]) -> None:
    """Undo what `count_anew` settled, where people's labels differ again: in the products of the
    images `beside`, which the caller has just counted anew and so holds."""
    here = ProductImage.objects.filter(pk__in=beside).values("product")
    rows = ProductImage.objects.present().labelled().filter(pk__in=image_ids, product__in=here)
    torn = _torn(set(rows.values_list("product_id", flat=True)))
    rows.filter(product_id__in=torn).update(disputed=True)


def _labels(images: Sequence[ProductImage], ends: dict[int, int]) -> set[int]:
    """Ids of the images whose label is another now."""
    labelled = [image for image in images if image.label_id is not None]
    words = said([image.pk for image in labelled])
    goals: dict[int, list[int]] = defaultdict(list)
    for image in labelled:
        raw = words.get(image.pk) or image.label_id or 0
        if (goal := ends.get(raw, raw)) != image.label_id:
            goals[goal].append(image.pk)
    now = timezone.now()
    for goal, ids in goals.items():
        ProductImage.objects.filter(pk__in=ids).update(label_id=goal, changed_at=now)
    return {pk for ids in goals.values() for pk in ids}


def said(image_ids: Sequence[int]) -> dict[int, int | None]:
    """{image id: the category of its latest decision that stands}"""
    rows = Decision.objects.filter(image_id__in=image_ids, undone_by__isnull=True)
    rows = rows.exclude(kind=DecisionKind.UNDO).exclude(blind.SECOND_OPINION).order_by("id")
    return dict(rows.values_list("image_id", "category_id"))


def _answers(images: Sequence[ProductImage], ends: dict[int, int]) -> set[int]:
    """Ids of the images whose answer is another now."""
    ids = [image.prediction_id for image in images if image.prediction_id]
    tops = dict(Prediction.objects.filter(pk__in=ids).values_list("pk", "top"))
    changed: list[tuple[int, int, float]] = []
    for image in images:
        answer = tops.get(image.prediction_id or 0, [])
        top = merging.fold([(pk, share) for pk, share in answer], ends)
        if top and (image.predicted_id, image.confidence) != top[0]:
            changed.append((image.pk, *top[0]))
    ids = [pk for pk, _, _ in changed]
    update_each(ProductImage, ["predicted_id", "confidence"], changed)
    ProductImage.objects.filter(pk__in=ids).update(changed_at=timezone.now())
    return set(ids)


def _settle(product_ids: set[int]) -> list[int]:
    """Two reviewers of one photo may still disagree about it (blind.py): that stays."""
    disputed = ProductImage.objects.filter(product_id__in=product_ids, disputed=True)
    agreed = disputed.exclude(product_id__in=_torn(product_ids)).exclude(blind.DISAGREEMENT)
    ids = list(agreed.values_list("pk", flat=True))
    ProductImage.objects.filter(pk__in=ids).update(disputed=False)
    return ids


def _torn(product_ids: set[int]) -> set[int]:
    """Products whose photos carry different labels."""
    labels: dict[int, set[int | None]] = defaultdict(set)
    rows = ProductImage.objects.present().labelled().filter(product_id__in=product_ids)
    for product_id, label_id in rows.values_list("product_id", "label_id"):
        labels[product_id].add(label_id)
    return {product_id for product_id, found in labels.items() if len(found) > 1}
