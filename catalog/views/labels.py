"""Labels worth a second look: the list, asking for a look, saying that a label is right."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from .. import doubts
from ..access import STAFF, SignedIn, allow
from ..errors import CatalogError
from ..models import Role

PAGE = 24


@allow(*STAFF)
@never_cache
@require_safe
def labels(request: SignedIn) -> HttpResponse:
    rows = Paginator(doubts.standing(), PAGE).get_page(request.GET.get("page"))
    context = {"check": doubts.latest(), "rows": rows}
    return render(request, "models/labels.html", context)


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
