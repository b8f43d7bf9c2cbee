"""How far a figure measured on some photos may be from the truth: 95% intervals. numpy only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from classifier.evaluation import CALIBRATION_BINS, Floats, expected_calibration_error

Z = 1.959964
RESAMPLES = 1000
Interval = list[float]
"""[low, high]; a list because it is kept as JSON."""


def wilson(hits: float, total: float) -> Interval:
    """Of a share, `hits` of `total` (Wilson 1927); everything is possible where there are none."""
    if total <= 0:
        return [0.0, 1.0]
    share = hits / total
    middle = (share + Z * Z / (2 * total)) / (1 + Z * Z / total)
    spread = share * (1 - share) / total + Z * Z / (4 * total * total)
    half = Z / (1 + Z * Z / total) * math.sqrt(spread)
    return [max(0.0, middle - half), min(1.0, middle + half)]


def f1_interval(hits: float, claimed: float, support: float) -> Interval:
    """Of an F1. It is 2J / (1 + J) where J is the share of `hits` among the photos that are in the
    category or were put there, so Wilson's interval of J carries over. Resampling would call five
    of five a certainty."""
    low, high = wilson(hits, claimed + support - hits)
    return [2 * low / (1 + low), 2 * high / (1 + high)]


def per_class_intervals(confusion: dict[str, Any]) -> dict[str, dict[str, Interval]]:
    """{slug: {precision, recall, f1}} of a confusion {labels, matrix; rows true}."""
    matrix = np.array(confusion["matrix"], float).reshape(len(confusion["labels"]), -1)
    found = {}
    for place, slug in enumerate(confusion["labels"]):
        hits, claimed, support = matrix[place, place], matrix[:, place].sum(), matrix[place].sum()
        found[slug] = {
            "precision": wilson(hits, claimed),
            "recall": wilson(hits, support),
            "f1": f1_interval(hits, claimed, support),
        }
    return found


def macro_f1_interval(
    confusion: dict[str, Any], *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Percentile bootstrap. Drawing photos anew is drawing the counts of the confusion's cells
    from a multinomial, so the cost does not grow with the photos."""
    matrix = np.array(confusion["matrix"], float).reshape(len(confusion["labels"]), -1)
    rows, columns = np.nonzero(matrix)
    if not len(rows):
        return [0.0, 1.0]
    total = int(matrix.sum())
    cells = matrix[rows, columns] / total
    drawn = np.random.default_rng(seed).multinomial(total, cells / cells.sum(), size=resamples)
    size = len(matrix)
    support, claimed, hits = (
        np.stack([_added(counts, places, size) for counts in drawn])
        for places in (rows, columns, np.where(rows == columns, rows, size))
    )
    both = support + claimed
    f1 = np.divide(2 * hits, both, out=np.zeros_like(both), where=both > 0)
    present = support > 0
    return _middle_95((f1 * present).sum(axis=1) / present.sum(axis=1))


def calibration_interval(
    confidence: Floats,
    correct: npt.NDArray[np.bool_],
    *,
    bins: int = CALIBRATION_BINS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Basic bootstrap of the expected calibration error (Davison & Hinkley 1997, 5.2).

    Chance makes the error look larger than it is, and resampling adds the same again; the basic
    interval, reflected at the measured value, takes it off."""
    count = len(confidence)
    if not count:
        return [0.0, 1.0]
    generator = np.random.default_rng(seed)
    gaps = correct.astype(float) - confidence
    places = _bins(confidence, bins)
    errors = np.empty(resamples)
    for place in range(resamples):
        chosen = generator.integers(0, count, count)
        sums = np.bincount(places[chosen], weights=gaps[chosen], minlength=bins)
        errors[place] = np.abs(sums).sum() / count
    measured = expected_calibration_error(confidence, correct, bins=bins)
    low, high = _middle_95(errors)
    return [max(0.0, min(2 * measured - high, measured)), max(2 * measured - low, measured)]


def calibration_error_by_chance(
    confidence: Floats,
    *,
    bins: int = CALIBRATION_BINS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, float]:
    """The error a perfectly calibrated model would show on these confidences, by simulation: each
    photo is right with exactly the probability that was claimed. `mean`, and `high`, which it
    exceeds once in twenty times. No smaller error can be told from none on so few photos."""
    count = len(confidence)
    if not count:
        return {"mean": 0.0, "high": 1.0}
    generator = np.random.default_rng(seed)
    places = _bins(confidence, bins)
    errors = np.empty(resamples)
    for place in range(resamples):
        gaps = (generator.random(count) < confidence) - confidence
        errors[place] = np.abs(np.bincount(places, weights=gaps, minlength=bins)).sum() / count
    return {"mean": float(errors.mean()), "high": float(np.quantile(errors, 0.95))}


def at_least(hits: int, trials: int, share: float) -> float:
    """P(X >= `hits`) of a binomial X: how easily so many would come by chance."""
    if hits <= 0:
        return 1.0
    if share in {0.0, 1.0}:
        return share
    misses = np.arange(trials - hits)
    steps = np.log(trials - misses) - np.log(misses + 1) + math.log((1 - share) / share)
    logs = trials * math.log(share) + np.concatenate([[0.0], np.cumsum(steps)])
    highest = float(logs.max())
    return min(1.0, math.exp(highest) * float(np.exp(logs - highest).sum()))


def lower_bound(hits: int, trials: int, *, risk: float) -> float:
    """The exact lower limit of a share (Clopper & Pearson 1934): it is too high at most `risk` of
    the time."""
    if hits <= 0:
        return 0.0
    low, high = 0.0, hits / trials
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if at_least(hits, trials, middle) <= risk else (low, middle)
    return low


def _added(counts: npt.NDArray[Any], places: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """Counts by place; what stands at `size` is left out."""
    return np.bincount(places, weights=counts, minlength=size + 1)[:size]


def _bins(confidence: Floats, bins: int) -> npt.NDArray[np.int64]:
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def _middle_95(values: npt.NDArray[Any] | Sequence[float]) -> Interval:
    low, high = np.quantile(np.asarray(values), [0.025, 0.975])
    return [float(low), float(high)]
