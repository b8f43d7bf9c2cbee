"""One batch of claimed photos on its way to answers: read, computed, written."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from catalog import lifecycle
from catalog.lifecycle import Answer, Claim
from catalog.models import Priority

from . import embeddings, novelty
from .answers import Tree
from .live import Loaded
from .transient import retried
from .work import Vector, Work

logger = logging.getLogger(__name__)


class Batch(Work):
    """Answered by the version it was claimed for, whatever goes live meanwhile."""

    def __init__(self, claims: Sequence[Claim], loaded: Loaded, tree: Tree) -> None:
        super().__init__()
        self.claims = claims
        self.loaded = loaded
        self.tree = tree
        self._known: dict[int, Vector] = {}

    def __len__(self) -> int:
        return len(self.claims)

    @property
    def image_ids(self) -> list[int]:
        return [claim.image_id for claim in self.claims]

    @property
    def is_urgent(self) -> bool:
        return any(claim.priority < Priority.BACKGROUND for claim in self.claims)

    @property
    def is_suspect(self) -> bool:
        return any(claim.attempts > 1 for claim in self.claims)

    def read(self) -> None:
        """A photo this backbone has seen before is not decoded again."""
        self._known = embeddings.known(self.image_ids, self.loaded.version.backbone_id)
        new = {c.image_id: c.file for c in self.claims if c.image_id not in self._known}
        self._read(new, self.loaded.classifier.image_size)

    def write(self) -> None:
        """What can be answered; a bad photo fails alone. A photo the network stumbles over keeps
        its lease: when that runs out it is tried again, alone, a few times."""
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
        lifecycle.release(self.claims)

    def _embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        return self.loaded.classifier.embed(pixels)
