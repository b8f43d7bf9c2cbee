"""Two versions' recipes and figures side by side."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from .. import comparison
from ..access import STAFF, SignedIn, allow
from ..forms.learning import CompareForm
from ..models import ModelVersion


@allow(*STAFF)
@require_safe
def compare(request: SignedIn) -> HttpResponse:
    """`?first=3&second=5`; without both, the form alone."""
    form = CompareForm(request.GET)
    found = None
    if form.is_valid():
        found = comparison.compare(form.cleaned_data["first"], form.cleaned_data["second"])
    context = {
        "form": form,
        "compared": found,
        "versions": ModelVersion.objects.only("pk").order_by("-id")[:100],
    }
    return render(request, "models/compare.html", context)
