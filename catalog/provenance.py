"""Where a version comes from, in words that a page can show: pretrained weights, photos, rival."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .models import Merchant, ModelVersion, RunRow


@dataclass(frozen=True)
class Provenance:
    weights: str
    """A sentence about the pretrained weights."""
    starter: bool
    """The small starter weights were used, by setting or because no others could be had."""
    samples: bool
    """Drawn samples were among the photos it learned from."""

    @property
    def is_notable(self) -> bool:
        return self.starter or self.samples


def of(version: ModelVersion) -> Provenance:
    """Two small queries at most; `version.backbone` should be loaded."""
    return Provenance(
        weights=version.weights or version.backbone.source,
        starter=version.backbone.source.startswith("starter"),
        samples=_learned_from_samples(version),
    )


def _learned_from_samples(version: ModelVersion) -> bool:
    """The samples' merchants stay as rows when the samples are removed, so this stays true."""
    merchants = list(Merchant.objects.filter(is_sample=True).values_list("pk", flat=True))
    if not merchants or version.run_id is None:
        return False
    rows = RunRow.objects.filter(run_id=version.run_id, image__merchant__in=merchants)
    return rows.exists()


@dataclass(frozen=True)
class Rival:
    """The version that was live when this one was judged, and what this one gained on it."""

    version: ModelVersion
    accuracy: float | None
    macro_f1: float | None
    """Differences, this version minus the rival, on the same test photos."""


def rival(version: ModelVersion) -> Rival | None:
    """Read from the gate's notes in the report; None for a first or an older version."""
    gate = version.metrics.get("gate") if isinstance(version.metrics, Mapping) else None
    if not isinstance(gate, Mapping):
        return None
    found = ModelVersion.objects.filter(pk=_number(gate.get("live"))).first()
    if found is None:
        return None
    return Rival(
        found,
        accuracy=_difference(gate, "accuracy", "live_accuracy"),
        macro_f1=_difference(gate, "macro_f1", "live_macro_f1"),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _difference(gate: Mapping[str, object], ours: str, theirs: str) -> float | None:
    a, b = gate.get(ours), gate.get(theirs)
    if isinstance(a, int | float) and isinstance(b, int | float):
        return float(a) - float(b)
    return None
