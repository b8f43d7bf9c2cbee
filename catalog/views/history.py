"""What was decided at the review desk: found, taken back, downloaded; and how far people agree."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from .. import agreement, decisions
from ..access import STAFF, SignedIn, allow
from ..forms.history import HistoryForm, PositionForm, UndoTheseForm


@allow(*STAFF)
@never_cache
@require_safe
def history(request: SignedIn) -> HttpResponse:
    form, rows = _asked(request)
    position = PositionForm(request.GET)
    position.is_valid()
    context = {"form": form, "page": decisions.page(rows, position.cleaned_data)}
    return render(request, "review/history.html", context)


@allow(*STAFF)
@never_cache
@require_safe
def ask_undo(request: SignedIn) -> HttpResponse:
    """Says how many decisions the filter holds before any is taken back."""
    form, rows = _asked(request)
    if form.errors:
        return redirect(f"{resolve_url('review-history')}?{form.query}")
    found = decisions.to_undo(rows)
    context = {
        "form": form,
        "count": len(found),
        "ids": ",".join(str(decision.pk) for decision in found),
        "newest": found[0] if found else None,
        "oldest": found[-1] if found else None,
        "at_once": decisions.UNDO_AT_ONCE,
    }
    return render(request, "review/history_undo.html", context)


@allow(*STAFF)
@require_POST
def undo(request: SignedIn) -> HttpResponse:
    """Take back the decisions named; the answer says how many stand, and why."""
    named = UndoTheseForm(request.POST)
    if named.is_valid():
        undone = decisions.undo(named.cleaned_data["ids"], by=request.user)
        say = messages.warning if undone.refused else messages.success
        say(request, undone.sentence)
    else:
        messages.error(request, "Nothing was undone: choose the decisions again.")
    form, _ = _asked(request)
    return redirect(f"{resolve_url('review-history')}?{form.query}")


@allow(*STAFF)
@require_safe
def history_csv(request: SignedIn) -> StreamingHttpResponse:
    _, rows = _asked(request)
    response = StreamingHttpResponse(
        decisions.csv_lines(rows), content_type="text/csv; charset=utf-8"
    )
    name = f"decisions-{timezone.localdate():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


@allow(*STAFF)
@never_cache
@require_safe
def agreements(request: SignedIn) -> HttpResponse:
    context = {
        "found": agreement.measure(request.user),
        "enough": agreement.ENOUGH,
        "most_read": agreement.MOST_READ,
        "blind_percent": round(settings.REVIEW_BLIND_SHARE * 100),
    }
    return render(request, "review/agreement.html", context)


def _asked(request: SignedIn) -> tuple[HistoryForm, decisions.Rows]:
    """The form with what stands behind the address, and the decisions it asks for."""
    form = HistoryForm(request.GET, reader=request.user)
    form.is_valid()
    return form, decisions.matching(request.user, form.wanted())
