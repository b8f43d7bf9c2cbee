"""Labels worth a second look: one after the other or as a list, and asking for a look."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from .. import desk, doubts, lifecycle
from ..access import STAFF, SignedIn, allow
from ..errors import CatalogError
from ..forms.review import LabelForm
from ..models import Category, LabelDoubt, Role

PAGE = 24


@allow(*STAFF)
@never_cache
@require_safe
def labels(request: SignedIn) -> HttpResponse:
    rows = Paginator(doubts.shown_to(request.user), PAGE).get_page(request.GET.get("page"))
    context = {"check": doubts.latest(), "rows": rows}
    return render(request, "models/labels.html", context)


@allow(*STAFF)
@never_cache
@require_safe
def queue(request: SignedIn) -> HttpResponse:
    """One doubtful label; `?after=7` the next after that one, `?at=7` that one itself. `?kept=` and
    `?decided=` name what was just said, to take it back."""
    at, after = (_doubt(request.GET.get(name, "")) for name in ("at", "after"))
    rows = doubts.shown_to(request.user)
    shown = rows.filter(pk=at.pk).first() if at else None
    shown = shown or doubts.following(after, reader=request.user)
    context = {
        "doubt": shown,
        "suggested": shown.suggested.counts_as if shown else None,
        "left": rows.count(),
        "leaves": Category.objects.leaves(),
        "kept": _number(request.GET.get("kept", "")),
        "decided": _number(request.GET.get("decided", "")),
        "came_from": after.pk if after else None,
    }
    return render(request, "models/label_queue.html", context)


@allow(*STAFF)
@require_POST
def keep(request: SignedIn, pk: int) -> HttpResponse:
    """The label is right; on to the next."""
    try:
        doubts.dismiss(pk, by=request.user)
    except CatalogError as error:
        messages.error(request, str(error))
        return _to_queue(after=pk)
    return _to_queue(after=pk, kept=pk)


@allow(*STAFF)
@require_POST
def relabel(request: SignedIn, pk: int) -> HttpResponse:
    """The photo belongs elsewhere; on to the next."""
    found = LabelDoubt.objects.select_related("image").filter(pk=pk).first()
    form = LabelForm(request.POST)
    if found is None or not form.is_valid():
        messages.error(request, "Choose a category for the photo.")
        return _to_queue(at=pk)
    values = form.cleaned_data
    try:
        doubts.require_in_sight(found.image, request.user)
        decision = lifecycle.decide_category(
            found.image,
            values["category"],
            by=request.user,
            revision=values["revision"],
            token=values["token"],
        )
    except CatalogError as error:
        messages.error(request, str(error))
        return _to_queue(after=pk)
    return _to_queue(after=pk, decided=decision.pk)


@allow(*STAFF)
@require_POST
def take_back(request: SignedIn) -> HttpResponse:
    """Undo what was said last: `kept` a doubt, or `decided` a decision, of doubt `at`."""
    kept, decided = (_number(request.POST.get(name, "")) for name in ("kept", "decided"))
    try:
        if kept:
            doubts.doubt_again(kept, by=request.user)
        else:
            desk.take_back(request.user, decision_id=decided or 0)
    except CatalogError as error:
        messages.error(request, str(error))
    return _to_queue(at=_number(request.POST.get("at", "")))


def _to_queue(**query: int | None) -> HttpResponse:
    given = urlencode({name: value for name, value in query.items() if value})
    return redirect(f"{resolve_url('label-queue')}?{given}" if given else "label-queue")


def _doubt(raw: str) -> LabelDoubt | None:
    return LabelDoubt.objects.filter(pk=_number(raw) or 0).first()


def _number(raw: str) -> int | None:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None


@allow(Role.MANAGER)
@require_POST
def check(request: SignedIn) -> HttpResponse:
    try:
        doubts.request(by=request.user)
    except CatalogError as error:
        messages.error(request, str(error))
    return redirect("labels")


@allow(*STAFF)
@require_POST
def dismiss(request: SignedIn, pk: int) -> HttpResponse:
    try:
        doubts.dismiss(pk, by=request.user)
    except CatalogError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Noted: the label is right. It is not doubted again.")
    page = request.POST.get("page", "")
    return redirect(f"{resolve_url('labels')}?page={page}" if page.isdigit() else "labels")
