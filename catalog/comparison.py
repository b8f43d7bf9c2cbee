"""Two versions side by side: which settings of their recipes differ, and what each came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import report
from .models import ModelVersion


@dataclass(frozen=True)
class Difference:
    """One setting; None where a version's recipe has no such setting."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Comparison:
    versions: tuple[ModelVersion, ModelVersion]
    figures: tuple[report.Report, report.Report]
    differences: list[Difference]
    same_photos: bool
    """Both learned from and were tested on the same labelled photos, in the same splits: only then
    does the recipe alone make the difference."""


def compare(first: ModelVersion, second: ModelVersion) -> Comparison:
    """The weights a recipe names are a setting like any other, by their source. One query."""
    a, b = _settings(first.recipe), _settings(second.recipe)
    differences = [
        Difference(name, a.get(name), b.get(name))
        for name in sorted(set(a) | set(b))
        if a.get(name) != b.get(name)
    ]
    figures = report.listed([first.pk, second.pk])
    return Comparison(
        (first, second),
        (figures[first.pk], figures[second.pk]),
        differences,
        first.fingerprint == second.fingerprint,
    )


def _settings(recipe: object) -> dict[str, Any]:
    if not isinstance(recipe, Mapping):
        return {}
    flat = {name: value for name, value in recipe.items() if not isinstance(value, Mapping | list)}
    weights = recipe.get("weights")
    if isinstance(weights, Mapping):
        flat["weights"] = weights.get("source")
    return flat
