"""manage.py reclassify --all|--stale|--failed|--category SLUG"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from catalog import reclassify
from catalog.errors import CatalogError
from catalog.management.contract import Bar, Result, bar_on
from catalog.models import (
    Category,
    MachineState,
    Priority,
    ProductImage,
    Reclassification,
    ReclassifyScope,
    WorkerStatus,
)
from worker import classify, process

from ..contract import ClassifierCommand, version_of
from ..quiet import load_tensorflow

POLL_SECONDS = 0.5
SILENT_AFTER = timedelta(seconds=30)
WAITING = [MachineState.PENDING, MachineState.CLASSIFYING]


class Command(ClassifierCommand):
    help = "Ask the live version again, in the background; people's decisions stay as they are."

    def arguments(self, parser: CommandParser) -> None:
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--all", action="store_true", help="every photo")
        scope.add_argument("--stale", action="store_true", help="answered by an older version")
        scope.add_argument("--failed", action="store_true", help="where the last try failed")
        scope.add_argument("--category", metavar="SLUG", help="suggested or labelled as this")
        parser.add_argument("--wait", action="store_true", help="until all are answered")

    def run(self, **options: Any) -> Result:
        version = version_of(None)
        scope, category = _scope(options)
        job = reclassify.start(scope, category=category, reason="Asked for at the command line.")
        selected = reclassify.select(job).count()
        data = {"job": job.pk, "selected": selected}
        if not options["wait"]:
            return Result(data, [f"{selected} photos are queued for version {version.pk}."])
        with bar_on(self.stderr) as bar:
            _wait(job, selected, bar)
        return Result(data, [f"{selected} photos were answered by version {version.pk}."])


def _scope(options: dict[str, Any]) -> tuple[ReclassifyScope, Category | None]:
    if slug := options["category"]:
        category = Category.objects.filter(slug=slug).first()
        if category is None:
            raise CatalogError(f"There is no category {slug}; see the categories page for slugs.")
        return ReclassifyScope.CATEGORY, category
    if options["stale"]:
        return ReclassifyScope.STALE, None
    return (ReclassifyScope.FAILED if options["failed"] else ReclassifyScope.ALL), None


def _wait(job: Reclassification, selected: int, bar: Bar) -> None:
    """Until the job's images are answered. Where no worker is alive this process does the work."""
    while (left := _left(job, selected)) and not process.stopping.is_set():
        bar.show("reclassifying", max(selected - left, 0), selected)
        if _a_worker_is_alive():
            time.sleep(POLL_SECONDS)
        else:
            load_tensorflow()
            classify.this_process().drain(seconds=2)
    bar.show("reclassifying", selected, selected)


def _left(job: Reclassification, selected: int) -> int:
    """How many of the job's images wait for an answer; 0 when it is over."""
    job.refresh_from_db()
    waiting = ProductImage.objects.present().filter(
        machine__in=WAITING, priority=Priority.BACKGROUND, pk__lte=job.last_id
    )
    queued = waiting.count()
    if job.queued_at or job.cancelled_at:
        return queued
    return max(selected - job.selected, 0) + queued or 1


def _a_worker_is_alive() -> bool:
    lately = timezone.now() - SILENT_AFTER
    own = process.name()
    return WorkerStatus.objects.filter(seen_at__gt=lately).exclude(name=own).exists()
