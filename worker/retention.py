"""Which model files stay on disk: live, previous, pinned, the last five, and the last that a person
put live, which new ones are measured against. Older files go, their rows stay. Directories that no
row names, left by a crash or a removed version, go too."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from catalog import golive, runs
from catalog.models import Backbone, Embedding, ModelVersion, Serving, TrainingRun

logger = logging.getLogger(__name__)

KEPT = 5
SETTLED_SECONDS = 600.0
"""Younger directories may belong to a run that is about to write their row."""
CHUNK = 500
CHUNKS = 20


def prune() -> list[str]:
    """Bring rows and directories in line with the rule; returns the directories removed. While a
    run is active nothing is deleted: it may be about to name a directory in a row."""
    _retire_files()
    if runs.active() is not None:
        return []
    backbones = Backbone.objects.filter(versions__files_present=True).distinct()
    kept = set(ModelVersion.objects.filter(files_present=True).values_list("directory", flat=True))
    kept |= {backbone.directory for backbone in backbones}
    _forget_embeddings([backbone.pk for backbone in backbones])
    removed = [d for kind in ("versions", "backbones") for d in _remove_others(kind, kept)]
    removed += _remove_logs()
    if removed:
        logger.info("model files removed", extra={"directories": removed})
    return removed


@transaction.atomic
def _retire_files() -> None:
    """Marked first, under the lock that promotions take, so that nothing goes live meanwhile."""
    Serving.objects.get_or_create(id=1)
    serving = Serving.objects.select_for_update().get(id=1)
    present = ModelVersion.objects.filter(files_present=True)
    newest = list(present.order_by("-id").values_list("pk", flat=True)[:KEPT])
    approved = golive.last_approved()
    keep = Q(pk__in=[*newest, serving.live_id, serving.previous_id]) | Q(pinned=True)
    if approved is not None:
        keep |= Q(pk=approved.pk)
    present.exclude(keep).update(files_present=False)


def _remove_others(kind: str, kept: set[str]) -> list[str]:
    removed = []
    for directory in sorted((settings.MODELS_DIR / kind).glob("[!.]*")):
        name = f"{kind}/{directory.name}"
        if name not in kept and _settled(directory):
            shutil.rmtree(directory, ignore_errors=True)
            removed.append(name)
    return removed


def _remove_logs() -> list[str]:
    """Training logs of runs that are gone, as the samples' are; and, since no run is active, what
    runs keep while they are under way."""
    known = set(TrainingRun.objects.values_list("pk", flat=True))
    logs = (settings.RUNS_DIR / "tensorboard").glob("*")
    forgotten = [path for path in logs if path.name.isdigit() and int(path.name) not in known]
    forgotten += (settings.RUNS_DIR / "unfinished").glob("*")
    for path in forgotten:
        shutil.rmtree(path, ignore_errors=True)
    return [f"{path.parent.name}/{path.name}" for path in forgotten]


def _settled(directory: Path) -> bool:
    try:
        return time.time() - directory.stat().st_mtime > SETTLED_SECONDS
    except FileNotFoundError:
        return False


def _forget_embeddings(kept: list[int]) -> None:
    """Embeddings of backbones that serve nobody any more, a bounded number each time."""
    old = Embedding.objects.exclude(backbone_id__in=kept)
    for _ in range(CHUNKS):
        ids = list(old.values_list("pk", flat=True)[:CHUNK])
        if not ids:
            return
        Embedding.objects.filter(pk__in=ids).delete()
