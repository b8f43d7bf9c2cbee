"""How long one upload waits for its answer: from its commit until the answer is committed, by the
real worker over the real Redis, on an idle worker and while a reclassification runs.

    python -m benchmarks.latency [--json] [--photos DIR] [--images N] [--quick]"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.served import (
    MERCHANT,
    PHOTOS,
    NoPhotos,
    add_waiting,
    files_of,
    learn,
    measured_site,
    settle,
)
from tests.site import Site

SIZE = 224
STARTER_SIZE = 112
UPLOAD, BACKGROUND = 0, 2
BACKLOG = 480
POLL_SECONDS = 0.004
PATIENCE_SECONDS = 60.0


def upload(file: Path, merchant: Any) -> float:
    """Seconds from the commit of this photo to the commit of its answer."""
    from django.db import transaction

    from catalog import intake
    from catalog.models import MachineState, ProductImage

    committed: list[float] = []
    with transaction.atomic():
        transaction.on_commit(lambda: committed.append(time.perf_counter()))
        image = intake.add(file.read_bytes(), merchant=merchant, name=file.name, sku=str(file))
    answered = ProductImage.objects.filter(pk=image.pk, machine=MachineState.CLASSIFIED)
    while not answered.exists():
        if time.perf_counter() - committed[0] > PATIENCE_SECONDS:
            raise TimeoutError(f"{file.name} was not answered within {PATIENCE_SECONDS:.0f} s.")
        time.sleep(POLL_SECONDS)
    return time.perf_counter() - committed[0]


def refill(ids: Sequence[int]) -> None:
    """Keep a reclassification going whose photos the backbone has not seen, as after a full run."""
    from catalog.models import Embedding, MachineState, ProductImage

    rows = ProductImage.objects.filter(pk__in=ids)
    if rows.filter(machine=MachineState.PENDING).count() < len(ids) // 2:
        Embedding.objects.filter(image__in=ids).delete()
        rows.exclude(machine=MachineState.CLASSIFYING).update(
            machine=MachineState.PENDING, attempts=0, priority=BACKGROUND
        )


def measure(
    files: Sequence[Path], merchant: Any, label: str, before_each: Callable[[], None]
) -> dict[str, Any]:
    """Uploads one after the other, with pauses as people make them."""
    pause = random.Random(0)
    waits = []
    for file in files:
        before_each()
        time.sleep(pause.uniform(0.1, 0.5))
        waits.append(1000 * upload(file, merchant))
    return {
        "worker": label,
        "uploads": len(waits),
        "p50_ms": statistics.median(waits),
        "p95_ms": statistics.quantiles(waits, n=20)[-1],
        "max_ms": max(waits),
    }


def run(site: Site, photos: Path, count: int, *, quick: bool) -> list[dict[str, Any]]:
    from catalog import enqueue
    from catalog.models import Merchant, Serving

    files = files_of(photos, "train", 2 * count + BACKLOG)
    learn(site, STARTER_SIZE if quick else SIZE, quick=quick)
    site.start("worker")
    backlog = add_waiting(site, files[: 64 if quick else BACKLOG], f"{MERCHANT} backlog")
    settle()
    merchant, _ = Merchant.objects.get_or_create(name=f"{MERCHANT} uploads")
    idle = measure(files[-count:], merchant, "idle", lambda: None)

    def keep_busy() -> None:
        refill(backlog)
        enqueue.classify_soon(backlog[:1])

    busy = measure(files[-2 * count : -count], merchant, "reclassifying", keep_busy)
    live = Serving.current().live
    served_at = live.backbone.export["precision"] if live and live.backbone.export else "Keras"
    return [{**row, "precision": served_at} for row in (idle, busy)]


def main() -> int:
    parser = argparse.ArgumentParser(description="How long one upload waits for its answer.")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--images", type=int, default=0, help="uploads in each state")
    parser.add_argument("--quick", action="store_true", help="112 px, few uploads")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    count = options.images or (15 if options.quick else 100)
    try:
        with measured_site(options.photos, quick=options.quick) as site:
            rows = run(site, options.photos, count, quick=options.quick)
    except NoPhotos as error:
        print(error, file=sys.stderr)
        return 1
    for row in rows:
        print(
            f"worker {row['worker']:13} {row['precision']}, {row['uploads']} uploads: half within "
            f"{row['p50_ms']:.0f} ms, 95% within {row['p95_ms']:.0f} ms, "
            f"longest {row['max_ms']:.0f} ms"
        )
    if options.json:
        size = STARTER_SIZE if options.quick else SIZE
        found = {
            f"{name}_{row['worker']}": row[name] for row in rows for name in ("p50_ms", "p95_ms")
        }
        settings = {"photos": options.photos.name, "image_size": size, "images": count}
        settings["precision"] = rows[0]["precision"]
        print(json.dumps({"settings": settings, **found, "rows": rows}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
