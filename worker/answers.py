"""A model's probabilities as answers in today's category tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.models import Category

TOP = 5


@dataclass(frozen=True)
class Tree:
    """Which of a model's outputs may be answered now."""

    columns: list[int]
    """Places in the model's output of the classes that are active leaves."""
    category_ids: list[int]
    """Their categories, in the same order."""
    slugs: list[str]

    @classmethod
    def now(cls, classes: Sequence[str]) -> Tree:
        """Retired categories, those with children and those gone are left out at once."""
        leaves = dict(Category.objects.leaves().values_list("slug", "pk"))
        known = [(n, slug) for n, slug in enumerate(classes) if slug in leaves]
        return cls(
            [n for n, _ in known], [leaves[slug] for _, slug in known], [slug for _, slug in known]
        )

    def __bool__(self) -> bool:
        return bool(self.columns)

    def masked(self, probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """(N, C) over all classes to (N, len(columns)), each row summing to 1 again."""
        kept = probabilities[:, self.columns].astype(np.float64)
        total = kept.sum(axis=1, keepdims=True)
        even = np.full_like(kept, 1 / max(len(self.columns), 1))
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
