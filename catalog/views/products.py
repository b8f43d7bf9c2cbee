"""The list of products."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from .. import product_pages
from ..access import EVERYONE, SignedIn, allow


@allow(*EVERYONE)
@require_safe
def products(request: SignedIn) -> HttpResponse:
    text = request.GET.get("q", "")[:200].strip()
    rows = product_pages.matching(request.user, text=text)
    context = {
        "page": product_pages.page(rows, request.GET, reader=request.user),
        "text": text,
        "query": urlencode({"q": text}) if text else "",
    }
    return render(request, "products.html", context)
