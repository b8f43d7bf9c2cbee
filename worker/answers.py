"""A model's probabilities as answers in today's category tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog import merging
from catalog.models import Category

TOP = 5


@dataclass(frozen=True)
class Tree:
    """Which of a model's outputs may be answered now, and as what."""

    columns: list[int]
    """Places in the model's output of the classes that are active leaves, or count as one."""
    places: list[int]
    """What each of them counts as: a place in the two lists below."""
    category_ids: list[int]
    """The categories that can be answered, each once."""
    slugs: list[str]

    @classmethod
    def now(cls, classes: Sequence[str]) -> Tree:
        """Retired categories, those with children and those gone are left out at once; a merged one
        answers as what it was merged into."""
        leaves = dict(Category.objects.leaves().values_list("slug", "pk"))
        merged = merging.slugs()
        ends = [merged.get(slug, slug) for slug in classes]
        slugs = list(dict.fromkeys(slug for slug in ends if slug in leaves))
        place = {slug: n for n, slug in enumerate(slugs)}
        columns = [n for n, slug in enumerate(ends) if slug in leaves]
        return cls(columns, [place[ends[n]] for n in columns], [leaves[s] for s in slugs], slugs)

    def __bool__(self) -> bool:
        return bool(self.columns)

    def masked(self, probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """(N, C) over all classes to (N, len(slugs)), each row summing to 1 again."""
        kept = _added(probabilities[:, self.columns], self.places, len(self.slugs))
        total = kept.sum(axis=1, keepdims=True)
        even = np.full_like(kept, 1 / max(len(self.slugs), 1))
        return np.where(total > 0, kept / np.where(total > 0, total, 1), even)

    def top(self, row: npt.NDArray[np.float64], *, count: int = TOP) -> list[tuple[int, float]]:
        """The best (category id, confidence) of one masked row, best first."""
        return [(self.category_ids[n], float(row[n])) for n in _best(row, count)]

    def top_slugs(
        self, row: npt.NDArray[np.float64], *, count: int = TOP
    ) -> list[tuple[str, float]]:
        """The same with slugs."""
        return [(self.slugs[n], float(row[n])) for n in _best(row, count)]


def _best(row: npt.NDArray[np.float64], count: int) -> list[int]:
    return [int(n) for n in np.argsort(-row, kind="stable")[:count]]


def as_counted(
    probabilities: npt.NDArray[np.floating[Any]],
    classes: Sequence[str],
    merged: Mapping[str, str],
) -> tuple[npt.NDArray[np.floating[Any]], list[str]]:
    """(N, C) and the C classes as labels count now: what was merged is one class, the sum of its
    parts. Nothing else is left out."""
    ends = [merged.get(slug, slug) for slug in classes]
    slugs = list(dict.fromkeys(ends))
    if len(slugs) == len(classes):
        return probabilities, slugs
    place = {slug: n for n, slug in enumerate(slugs)}
    return _added(probabilities, [place[slug] for slug in ends], len(slugs)), slugs


def _added(
    probabilities: npt.NDArray[np.floating[Any]], places: Sequence[int], count: int
) -> npt.NDArray[np.float64]:
    """(N, C) to (N, count): each column added to the one at its place."""
    added = np.zeros((len(probabilities), count))
    for column, place in enumerate(places):
        added[:, place] += probabilities[:, column]
    return added
