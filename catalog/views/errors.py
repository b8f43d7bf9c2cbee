"""Answers of the site itself, where no view of its own was asked."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.middleware.csrf import get_token
from django.views.csrf import csrf_failure

from ..access import wants_json


def page_too_old(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """What protection against forged requests answers. With it a script gets a new token and may
    ask once more: the cookie with the old one was lost. A form carries the old one itself."""
    if not wants_json(request):
        return csrf_failure(request, reason)
    get_token(request)
    message = "This page is too old, or cookies are blocked. Reload it and try again."
    answer = JsonResponse({"error": "page-too-old", "message": message}, status=403)
    answer["X-CSRF-Renewed"] = "yes"
    return answer
