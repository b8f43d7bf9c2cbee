"""What a reviewer wants to see of the review queue, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.db.models.lookups import Exact

from .sql import Aside


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

    @property
    def named(self) -> dict[str, int]:
        """{column: id} of those set, the most telling first."""
        ids = {
            "predicted_id": self.category,
            "merchant_id": self.merchant,
            "version_id": self.version,
        }
        return {name: value for name, value in ids.items() if value is not None}

    def where(self, now: datetime) -> Q:
        """For queries that have an index of their own to go by."""
        found = Q(*(Exact(Aside(F(name)), value) for name, value in self.named.items()))
        if self.older_than is not None:
            found &= Q(created_at__lt=now - timedelta(days=self.older_than))
        if self.newer_than is not None:
            found &= Q(created_at__gt=now - timedelta(days=self.newer_than))
        return found & Q(complaint_at__isnull=False) if self.complaint else found

    def lead(self) -> Q:
        """The one that the largest part of the queue is searched by; `where` names the others."""
        return Q(*list(self.named.items())[:1])


ALL = Filters()
"""Leaves nothing out."""
