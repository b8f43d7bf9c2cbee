"""How sure a model may be: what its report says besides its scores. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from classifier.evaluation import (
    Floats,
    confusion,
    expected_calibration_error,
    reliability,
    softmax,
)
from classifier.intervals import (
    calibration_error_by_chance,
    calibration_interval,
    macro_f1_interval,
    per_class_intervals,
    wilson,
)

CURVE_POINTS = 40


def certainty(
    probabilities: Floats, labels: Sequence[str], classes: Sequence[str], *, temperature: float
) -> dict[str, Any]:
    """What goes into a report beside `evaluation.report` of the same calibrated probabilities
    (N, C): 95% intervals, the calibration before `temperature`, what chance alone would show, and
    how precise the surest answers are. Ready for JSON."""
    confidence, correct = top_answers(probabilities, labels, classes)
    raw, _ = top_answers(uncalibrated(probabilities, temperature), labels, classes)
    predicted = [classes[column] for column in probabilities.argmax(axis=1)]
    counts = confusion(predicted, labels, classes)
    return {
        "temperature": temperature,
        "ece_before": expected_calibration_error(raw, correct),
        "ece_by_chance": calibration_error_by_chance(confidence),
        "reliability": [_with_interval(filled) for filled in reliability(confidence, correct)],
        "reliability_before": reliability(raw, correct),
        "coverage": coverage(confidence, correct),
        "intervals": {
            "accuracy": wilson(int(correct.sum()), len(correct)),
            "macro_f1": macro_f1_interval(counts),
            "ece": calibration_interval(confidence, correct),
            "ece_before": calibration_interval(raw, correct),
            "per_class": per_class_intervals(counts),
        },
    }


def _with_interval(filled: dict[str, float]) -> dict[str, Any]:
    right = round(filled["accuracy"] * filled["images"])
    return filled | {"interval": wilson(right, filled["images"])}


def top_answers(
    probabilities: Floats, labels: Sequence[str], classes: Sequence[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The confidence of each photo's first answer, and whether it was right."""
    if not len(labels):
        return np.empty(0), np.empty(0, bool)
    columns = probabilities.argmax(axis=1)
    pairs = zip(columns, labels, strict=True)
    correct = np.array([classes[column] == label for column, label in pairs], bool)
    return probabilities.max(axis=1).astype(np.float64), correct


def uncalibrated(probabilities: Floats, temperature: float) -> npt.NDArray[np.float64]:
    """What the network said before `temperature` divided its logits."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-300)) * temperature
    return softmax(logits) if len(logits) else logits


def coverage(confidence: Floats, correct: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    """How right the surest answers are: for growing shares of the photos, surest first, the least
    confidence among them and the share answered right."""
    order = np.argsort(-confidence, kind="stable")
    right = np.cumsum(correct[order])
    counts = np.unique(np.linspace(0, len(order), CURVE_POINTS + 1).round().astype(int))
    return [
        {
            "images": int(count),
            "coverage": float(count / len(order)),
            "threshold": float(confidence[order[count - 1]]),
            "precision": float(right[count - 1] / count),
        }
        for count in counts
        if count
    ]
