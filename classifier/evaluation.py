"""How good a model is: numpy only, so that anything can read it.

Labels are category slugs. A photo whose category the model does not know counts as wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.integer[Any]]

CALIBRATION_BINS = 15
# Temperatures outside this range would mean a head that learned nothing.
TEMPERATURES = (0.05, 20.0)


def report(probabilities: Floats, labels: Sequence[str], classes: Sequence[str]) -> dict[str, Any]:
    """Every metric of `probabilities` (N, C) against N labels, ready for JSON."""
    predicted = [classes[column] for column in probabilities.argmax(axis=1)]
    correct = np.array([p == label for p, label in zip(predicted, labels, strict=True)], bool)
    confidence = probabilities.max(axis=1) if len(labels) else np.empty(0)
    known = set(classes)
    return {
        "images": len(labels),
        "accuracy": float(correct.mean()) if len(labels) else 0.0,
        "macro_f1": macro_f1(predicted, labels),
        "ece": expected_calibration_error(confidence, correct),
        "per_class": per_class(predicted, labels, classes),
        "confusion": confusion(predicted, labels, classes),
        "reliability": reliability(confidence, correct),
        "unknown_categories": sorted(set(labels) - known),
    }


def accuracy(predicted: Sequence[str], labels: Sequence[str]) -> float:
    """Share of photos answered right; 0 where there are none."""
    if not labels:
        return 0.0
    return sum(p == label for p, label in zip(predicted, labels, strict=True)) / len(labels)


def macro_f1(predicted: Sequence[str], labels: Sequence[str]) -> float:
    """Mean F1 of the categories that have at least one photo among `labels`."""
    scored = sorted(set(labels))
    if not scored:
        return 0.0
    scores = per_class(predicted, labels, scored)
    return float(np.mean([scores[slug]["f1"] for slug in scored]))


def per_class(
    predicted: Sequence[str], labels: Sequence[str], classes: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 (0 where undefined) and support of each class and each label."""
    scores: dict[str, dict[str, float]] = {}
    pairs = list(zip(predicted, labels, strict=True))
    for slug in _all_slugs(labels, classes):
        hits = sum(p == label == slug for p, label in pairs)
        claimed = sum(p == slug for p, _ in pairs)
        support = sum(label == slug for _, label in pairs)
        scores[slug] = {
            "precision": hits / claimed if claimed else 0.0,
            "recall": hits / support if support else 0.0,
            "f1": 2 * hits / (claimed + support) if claimed + support else 0.0,
            "support": support,
        }
    return scores


def confusion(
    predicted: Sequence[str], labels: Sequence[str], classes: Sequence[str]
) -> dict[str, Any]:
    """Counts: a row per true category, a column per answer, in the order of `labels`."""
    slugs = _all_slugs(labels, classes)
    position = {slug: index for index, slug in enumerate(slugs)}
    matrix = np.zeros((len(slugs), len(slugs)), int)
    for p, label in zip(predicted, labels, strict=True):
        matrix[position[label], position[p]] += 1
    return {"labels": slugs, "matrix": matrix.tolist()}


def reliability(
    confidence: Floats, correct: npt.NDArray[np.bool_], *, bins: int = CALIBRATION_BINS
) -> list[dict[str, float]]:
    """The filled ones of `bins` equal confidence bins: count, mean confidence, accuracy."""
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "from": place / bins,
            "to": (place + 1) / bins,
            "images": int((places == place).sum()),
            "confidence": float(confidence[places == place].mean()),
            "accuracy": float(correct[places == place].mean()),
        }
        for place in np.unique(places).tolist()
    ]


def expected_calibration_error(
    confidence: Floats, correct: npt.NDArray[np.bool_], *, bins: int = CALIBRATION_BINS
) -> float:
    """Mean distance between confidence and accuracy over the bins, weighted by their photos.

    Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    filled = reliability(confidence, correct, bins=bins)
    distance = sum(b["images"] * abs(b["confidence"] - b["accuracy"]) for b in filled)
    return distance / len(confidence) if len(confidence) else 0.0


def softmax(logits: Floats) -> npt.NDArray[np.float64]:
    """Probabilities (N, C) of logits (N, C)."""
    return np.exp(_log_softmax(logits))


def negative_log_likelihood(logits: Floats, columns: Integers) -> float:
    """Mean -log p of the true column of each row."""
    return float(-_log_softmax(logits)[np.arange(len(columns)), columns].mean())


def fit_temperature(logits: Floats, columns: Integers, *, steps: int = 60) -> float:
    """The temperature that makes `logits` (N, C) / T likeliest for the true columns (N,).

    The loss is convex in 1/T, so a golden-section search over it cannot miss. 1.0 without photos.
    """
    if len(columns) == 0:
        return 1.0
    low, high = 1 / TEMPERATURES[1], 1 / TEMPERATURES[0]
    golden = (5**0.5 - 1) / 2
    for _ in range(steps):
        left, right = high - golden * (high - low), low + golden * (high - low)
        left_loss = negative_log_likelihood(logits * left, columns)
        if left_loss < negative_log_likelihood(logits * right, columns):
            high = right
        else:
            low = left
    return float(2 / (low + high))


def _log_softmax(logits: Floats) -> npt.NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    result: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def _all_slugs(labels: Sequence[str], classes: Sequence[str]) -> list[str]:
    return [*classes, *sorted(set(labels) - set(classes))]
