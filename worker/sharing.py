"""A full run's training photos are shown to its new backbone by the workers, so that more hosts
make it faster. The trainer waits, and goes on alone where nobody gets on with it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from catalog import shares
from catalog.models import Backbone, Split, TrainingRun
from catalog.training_set import Row

from . import embeddings
from .exporting import export_once, is_exported_here, sample_of_training, save_backbone
from .reporting import Progress

if TYPE_CHECKING:
    from classifier.run import NewNetwork

logger = logging.getLogger(__name__)

PHASE = "shared photos"
PATIENCE_SECONDS = 60.0
"""A worker may have to load TensorFlow before its first photo."""
POLL_SECONDS = 0.5
CHUNK = 500


def share_out(
    run: TrainingRun, made: NewNetwork, rows: dict[Split, list[Row]], progress: Progress
) -> None:
    """Store the new backbone, ready for the engine that serves it, and have the workers embed the
    training photos. Whatever they leave, the run embeds itself: photos that cannot be read, or
    everything where no worker gets on. What `progress` raises stops it."""
    backbone = save_backbone(made.backbone, fine_tuned=made.fine_tuned)
    sampled = _export(backbone, made, rows, progress) if is_exported_here() else set[int]()
    others = [row.image_id for n, row in enumerate(rows[Split.TRAIN]) if n not in sampled]
    wanted = _lacking(backbone, others)
    if not wanted:
        return
    started = time.monotonic()
    try:
        shares.ask(run, backbone, wanted)
        left = _wait(run, len(wanted), progress)
    finally:
        shares.take_back(run)
    seconds = round(time.monotonic() - started, 1)
    extra = {"run": run.pk, "images": len(wanted), "left": left, "seconds": seconds}
    logger.info("workers embedded training photos", extra=extra)


def _export(
    backbone: Backbone, made: NewNetwork, rows: dict[Split, list[Row]], progress: Progress
) -> set[int]:
    """Returns the places of the training photos that Keras had to look at for it."""
    validation = len(made.features[Split.VALIDATION].kept)
    places = sample_of_training(len(rows[Split.TRAIN]), validation)
    embedded = made.features | {str(Split.TRAIN): made.embed(places)}
    export_once(backbone, made, embedded, rows, progress)
    return set(places)


def _lacking(backbone: Backbone, image_ids: list[int]) -> list[int]:
    found: list[int] = []
    for start in range(0, len(image_ids), CHUNK):
        chunk = image_ids[start : start + CHUNK]
        missing = embeddings.missing(backbone, chunk)
        found += [pk for pk in chunk if pk in missing]
    return found


def _wait(run: TrainingRun, total: int, progress: Progress) -> int:
    """Until no photo is out, or nobody got on for a while; returns how many are."""
    left, moved_at = total, time.monotonic()
    helpers: set[str] = set()
    while left:
        helpers |= shares.owners(run)
        progress(PHASE, total - left, total, _words(len(helpers)))
        if time.monotonic() - moved_at > PATIENCE_SECONDS:
            break
        time.sleep(POLL_SECONDS)
        now_left = shares.left(run)
        if now_left != left:
            left, moved_at = now_left, time.monotonic()
    return left


def _words(helpers: int) -> str:
    if not helpers:
        return "waiting for a worker"
    return "1 worker" if helpers == 1 else f"{helpers} workers"
