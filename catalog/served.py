"""Which engine answers for a version, in words that a page can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .models import ModelVersion, WorkerStatus

PRECISIONS = {"int8": "8-bit whole numbers (int8)", "fp32": "32-bit numbers (fp32)"}


@dataclass(frozen=True)
class Served:
    """`now` are the workers that hold the version; `export` what serves it on hosts without a GPU,
    and `evidence` why, each in a sentence or two."""

    now: list[WorkerStatus]
    export: str
    evidence: str


def of(version: ModelVersion) -> Served:
    """One small query; `version.backbone` should be loaded."""
    now = list(WorkerStatus.objects.filter(version=version).exclude(engine="").order_by("name"))
    report = version.backbone.export
    if not isinstance(report, Mapping):
        words = "Keras, since its backbone was never exported to OpenVINO; the next full run's is."
        return Served(now, words, "")
    if error := report.get("error"):
        return Served(now, "Keras, since the export to OpenVINO failed.", str(error))
    precision = PRECISIONS.get(str(report.get("precision")), "")
    words = f"OpenVINO with {precision}, unless CLASSIFIER_ENGINE says otherwise."
    return Served(now, words, _evidence(report))


def _evidence(report: Mapping[str, object]) -> str:
    parts = [f"{report.get('reason', '')}"]
    compared, images = report.get("compared"), report.get("validation")
    if isinstance(compared, int) and 0 < compared < 1000:
        parts.append("There were no more photos outside the test split.")
    keras, int8 = report.get("accuracy_keras"), report.get("accuracy_int8")
    if images and isinstance(keras, float) and isinstance(int8, float):
        parts.append(f"On {images} validation photos Keras is right {keras:.1%}, int8 {int8:.1%}.")
    return " ".join(part for part in parts if part)
