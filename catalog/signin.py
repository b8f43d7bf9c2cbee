"""Wrong passwords are counted in the database, so that every web process of every host sees them.
An attempt is written before the password is looked at and removed when it was right: a burst of
parallel guesses cannot slip past the count."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from . import sql
from .errors import TooManyAttempts
from .models import SignInAttempt

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 5
"""Wrong passwords for one name from one address within WINDOW."""
PER_ADDRESS = 50
"""Wrong passwords for any names from one address within WINDOW."""

LOCK = 0x7369_676E
"""Names sign-in among PostgreSQL's advisory locks: "sign" in ASCII."""


@transaction.atomic
def begin(name: str, address: str) -> None:
    """Count one attempt; TooManyAttempts when the limit is reached already."""
    sql.one_at_a_time(LOCK, address)  # other attempts from here would not see each other
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
        return _counted(forwarded.rsplit(",", 1)[-1].strip())
    return _counted(str(request.META.get("REMOTE_ADDR", "")))


def _counted(raw: str) -> str:
    """Of IPv6 its /64 network: whoever has one address there has all of them."""
    try:
        address = ip_address(raw)
    except ValueError:
        return raw[:45]
    if not isinstance(address, IPv6Address):
        return raw
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False))


def _key(name: str) -> str:
    """As the form reads it: letters of other widths are the same name."""
    return unicodedata.normalize("NFKC", name.replace("\0", "").strip()).lower()[:150]
