"""A product shows one category: a person's, else the mean of its photos' predictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from . import merging
from .models import LabelState, Product, ProductImage

LABELLED = {LabelState.CONFIRMED, LabelState.CORRECTED}


def lock_of(image_ids: Iterable[int]) -> None:
    """Hold the products of these images until the transaction ends. Whoever changes answers or
    labels calls this before touching an image: without it, two transactions that each see half of
    a product would overwrite each other's category, or wait for each other's rows. SQLite admits
    one writer at a time anyway."""
    if connection.features.has_select_for_update:
        ids = ProductImage.objects.filter(pk__in=list(image_ids)).order_by().values("product_id")
        rows = Product.objects.select_for_update(no_key=True).filter(pk__in=ids)
        list(rows.order_by("pk").values_list("pk"))


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
