"""Pieces of pages that show a photo and how it stands."""

from __future__ import annotations

from django import template

from ..models import ProductImage
from ..wording import may_be_wrong, standing, words

register = template.Library()
register.filter(may_be_wrong)


@register.inclusion_tag("parts/badge.html")
def badge(image: ProductImage) -> dict[str, object]:
    """The image's state in words; static/js/badges.js keeps it up to date while it is pending."""
    return {"image": image, "standing": standing(image), "words": words(image)}


@register.inclusion_tag("parts/thumbnail.html")
def thumbnail(image: ProductImage) -> dict[str, object]:
    return {"image": image}
