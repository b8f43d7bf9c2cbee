"""What one more image costs when there are a thousand, ten thousand and a hundred thousand already:
the statements of an upload, a worker, a merchant's list and a review desk, on synthetic rows, on
SQLite and, where it is installed, on PostgreSQL. No photo is decoded and no model loaded.

    python -m benchmarks.growth [--json] [--quick] [--images N] [--databases sqlite postgresql]

N adds larger sizes up to a million and more: 1k, 10k, 100k, 1M ... The PostgreSQL is a fresh one
without fsync; SQLite syncs every commit, as it does in service."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from launcher.place import ROOT

SIZES = [1_000, 10_000, 100_000, 1_000_000, 10_000_000]
LARGEST = 100_000
QUICK_LARGEST = 10_000
REPEATS = 15
FLAT = 2.0
"""A cost counts as flat where it is at most so many times that of the smallest size."""


@dataclass(frozen=True)
class Cost:
    """`milliseconds` is the median of one call, which dealt with `images` images."""

    name: str
    images: int
    milliseconds: float
    part: str
    """per image, page, or tick."""

    @property
    def each(self) -> float:
        return self.milliseconds / max(self.images, 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=LARGEST, help="the largest size")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--photos", help="not used: the rows are synthetic")
    parser.add_argument("--quick", action="store_true", help="1k and 10k only")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    largest = min(options.images, QUICK_LARGEST) if options.quick else options.images
    sizes = [size for size in SIZES if size <= largest] or [largest]
    if options.child:
        print(json.dumps(measure(sizes)))
        return 0
    found = {name: run(name, sizes) for name in options.databases}
    answers = {name: answer for name, answer in found.items() if answer is not None}
    for name, answer in answers.items():
        print_table(name, answer, sizes)
    if options.json:
        settings = {"sizes": sizes, "repeats": REPEATS, "databases": list(answers)}
        print(json.dumps({"settings": settings, **answers}))
    return 0


def run(database: str, sizes: list[int]) -> dict[str, Any] | None:
    """This file again in a process of its own on that database; None where there is none."""
    if database == "sqlite":
        return _child("", sizes)
    from tests import postgres

    try:
        with postgres.temporary_cluster() as url:
            return _child(url, sizes)
    except postgres.NoPostgres as error:
        print(f"left out: {error}", file=sys.stderr)
        return None


def _child(url: str, sizes: list[int]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-growth-") as folder:
        environment = os.environ | {
            "DATA_DIR": folder,
            "DATABASE_URL": url,
            "REDIS_URL": "memory://",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "catalog.settings",
            "HTTPS": "0",
        }
        command = [sys.executable, "-m", "benchmarks.growth", "--child", "--images", str(sizes[-1])]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def print_table(database: str, answer: dict[str, Any], sizes: list[int]) -> None:
    print(f"\n{database}: milliseconds by the number of images in the database")
    print(f"{'':44}" + "".join(f"{size:>12,}" for size in sizes) + f"{'grows':>9}")
    for row in answer["rows"]:
        figures = "".join(f"{row['ms'][str(size)]:>12.3f}" for size in sizes)
        print(f"{row['name']:<32}{row['part']:<12}{figures}{row['grows']:>8.1f}×")
    for name, size in answer["bytes"].items():
        print(f"{name:<44}{size:>12,.0f} bytes")


# In the child: Django is configured by the environment.


def measure(sizes: list[int]) -> dict[str, Any]:
    import django

    django.setup()
    _plain_static_names()
    _make_database()
    from .growth_rows import Filling
    from .growth_work import costs

    filling = Filling()
    by_name: dict[str, dict[str, Any]] = {}
    for size in sizes:
        filling.up_to(size)
        for cost in costs(filling):
            row = by_name.setdefault(cost.name, {"name": cost.name, "part": cost.part, "ms": {}})
            row["ms"][str(size)] = round(cost.each, 4)
    rows = list(by_name.values())
    for row in rows:
        row["grows"] = round(row["ms"][str(sizes[-1])] / max(row["ms"][str(sizes[0])], 1e-3), 2)
    worst = max(row["grows"] for row in rows if row["part"] == "per image")
    return {"rows": rows, "bytes": filling.bytes_each(), "worst_growth_per_image": worst}


def _plain_static_names() -> None:
    """Pages are rendered here without `collectstatic`."""
    from django.conf import settings

    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": plain}}


def _make_database() -> None:
    from django.conf import settings
    from django.core.management import call_command

    if url := os.environ["DATABASE_URL"]:
        import psycopg

        with psycopg.connect(url.replace("/catalog?", "/postgres?"), autocommit=True) as server:
            server.execute(f"CREATE DATABASE {settings.DATABASES['default']['NAME']}")
    call_command("migrate", verbosity=0)


def timed(
    name: str,
    work: Callable[[], int],
    *,
    part: str = "per image",
    before: Callable[[], object] = lambda: None,
    repeats: int = REPEATS,
) -> Cost:
    """The median of `work`, which returns how many images it dealt with; `before` is not timed.
    The first call warms caches and does not count."""
    times, images = [], 1
    for turn in range(repeats + 1):
        before()
        began = time.perf_counter()
        images = work()
        if turn:
            times.append((time.perf_counter() - began) * 1000)
    return Cost(name, images, statistics.median(times), part)


@contextmanager
def taken_back() -> Iterator[None]:
    """Whatever is done inside leaves no trace."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)


if __name__ == "__main__":
    raise SystemExit(main())
