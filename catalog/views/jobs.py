"""Background jobs that ask the model again: watch, cancel."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from .. import job_progress, reclassify
from ..access import STAFF, SignedIn, allow
from ..errors import CatalogError
from ..models import Reclassification, Role


@allow(*STAFF)
@require_safe
@never_cache
def progress(_request: SignedIn, pk: int) -> HttpResponse:
    found = get_object_or_404(Reclassification, pk=pk)
    return JsonResponse(job_progress.of(found).as_json())


@allow(Role.MANAGER)
@require_POST
def cancel(request: SignedIn, pk: int) -> HttpResponse:
    found = get_object_or_404(Reclassification, pk=pk)
    try:
        reclassify.cancel(found, by=request.user)
    except CatalogError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Cancelled. Photos that are queued already are still answered.")
    return redirect("models")
