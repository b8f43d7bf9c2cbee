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
