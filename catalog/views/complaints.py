"""A merchant says that a category is wrong, or no longer says so."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from .. import gallery, lifecycle
from ..access import SignedIn, allow
from ..errors import CatalogError
from ..forms.complaint import ComplaintForm
from ..models import Role

INVALID = "Choose a category from the list, and keep the note under 200 characters."


@allow(Role.MERCHANT)
@require_POST
def complain(request: SignedIn, pk: int) -> HttpResponse:
    photo = gallery.image_or_404(request.user, pk)
    form = ComplaintForm(request.POST)
    if not form.is_valid():
        messages.error(request, INVALID)
        return redirect("image", pk)
    try:
        lifecycle.complain(photo, by=request.user, **form.cleaned_data)
    except CatalogError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Thank you. A reviewer looks at this photo next.")
    return redirect("image", pk)


@allow(Role.MERCHANT)
@require_POST
def take_back(request: SignedIn, pk: int) -> HttpResponse:
    photo = gallery.image_or_404(request.user, pk)
    try:
        lifecycle.take_back_complaint(photo, by=request.user)
    except CatalogError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Taken back; the category stands as it was.")
    return redirect("image", pk)
