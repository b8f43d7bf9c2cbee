"""How often people change what the model suggests, and the photos behind each figure."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from .. import blind
from .. import quality as figures
from ..access import STAFF, SignedIn, allow
from ..models import Category

PHOTOS_PAGE = 48


@allow(*STAFF)
@require_safe
def quality(request: SignedIn) -> HttpResponse:
    found = figures.read()
    return render(request, "quality/page.html", {"quality": found, "few": figures.FEW})


@allow(*STAFF)
@require_safe
def photos(request: SignedIn) -> HttpResponse:
    """`?category=3&week=2026-11-16&changed=1`; each may be left out."""
    category, week = _category(request.GET.get("category", "")), _week(request.GET.get("week", ""))
    only_changed = request.GET.get("changed") == "1"
    everything = figures.decisions(week=week, category=category)
    changed = figures.changed(everything)
    rows = (changed if only_changed else everything).select_related(
        "category", "prediction__category", "image__product"
    )
    page = Paginator(rows, PHOTOS_PAGE).get_page(request.GET.get("page"))
    blind.cover([decision.image for decision in page], request.user)
    query = {"category": category.pk if category else "", "week": week or ""}
    base = {key: value for key, value in query.items() if value}
    context = {
        "category": category,
        "week": week,
        "only_changed": only_changed,
        "all": page.paginator.count if not only_changed else everything.count(),
        "changed": page.paginator.count if only_changed else changed.count(),
        "page": page,
        "rows": figures.suggested(list(page)),
        "query_all": urlencode(base),
        "query_changed": urlencode(base | {"changed": 1}),
        "page_query": urlencode(base | ({"changed": 1} if only_changed else {})),
    }
    return render(request, "quality/photos.html", context)


def _category(raw: str) -> Category | None:
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        return None
    return Category.objects.filter(pk=int(raw)).first()


def _week(raw: str) -> date | None:
    """Any day of the week; None for what is none, or out of reach of a time zone."""
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        return None
    if not 2000 <= day.year < 2200:
        return None
    return figures.monday_of(day)
