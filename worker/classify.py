"""Claim photos, predict, write: until nothing waits."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
from django.conf import settings

from catalog import enqueue, lifecycle, reclassify
from catalog.lifecycle import Answer, Claim
from catalog.models import LabelState, MachineState, ProductImage, ReclassifyScope

from . import embeddings, novelty, photos, process
from .answers import Tree
from .live import LiveModel, Loaded
from .transient import retried

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 60.0

Vector = npt.NDArray[np.float16]


class Classifying:
    """One worker's share of the queue. Use it from one thread."""

    def __init__(self, worker: str, owner: str) -> None:
        self.owner = owner
        self.live = LiveModel(worker)
        self._last_batch: list[int] = []
        self._served_stale = False

    def drain(self, *, seconds: float = DRAIN_SECONDS) -> int:
        """Classify until nothing waits, this process is to stop, or `seconds` have passed; then
        another nudge goes out for the rest. Returns how many photos were dealt with."""
        deadline = time.monotonic() + seconds
        started, total = time.monotonic(), 0
        while not process.stopping.is_set():
            count = self.step()
            total += count
            if not count and not self._queue_more():
                break
            if time.monotonic() > deadline:
                enqueue.classify_soon(self._last_batch[:1])
                break
        if total:
            spent = round(time.monotonic() - started, 2)
            logger.info("classified", extra={"images": total, "seconds": spent})
        return total

    def step(self) -> int:
        """One batch; 0 when nothing was claimed, as when no version could be loaded."""
        if self.live.refresh():
            self._catch_up()
        loaded = self.live.loaded
        if loaded is None:
            return 0
        tree = Tree.now(loaded.version.classes)
        if not tree:
            self.live.note_heartbeat(error="The live version knows none of today's categories.")
            return 0
        claims = retried(partial(lifecycle.claim, owner=self.owner, limit=settings.CLASSIFY_BATCH))
        try:
            self._classify(claims, loaded, tree)
        except (KeyboardInterrupt, SystemExit):
            lifecycle.release(claims)
            raise
        self._last_batch = [claim.image_id for claim in claims]
        self._served_stale = self._served_stale or (bool(claims) and not self.live.is_current)
        return len(claims)

    def _classify(self, claims: Sequence[Claim], loaded: Loaded, tree: Tree) -> None:
        """What can be answered is answered; a bad photo fails alone. A photo the network stumbles
        over keeps its lease: when that runs out it is tried again, alone, a few times."""
        vectors, reasons = self._vectors(claims, loaded)
        for claim in claims:
            if claim.image_id in reasons:
                reason = reasons[claim.image_id]
                logger.warning("photo failed", extra={"image": claim.image_id, "reason": reason})
                retried(partial(lifecycle.fail, claim, reason=reason))
        answered = [claim for claim in claims if claim.image_id in vectors]
        if not answered:
            return
        stacked = np.stack([vectors[claim.image_id] for claim in answered])
        rows = tree.masked(loaded.classifier.predict_embeddings(stacked))
        looks = loaded.familiar.look(stacked) if loaded.familiar else None
        answers = [
            Answer(
                claim,
                tree.top(row),
                embeddings.to_bytes(vectors[claim.image_id]),
                novelty.likeness(looks, place),
            )
            for place, (claim, row) in enumerate(zip(answered, rows, strict=True))
        ]
        retried(partial(lifecycle.finish, answers, version=loaded.version))

    def _vectors(
        self, claims: Sequence[Claim], loaded: Loaded
    ) -> tuple[dict[int, Vector], dict[int, str]]:
        """{image id: embedding} and {image id: why not}. A photo this backbone has seen before
        is not decoded again."""
        vectors = embeddings.known([c.image_id for c in claims], loaded.version.backbone_id)
        rest = [claim for claim in claims if claim.image_id not in vectors]
        pixels, reasons = {}, {}
        size = loaded.classifier.image_size
        for claim, read in zip(rest, photos.read_all([c.file for c in rest], size), strict=True):
            if isinstance(read, str):
                reasons[claim.image_id] = read
            else:
                pixels[claim.image_id] = read
        return vectors | _embedded(pixels, loaded), reasons

    def _queue_more(self) -> bool:
        """Nothing urgent waits: put the next images of the background jobs into the queue. Not
        while an older version stands in, which would answer them as before."""
        return self.live.is_current and reclassify.advance() > 0

    def _catch_up(self) -> None:
        """Another version serves from now on. What its predecessor answered after the change and
        before the swap is answered again."""
        if self._served_stale:
            reason = "Answered while the live version could not be loaded."
            reclassify.start(ReclassifyScope.UNREVIEWED, reason=reason)
            self._served_stale = False
            return
        last = ProductImage.objects.filter(pk__in=self._last_batch, machine=MachineState.CLASSIFIED)
        loaded = self.live.loaded
        if loaded is not None and self._last_batch:
            lifecycle.requeue(
                last.filter(label_state=LabelState.UNLABELLED).exclude(version=loaded.version)
            )


def _embedded(pixels: dict[int, npt.NDArray[np.uint8]], loaded: Loaded) -> dict[int, Vector]:
    """All in one call; where that fails, one by one, so that only the culprit goes without."""
    if not pixels:
        return {}
    try:
        return dict(
            zip(pixels, loaded.classifier.embed(np.stack(list(pixels.values()))), strict=True)
        )
    except Exception:
        logger.exception("a batch could not be embedded", extra={"images": list(pixels)})
    vectors = {}
    for image_id, photo in pixels.items():
        try:
            vectors[image_id] = loaded.classifier.embed(photo[np.newaxis])[0]
        except Exception:
            logger.exception("a photo could not be embedded", extra={"image": image_id})
    return vectors


@lru_cache(maxsize=1)
def this_process() -> Classifying:
    """The one model in this process's memory."""
    return Classifying(process.name(), process.owner())
