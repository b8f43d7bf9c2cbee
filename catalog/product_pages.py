"""The list of products: newest first, walked by id, each with its first photo and its category."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from . import blind, wording
from .gallery import number
from .models import Product, ProductImage, Role, User

PAGE_SIZE = 48


@dataclass(frozen=True)
class Listed:
    product: Product
    photo: ProductImage
    """Its first that is here."""
    photos: int
    standing: str
    words: str


@dataclass(frozen=True)
class Page:
    products: list[Listed]
    older: int | None
    """Id to ask `before`; None on the last page."""


def matching(user: User, *, text: str = "") -> QuerySet[Product]:
    """Products with photos, whose SKU or title holds `text`; a merchant's own."""
    there = ProductImage.objects.present().filter(product=OuterRef("pk"))
    rows = Product.objects.filter(Exists(there))
    if user.role == Role.MERCHANT:
        rows = rows.filter(merchant=user.merchant_id)
    return rows.filter(Q(sku__icontains=text) | Q(title__icontains=text)) if text else rows


def page(rows: QuerySet[Product], position: Mapping[str, str], *, reader: User) -> Page:
    """One page of `rows`; `position` may hold `before`, an id. Two queries, for staff three."""
    before = number(position.get("before"))
    rows = rows.filter(pk__lt=before) if before else rows
    found = list(rows.select_related("category", "merchant").order_by("-id")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    photos: dict[int, list[ProductImage]] = {product.pk: [] for product in shown}
    for image in ProductImage.objects.present().filter(product__in=shown).order_by("id"):
        photos[image.product_id].append(image)
    blind.cover([image for several in photos.values() for image in several], reader)
    older = shown[-1].pk if len(found) > PAGE_SIZE else None
    return Page([_listed(p, photos[p.pk]) for p in shown if photos[p.pk]], older)


def _listed(product: Product, photos: list[ProductImage]) -> Listed:
    standing, words = wording.product_standing(product, photos)
    return Listed(product, photos[0], len(photos), standing, words)
