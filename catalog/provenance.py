"""Where a version comes from, in words that a page can show: pretrained weights, photos, rival."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .models import Merchant, ModelVersion, RunRow


@dataclass(frozen=True)
class Provenance:
    weights: str
    """A sentence about the pretrained weights."""
    starter: bool
    """The small starter weights were used, by setting or because no others could be had."""
    samples: bool
    """Drawn samples were among the photos it learned from."""


def of(version: ModelVersion) -> Provenance:
    """Two small queries at most; `version.backbone` should be loaded."""
    return Provenance(
        weights=version.weights or version.backbone.source,
        starter=stands_on_starter(version),
        samples=_learned_from_samples(version),
    )


def stands_on_starter(version: ModelVersion) -> bool:
    """Whether the small starter weights were used; `version.backbone` should be loaded."""
    return _source(version) == "starter"


def _source(version: ModelVersion) -> str:
    recorded = _mapping(_mapping(version.recipe).get("weights")).get("source")
    return recorded if isinstance(recorded, str) else version.backbone.source


def _learned_from_samples(version: ModelVersion) -> bool:
    """A removal of the samples takes the versions that learned from them along."""
    merchants = list(Merchant.objects.filter(is_sample=True).values_list("pk", flat=True))
    if not merchants or version.run_id is None:
        return False
    rows = RunRow.objects.filter(run_id=version.run_id, image__merchant__in=merchants)
    return rows.exists()


@dataclass(frozen=True)
class Rival:
    """The version that was live when this one was judged, and what this one gained on it, both on
    the same test photos."""

    version: ModelVersion
    accuracy: float | None
    macro_f1: float | None
    """Differences, this version minus the rival."""
    f1: dict[str, float]
    """{slug: difference} of the categories that both were measured on."""


def rival(version: ModelVersion) -> Rival | None:
    """Read from the baseline in the report; None for a first or an older version."""
    ours = _mapping(version.metrics)
    theirs = _mapping(ours.get("baseline"))
    number = theirs.get("version")
    rows = ModelVersion.objects.only("pk")
    found = rows.filter(pk=number).first() if isinstance(number, int) else None
    if found is None:
        return None
    before = _mapping(theirs.get("per_class"))
    gains = {
        slug: _difference(_mapping(scores), _mapping(before.get(slug)), "f1")
        for slug, scores in _mapping(ours.get("per_class")).items()
    }
    return Rival(
        found,
        accuracy=_difference(ours, theirs, "accuracy"),
        macro_f1=_difference(ours, theirs, "macro_f1"),
        f1={slug: gain for slug, gain in gains.items() if gain is not None},
    )


def verdict(version: ModelVersion) -> str:
    """What the comparison said at the time, whatever people decided later; empty if unknown."""
    reason = _mapping(_mapping(version.metrics).get("gate")).get("reason")
    return reason if isinstance(reason, str) else ""


def recipe_rows(recipe: object) -> list[tuple[str, Any]]:
    """The hyperparameters to show, by name; where the weights came from is told elsewhere."""
    return sorted((k, v) for k, v in _mapping(recipe).items() if not isinstance(v, dict | list))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _difference(a: Mapping[str, Any], b: Mapping[str, Any], key: str) -> float | None:
    ours, theirs = a.get(key), b.get(key)
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return float(ours) - float(theirs)
    return None
