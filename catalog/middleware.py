"""Request log, requests without NULs, and the rule that a view without named roles is refused."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, QueryDict

logger = logging.getLogger("catalog.request")

OWN_GUARD = ("django.contrib.admin.", "django.contrib.auth.admin")
PUBLIC_VIEWS = {"django.views.static.serve", "django.contrib.staticfiles.views.serve"}
QUIET = ("/static/", "/healthz", "/readyz", "/metrics")


class RequestLog:
    """One line per request: id, method, path, status, duration, user id. Never a query string:
    it may hold what people typed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        request_id = secrets.token_hex(8)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        if not request.path.startswith(QUIET):
            user = getattr(request, "user", None)
            logger.info(
                "request",
                extra={
                    "request": request_id,
                    "method": request.method,
                    "path": request.path,
                    "status": response.status_code,
                    "ms": round((time.perf_counter() - began) * 1000, 1),
                    "user": getattr(user, "pk", None),
                },
            )
        return response


class NoNulls:
    """A NUL in a query string or a cookie counts as not there: nobody types one, and PostgreSQL
    refuses to compare with it. Forms refuse it by themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", ""):
            plain = QueryDict(mutable=True)
            for name, values in request.GET.lists():
                plain.setlist(name.replace("\0", ""), [v.replace("\0", "") for v in values])
            request.GET = plain  # type: ignore[assignment]  # mutable, as a copy is
        request.COOKIES = {n: v for n, v in request.COOKIES.items() if "\0" not in v}
        return self.get_response(request)


class DenyByDefault:
    """Refuse every view that neither names its roles nor says it is public. The admin guards
    itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, _request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object
    ) -> None:
        module = getattr(view, "__module__", "")
        name = f"{module}.{getattr(view, '__qualname__', '')}"
        if hasattr(view, "allowed_roles") or module.startswith(OWN_GUARD) or name in PUBLIC_VIEWS:
            return
        raise PermissionDenied(f"{name} names no roles.")
