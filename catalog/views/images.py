"""The list of photos, its live states, its CSV, and the authorised view of the files."""

from __future__ import annotations

import io
from typing import IO
from urllib.parse import urlencode

from django.core.files.storage import default_storage
from django.http import (
    FileResponse,
    Http404,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from .. import blind, export, gallery, pictures, reclassify, wording
from ..access import EVERYONE, SignedIn, allow
from ..models import ProductImage

ASKED_AT_ONCE = 100
COPIES = {"thumbnail": "image/webp", "display": "image/jpeg", "desk": "image/jpeg"}
"""What is served, re-encoded without metadata. Originals never are. The desk's is made from the
display copy on its way out: a browser asks for it once."""


@allow(*EVERYONE)
@require_safe
def images(request: SignedIn) -> HttpResponse:
    filters = _filters(request)
    rows = gallery.matching(request.user, **filters)
    found = gallery.page(rows, request.GET)
    blind.cover(found.images, request.user)
    context = {
        "page": found,
        "filters": filters,
        "filter_query": urlencode({key: value for key, value in filters.items() if value}),
        "standings": wording.Standing.choices,
    }
    return render(request, "images.html", context)


@allow(*EVERYONE)
@require_safe
def status(request: SignedIn) -> JsonResponse:
    """Of the asked ids: those that await no answer any longer, as they stand, and those that
    went."""
    asked = _ids(request.GET.get("ids", ""))
    rows = gallery.visible(request.user).filter(pk__in=asked).select_related("label", "predicted")
    found = list(rows)
    reclassify.note_asked_again(found)
    blind.cover(found, request.user)
    gone = sorted(set(asked) - {image.pk for image in found})
    changed = [_standing_of(image) for image in found if not image.will_change]
    return JsonResponse({"images": changed, "gone": gone})


@allow(*EVERYONE)
@require_safe
def images_csv(request: SignedIn) -> StreamingHttpResponse:
    rows = gallery.matching(request.user, **_filters(request))
    response = StreamingHttpResponse(
        export.lines(rows, reader=request.user), content_type="text/csv; charset=utf-8"
    )
    name = f"photos-{timezone.localdate():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


@allow(*EVERYONE)
@require_safe
def image_file(request: SignedIn, pk: int, copy: str) -> HttpResponseBase:
    if copy not in COPIES:
        raise Http404
    stored = "display" if copy == "desk" else copy
    names = gallery.visible(request.user).filter(pk=pk).values_list(stored, flat=True)
    name = names.first()
    if not name or not default_storage.exists(name):
        raise Http404
    response = FileResponse(_opened(name, copy), content_type=COPIES[copy])
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = "inline"
    return response


def _opened(name: str, copy: str) -> IO[bytes]:
    stored = default_storage.open(name)
    if copy != "desk":
        return stored
    with stored:
        return io.BytesIO(pictures.desk_copy(stored.read()))


def _filters(request: SignedIn) -> dict[str, str]:
    return {
        "text": request.GET.get("q", "")[:200].strip(),
        "standing": request.GET.get("state", ""),
    }


def _ids(raw: str) -> list[int]:
    parts = raw.split(",")[:ASKED_AT_ONCE]
    return [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 19]


def _standing_of(image: ProductImage) -> dict[str, object]:
    return {
        "id": image.pk,
        "standing": wording.standing(image),
        "words": wording.words(image),
        "failure": image.failure,
    }
