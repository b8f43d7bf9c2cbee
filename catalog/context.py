"""What every page needs: who is here, and whether the catalog holds drawn samples."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from .models import Merchant, User


def page(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {"samples_present": Merchant.objects.filter(is_sample=True).exists()}
