"""A waiting version beside the live one: figures, mix-ups, and each photo it answers otherwise."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from .. import blind, previews, report
from ..access import STAFF, SignedIn, allow
from ..errors import CatalogError
from ..models import Category, CheckState, ModelVersion, Role, Serving

PHOTOS_PAGE = 48


@allow(*STAFF)
@never_cache
@require_safe
def changes(request: SignedIn, pk: int) -> HttpResponse:
    """What would change if this version went live."""
    version = get_object_or_404(ModelVersion.objects.select_related("backbone"), pk=pk)
    serving, preview = Serving.current(), previews.of(version)
    done = preview if preview and preview.state == CheckState.DONE else None
    tree_changed = done is not None and previews.tree_changed_since(done)
    context = {
        "version": version,
        "serving": serving,
        "figures": report.figures(version),
        "baseline": report.baseline(version),
        "shifts": previews.shifts(version),
        "preview": preview,
        "parts": previews.shown(done) if done and not tree_changed else [],
        "tree_changed": tree_changed,
        "is_outdated": preview is not None and preview.against_id != serving.live_id,
        "can_go_live": version.files_present and version.pk != serving.live_id,
    }
    return render(request, "models/changes.html", context)


@allow(*STAFF)
@require_safe
def photos(request: SignedIn, pk: int) -> HttpResponse:
    """`?set=open&before=3&after=5`: the photos of one kind of change."""
    version = get_object_or_404(ModelVersion.objects.defer("metrics"), pk=pk)
    preview = previews.of(version)
    before, after = (_category(request.GET.get(name, "")) for name in ("before", "after"))
    if preview is None or before is None or after is None:
        return redirect("model-changes", pk)
    if previews.tree_changed_since(preview):
        return redirect("model-changes", pk)
    key = previews.TEST if request.GET.get("set") == previews.TEST else previews.OPEN
    rows = previews.photos(preview, key=key, before=before.pk, after=after.pk)
    page = Paginator(rows, PHOTOS_PAGE).get_page(request.GET.get("page"))
    blind.cover([row.image for row in page], request.user)
    context = {
        "version": version,
        "before": before,
        "after": after,
        "is_test": key == previews.TEST,
        "kept": previews.KEPT,
        "rows": page,
        "page_query": urlencode({"set": key, "before": before.pk, "after": after.pk}),
    }
    return render(request, "models/changed_photos.html", context)


@allow(Role.MANAGER)
@require_POST
def look(request: SignedIn, pk: int) -> HttpResponse:
    """Ask the trainer to work it out, or to do so anew."""
    version = get_object_or_404(ModelVersion, pk=pk)
    try:
        previews.request(version, by=request.user)
    except CatalogError as error:
        messages.error(request, str(error))
    return redirect("model-changes", pk)


def _category(raw: str) -> Category | None:
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        return None
    return Category.objects.filter(pk=int(raw)).first()
