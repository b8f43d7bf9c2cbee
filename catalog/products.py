"""A product shows one category: a person's, else the mean of its photos' predictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from . import merging
from .models import LabelState, Product, ProductImage

LABELLED = {LabelState.CONFIRMED, LabelState.CORRECTED}


def lock_of(image_ids: Iterable[int], *, others: Iterable[int] = ()) -> None:
    """Hold the products of these images, and those of the ids `others`, until the transaction ends.

    Whoever changes answers or labels, or more than one image in a transaction, calls this once and
    before touching an image: without it, two transactions that each see half of a product would
    overwrite each other's category, or wait for each other's rows for ever. The only way around it
    is to take rows that nobody holds (`unlocked`), which waits for nothing. SQLite admits one
    writer at a time anyway."""
    if connection.features.has_select_for_update:
        images, more = list(image_ids), list(others)
        while not _locked(ProductImage.objects.filter(pk__in=images).order_by(), more):
            pass


def _locked(images: QuerySet[ProductImage], others: list[int]) -> bool:
    """Whether all are held now. While we waited a product list may have moved an image to another
    product; then none is held, since one more would be locked out of turn."""
    with transaction.atomic():
        wanted = Q(pk__in=images.values("product_id")) | Q(pk__in=others)
        rows = Product.objects.filter(wanted).select_for_update(no_key=True).order_by("pk")
        held = list(rows.values_list("pk", flat=True))
        moved = images.exclude(product_id__in=held).exists()
        if moved:
            transaction.set_rollback(True)
    return not moved


def refresh_suggestions(image_ids: Iterable[int]) -> None:
    """After new answers: bring the products of these images up to date."""
    ids = ProductImage.objects.filter(pk__in=list(image_ids)).values_list("product_id", flat=True)
    refresh(ids)


def refresh(product_ids: Iterable[int]) -> None:
    """Work each product's category out again; three queries however many products, and one
    for each category that changes."""
    ids = set(product_ids)
    photos: dict[int, list[ProductImage]] = defaultdict(list)
    rows = ProductImage.objects.present().filter(product_id__in=ids).select_related("prediction")
    for image in rows.only("product_id", "label_state", "label_id", "prediction__top"):
        photos[image.product_id].append(image)
    ends = merging.targets()
    changed: dict[tuple[int | None, bool], list[int]] = defaultdict(list)
    for product in Product.objects.filter(pk__in=ids):
        shown = _category(photos[product.pk], ends)
        if (product.category_id, product.category_checked) != shown:
            changed[shown].append(product.pk)
    for (category_id, checked), pks in changed.items():
        Product.objects.filter(pk__in=pks).update(category_id=category_id, category_checked=checked)


def _category(photos: list[ProductImage], ends: dict[int, int]) -> tuple[int | None, bool]:
    labels = {image.label_id for image in photos if image.label_state in LABELLED}
    if len(labels) > 1:
        return None, False
    if labels:
        return labels.pop(), True
    return _mean_answer(photos, ends), False


def _mean_answer(photos: list[ProductImage], ends: dict[int, int]) -> int | None:
    """The category with the highest mean confidence; what a top five leaves out counts as 0."""
    total: dict[int, float] = defaultdict(float)
    for image in photos:
        if image.prediction is not None and image.label_state == LabelState.UNLABELLED:
            for category_id, confidence in image.prediction.top:
                total[ends.get(category_id, category_id)] += confidence
    return max(total, key=lambda c: (total[c], -c), default=None)
