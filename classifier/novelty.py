"""Is a photo like any that a version learned from? Its nearest neighbours say. numpy only.

`nearness` is the cosine, on the principal components of centred embeddings, between a photo and
the middle of the nearest category, -1 to 1. On photos of categories that were left out it tells new
from known better than the nearest photo or the nearest twenty, which a stray neighbour misleads
(benchmarks/novelty.py), and it costs a worker next to nothing. The nearest labelled photo is looked
up for the few that are like none, so that people can see for themselves."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from classifier.components import Components, fit_components

FILE = "familiar.npz"
KEPT = 20_000
"""More photos are not kept, so that memory is bounded: 20 MB in a worker."""
HINTED = 0.05
"""So many of the photos that are like the others are taken for new."""
FEWEST_KNOWN = 20
CHUNK = 2048

Floats = npt.NDArray[np.floating[Any]]


class Vectors(Protocol):
    """Embeddings (N, 2048) in memory or in a file, of which some are read at a time."""

    def __getitem__(self, places: Any, /) -> npt.NDArray[Any]: ...


@dataclass(frozen=True)
class Looks:
    """Of each photo asked about: its nearness, whether nothing like it is known, and the ids of the
    labelled photos nearest to those of which that is so, by place."""

    nearness: npt.NDArray[np.float32]
    unfamiliar: npt.NDArray[np.bool_]
    nearest: dict[int, int]


@dataclass(frozen=True)
class Familiar:
    """What a version's training photos look like: `photos` (N, K) directions with their `ids`,
    `middles` (C, K) of the categories. Below `threshold` a photo counts as new; -1: none does."""

    components: Components
    photos: npt.NDArray[np.float32]
    ids: npt.NDArray[np.int64]
    middles: npt.NDArray[np.float32]
    threshold: float

    def look(self, embeddings: Floats) -> Looks:
        """Embeddings (M, 2048)."""
        directions = self.components.directions(embeddings)
        nearness = (directions @ self.middles.T).max(axis=1)
        unfamiliar = nearness < self.threshold
        nearest = {
            int(place): int(self.ids[(self.photos @ directions[place]).argmax()])
            for place in np.flatnonzero(unfamiliar)
        }
        return Looks(nearness, unfamiliar, nearest)

    def to_bytes(self) -> bytes:
        out = io.BytesIO()
        np.savez(
            out,
            mean=self.components.mean,
            axes=self.components.axes.astype(np.float16),
            photos=self.photos.astype(np.float16),
            ids=self.ids,
            middles=self.middles,
            threshold=np.float64(self.threshold),
        )
        return out.getvalue()


def read(file: Path) -> Familiar:
    """What `to_bytes` gave; OSError or ValueError for anything else."""
    with np.load(file, allow_pickle=False) as kept:
        try:
            components = Components(kept["mean"], kept["axes"].astype(np.float32))
            photos = kept["photos"].astype(np.float32)
            return Familiar(
                components, photos, kept["ids"], kept["middles"], float(kept["threshold"])
            )
        except KeyError as error:
            raise ValueError(f"{file} lacks {error}.") from error


def learn_familiar(
    embeddings: Vectors,
    columns: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64],
    *,
    known: Floats,
) -> Familiar:
    """From the training photos' embeddings (N, 2048), class columns and ids. The threshold is set
    so that HINTED of `known`, embeddings of photos of the same kinds that were not learned from
    (validation), count as new; with too few of them none does."""
    chosen = _spread(columns)
    steps = [chosen[start : start + CHUNK] for start in range(0, len(chosen), CHUNK)]
    components = fit_components(embeddings[step] for step in steps)
    photos = np.concatenate([components.directions(embeddings[step]) for step in steps])
    photos = photos.astype(np.float16).astype(np.float32)  # as it will be read again
    kinds = columns[chosen]
    middles = np.stack([photos[kinds == kind].mean(axis=0) for kind in np.unique(kinds)])
    middles /= np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-6)
    familiar = Familiar(components, photos, ids[chosen], middles, threshold=-1.0)
    if len(known) < FEWEST_KNOWN:
        return familiar
    threshold = float(np.quantile(familiar.look(known).nearness, HINTED))
    return Familiar(components, photos, ids[chosen], middles, threshold)


def _spread(columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """At most KEPT places, evenly from the categories, the same for the same columns."""
    order = np.random.default_rng(0).permutation(len(columns))
    by_class = order[np.argsort(columns[order], kind="stable")]
    kinds = columns[by_class]
    begins = np.searchsorted(kinds, kinds)
    rank = np.arange(len(kinds)) - begins
    return np.sort(by_class[np.argsort(rank, kind="stable")][:KEPT])
