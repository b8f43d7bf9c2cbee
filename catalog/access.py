"""Who may call a view. Every view names its roles or is public; the middleware refuses any other,
so that a forgotten decorator denies instead of exposing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render, resolve_url

from .models import Role, User

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

STAFF = (Role.REVIEWER, Role.MANAGER)
EVERYONE = (Role.MERCHANT, Role.REVIEWER, Role.MANAGER)


class SignedIn(HttpRequest):
    """The request as views see it behind `allow`: its user is a signed-in User."""

    user: User


def allow(
    *roles: Role,
) -> Callable[[Callable[Concatenate[SignedIn, P], HttpResponseBase]], View[P]]:
    """Let only these roles in. Nobody signed in: scripts get 401 JSON, people the sign-in page; so
    do scripts of a page that was made for somebody else than who is signed in by now. Another
    role: 403."""

    def decorate(view: Callable[Concatenate[SignedIn, P], HttpResponseBase]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            user = request.user
            if not isinstance(user, User) or not user.is_active:
                return _sign_in_first(request)
            if request.headers.get("X-Page-Of", str(user.pk)) != str(user.pk):
                return _another_user(user)
            if user.role not in roles:
                return _refused(request)
            return view(cast("SignedIn", request), *args, **kwargs)

        guarded.allowed_roles = roles  # type: ignore[attr-defined]  # read by DenyByDefault
        return cast("View[P]", guarded)

    return decorate


def public(view: View[P]) -> View[P]:
    """Anyone may call this view, signed in or not."""
    view.allowed_roles = None  # type: ignore[attr-defined]  # read by DenyByDefault
    return view


def wants_json(request: HttpRequest) -> bool:
    """A script asks, not a person who could read a page."""
    return (
        request.headers.get("X-Requested-With") == "fetch"
        or request.headers.get("HX-Request") == "true"
        or "application/json" in request.headers.get("Accept", "")
    )


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"error": "signed-out", "message": "Your session ended."}, status=401)
    here = quote(request.get_full_path())
    return redirect(f"{resolve_url(settings.LOGIN_URL)}?next={here}")


def _another_user(user: User) -> HttpResponse:
    """One browser, one session: what the page of the one saves must not count as the other's."""
    message = f"{user.get_username()} signed in in this browser; sign in again to go on here."
    return JsonResponse({"error": "another-user", "message": message}, status=401)


def _refused(request: HttpRequest) -> HttpResponse:
    message = "Your account is not allowed to do this; ask a manager."
    if wants_json(request):
        return JsonResponse({"error": "forbidden", "message": message}, status=403)
    return render(request, "403.html", {"message": message}, status=403)
