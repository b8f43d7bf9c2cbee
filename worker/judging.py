"""May the candidate go live? It is compared with the live version, and with the last one a person
approved, on the same test photos."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from django.conf import settings

from catalog import golive
from catalog.models import Category, ModelVersion, Serving, Split
from catalog.training_set import Row
from classifier.certainty import certainty
from classifier.errors import StoreError
from classifier.evaluation import report, softmax
from classifier.gate import GateInput, GateVerdict, gate
from classifier.recipe import Recipe
from classifier.selective import TARGETS, Answers, selective

from . import photos
from .answers import as_counted
from .reporting import Progress

if TYPE_CHECKING:
    from classifier.run import Judgement, Trained

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TestPhotos:
    """The readable test photos, in one order for every model."""

    rows: Sequence[Row]
    merged: Mapping[str, str]
    """{slug: slug of what it counts as}, for labels and for the answers of every model."""
    recipe: Recipe
    cache_dir: Path
    progress: Progress

    @property
    def labels(self) -> list[str]:
        return [self.merged.get(row.slug, row.slug) for row in self.rows]


@dataclass(frozen=True)
class Verdict:
    """`promote` goes live; `waits` asks a manager; neither means rejected."""

    promote: bool
    waits: bool
    reason: str
    details: dict[str, Any] = field(default_factory=dict)
    baseline: dict[str, Any] | None = None
    """The live version's report on the same photos."""


def counted(trained: Trained, merged: Mapping[str, str]) -> Trained:
    """With answers and labels of categories that are one by now as those of one. Its head still has
    an output for each."""
    classes = list(dict.fromkeys(merged.get(slug, slug) for slug in trained.classes))
    judgements = {
        split: judged if split == Split.TRAIN else _counted(judged, trained.classes, merged)
        for split, judged in trained.judgements.items()
    }
    return replace(trained, classes=tuple(classes), judgements=judgements)


def _counted(judged: Judgement, classes: Sequence[str], merged: Mapping[str, str]) -> Judgement:
    if not merged.keys() & {*classes, *judged.labels}:
        return judged
    probabilities, ends = as_counted(judged.probabilities, classes, merged)
    labels = [merged.get(slug, slug) for slug in judged.labels]
    return replace(
        judged,
        probabilities=probabilities.astype(np.float64),
        predicted=[ends[column] for column in probabilities.argmax(axis=1)],
        labels=labels,
        report=report(probabilities, labels, ends),
    )


def judge(trained: Trained, tests: TestPhotos) -> Verdict:
    """The gate against each rival; the first that is not beaten decides. What was trained is as
    `counted` by what is merged on the test photos."""
    judged = trained.judgements["test"]
    candidate = GateInput(judged.predicted, trained.classes)
    names = dict(Category.objects.values_list("slug", "path"))
    live = Serving.current().live
    if live is None:
        return _verdict(gate(candidate, None, labels=tests.labels, names=names))
    try:
        baseline = answers_of(live, tests, trained)
    except StoreError as error:
        logger.error("no comparison", extra={"version": live.pk, "error": str(error)})
        reason = f"Version {live.pk}, which is live, cannot be read, so nothing was compared"
        return Verdict(False, True, f"{reason} ({error}) A manager decides.")
    first = _compared(candidate, baseline, names)
    verdict = _verdict(first, baseline.report)
    approved = _last_approved(live)
    if not verdict.promote or approved is None:
        return verdict
    return _second_opinion(verdict, candidate, approved, tests, trained, names)


@dataclass(frozen=True)
class RivalAnswers:
    input: GateInput
    kept: npt.NDArray[np.int64]
    """Places of the test photos it answered: one that was withdrawn during the run is left out."""
    labels: list[str]
    report: dict[str, Any]


def _compared(candidate: GateInput, rival: RivalAnswers, names: dict[str, str]) -> GateVerdict:
    """On the test photos that both answered."""
    same = GateInput([candidate.predicted[place] for place in rival.kept], candidate.classes)
    return gate(same, rival.input, labels=rival.labels, names=names)


