"""What `throughput`, `latency` and `memory` share: a site on real photos with a version live, made
by the commands a user runs, and a worker to measure."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher.place import ROOT
from tests.site import Site

PHOTOS = ROOT.parent / "shared" / "data" / "clothing-small"
LABELLED = {"train": 300, "validation": 100, "test": 60}
LABELLED_QUICK = {"train": 40, "validation": 10, "test": 10}
MERCHANT = "measured"
POLL_SECONDS = 0.1
"""The database is asked by few, cheap queries, so that the worker has the cores to itself."""


class NoPhotos(Exception):
    """The folder of photos is not there; the message says what to do."""


def files_of(photos: Path, split: str, count: int) -> list[Path]:
    """An even share of the split's files over all its categories."""
    files = sorted(path for path in (photos / split).glob("*/*") if path.is_file())
    if not files:
        raise NoPhotos(f"{photos / split} holds no photos; name another folder with --photos.")
    return [files[place * len(files) // count] for place in range(min(count, len(files)))]


@contextmanager
def measured_site(photos: Path, *, quick: bool) -> Iterator[Site]:
    """Redis, an empty database, and labelled photos enough to learn from. Django in this process
    works on the site's database."""
    with tempfile.TemporaryDirectory(prefix="bench-photos-") as folder:
        counts = LABELLED_QUICK if quick else LABELLED
        for split, count in counts.items():
            _copy(files_of(photos, split, count), Path(folder) / split)
        site = Site({"HTTPS": "0", "LOG_LEVEL": "INFO"})
        try:
            site.open()
            for split in counts:
                site.manage("import_images", f"{folder}/{split}", "--split", split)
            _use(site)
            yield site
        finally:
            _leave()
            site.close()


def _copy(files: Sequence[Path], target: Path) -> None:
    for file in files:
        (target / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / file.parent.name / file.name)


def _use(site: Site) -> None:
    os.environ.update(site.environment, DJANGO_SETTINGS_MODULE="catalog.settings")
    os.environ.update(LOG_LEVEL="ERROR", TF_CPP_MIN_LOG_LEVEL="3")
    import django

    django.setup()


def _leave() -> None:
    if "django" in sys.modules:
        from django.db import connections

        connections.close_all()


def learn(site: Site, image_size: int, *, quick: bool = False, at_int8: bool = False) -> float:
    """A short run at this size goes live, `at_int8` even where that would not be let through;
    seconds it took."""
    began = time.perf_counter()
    chosen = [f"image_size={image_size}", "views=0", f"head_epochs={5 if quick else 30}"]
    command = ["retrain", "--mode", "head", "--promote", "always"]
    command += [word for setting in chosen for word in ("--set", setting)]
    if at_int8:
        for folder in (site.data_dir / "models" / "backbones").glob("*/openvino"):
            shutil.rmtree(folder)  # the run makes it again
        site.python("-m", "benchmarks.int8_always", *command)
    else:
        site.manage(*command)
    return time.perf_counter() - began


def add_waiting(site: Site, files: Sequence[Path], merchant: str) -> list[int]:
    """Stored photos without labels, waiting for the worker; their ids."""
    from catalog.models import ProductImage

    with tempfile.TemporaryDirectory(prefix="bench-photos-") as folder:
        for number, file in enumerate(files):
            shutil.copyfile(file, Path(folder) / f"{number}{file.suffix}")
        site.manage("import_images", folder, "--unlabelled", "--merchant", merchant)
    images = ProductImage.objects.filter(merchant__name=merchant)
    return list(images.order_by("pk").values_list("pk", flat=True))


def settle(*, timeout: float = 900) -> None:
    """Background jobs are off, and the worker has answered whatever waited."""
    from catalog.models import Reclassification

    Reclassification.objects.update(queued_at=_now(), cancelled_at=_now())
    _wait_for(_waiting(), timeout)


def answer(ids: Sequence[int], *, priority: int, timeout: float = 600) -> float:
    """Photos per second of the worker: these rows wait and no others, as if nothing was known of
    them, and are nudged; measured until the last answer is committed."""
    from catalog import enqueue
    from catalog.models import Embedding, MachineState, ProductImage

    rows = ProductImage.objects.filter(pk__in=ids)
    Embedding.objects.filter(image__in=ids).delete()
    began = time.perf_counter()
    rows.update(machine=MachineState.PENDING, attempts=0, priority=priority)
    enqueue.classify_soon(ids[:1])
    _wait_for(_waiting(), timeout)
    return len(ids) / (time.perf_counter() - began)


def _waiting() -> Any:
    from catalog.models import MachineState, ProductImage

    return ProductImage.objects.filter(machine__in=[MachineState.PENDING, MachineState.CLASSIFYING])


def _wait_for(rows: Any, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while rows.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{rows.count()} photos were not answered in {timeout:.0f} s.")
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class Engines:
    """The live version in this process, as the worker has it and as Keras."""

    engine: Any
    backbone: Any
    size: int

    @classmethod
    def of_live(cls) -> Engines:
        from django.conf import settings

        from catalog.models import Serving
        from classifier import serving, store

        live = Serving.current().live
        assert live is not None
        engine = serving.open_engine(
            settings.MODELS_DIR, live.directory, setting=settings.CLASSIFIER_ENGINE
        )
        engine.warm()
        backbone = store.open_backbone(settings.MODELS_DIR, live.backbone.sha256)
        return cls(engine, backbone, engine.image_size)


def rss_mb(site: Site) -> float:
    """Resident memory of the worker, in units of 1,000,000 bytes."""
    status = Path(f"/proc/{site.processes['worker'].pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6


def _now() -> Any:
    from django.utils import timezone

    return timezone.now()
