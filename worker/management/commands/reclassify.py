"""manage.py reclassify --all|--stale|--failed|--category SLUG, or --cancel JOB"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from catalog import job_progress, reclassify
from catalog.errors import CatalogError, NotAllowed
from catalog.management.contract import Bar, Result, bar_on
from catalog.models import Category, Reclassification, ReclassifyScope, WorkerStatus
from worker import classify, process

from ..contract import ClassifierCommand, stop_on_sigterm, version_of
from ..quiet import load_tensorflow

POLL_SECONDS = 0.5
SILENT_AFTER = timedelta(seconds=30)
LARGEST_ID = 2**63 - 1


class Command(ClassifierCommand):
    help = "Ask the live version again, in the background; people's decisions stay as they are."

    def arguments(self, parser: CommandParser) -> None:
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--all", action="store_true", help="every photo")
        scope.add_argument("--stale", action="store_true", help="answered by an older version")
        scope.add_argument("--failed", action="store_true", help="where the last try failed")
        scope.add_argument("--category", metavar="SLUG", help="suggested or labelled as this")
        scope.add_argument("--cancel", metavar="JOB", type=int, help="queue no more of that job")
        parser.add_argument("--wait", action="store_true", help="until all are answered")

    def run(self, **options: Any) -> Result:
        if options["cancel"] is not None:
            return _cancel(options["cancel"])
        version = version_of(None)
        scope, category = _scope(options)
        job = reclassify.start(scope, category=category, reason="Asked for at the command line.")
        selected = reclassify.count_once(job)
        data = {"job": job.pk, "selected": selected}
        if not options["wait"]:
            return Result(data, [f"{selected} photos are queued for version {version.pk}."])
        stop_on_sigterm()
        with bar_on(self.stderr) as bar:
            _wait(job, bar)
        return Result(data, [_outcome(job)])


def _cancel(number: int) -> Result:
    job = Reclassification.objects.filter(pk=min(number, LARGEST_ID)).first()
    if job is None:
        raise CatalogError(f"There is no job {number}; the models page lists those under way.")
    reclassify.cancel(job)
    job.refresh_from_db()
    data = {"job": job.pk, "selected": job.selected}
    return Result(data, [f"Job {job.pk} is cancelled; {job.selected} photos had been queued."])


def _scope(options: dict[str, Any]) -> tuple[ReclassifyScope, Category | None]:
    if (slug := options["category"]) is not None:
        category = Category.objects.filter(slug=slug).first()
        if category is None:
            raise CatalogError(f"There is no category “{slug}”; see the categories page for slugs.")
        return ReclassifyScope.CATEGORY, category
    if options["stale"]:
        return ReclassifyScope.STALE, None
    return (ReclassifyScope.FAILED if options["failed"] else ReclassifyScope.ALL), None


def _wait(job: Reclassification, bar: Bar) -> None:
    """Until the job is over. Where no worker is alive this process does the work; NotAllowed where
    whoever is to do it cannot, for want of a version that can be loaded."""
    while not process.stopping.is_set():
        job.refresh_from_db()
        found = job_progress.of(job)
        bar.show("reclassifying", found.done, found.total, f"{found.rate:.1f}/s")
        if not job.is_active:
            return
        if _a_worker_is_alive(job) or not _work():
            time.sleep(POLL_SECONDS)


def _work() -> int:
    """How many photos this process dealt with."""
    load_tensorflow()
    own = classify.this_process()
    count = own.drain(seconds=2)
    if not count and own.live.error:
        raise NotAllowed(_queued_still(own.live.error))
    return count


def _outcome(job: Reclassification) -> str:
    found = job_progress.of(job)
    if found.active:
        return f"Job {job.pk} goes on in the background: {found.done} of {found.total} photos."
    return f"Job {job.pk}: {found.detail}"


def _a_worker_is_alive(job: Reclassification) -> bool:
    """Besides this process. NotAllowed where each of them said after the job began that it cannot
    answer."""
    lately = timezone.now() - SILENT_AFTER
    seen = WorkerStatus.objects.filter(seen_at__gt=lately).exclude(name=process.name())
    others = list(seen.order_by("name"))
    if others and all(one.error and one.seen_at > job.created_at for one in others):
        raise NotAllowed(_queued_still(f"{others[0].name}: {others[0].error}"))
    return bool(others)


def _queued_still(why: str) -> str:
    return f"{why.rstrip('.')}; the photos stay queued for a worker that can."