def answers_of(version: ModelVersion, tests: TestPhotos, trained: Trained) -> RivalAnswers:
    """What an earlier version says of the test photos, worked out anew; StoreError if its files
    are gone or damaged."""
    from classifier import store  # TensorFlow: seconds to import
    from classifier.training import head_logits

    head = store.open_head(settings.MODELS_DIR, version.directory)
    kept, embeddings = _embeddings(version, tests, trained)
    everything = tests.labels
    labels = [everything[place] for place in kept]
    probabilities = softmax(head_logits(head, embeddings) / version.temperature)
    shares, classes = as_counted(probabilities, version.classes, tests.merged)
    predicted = [classes[column] for column in shares.argmax(axis=1)]
    judged = report(shares, labels, classes) | {"version": version.pk}
    return RivalAnswers(GateInput(predicted, classes), kept, labels, judged)


def _embeddings(
    version: ModelVersion, tests: TestPhotos, trained: Trained
) -> tuple[npt.NDArray[np.int64], Any]:
    """The places of the test photos that are there, and (N, 2048) of them from the version's own
    backbone."""
    if version.backbone.sha256 == trained.backbone.sha256:
        return np.arange(len(tests.rows)), trained.judgements["test"].embeddings
    from classifier import store
    from classifier.engines.keras import Embedder
    from classifier.features import extract_features

    backbone = store.open_backbone(settings.MODELS_DIR, version.backbone.sha256)
    features = extract_features(
        Embedder(backbone),
        [photos.path_of(row.file) for row in tests.rows],
        recipe=tests.recipe,
        keys=[row.sha256 for row in tests.rows],
        cache_dir=tests.cache_dir,
        progress=tests.progress,
        phase="comparing",
    )
    return features.kept, features.clean()


def _last_approved(live: ModelVersion) -> ModelVersion | None:
    """The version a person put live last, if another is live by now: guards against a slow drift
    of many small losses."""
    latest = golive.last_approved()
    if latest is None or latest.pk == live.pk:
        return None
    if not latest.files_present:
        logger.warning("no second rival: its files are gone", extra={"version": latest.pk})
        return None
    return latest


def _second_opinion(
    verdict: Verdict,
    candidate: GateInput,
    approved: ModelVersion,
    tests: TestPhotos,
    trained: Trained,
    names: dict[str, str],
) -> Verdict:
    try:
        rival = answers_of(approved, tests, trained)
    except StoreError as error:
        logger.warning("no second rival", extra={"version": approved.pk, "error": str(error)})
        return verdict
    second = _compared(candidate, rival, names)
    details = verdict.details | {"approved": second.details | {"version": approved.pk}}
    if second.promote:
        return Verdict(True, False, verdict.reason, details, verdict.baseline)
    against = f"Against version {approved.pk}, the last that a person approved"
    reason = f"{against}: {second.reason.replace(' than the live model', '')}"
    return Verdict(False, second.waits, reason, details, verdict.baseline)


def _verdict(found: GateVerdict, baseline: dict[str, Any] | None = None) -> Verdict:
    return Verdict(found.promote, found.waits, found.reason, found.details, baseline)


def left_out(trained: Trained, rows: Sequence[Row]) -> str:
    """Which categories of the training photos were not learned, in a sentence; else empty."""
    slugs = {row.slug for row in rows} - set(trained.classes)
    paths = Category.objects.filter(slug__in=slugs).order_by("path").values_list("path", flat=True)
    if not paths:
        return ""
    known = "it" if len(paths) == 1 else "them"
    return (
        f" None of the training photos of {', '.join(paths)} could be read, so this version does"
        f" not know {known}."
    )


def metrics_of(trained: Trained, verdict: Verdict) -> dict[str, Any]:
    """What the version's row keeps: the report on the test photos, how sure it may be, and what it
    was measured against."""
    validation, test = trained.judgements["validation"], trained.judgements["test"]
    sureness = certainty(
        test.probabilities, test.labels, trained.classes, temperature=trained.temperature
    )
    brief = ("images", "accuracy", "macro_f1", "ece")
    return (
        test.report
        | sureness
        | {
            "validation": {key: validation.report[key] for key in brief},
            "train_images": len(trained.judgements["train"].kept),
            "baseline": verdict.baseline,
            "gate": {"reason": verdict.reason, **verdict.details},
            "selective": _selective(trained),
        }
    )


def _selective(trained: Trained) -> dict[str, Any]:
    validation, test = (
        Answers.of(judged.probabilities, judged.labels, trained.classes)
        for judged in (trained.judgements["validation"], trained.judgements["test"])
    )
    return selective(validation, test, targets=[*TARGETS, settings.SELECTIVE_PRECISION])
