"""How far a background job is that asks the model again, in words for the page that watches it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from . import reclassify
from .models import Prediction, Reclassification, ReclassifyScope
from .templatetags.figures import duration

WINDOW = timedelta(seconds=30)
"""The rate is what workers wrote in so long."""
SHOWN_ENDED = 3

ABOUT = {
    ReclassifyScope.ALL: "Every photo",
    ReclassifyScope.STALE: "Photos that an older version answered",
    ReclassifyScope.FAILED: "Photos that failed",
    ReclassifyScope.UNREVIEWED: "Photos that nobody has checked",
    ReclassifyScope.UNSEEN: "Photos that this version's backbone has not seen",
}


@dataclass(frozen=True)
class JobProgress:
    job: int
    active: bool
    headline: str
    detail: str
    done: int
    total: int
    """0: not counted yet."""
    rate: float
    """Photos answered per second lately, uploads among them."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def of(job: Reclassification) -> JobProgress:
    waiting = reclassify.waiting(job) if job.finished_at is None else 0
    done, total = job.selected - waiting, max(job.total or 0, job.selected)
    rate = answered_per_second(since=job.created_at) if job.is_active else 0.0
    return JobProgress(
        job=job.pk,
        active=job.is_active,
        headline=about(job),
        detail=_detail(job, done, total, rate),
        done=done,
        total=total,
        rate=round(rate, 1),
    )


def listed() -> tuple[list[tuple[Reclassification, JobProgress]], list[JobProgress]]:
    """Jobs under way, oldest first, and the last few that ended, newest first."""
    related = ("category", "cancelled_by")
    active = reclassify.unfinished().select_related(*related)
    over = Reclassification.objects.exclude(finished_at=None, cancelled_at=None)
    ended = over.filter(selected__gt=0).select_related(*related).order_by("-id")[:SHOWN_ENDED]
    return [(job, of(job)) for job in active], [of(job) for job in ended]


def about(job: Reclassification) -> str:
    if job.scope == ReclassifyScope.CATEGORY and job.category:
        return f"Photos suggested or checked as “{job.category}”"
    return ABOUT.get(ReclassifyScope(job.scope), job.get_scope_display())


def answered_per_second(*, since: datetime) -> float:
    """What all workers together wrote in the last half minute, or since then if that is later."""
    now = timezone.now()
    start = max(now - WINDOW, since)
    seconds = max((now - start).total_seconds(), 1.0)
    return Prediction.objects.filter(at__gt=start).count() / seconds


def _detail(job: Reclassification, done: int, total: int, rate: float) -> str:
    if job.cancelled_at:
        by = f" by {job.cancelled_by}" if job.cancelled_by else ""
        return f"Cancelled{by} after {job.selected} of {total} photos."
    if job.finished_at:
        took = duration(job.finished_at - job.created_at)
        return f"{job.selected} photos were answered in {took}."
    fresh = timezone.now() - job.created_at < WINDOW
    if not job.selected or (fresh and not done):
        return "It begins when no upload waits."
    if not rate:
        return "No photo was answered in the last half minute; check that a worker runs."
    left = f"; about {duration((total - done) / rate)} left" if total > done else ""
    return f"{rate:.1f} photos a second{left}. Uploads go first."
