"""What a reviewer wants to see of the review queue, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q


@dataclass(frozen=True)
class Filters:
    """Each that is set leaves out what does not fit it; ids and whole days."""

    category: int | None = None
    """As suggested."""
    merchant: int | None = None
    version: int | None = None
    """The model version whose answer the photo carries."""
    older_than: int | None = None
    newer_than: int | None = None
    """Days since the photo arrived."""
    complaint: bool = False
    """Its merchant says that the category is wrong."""

    @property
    def any(self) -> bool:
        return self != ALL

    @property
    def by_age(self) -> bool:
        return self.older_than is not None or self.newer_than is not None

    def where(self, now: datetime) -> Q:
        named = {
            "predicted": self.category,
            "merchant": self.merchant,
            "version": self.version,
            "created_at__lt": _days_before(now, self.older_than),
            "created_at__gt": _days_before(now, self.newer_than),
        }
        found = Q(**{name: value for name, value in named.items() if value is not None})
        return found & Q(complaint_at__isnull=False) if self.complaint else found


ALL = Filters()
"""Leaves nothing out."""


def _days_before(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now - timedelta(days=days)
