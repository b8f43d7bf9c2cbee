"""From a correction to a live head: a catalog of labelled photos whose embeddings are known, a live
version, some corrections by a reviewer, then `manage.py retrain --mode head` until the new version
answers. Reports seconds and peak memory at two sizes, so that memory is seen not to grow.

    python -m benchmarks.learning [--json] [--images N] [--categories N] [--quick]

The photos are made up: 2,048 numbers around the centre of their category, noisy enough that about
one in ten lies nearer to another. There are no files, so a run that opened one would fail. "First"
begins without the trainer's file of embeddings, as after a full run on another host; "next" is
every quick run after that."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .real_photos import migrate, run

IMAGES = 100_000
QUICK_IMAGES = 5_000
CATEGORIES = 30
CORRECTED = 0.0005
"""The share of photos that a reviewer corrects, 50 of 100,000."""
MISLABELLED = 0.005
"""The share that somebody had put into a wrong category."""
SMALLER = 5
"""The other size is this many times smaller."""
CHUNK = 500
LATENT = 64
NOISE = 6.0
SHARES = (0.70, 0.15, 0.15)


class Clouds:
    """Embeddings as a backbone might give them: not negative, many directions, few that matter."""

    def __init__(self, categories: int) -> None:
        random = np.random.default_rng(7)
        self.centres = random.normal(size=(categories, LATENT))
        self.spread = random.normal(size=(LATENT, 2048)) / np.sqrt(LATENT)
        self.random = np.random.default_rng(8)

    def of(self, categories: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
        """(N,) category numbers to (N, 2048)."""
        size = (len(categories), LATENT)
        latent = self.centres[categories] + NOISE / np.sqrt(8) * self.random.normal(size=size)
        seen = latent @ self.spread + 0.2 * self.random.normal(size=(len(categories), 2048))
        positive: npt.NDArray[np.float16] = np.maximum(seen / 2, 0).astype(np.float16)
        return positive


def build(images: int, categories: int) -> None:
    """Rows as the product would have written them, without the photos' files."""
    from django.contrib.auth.hashers import make_password

    from catalog.models import Backbone, Category, Merchant, Role, User
    from classifier import network, store, weights

    from django.conf import settings  # isort: skip

    backbone = network.load_backbone(weights.resolve("starter"))
    info = store.save_backbone(settings.MODELS_DIR, backbone)
    row = Backbone.objects.create(
        sha256=info.sha256,
        directory=info.directory,
        source=info.source,
        image_size=info.image_size,
    )
    User.objects.create(username="ada", role=Role.REVIEWER, password=make_password(None))
    merchant = Merchant.objects.create(name="Synthetic")
    made = [
        Category.objects.create(name=f"Category {n:02}", slug=f"category-{n:02}", path=f"C {n:02}")
        for n in range(categories)
    ]
    clouds, random = Clouds(categories), np.random.default_rng(9)
    for start in range(0, images, CHUNK):
        numbers = random.integers(0, categories, min(CHUNK, images - start))
        _add(merchant, row, made, numbers, clouds.of(numbers), random, start)


def _add(
    merchant: Any,
    backbone: Any,
    categories: list[Any],
    numbers: npt.NDArray[np.int64],
    vectors: npt.NDArray[np.float16],
    random: np.random.Generator,
    first: int,
) -> None:
    from django.db import transaction

    from catalog.models import Embedding, LabelState, MachineState, Origin, Product, ProductImage

    splits = random.choice(["train", "validation", "test"], len(numbers), p=SHARES)
    wrong = (random.random(len(numbers)) < MISLABELLED) & (splits == "train")
    said = np.where(wrong, random.integers(0, len(categories), len(numbers)), numbers)
    with transaction.atomic():
        products = Product.objects.bulk_create(
            Product(merchant=merchant, sku=f"S{first + n}", split=split)
            for n, split in enumerate(splits)
        )
        images = ProductImage.objects.bulk_create(
            ProductImage(
                merchant=merchant,
                product=product,
                file=f"originals/absent/{first + n}.jpg",
                original_name=f"{categories[numbers[n]].slug}.jpg",
                sha256=secrets.token_hex(32),
                format="jpg",
                width=640,
                height=480,
                size=1000,
                machine=MachineState.CLASSIFIED,
                label_state=LabelState.CONFIRMED,
                label=categories[number],
                label_origin=Origin.IMPORT,
                **_hashes(random),
            )
            for n, (product, number) in enumerate(zip(products, said, strict=True))
        )
        Embedding.objects.bulk_create(
            Embedding(image=image, backbone=backbone, vector=vector.tobytes())
            for image, vector in zip(images, vectors, strict=True)
        )


def _hashes(random: np.random.Generator) -> dict[str, Any]:
    bands = random.integers(1, 0xFFFF, 4).tolist()
    across, down = random.integers(-(2**63), 2**63 - 1, 2).tolist()
    return {"hash_across": across, "hash_down": down} | {
        f"band_{n}": band for n, band in enumerate(bands)
    }


