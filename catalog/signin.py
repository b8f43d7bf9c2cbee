"""Wrong passwords are counted in the database, so that every web process of every host sees them.
An attempt is written before the password is looked at and removed when it was right: a burst of
parallel guesses cannot slip past the count."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from .errors import TooManyAttempts
from .models import SignInAttempt

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 5
"""Wrong passwords for one name from one address within WINDOW."""
PER_ADDRESS = 50
"""Wrong passwords for any names from one address within WINDOW."""


@transaction.atomic
def begin(name: str, address: str) -> None:
    """Count one attempt; TooManyAttempts when the limit is reached already."""
    now = timezone.now()
    SignInAttempt.objects.filter(at__lt=now - WINDOW).delete()
    here = SignInAttempt.objects.filter(address=address).order_by("at")
    for rows, limit in ((here.filter(name=_key(name)), PER_ACCOUNT), (here, PER_ADDRESS)):
        times = list(rows.values_list("at", flat=True))
        if len(times) >= limit:
            minutes = max(1, ceil((times[-limit] + WINDOW - now) / timedelta(minutes=1)))
            unit = "minute" if minutes == 1 else "minutes"
            raise TooManyAttempts(
                f"Too many wrong passwords. Wait {minutes} {unit}, or ask a manager."
            )
    SignInAttempt.objects.create(name=_key(name), address=address)


def succeeded(name: str, address: str) -> None:
    """The password was right: this name's attempts from here no longer count."""
    SignInAttempt.objects.filter(address=address, name=_key(name)).delete()


def address_of(request: HttpRequest) -> str:
    """The client's address; behind a trusted proxy, what the proxy itself saw (the last entry:
    earlier ones are whatever the client claimed)."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        return str(forwarded.rsplit(",", 1)[-1].strip()[:45])
    return str(request.META.get("REMOTE_ADDR", ""))[:45]


def _key(name: str) -> str:
    return name.replace("\0", "").strip().lower()[:150]
