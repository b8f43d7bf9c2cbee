"""The models page, one version, its mix-ups; going live and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from .. import (
    charts,
    coverage,
    doubts,
    golive,
    health,
    job_progress,
    learning,
    provenance,
    report,
    runs,
    selective,
    served,
    sureness,
    watching,
)
from ..access import STAFF, SignedIn, allow
from ..errors import CatalogError
from ..forms.learning import PromoteForm, RollbackForm
from ..models import (
    ModelVersion,
    Role,
    RunRow,
    Serving,
    Split,
    TrainingRun,
    VersionState,
    WorkerStatus,
)

PAGE = 12
PHOTOS_PAGE = 48


@allow(*STAFF)
@require_safe
def models(request: SignedIn) -> HttpResponse:
    """What answers now, what is being learned, and every version and run."""
    serving, active = Serving.current(), runs.active()
    live = _with_backbone().filter(pk=serving.live_id or 0).first()
    versions = _page(request, "versions", _with_backbone().defer("metrics").order_by("-id"))
    figures = report.listed(v.pk for v in [*versions, *filter(None, [live])])
    jobs, ended_jobs = job_progress.listed()
    context = {
        "serving": serving,
        "live": live,
        "live_figures": figures[live.pk] if live else None,
        "gaps": coverage.gaps(live) if live else [],
        "origin": provenance.of(live) if live else None,
        "workers": WorkerStatus.objects.order_by("name"),
        "worker_check": health.worker(),
        "active": active,
        "progress": watching.progress(active) if active else None,
        "nightly_hour": settings.RETRAIN_NIGHTLY_HOUR,
        "time_zone": settings.TIME_ZONE,
        "outlook": learning.outlook(),
        "last_ended": TrainingRun.objects.filter(finished_at__isnull=False).first(),
        "versions": versions,
        "version_rows": [_listed(version, figures) for version in versions],
        "runs": _page(request, "runs", TrainingRun.objects.select_related("requested_by")),
        "previous": _earlier(serving),
        "waiting": golive.waiting(),
        "jobs": jobs,
        "ended_jobs": ended_jobs,
        "doubts": doubts.shown_to(request.user).count(),
        "target": settings.SELECTIVE_PRECISION,
        "promise": selective.promise(live) if live else None,
        "week": selective.last_week(settings.SELECTIVE_PRECISION) if live else None,
    }
    return render(request, "models/overview.html", context)


@allow(*STAFF)
@require_safe
def model(request: SignedIn, pk: int) -> HttpResponse:
    version = get_object_or_404(_with_backbone().select_related("run"), pk=pk)
    serving = Serving.current()
    rival, promise = provenance.rival(version), selective.promise(version)
    context = {
        "version": version,
        "report": report.read(version, gains=rival.f1 if rival else {}),
        "sureness": sureness.of(version),
        "promise": promise,
        "certified": selective.certified(promise),
        "origin": provenance.of(version),
        "served": served.of(version),
        "rival": rival,
        "verdict": provenance.verdict(version),
        "recipe": provenance.recipe_rows(version.recipe),
        "charts": charts.training_charts(version.run.history) if version.run else [],
        "serving": serving,
        "can_go_live": version.files_present and version.pk != serving.live_id,
        "waits": version.state == VersionState.CANDIDATE,
    }
    return render(request, "models/version.html", context)


@allow(*STAFF)
@require_safe
def confusion(request: SignedIn, pk: int) -> HttpResponse:
    """The test photos of category `true` that the version put into `predicted`."""
    version = get_object_or_404(ModelVersion.objects.select_related("run"), pk=pk)
    true, predicted = request.GET.get("true", ""), request.GET.get("predicted", "")
    if not (true and predicted):
        return redirect("model", pk)
    rows = (
        RunRow.objects.filter(
            run_id=version.run_id, split=Split.TEST, label__slug=true, predicted=predicted
        )
        .select_related("image__product", "image__label")
        .order_by("image_id")
    )
    context = {
        "version": version,
        "cell": report.cell(version, true, predicted),
        "rows": Paginator(rows, PHOTOS_PAGE).get_page(request.GET.get("page")),
        "page_query": urlencode({"true": true, "predicted": predicted}),
    }
    return render(request, "models/confusion.html", context)


@allow(Role.MANAGER)
@require_POST
def promote(request: SignedIn, pk: int) -> HttpResponse:
    version = get_object_or_404(ModelVersion, pk=pk)
    form = PromoteForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Shorten the note to 300 letters.")
        return redirect("model", pk=pk)
    note = form.cleaned_data["note"].strip()
    reason = f"Put live by {request.user}{f': {note}' if note else '.'}"
    try:
        golive.promote(version, reason=reason, by=request.user)
    except CatalogError as error:
        messages.error(request, str(error))
        return redirect("model", pk=pk)
    messages.success(request, f"Version {version.pk} is live. Workers take it up in seconds.")
    return redirect("models")


@allow(Role.MANAGER)
@require_POST
def rollback(request: SignedIn) -> HttpResponse:
    form = RollbackForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose the version to go back to.")
        return redirect("models")
    try:
        serving = golive.rollback(by=request.user, to=form.cleaned_data["to"])
    except CatalogError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Back on version {serving.live_id}.")
    return redirect("models")


@allow(Role.MANAGER)
@require_POST
def resume(request: SignedIn) -> HttpResponse:
    golive.resume_automatic()
    messages.success(request, "Better versions go live by themselves again.")
    return redirect("models")


def _listed(
    version: ModelVersion, figures: Mapping[int, report.Report]
) -> tuple[ModelVersion, report.Report, bool]:
    """One row of the list: the version, its figures, whether it stands on starter weights."""
    return version, figures[version.pk], provenance.stands_on_starter(version)


def _earlier(serving: Serving) -> ModelVersion | None:
    """What a rollback would go to, if it still can."""
    previous = serving.previous
    return previous if previous is not None and previous.files_present else None


def _with_backbone() -> QuerySet[ModelVersion]:
    return ModelVersion.objects.select_related("backbone")


def _page(request: HttpRequest, name: str, rows: QuerySet[Any]) -> Any:
    """One page of a list; `?versions=2` and `?runs=2` leaf through the two lists."""
    return Paginator(rows, PAGE).get_page(request.GET.get(name))
