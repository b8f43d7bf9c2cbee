"""The front door: each role's own first page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from ..access import public
from ..models import Role, User

FIRST_PAGE = {Role.MERCHANT: "images", Role.REVIEWER: "review", Role.MANAGER: "models"}


@public
def home(request: HttpRequest) -> HttpResponse:
    if not isinstance(request.user, User):
        return redirect("sign-in")
    return redirect(FIRST_PAGE[Role(request.user.role)])
