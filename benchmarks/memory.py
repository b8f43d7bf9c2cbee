"""Memory of the real worker over many answers and hot swaps between two backbones.

python -m benchmarks.memory [--json] [--photos DIR] [--images N] [--quick]"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.served import (
    MERCHANT,
    PHOTOS,
    NoPhotos,
    add_waiting,
    answer,
    files_of,
    learn,
    measured_site,
    rss_mb,
    settle,
)
from tests.site import Site

SIZES, QUICK_SIZES = (112, 96), (64, 48)
SWAPS = 20
UPLOAD = 0
PARTS = ("25%", "50%", "75%", "100%")


def answers() -> int:
    from catalog.models import Prediction

    return Prediction.objects.count()


def swap(turn: int) -> None:
    """The other version goes live; its background jobs do not count here."""
    from django.utils import timezone

    from catalog import golive
    from catalog.models import ModelVersion, Reclassification

    versions = list(ModelVersion.objects.order_by("pk"))
    golive.promote(versions[turn % len(versions)], reason="The turn of this one.")
    Reclassification.objects.update(cancelled_at=timezone.now(), queued_at=timezone.now())


def measure(site: Site, ids: list[int], wanted: int) -> dict[str, Any]:
    swap(0)
    answer(ids, priority=UPLOAD)  # the worker loads its first version
    swap(1)
    answer(ids, priority=UPLOAD)  # and once the other
    first, started = answers(), time.perf_counter()
    rss, swaps = {"start": rss_mb(site)}, 0
    while (done := answers() - first) < wanted:
        if done >= swaps * wanted / SWAPS:
            swap(swaps)
            swaps += 1
        answer(ids, priority=UPLOAD)
        for place, part in enumerate(PARTS, start=1):
            if part not in rss and answers() - first >= place * wanted / len(PARTS):
                rss[part] = rss_mb(site)
    spent = time.perf_counter() - started
    return {"predictions": done, "swaps": swaps, "seconds": spent, "rss_mb": rss}


def main() -> int:
    parser = argparse.ArgumentParser(description="Memory of the real worker.")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--images", type=int, default=0, help="answers in all")
    parser.add_argument("--quick", action="store_true", help="2,000 answers at less than 112 px")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sizes = QUICK_SIZES if options.quick else SIZES
    wanted = options.images or (2_000 if options.quick else 20_000)
    try:
        files = files_of(options.photos, "train", min(480, wanted // SWAPS))
        with measured_site(options.photos, quick=True) as site:
            for size in sizes:
                learn(site, size, quick=True)
            site.start("worker")
            ids = add_waiting(site, files, MERCHANT)
            settle()
            row = measure(site, ids, wanted)
    except NoPhotos as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{row['predictions']} answers, {row['swaps']} hot swaps, {row['seconds']:.0f} s")
    for part, megabytes in row["rss_mb"].items():
        print(f"  {part:6} {megabytes:6.0f} MB")
    if options.json:
        settings = {"photos": options.photos.name, "image_sizes": sizes, "images": wanted}
        print(json.dumps({"settings": settings, **row, "rows": [row]}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
