"""One batch of claimed photos on its way to answers: read, computed, written.

Each step runs while others work on other batches: photos are decoded in threads of their own, the
network computes in one more, and the database belongs to the thread that claimed them."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from catalog import lifecycle
from catalog.lifecycle import Answer, Claim
from classifier.images import Pixels

from . import embeddings, novelty, photos
from .answers import Tree
from .live import Loaded
from .transient import retried

logger = logging.getLogger(__name__)

Vector = npt.NDArray[np.float16]


class Batch:
    """Answered by the version it was claimed for, whatever goes live meanwhile."""

    def __init__(self, claims: Sequence[Claim], loaded: Loaded, tree: Tree) -> None:
        self.claims = claims
        self.loaded = loaded
        self.tree = tree
        self.seconds = 0.0
        """How long the network was busy with it; known once it is written."""
        self._known: dict[int, Vector] = {}
        self._reads: dict[int, Future[Pixels | str]] = {}
        self._computed: Future[tuple[dict[int, Vector], dict[int, str]]]

    def __len__(self) -> int:
        return len(self.claims)

    @property
    def image_ids(self) -> list[int]:
        return [claim.image_id for claim in self.claims]

    @property
    def is_suspect(self) -> bool:
        """A photo that may have ended a worker before: nothing else is to be in hand with it."""
        return any(claim.attempts > 1 for claim in self.claims)

    def read(self) -> None:
        """Start decoding. A photo this backbone has seen before is not decoded again."""
        self._known = embeddings.known(self.image_ids, self.loaded.version.backbone_id)
        size = self.loaded.classifier.image_size
        self._reads = {
            claim.image_id: photos.read_soon(claim.file, size)
            for claim in self.claims
            if claim.image_id not in self._known
        }

    def compute(self) -> None:
        """As soon as it is decoded and the engine is free."""
        self._computed = _engine().submit(self._compute)

    def _compute(self) -> tuple[dict[int, Vector], dict[int, str]]:
        """{image id: embedding} and {image id: why not}."""
        started = time.monotonic()
        reads, self._reads = self._reads, {}
        found = {image_id: read.result() for image_id, read in reads.items()}
        reasons = {image_id: read for image_id, read in found.items() if isinstance(read, str)}
        pixels = {image_id: read for image_id, read in found.items() if not isinstance(read, str)}
        vectors = _embedded(pixels, self.loaded)
        self.seconds = time.monotonic() - started
        return vectors, reasons

    def wait(self) -> None:
        """Until the network is done with it, well or not."""
        futures.wait([self._computed])

    def write(self) -> None:
        """Wait for the network, then write what can be answered; a bad photo fails alone. A photo
        the network stumbles over keeps its lease: when that runs out it is tried again, alone, a
        few times."""
        computed, reasons = self._computed.result()
        vectors = self._known | computed
        for claim in self.claims:
            if claim.image_id in reasons:
                reason = reasons[claim.image_id]
                logger.warning("photo failed", extra={"image": claim.image_id, "reason": reason})
                retried(partial(lifecycle.fail, claim, reason=reason))
        answered = [claim for claim in self.claims if claim.image_id in vectors]
        if not answered:
            return
        stacked = np.stack([vectors[claim.image_id] for claim in answered])
        rows = self.tree.masked(self.loaded.classifier.predict_embeddings(stacked))
        looks = self.loaded.familiar.look(stacked) if self.loaded.familiar else None
        answers = [
            Answer(
                claim,
                self.tree.top(rows[place]),
                None if claim.image_id in self._known else embeddings.to_bytes(stacked[place]),
                novelty.likeness(looks, place),
            )
            for place, claim in enumerate(answered)
        ]
        retried(partial(lifecycle.finish, answers, version=self.loaded.version))

    def release(self) -> None:
        """Hand back, unspent, what is not written."""
        lifecycle.release(self.claims)


def _embedded(pixels: dict[int, Pixels], loaded: Loaded) -> dict[int, Vector]:
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
def _engine() -> ThreadPoolExecutor:
    """One thread: an engine answers one call at a time."""
    return ThreadPoolExecutor(1, thread_name_prefix="engine")
