"""Training runs: learn now, watch, cancel."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from .. import charts, provenance, runs, watching
from ..access import STAFF, SignedIn, allow
from ..errors import CatalogError
from ..forms.learning import LearnForm
from ..models import Role, RunMode, RunTrigger, TrainingRun

SKIPPED_SHOWN = 50


@allow(Role.MANAGER)
@require_POST
def learn(request: SignedIn) -> HttpResponse:
    form = LearnForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose quick or full, and keep the note under 300 letters.")
        return redirect("models")
    try:
        runs.request(
            RunTrigger.BUTTON,
            by=request.user,
            mode=RunMode(form.cleaned_data["mode"]),
            note=form.cleaned_data["note"],
        )
    except CatalogError as error:
        messages.error(request, str(error))
    return redirect("models")


@allow(*STAFF)
@require_safe
def run(request: SignedIn, pk: int) -> HttpResponse:
    found = get_object_or_404(TrainingRun.objects.select_related("requested_by"), pk=pk)
    skipped = found.skipped_images if isinstance(found.skipped_images, list) else []
    context = {
        "run": found,
        "progress": watching.progress(found),
        "recipe": provenance.recipe_rows(found.recipe),
        "charts": charts.training_charts(found.history),
        "made": found.versions.order_by("id"),
        "skipped": skipped[:SKIPPED_SHOWN],
        "skipped_count": len(skipped),
    }
    return render(request, "models/run.html", context)


@allow(*STAFF)
@require_safe
@never_cache
def progress(_request: SignedIn, pk: int) -> HttpResponse:
    found = get_object_or_404(TrainingRun, pk=pk)
    return JsonResponse(watching.progress(found).as_json())


@allow(*STAFF)
@require_safe
@never_cache
def curves(request: SignedIn, pk: int) -> HttpResponse:
    """The charts alone, for a page that watches the run."""
    found = get_object_or_404(TrainingRun, pk=pk)
    context = {"run": found, "charts": charts.training_charts(found.history)}
    return render(request, "models/curves.html", context)


@allow(Role.MANAGER)
@require_POST
def cancel(request: SignedIn, pk: int) -> HttpResponse:
    found = get_object_or_404(TrainingRun, pk=pk)
    try:
        runs.cancel(found)
    except CatalogError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Run {found.pk} stops at its next step. Nothing goes live.")
    return redirect("models")
