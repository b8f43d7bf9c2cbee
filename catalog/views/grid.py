"""The grid of look-alikes. Its script asks for JSON; without scripts the same form works."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from .. import grid as pages
from ..access import STAFF, SignedIn, allow, wants_json
from ..errors import CatalogError
from ..forms.grid import CROOKED, GridForm, GridUndoForm
from ..forms.review import whole_numbers
from ..grid import Grid, Saved
from ..models import Category
from ..review_card import milliseconds


@allow(*STAFF)
@never_cache
@require_GET
def grid(request: SignedIn) -> HttpResponse:
    found = pages.open_grid(request.user, _category(request))
    context = _context(found) | {"lease_seconds": settings.REVIEW_LEASE_SECONDS}
    return render(request, "review/grid.html", context)


@allow(*STAFF)
@never_cache
@require_GET
def next_page(request: SignedIn) -> JsonResponse:
    """Lease another page of the category, ready to show, of photos that the screen has not yet."""
    category = _category(request)
    if category is None:
        return _refused(CROOKED, 400)
    known = whole_numbers(request.GET.get("exclude", ""))
    return JsonResponse(_as_json(request, pages.open_grid(request.user, category, exclude=known)))


@allow(*STAFF)
@require_POST
def save(request: SignedIn) -> HttpResponseBase:
    """Confirm a page except its flagged tiles; tells which tiles were not had."""
    form = GridForm(request.POST)
    if not form.is_valid():
        return _answer(request, CROOKED, 400)
    values = form.cleaned_data
    category: Category = values["category"]
    try:
        saved = pages.save(
            request.user,
            category,
            seen=values["seen"],
            flagged=values["flagged"],
            batch=values["batch"],
        )
    except CatalogError as error:
        return _answer(request, str(error), 409, category)
    if wants_json(request):
        refused = [_refusal(image, reason) for image, reason in saved.refused]
        return JsonResponse({"message": _words(saved, category), "refused": refused})
    for image, reason in saved.refused:
        messages.warning(request, f"{image.original_name}: {reason}")
    return _answer(request, _words(saved, category), 200, category)


@allow(*STAFF)
@require_POST
def undo(request: SignedIn) -> HttpResponseBase:
    """Take back the last page, or the one named; its photos come back."""
    form = GridUndoForm(request.POST)
    if not form.is_valid():
        return _answer(request, CROOKED, 400)
    try:
        found, outcome = pages.take_back(request.user, **form.cleaned_data)
    except CatalogError as error:
        return _answer(request, str(error), 409)
    words = f"{_photos(len(outcome.decisions))} taken back."
    if outcome.refused:
        words += f" {_photos(len(outcome.refused))} stand: somebody acted on them since."
    if wants_json(request):
        return JsonResponse(_as_json(request, found) | {"message": words})
    return _answer(request, words, 200, found.category)


def _category(request: HttpRequest) -> Category | None:
    wanted = whole_numbers(request.GET.get("category", ""))[:1]
    return Category.objects.leaves().filter(pk__in=wanted).first()


def _context(found: Grid) -> dict[str, Any]:
    ends = [image.review_lease_until for image in found.images if image.review_lease_until]
    return {
        "grid": found,
        "batch": uuid4(),
        "until": max(map(milliseconds, ends), default=0),
    }


def _as_json(request: HttpRequest, found: Grid) -> dict[str, Any]:
    """The page as the piece of HTML that shows it; `empty` where there are no tiles."""
    name = "review/grid_tiles.html" if found.images else "review/grid_empty.html"
    html = render_to_string(name, _context(found), request)
    return {"html": html, "tiles": len(found.images), "left": found.left}


def _words(saved: Saved, category: Category) -> str:
    words = f"{_photos(saved.confirmed)} confirmed as “{category.name}”."
    if saved.flagged:
        words += f" {_photos(saved.flagged)} for you on the review desk."
    return words


def _photos(count: int) -> str:
    return f"{count} photo{'' if count == 1 else 's'}"


def _refusal(image: Any, reason: str) -> dict[str, Any]:
    return {
        "id": image.pk,
        "name": image.original_name,
        "page": resolve_url("image", image.pk),
        "message": reason,
    }


def _answer(
    request: HttpRequest, words: str, status: int, category: Category | None = None
) -> HttpResponseBase:
    if wants_json(request):
        return _refused(words, status)
    (messages.success if status == 200 else messages.error)(request, words)
    query = f"?category={category.pk}" if category else ""
    return redirect(f"{resolve_url('review-grid')}{query}")


def _refused(words: str, status: int) -> JsonResponse:
    return JsonResponse({"error": "refused", "message": words}, status=status)
