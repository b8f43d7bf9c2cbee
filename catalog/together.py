"""Photos that are judged faster side by side: those of one product, and near-duplicates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from . import splits
from .models import ProductImage
from .models.image import ImageQuerySet

SIBLINGS_READ = 200
CANDIDATES = 1000
"""A common band (a plain background) brings more at a million photos; what is nearly the same
picture shares other bands too."""


def siblings(product_ids: Iterable[int], rows: ImageQuerySet) -> dict[int, list[int]]:
    """{product id: ids of its photos among `rows`, the oldest first}"""
    found: dict[int, list[int]] = defaultdict(list)
    mine = rows.filter(product__in=set(product_ids)).order_by("product_id", "id")
    for product, pk in mine.values_list("product_id", "pk")[:SIBLINGS_READ]:
        found[product].append(pk)
    return found


def grouped(images: Sequence[ProductImage], rows: ImageQuerySet) -> list[int]:
    """Ids of `images` in their order, each followed by what belongs with it among `rows`."""
    if not images:
        return []
    same_product = siblings((image.product_id for image in images), rows)
    near = splits.near_duplicates_among(images, rows, most=CANDIDATES)
    ids = (
        pk
        for image in images
        for pk in (image.pk, *same_product.get(image.product_id, ()), *near.get(image.pk, ()))
    )
    return list(dict.fromkeys(ids))
