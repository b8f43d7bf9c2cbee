"""What machines ask: alive, ready, figures."""

from __future__ import annotations

import ipaddress
import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import health, prometheus
from ..access import public


@public
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked, so that a database outage restarts no process."""
    return HttpResponse("ok\n", content_type="text/plain")


@public
@require_safe
@never_cache
def readyz(_request: HttpRequest) -> HttpResponse:
    """Whether every part does its work, and what is wrong; 503 when one does not."""
    found = health.look()
    answer = {
        "ready": found.ready,
        "serving": found.serving,
        "wrong": [check.detail for check in found.checks.values() if not check.ok],
        "checks": {
            name: {"ok": check.ok, "detail": check.detail} for name, check in found.checks.items()
        },
    }
    return JsonResponse(answer, status=200 if found.ready else 503)


@public
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text, for this machine or for whoever knows METRICS_TOKEN."""
    if not _may_read_metrics(request):
        sentence = "Ask from this machine, or send METRICS_TOKEN as a bearer token.\n"
        return HttpResponse(sentence, status=403, content_type="text/plain")
    return HttpResponse(prometheus.text(), content_type=prometheus.CONTENT_TYPE)


def _may_read_metrics(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme.lower() == "bearer":
        return secrets.compare_digest(token.encode(), settings.METRICS_TOKEN.encode())
    return _is_from_this_machine(request)


def _is_from_this_machine(request: HttpRequest) -> bool:
    """Behind a proxy every request comes from the proxy, so its address proves nothing."""
    forwarded = {"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} & set(request.headers)
    if forwarded or getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
