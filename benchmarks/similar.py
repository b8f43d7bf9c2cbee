"""The page of similar photos at a hundred thousand images, on SQLite: the whole view by Django's
test client, from the request to the finished HTML, signed in, the session and every query included.
The rows are made up as in a working catalog, the embeddings as clouds around fifty categories.

    python -m benchmarks.similar [--json] [--quick] [--images N] [--requests N]

Also told: how long the worker takes to build the index in its sweeps, to take one more photo in,
and how many bytes it is. A photo file is never opened."""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from typing import Any

IMAGES = 100_000
QUICK_IMAGES = 10_000
REQUESTS = 300
LIMIT_MS = 50.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=0, help=f"{IMAGES:,} without --quick")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--photos", help="not used: the rows are synthetic")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_IMAGES:,} images")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    images = options.images or (QUICK_IMAGES if options.quick else IMAGES)
    with tempfile.TemporaryDirectory(prefix="bench-similar-") as folder:
        os.environ |= {
            "DATA_DIR": folder,
            "DATABASE_URL": "",
            "REDIS_URL": "memory://",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "catalog.settings",
            "HTTPS": "0",
        }
        for name in ("MODELS_DIR", "DEBUG"):
            os.environ.pop(name, None)
        result = measure(images, options.requests)
    for row in result["rows"]:
        print(f"{row['what']:<44} median {row['median_ms']:8.1f} ms   p95 {row['p95_ms']:8.1f} ms")
    print(
        f"{images:,} images: the index is built in {result['build_seconds']:.1f} s of sweeps, "
        f"{result['bytes'] / 1e6:.0f} MB; one more photo {result['append_ms']:.0f} ms"
    )
    if options.json:
        print(json.dumps(result))
    return 0 if options.quick or result["p95_ms"] <= LIMIT_MS else 1


def measure(images: int, requests: int) -> dict[str, Any]:
    import django
    from django.core.management import call_command

    from .growth import _plain_static_names

    django.setup()
    _plain_static_names()
    call_command("migrate", verbosity=0)
    filling = _filled(images)
    build = _build()
    rows = [_pages(filling, requests, among) for among in ("all", "confirmed", "unchecked")]
    return {
        "settings": {"database": "sqlite", "requests": requests, "by": "Django's test client"},
        "images": images,
        "p95_ms": max(row["p95_ms"] for row in rows),
        "build_seconds": build,
        "append_ms": _append(filling),
        "bytes": _bytes(),
        "rows": rows,
    }


def _filled(images: int) -> Any:
    """The rows, with embeddings that lie in clouds, one per category."""
    import numpy as np

    from catalog.models import Embedding

    from .growth_rows import CATEGORIES, CHUNK, Filling
    from .learning import Clouds

    class Clustered(Filling):
        clouds = Clouds(CATEGORIES)

        def _embeddings(self, made: Any) -> None:
            places = {category.pk: place for place, category in enumerate(self.categories)}
            for start in range(0, len(made), CHUNK):
                chunk = made[start : start + CHUNK]
                numbers = np.array([places.get(image.predicted_id, 0) for image in chunk])
                Embedding.objects.bulk_create(
                    Embedding(
                        image=image,
                        backbone_id=self.version.backbone_id,
                        vector=vector.tobytes(),
                    )
                    for image, vector in zip(chunk, self.clouds.of(numbers), strict=True)
                )

    filling = Clustered()
    filling.up_to(images)
    return filling


def _build() -> float:
    """Sweep after sweep until the index is complete; the seconds spent in them."""
    from catalog import similar
    from catalog.models import ProductImage
    from worker.similar import keep_up

    spent, newest = 0.0, ProductImage.objects.latest("id")
    while similar.why_none(newest) != "":
        began = time.perf_counter()
        keep_up()
        spent += time.perf_counter() - began
    return round(spent, 2)


def _pages(filling: Any, requests: int, among: str) -> dict[str, Any]:
    from django.test import Client

    from catalog.models import ProductImage

    client = Client()
    client.force_login(filling.reviewer)
    ids = list(
        ProductImage.objects.present().filter(predicted__isnull=False).values_list("pk", flat=True)
    )
    times = []
    for pk in random.Random(5).sample(ids, min(requests + 10, len(ids))):
        began = time.perf_counter()
        answer = client.get(f"/images/{pk}/similar/?among={among}", HTTP_HOST="localhost")
        times.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200 or answer.content.count(b"% alike") != 48:
            raise RuntimeError(f"photo {pk} has no page of 48: {answer.status_code}")
    times = sorted(times[10:])  # the first ones warm caches
    return {
        "what": f"page of similar photos, {among}",
        "median_ms": round(statistics.median(times), 2),
        "p95_ms": round(times[int(len(times) * 0.95)], 2),
    }


def _append(filling: Any) -> float:
    """Milliseconds of the sweep that takes one more photo in, the median of nine."""
    from worker.similar import keep_up

    times = []
    for _ in range(9):
        filling.up_to(filling.count + 1)
        began = time.perf_counter()
        if keep_up() != 1:
            raise RuntimeError("the photo was not taken in")
        times.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(times), 1)


def _bytes() -> int:
    from catalog import similar_index
    from catalog.models import Serving

    live = Serving.current().live
    assert live is not None
    folder = similar_index.folder_of(live.backbone.sha256)
    generation = similar_index.generations(folder)[0]
    manifest = similar_index.Manifest.read(generation)
    named = [f"{s.name}.{part}.npy" for s in manifest.segments for part in ("ids", "vectors")]
    names = [similar_index.COMPONENTS, similar_index.MANIFEST, *named]
    return sum((generation / name).stat().st_size for name in names)


if __name__ == "__main__":
    raise SystemExit(main())