def correct(count: int) -> None:
    """A reviewer puts some training photos where they belong; their names say where."""
    from django.db.models import F, Value
    from django.db.models.functions import Concat

    from catalog import lifecycle
    from catalog.models import Category, ProductImage, User

    ada = User.objects.get(username="ada")
    categories = {category.slug: category for category in Category.objects.all()}
    labelled = ProductImage.objects.filter(product__split="train", revision=0)
    right = Concat(F("label__slug"), Value(".jpg"))
    for image in labelled.exclude(original_name=right).order_by("pk")[:count]:
        belongs = categories[image.original_name.removesuffix(".jpg")]
        lifecycle.decide_category(image, belongs, by=ada, revision=image.revision)


def measure(images: int, categories: int, *, again: bool) -> Iterator[dict[str, Any]]:
    """Each quick run on a catalog of this size, from the correction to the live version."""
    from django.conf import settings

    began = time.perf_counter()
    build(images, categories)
    print(f"{images:,} photos made up in {time.perf_counter() - began:.0f} s", flush=True)
    learn("views=0", promote="always")
    shutil.rmtree(settings.RUNS_DIR / "features")
    for name in ("first", "next") if again else ("first",):
        began = time.perf_counter()
        correct(max(1, round(CORRECTED * images)))
        answer = learn()
        seconds = time.perf_counter() - began
        yield {
            "images": images,
            "run": name,
            "live": answer["promoted"],
            "reason": answer["reason"],
            "seconds": round(seconds, 1),
            "seconds_to_live": round(seconds, 1) if answer["promoted"] else None,
            "peak_rss_mb": round(answer["peak_memory_mb"]),
            "accuracy": answer["metrics"]["accuracy"],
            "images_test": answer["metrics"]["images"],
            "seconds_of_steps": answer["metrics"]["seconds"],
            "gate": _against_live(answer["metrics"]["gate"]),
        }


def _against_live(gate: dict[str, Any]) -> dict[str, Any]:
    """How many of all test photos changed each way, and what the gate made of it."""
    changes = gate["categories"].values()
    return {
        "lost": sum(change["lost"] for change in changes),
        "won": sum(change["won"] for change in changes),
        "smallest_p": min(change["p"] for change in changes),
        "significance": gate["significance"],
        "macro_f1_difference": gate["macro_f1_difference"],
        "macro_f1_lower_bound": gate["macro_f1_lower_bound"],
    }


def learn(*settings: str, promote: str = "auto") -> dict[str, Any]:
    """`retrain --mode head`, in a process of its own; its answer."""
    chosen = [word for setting in settings for word in ("--set", setting)]
    arguments = ["retrain", "--mode", "head", "--promote", promote, *chosen]
    return run(arguments, dict(os.environ)).answer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=0, help=f"the larger size; {IMAGES:,}")
    parser.add_argument("--categories", type=int, default=CATEGORIES)
    parser.add_argument("--photos", type=Path, help="not used: the photos are made up")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_IMAGES:,} photos, one run")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    images = options.images or (QUICK_IMAGES if options.quick else IMAGES)
    rows: list[dict[str, Any]] = []
    for size in (images // SMALLER, images):
        rows += _in_a_process(size, options.categories, quick=options.quick)
    largest = [row for row in rows if row["images"] == images]
    went_live = all(row["live"] for row in largest)
    if options.json:
        result = {
            "settings": {"categories": options.categories, "corrected": CORRECTED},
            "images": images,
            "seconds_to_live": max(row["seconds"] for row in largest) if went_live else None,
            "peak_rss_mb": max(row["peak_rss_mb"] for row in largest),
            "rows": rows,
        }
        print(json.dumps(result))
    return 0 if went_live else 1


def _in_a_process(images: int, categories: int, *, quick: bool) -> list[dict[str, Any]]:
    """Each size has a database of its own, and Django takes one for life."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os._exit(_child(write, images, categories, quick=quick))
    os.close(write)
    rows = []
    with os.fdopen(read) as answers:
        for line in answers:
            rows.append(json.loads(line))
            _print(rows[-1])
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        raise SystemExit(f"The measurement of {images:,} photos failed; see above.")
    return rows


def _print(row: dict[str, Any]) -> None:
    print(
        f"{row['images']:>9,} photos, {row['run']} run: {row['seconds']:.1f} s"
        f"{'' if row['live'] else ' and not live'}, {row['peak_rss_mb']} MB, accuracy "
        f"{row['accuracy']:.3f}, {row['gate']['won']} test photos won and "
        f"{row['gate']['lost']} lost. {row['reason']}",
        flush=True,
    )


def _child(write: int, images: int, categories: int, *, quick: bool) -> int:
    import django

    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as data_dir, os.fdopen(write, "w") as out:
            os.environ |= {
                "DATA_DIR": data_dir,
                "CLASSIFIER_WEIGHTS": "starter",
                "LOG_LEVEL": "ERROR",
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "DJANGO_SETTINGS_MODULE": "catalog.settings",
            }
            os.environ.pop("DATABASE_URL", None)
            migrate(dict(os.environ))
            django.setup()
            for row in measure(images, categories, again=not quick):
                print(json.dumps(row), file=out, flush=True)
    except Exception:  # noqa: BLE001  (the parent says that it failed)
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
