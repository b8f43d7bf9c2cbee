"""Which photos a person may see, and the pages of their list: newest first, walked by id, so that
page ten thousand costs what page one does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404

from . import blind, pictures, reclassify
from .models import Category, Product, ProductImage, Role, User
from .models.image import ImageQuerySet
from .wording import WHERE, Standing

PAGE_SIZE = 48
SHOWN_WITH = ("label", "predicted", "product")
"""Relations that a badge and a card read."""
DETAILS = ("merchant", "prediction", "version", "complaint_category", "looks_like")
"""What else the page of one photo reads."""


@dataclass(frozen=True)
class Page:
    images: list[ProductImage]
    older: int | None
    """Id to ask `before`; None on the last page."""
    newer: int | None
    """Id to ask `after`; None on the first page."""


def visible(user: User) -> ImageQuerySet:
    """A merchant's own photos; for staff all. Withdrawn ones are nobody's."""
    rows = ProductImage.objects.present()
    return rows.filter(merchant=user.merchant_id) if user.role == Role.MERCHANT else rows


def image_or_404(user: User, image_id: int) -> ProductImage:
    rows = visible(user).select_related(*SHOWN_WITH, *DETAILS).defer("version__metrics")
    image = get_object_or_404(rows, pk=image_id)
    reclassify.note_asked_again([image])
    return image


def product_or_404(user: User, product_id: int) -> Product:
    rows = Product.objects.select_related("category", "merchant")
    if user.role == Role.MERCHANT:
        rows = rows.filter(merchant=user.merchant_id)
    product = get_object_or_404(rows, pk=product_id)
    if not product.images.filter(withdrawn_at__isnull=True).exists():
        raise Http404
    return product


def matching(user: User, *, text: str = "", standing: str = "") -> ImageQuerySet:
    """Photos whose SKU, file name or category holds `text`, in the given standing. What `user` is
    to look at without suggestions first is found by neither its category nor what people said."""
    rows = visible(user)
    covered = Q(pk__in=blind.looks_now(user).values("image"))
    if standing in Standing.values:
        rows = rows.filter(WHERE[Standing(standing)])
        if user.is_reviewer and standing != Standing.SUGGESTED:
            rows = rows.exclude(covered)
    if text := text.strip():
        categories = list(
            Category.objects.filter(path__icontains=text).values_list("pk", flat=True)
        )
        stands = Q(label__in=categories) | Q(label__isnull=True, predicted__in=categories)
        if user.is_reviewer:
            stands &= ~covered
        named = Q(original_name__icontains=text) | Q(product__sku__icontains=text)
        rows = rows.filter(named | stands)
    return rows


def page(rows: ImageQuerySet, position: Mapping[str, str]) -> Page:
    """One page of `rows`; `position` may hold `before` or `after`, an id each."""
    found = _page(rows, position)
    reclassify.note_asked_again(found.images)
    return found


def _page(rows: ImageQuerySet, position: Mapping[str, str]) -> Page:
    rows = rows.select_related(*SHOWN_WITH, "looks_like")
    after, before = number(position.get("after")), number(position.get("before"))
    if after:
        found = list(rows.filter(pk__gt=after).order_by("id")[: PAGE_SIZE + 1])
        if len(found) > PAGE_SIZE:
            images = found[PAGE_SIZE - 1 :: -1]
            return Page(images, older=images[-1].pk, newer=images[0].pk)
        before = None  # fewer than a page are newer: that is the first page
    found = list((rows.filter(pk__lt=before) if before else rows).order_by("-id")[: PAGE_SIZE + 1])
    images = found[:PAGE_SIZE]
    return Page(
        images,
        older=images[-1].pk if len(found) > PAGE_SIZE else None,
        newer=images[0].pk if before and images else None,
    )


def display_size(image: ProductImage) -> tuple[int, int]:
    """(width, height) of the served copy."""
    scale = min(1.0, pictures.DISPLAY_SIDE / max(image.width, image.height))
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def number(raw: str | None) -> int | None:
    return int(raw) if raw and raw.isascii() and raw.isdigit() and len(raw) < 19 else None
