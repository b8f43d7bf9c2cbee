"""What every page needs: where it stands in the navigation, and whether there are samples."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from .models import Merchant, User


def page(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {
        "section": request.path_info.split("/")[1],
        "samples_present": Merchant.objects.filter(is_sample=True).exists(),
    }
