"""Taking the drawn samples out of the catalog."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from ..access import SignedIn, allow
from ..errors import CatalogError
from ..forms.learning import RemoveSamplesForm
from ..models import Role


@allow(Role.MANAGER)
@require_POST
def remove(request: SignedIn) -> HttpResponse:
    from ..samples.remove import remove_samples  # brings the drawing along: rarely, so only here

    form = RemoveSamplesForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Tick the box to confirm that the samples may go.")
        return redirect("models")
    try:
        removed = remove_samples(by=request.user)
    except CatalogError as error:
        messages.error(request, str(error))
    else:
        gone = f"{removed.images} photos, {removed.categories} categories"
        messages.success(
            request, f"The drawn samples are gone: {gone}, {removed.versions} versions."
        )
    return redirect("models")
