"""Photos that look like a photo."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from .. import blind, gallery, reclassify, similar
from ..access import STAFF, SignedIn, allow

SHOWN = 48
CHOICES: dict[similar.Among, str] = {
    "all": "All",
    "confirmed": "Checked",
    "unchecked": "Not yet checked",
}


@allow(*STAFF)
@require_safe
def similar_photos(request: SignedIn, pk: int) -> HttpResponse:
    photo = gallery.image_or_404(request.user, pk)
    if blind.is_blind(photo, request.user):
        return redirect("image", pk)  # which says why nothing is told of it yet
    wanted = request.GET.get("among", "")
    among: similar.Among = next((choice for choice in CHOICES if choice == wanted), "all")
    found = similar.neighbours(photo, count=SHOWN, among=among)
    others = [other for other, _ in found]
    reclassify.note_asked_again(others)
    blind.cover(others, request.user)
    context = {
        "image": photo,
        "among": among,
        "choices": CHOICES.items(),
        "found": found,
        "why_none": "" if found else similar.why_none(photo),
    }
    return render(request, "similar.html", context)
