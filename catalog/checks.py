"""`manage.py check`: what a wrong setting would break later."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def folders_are_writable(**_kwargs: Any) -> list[CheckMessage]:
    wrong = [f for f in (settings.DATA_DIR,) if not os.access(f, os.W_OK)]
    return [
        Error(
            f"{folder} is not writable.",
            hint="Set DATA_DIR to a folder this user may write to.",
            id="catalog.E001",
        )
        for folder in wrong
    ]


@register()
def shares_are_shares(**_kwargs: Any) -> list[CheckMessage]:
    names = ("REVIEW_RANDOM_SHARE", "RETRAIN_MIN_SHARE")
    return [
        Error(f"{name} must be between 0 and 1.", id="catalog.E002")
        for name in names
        if not 0 <= getattr(settings, name) <= 1
    ]
