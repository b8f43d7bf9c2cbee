"""Versions with a report, as a run leaves them, for the tests of the models pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalog.models import Category, ModelVersion, RunRow, RunState, Split, TrainingRun
from classifier.evaluation import accuracy, confusion, macro_f1, per_class
from tests import factories

Answers = Sequence[tuple[Category, Category]]
"""(true, predicted) of each test photo."""

HISTORY = {
    "head": {"accuracy": [0.5, 0.7], "val_accuracy": [0.4, 0.6], "loss": [1.2, 0.8]},
    "fine-tune": {"accuracy": [0.8], "val_accuracy": [0.7], "loss": [0.6]},
}


def metrics(answers: Answers) -> dict[str, Any]:
    labels = [true.slug for true, _ in answers]
    predicted = [answer.slug for _, answer in answers]
    classes = sorted({*labels, *predicted})
    return {
        "images": len(labels),
        "accuracy": accuracy(predicted, labels),
        "macro_f1": macro_f1(predicted, labels),
        "ece": 0.04,
        "per_class": per_class(predicted, labels, classes),
        "confusion": confusion(predicted, labels, classes),
        "unknown_categories": [],
    }


def judged_version(answers: Answers, **columns: Any) -> ModelVersion:
    """A version whose run tested it on one photo for each of `answers`."""
    run = factories.run(state=RunState.SUCCEEDED, history=HISTORY)
    for true, predicted in answers:
        record_answer(run, true, predicted.slug)
    slugs = sorted({c.slug for pair in answers for c in pair})
    values: dict[str, Any] = {"run": run, "metrics": metrics(answers), "classes": slugs}
    return factories.version(**(values | columns))


def record_answer(run: TrainingRun, true: Category, predicted: str) -> RunRow:
    image = factories.image(stored=False)
    return RunRow.objects.create(
        run=run,
        image=image,
        sha256=image.sha256,
        label=true,
        split=Split.TEST,
        predicted=predicted,
    )
