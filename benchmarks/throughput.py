"""Photos per second of the real worker, from stored JPEG files and waiting rows to committed
answers, beside what its engine does alone and what Keras does with the same photos.

At 224 px the worker serves as its version may, and where that is not int8, at int8 all the same:
whether it may depends on the weights, how fast it is does not.

    python -m benchmarks.throughput [--json] [--photos DIR] [--images N] [--quick]

The rivals get pixels that are decoded already and write nothing. DIR holds train/, validation/ and
test/, each with one folder per category."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.served import (
    MERCHANT,
    PHOTOS,
    Engines,
    NoPhotos,
    add_waiting,
    answer,
    files_of,
    learn,
    measured_site,
    settle,
)
from tests.site import Site

SIZE, STARTER_SIZE = 224, 112
BATCH = 32
PHONE = (3024, 4032)
UPLOAD, BACKGROUND = 0, 2

Pixels = npt.NDArray[np.uint8]


def rate(work: Callable[[Pixels], object], pixels: Pixels, batch: int, count: int) -> float:
    """Photos per second of `work` over `count` photos, `batch` at a time, after a first call."""
    work(pixels[:batch])
    began = time.perf_counter()
    for start in range(0, count, batch):
        work(pixels[start : start + batch])
    return count / (time.perf_counter() - began)


def rivals(engines: Engines, pixels: Pixels, *, quick: bool) -> dict[str, float]:
    """The raw engine, and Keras in the three ways people use it."""
    from classifier.engines.keras import Embedder

    few = 16 if quick else 48
    model = engines.backbone.model
    compiled = Embedder(engines.backbone)
    return {
        "raw_engine": rate(engines.engine.embed, pixels, BATCH, len(pixels) // BATCH * BATCH),
        "predict_batched": rate(
            lambda part: model.predict(part, batch_size=BATCH, verbose=0), pixels, BATCH, 2 * BATCH
        ),
        "predict_single": rate(lambda part: model.predict(part, verbose=0), pixels, 1, few),
        "tf_function": rate(compiled.embed, pixels, BATCH, 2 * BATCH),
    }


def phone_photos(files: list[Path], folder: Path) -> list[Path]:
    """12-megapixel JPEGs: upscaled, with the noise of a small sensor, at quality 92."""
    made = []
    noise = np.random.default_rng(0).normal(0, 4, (PHONE[1], PHONE[0], 1)).astype(np.int16)
    for number, file in enumerate(files):
        with Image.open(file) as small:
            large = small.convert("RGB").resize(PHONE, Image.Resampling.BICUBIC)
        noise = np.roll(noise, 997, axis=(0, 1))
        pixels = (np.asarray(large, np.int16) + noise).clip(0, 255).astype(np.uint8)
        made.append(folder / f"phone-{number}.jpg")
        Image.fromarray(pixels).save(made[-1], "JPEG", quality=92)
    return made


def same_answers(engines: Engines, ids: list[int]) -> dict[str, Any]:
    """The answers of stored photos as the worker reads them against those of the same ones decoded
    whole."""
    from django.core.files.storage import default_storage

    from catalog.models import ProductImage
    from classifier import images
    from worker import photos

    files = list(ProductImage.objects.filter(pk__in=ids).values_list("file", flat=True))
    originals = [Path(default_storage.path(file)) for file in files]
    reduced = np.stack([images.load(photos.path_of(file), engines.size) for file in files])
    whole = np.stack([images.to_array(images.decode(file), engines.size) for file in originals])
    ours, theirs = (engines.engine.predict(pixels)[0].argmax(axis=1) for pixels in (reduced, whole))
    difference = np.abs(reduced.astype(int) - whole).mean()
    return {
        "images": len(files),
        "same_answer": float((ours == theirs).mean()),
        "mean_difference_of_255": float(difference),
    }


def measure(
    site: Site, size: int, files: list[Path], *, quick: bool, phones: int = 0, at_int8: bool = False
) -> dict[str, Any]:
    """One image size: learn a version, let the worker answer, then the rivals."""
    from catalog.models import Serving
    from classifier import images

    seconds = learn(site, size, quick=quick, at_int8=at_int8)
    site.start("worker")
    ids = add_waiting(site, files, f"{MERCHANT} {size} {at_int8}")
    settle()

    def median_rate(waiting: list[int], priority: int) -> float:
        return statistics.median(
            answer(waiting, priority=priority) for _ in range(1 if quick else 3)
        )

    row: dict[str, Any] = {
        "image_size": size,
        "images": len(ids),
        "learned_in_seconds": seconds,
        "worker": median_rate(ids, UPLOAD),
        "worker_background": median_rate(ids, BACKGROUND),
    }
    with tempfile.TemporaryDirectory(prefix="bench-phone-") as folder:
        large = phone_photos(files[:phones], Path(folder))
        if large:
            large_ids = add_waiting(site, large, f"{MERCHANT} {size} {at_int8} phone")
            settle()
            row["worker_12mp"] = median_rate(large_ids, UPLOAD)
        site.stop("worker")
        engines = Engines.of_live()
        row["reduced_scale"] = {"ordinary": same_answers(engines, ids[: 8 * BATCH])}
        if large:
            row["reduced_scale"]["12mp"] = same_answers(engines, large_ids)
    row["engine"] = engines.engine.name
    live = Serving.current().live
    row["export"] = live.backbone.export if live else None
    pixels = np.stack([images.load(file, size) for file in files[: 8 * BATCH]])
    return row | rivals(engines, pixels, quick=quick)


def main() -> int:
    parser = argparse.ArgumentParser(description="Photos per second of the real worker.")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--images", type=int, default=0, help="photos the worker answers")
    parser.add_argument("--quick", action="store_true", help="112 px only, few photos")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    count = options.images or (128 if options.quick else 1440)
    size, quick = STARTER_SIZE if options.quick else SIZE, options.quick
    phones = 4 if options.quick else 144
    try:
        files = files_of(options.photos, "train", count)
        with measured_site(options.photos, quick=options.quick) as site:
            rows = [measure(site, size, files, quick=quick, phones=phones)]
            if precision(rows[0]) != "int8" and not quick:
                rows.insert(0, measure(site, size, files, quick=quick, phones=phones, at_int8=True))
            if not quick:
                rows.append(measure(site, STARTER_SIZE, files, quick=quick))
    except NoPhotos as error:
        print(error, file=sys.stderr)
        return 1
    for row in rows:
        show(row)
    if options.json:
        print(json.dumps({"settings": settings(options, count), **ratios(rows[0]), "rows": rows}))
    return 0


def settings(options: argparse.Namespace, count: int) -> dict[str, Any]:
    return {"photos": str(options.photos.name), "images": count, "quick": options.quick}


def precision(row: dict[str, Any]) -> str:
    return str(row["engine"].split()[-1])


def ratios(row: dict[str, Any]) -> dict[str, Any]:
    worker, raw = row["worker"], row["raw_engine"]
    return {
        "image_size": row["image_size"],
        "precision": precision(row),
        "agreement": (row["export"] or {}).get("agreement"),
        "ratio_vs_predict_batched": worker / row["predict_batched"],
        "ratio_vs_predict_single": worker / row["predict_single"],
        "share_of_raw_engine": worker / raw,
        "share_of_raw_engine_background": row["worker_background"] / raw,
        "share_of_raw_engine_12mp": row["worker_12mp"] / raw,
    }


def show(row: dict[str, Any]) -> None:
    print(f"{row['image_size']} px, {row['engine']}, {row['images']} photos, photos per second:")
    if row["export"]:
        print(f"  {row['export']['reason']}")
    names = ("worker", "worker_background", "worker_12mp", "raw_engine", "predict_batched",
             "predict_single", "tf_function")  # fmt: skip
    for name in names:
        if name in row:
            print(f"  {name:20} {row[name]:7.1f}")
    for kind, found in row["reduced_scale"].items():
        print(f"  {100 * found['same_answer']:.1f}% of {found['images']} {kind} photos "
              "get the answer they get decoded whole")  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
