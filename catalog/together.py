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


def grouped(
    images: Sequence[ProductImage], rows: ImageQuerySet, *, after: Iterable[int] = ()
) -> list[int]:
    """Ids of `images` in their order, each followed by the photos of its product among `rows` and
    by its near-duplicates, which may be others. Before them all come those of the products named
    in `after`: what was begun goes on."""
    begun = list(after)
    if not images and not begun:
        return []
    same_product = siblings([*begun, *(image.product_id for image in images)], rows)
    near = splits.open_near_duplicates(images, most=CANDIDATES)
    ids = [pk for product in begun for pk in same_product.get(product, ())]
    for image in images:
        ids += [image.pk, *same_product.get(image.product_id, ()), *near.get(image.pk, ())]
    return list(dict.fromkeys(ids))
