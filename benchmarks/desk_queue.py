"""What the review desk waits for: one refill of four photos, as its page asks for, from a queue
of 100,000 photos in SQLite and of a million in PostgreSQL, with and without filters, while twenty
reviewers work.

    python -m benchmarks.desk_queue [--json] [--quick] [--images N]
                                    [--databases sqlite postgresql] [--plans]

The rows are synthetic. A refill is the whole of catalog.queue.next_images: the reviewer's own
photos, the parts of the queue, what belongs together, and the leases, committed. The PostgreSQL is
a fresh one without fsync; SQLite syncs every commit, as it does in service."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from launcher.place import ROOT

if TYPE_CHECKING:
    from .desk_rows import Queue

SIZES = {"sqlite": 100_000, "postgresql": 1_000_000}
QUICK = {"sqlite": 10_000, "postgresql": 20_000}
REFILL = 4
"""AT_ONCE of static/js/review/queue.js."""
REFILLS, REFILLS_QUICK = 120, 30
ON_PAGE = 8
"""A page holds so many while it asks for more."""


@dataclass(frozen=True)
class Case:
    """One way to ask; milliseconds of a refill, and of counting how many are left."""

    name: str
    photos: float
    """Handed out by one refill, on average."""
    p50_ms: float
    p95_ms: float
    left_p95_ms: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, help="in each database; else as above")
    parser.add_argument("--databases", nargs="+", default=list(SIZES))
    parser.add_argument("--photos", help="not used: the rows are synthetic")
    parser.add_argument("--quick", action="store_true", help="few rows and refills")
    parser.add_argument("--plans", action="store_true", help="print query plans")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sizes = QUICK if options.quick else SIZES
    refills = REFILLS_QUICK if options.quick else REFILLS
    if options.child:
        print(json.dumps(_in_child(options.images, refills, plans=options.plans)))
        return 0
    rows = []
    for database in options.databases:
        if (row := run(database, options.images or sizes[database], options)) is not None:
            rows.append(row)
            print_table(row)
    if options.json:
        settings = {"refill": REFILL, "on_page": ON_PAGE, "refills": refills}
        print(json.dumps({"settings": settings, "rows": rows}))
    return 0


def run(database: str, images: int, options: argparse.Namespace) -> dict[str, Any] | None:
    """This file again in a process of its own on that database; None where there is none."""
    flags = [f"--{name}" for name in ("quick", "plans") if getattr(options, name)]
    if database == "sqlite":
        return _child("", images, flags)
    from tests import postgres

    try:
        with postgres.temporary_cluster() as url:
            return _child(url, images, flags)
    except postgres.NoPostgres as error:
        print(f"left out: {error}", file=sys.stderr)
        return None


def _child(url: str, images: int, flags: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-desk-") as folder:
        environment = os.environ | {
            "DATA_DIR": folder,
            "DATABASE_URL": url,
            "REDIS_URL": "memory://",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "catalog.settings",
            "HTTPS": "0",
        }
        command = [sys.executable, "-m", "benchmarks.desk_queue", "--child"]
        command += ["--images", str(images), *flags]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def print_table(row: dict[str, Any]) -> None:
    head = f"{row['database']}, {row['images']:,} images, filled in {row['fill_seconds']:.0f} s"
    print(f"\n{head}: milliseconds of a refill, and of the count")
    print(f"{'':40}{'photos':>8}{'p50':>8}{'p95':>8}{'count p95':>11}")
    for case in row["cases"]:
        figures = f"{case['photos']:>8.1f}{case['p50_ms']:>8.2f}{case['p95_ms']:>8.2f}"
        print(f"{case['name']:<40}{figures}{case['left_p95_ms']:>11.2f}")
    for name, plans in row.get("plans", {}).items():
        print(f"\n{name}:")
        for plan in plans:
            print("\n".join(f"    {line}" for line in plan.splitlines()))


# In the child: Django is configured by the environment.


def _in_child(images: int, refills: int, *, plans: bool) -> dict[str, Any]:
    import django

    django.setup()
    from .growth import _make_database

    _make_database()
    from .desk_rows import Queue

    began = time.perf_counter()
    queue = Queue(images)
    filled = time.perf_counter() - began
    answer = measure(queue, refills=refills) | {"fill_seconds": round(filled, 1)}
    return answer | {"plans": _plans(queue)} if plans else answer


def measure(queue: Queue, *, refills: int = REFILLS) -> dict[str, Any]:
    """On the database that Django works on, filled by `queue`. `queue_query_p95_ms` is a refill of
    the whole queue, `filtered_p95_ms` that of the slowest filter."""
    from django.db import connection

    cases = [_case(name, queue, filters, refills) for name, filters in _asked(queue).items()]
    return {
        "database": connection.vendor,
        "images": queue.size,
        "queue_query_p95_ms": cases[0].p95_ms,
        "queue_query_p50_ms": cases[0].p50_ms,
        "filtered_p95_ms": max(case.p95_ms for case in cases[1:]),
        "left_p95_ms": max(case.left_p95_ms for case in cases),
        "cases": [asdict(case) for case in cases],
    }


def _asked(queue: Queue) -> dict[str, Any]:
    """The filters people set, common and rare: those that fit little are the hard ones."""
    from catalog.queue_filters import ALL, Filters

    common, rare = queue.categories[0].pk, queue.categories[-1].pk
    large, small = queue.merchants[0].pk, queue.merchants[-1].pk
    oldest, _, live = (version.pk for version in queue.versions)
    return {
        "all": ALL,
        "a common category": Filters(category=common),
        "a rare category": Filters(category=rare),
        "a large merchant": Filters(merchant=large),
        "a small merchant": Filters(merchant=small),
        "the live version": Filters(version=live),
        "a version of long ago": Filters(version=oldest),
        "older than 90 days": Filters(older_than=90),
        "newer than a day": Filters(newer_than=1),
        "complaints": Filters(complaint=True),
        "large merchant, rare category": Filters(merchant=large, category=rare),
        "small merchant, common category": Filters(merchant=small, category=common),
        "small merchant, rare category": Filters(merchant=small, category=rare),
        "old version, common category": Filters(version=oldest, category=common),
        "old version, large merchant": Filters(version=oldest, merchant=large),
        "older than 90 days, rare category": Filters(older_than=90, category=rare),
        "older than 300 days, old version": Filters(older_than=300, version=oldest),
        "newer than a day, small merchant": Filters(newer_than=1, merchant=small),
    }


def _case(name: str, queue: Queue, filters: Any, refills: int) -> Case:
    from catalog import queue as review
    from catalog.models import ProductImage

    took, counted, photos = [], [], 0
    ProductImage.objects.filter(reviewer__isnull=False).update(
        reviewer=None, review_lease_until=None
    )
    pages: dict[int, list[int]] = {user.pk: [] for user in queue.reviewers}
    for turn in range(refills + len(queue.reviewers)):
        user = queue.reviewers[turn % len(queue.reviewers)]
        held = pages[user.pk]

        def refill(user: Any = user, held: list[int] = held) -> list[ProductImage]:
            return review.next_images(user, count=REFILL, exclude=held, filters=filters)

        milliseconds, found = _timed(refill)
        if turn >= len(queue.reviewers):  # the first of each warms up
            took.append(milliseconds)
            photos += len(found)
            counted.append(_timed(lambda: review.left(filters))[0])
        pages[user.pk] = _decided([*held, *(image.pk for image in found)])
    return Case(name, photos / refills, _at(took, 0.5), _at(took, 0.95), _at(counted, 0.95))


def _decided(page: list[int]) -> list[int]:
    """What stays on the page when all but the last few were decided; not timed."""
    from catalog.models import ProductImage

    done, kept = page[:-ON_PAGE], page[-ON_PAGE:]
    ProductImage.objects.filter(pk__in=done).update(
        label_state="none_of_these",
        label=None,
        disputed=False,
        unusable_reason="",
        reviewer=None,
        review_lease_until=None,
    )
    return kept


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work()
    return (time.perf_counter() - began) * 1000, found


def _at(figures: list[float], share: float) -> float:
    ordered = sorted(figures)
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 3)


def _plans(queue: Queue) -> dict[str, list[str]]:
    """{what was asked: the plan of each of its statements over photos}"""
    from catalog import queue as review

    from .growth_plans import explained

    found = {}
    user = queue.reviewers[0]
    for name, filters in _asked(queue).items():

        def refill(filters: Any = filters) -> object:
            return review.next_images(user, count=REFILL, filters=filters)

        found[name] = explained(refill)
    return found


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        raise SystemExit(main())
