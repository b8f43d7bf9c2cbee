"""Whether a candidate may go live: it must prove itself on photos nobody trained on. numpy only."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from classifier.evaluation import accuracy, macro_f1

MINIMUM_PHOTOS = 30
MACRO_F1_MARGIN = 0.01
MINIMUM_LOST = 3
CATEGORY_MARGIN = 0.02
"""The share of its photos that a category may lose, as MACRO_F1_MARGIN is for all together: among
thousands of test photos a loss is certain long before it matters."""
SIGNIFICANCE = 0.05
TURNED_AWAY = 0.10
"""The share of candidates as good as the live model that may be rejected because some category or
other lost photos by chance."""


@dataclass(frozen=True)
class GateInput:
    """A model's answers (slugs) on the test photos, in their order, and the classes it knows."""

    predicted: Sequence[str]
    classes: Sequence[str]


@dataclass(frozen=True)
class GateVerdict:
    """`promote` goes live; `waits` asks a manager; neither means rejected, for `reason`."""

    promote: bool
    waits: bool
    reason: str
    details: dict[str, Any] = field(default_factory=dict)


def gate(
    candidate: GateInput,
    live: GateInput | None,
    *,
    labels: Sequence[str],
    names: Mapping[str, str] | None = None,
    seed: int = 0,
) -> GateVerdict:
    """Compare a candidate with the live model (None for the first) on the same test photos.

    Promoted if the lower end of the paired-bootstrap 90% interval of the macro-F1 difference is
    above -1 point and no category loses at least 3 photos with one-sided McNemar p < 0.05, or less
    where there are many categories to lose (`significance`). Categories the live model lacks count
    as wrong for it overall and are exempt here; one that only the candidate lacks is lost. The
    first model must beat always answering the commonest category.
    `names` are the category names reasons use instead of slugs. A second rival is a second call.
    """
    details: dict[str, Any] = {
        "photos": len(labels),
        "accuracy": accuracy(candidate.predicted, labels),
        "macro_f1": macro_f1(candidate.predicted, labels),
    }
    if len(labels) < MINIMUM_PHOTOS:
        reason = (
            f"Not enough evidence: {len(labels)} test photos, at least {MINIMUM_PHOTOS} are needed."
            " A manager decides."
        )
        return GateVerdict(promote=False, waits=True, reason=reason, details=details)
    if live is None:
        return _first_model(candidate, labels, details)
    return _against_rival(candidate, live, labels, names or {}, seed, details)


def paired_bootstrap_macro_f1(
    predicted_a: Sequence[str],
    predicted_b: Sequence[str],
    labels: Sequence[str],
    *,
    seed: int = 0,
    draws: int = 2000,
) -> tuple[float, float]:
    """Macro-F1 of a minus b, and the 5th percentile of that difference over resampled photos.

    The 5th percentile is the lower end of the two-sided 90% interval.
    """
    slugs = sorted({*labels, *predicted_a, *predicted_b})
    position = {slug: index for index, slug in enumerate(slugs)}
    truth, a, b = (
        np.array([position[slug] for slug in answers], int)
        for answers in (labels, predicted_a, predicted_b)
    )
    scored = np.unique(truth)
    generator = np.random.default_rng(seed)
    differences = []
    for _ in range(draws):
        rows = generator.integers(0, len(truth), len(truth))
        differences.append(
            _macro_f1(a[rows], truth[rows], scored, len(slugs))
            - _macro_f1(b[rows], truth[rows], scored, len(slugs))
        )
    observed = _macro_f1(a, truth, scored, len(slugs)) - _macro_f1(b, truth, scored, len(slugs))
    return observed, float(np.quantile(differences, 0.05))


def mcnemar_one_sided(lost: int, won: int) -> float:
    """Exact probability of losing at least `lost` of `lost + won` photos by a fair coin."""
    total = lost + won
    ways = sum(math.comb(total, k) for k in range(lost, total + 1))
    return float(ways / 2**total)


def significance(changed: Sequence[int]) -> float:
    """How small p must be for a category to count as lost, where so many photos of each `changed`
    between right and wrong.

    One of many categories loses by chance alone, so they share the risk of TURNED_AWAY. Categories
    in which too few photos changed to ever show a loss take no share of it (Tarone 1990): with few
    test photos the level stays as it is for one category.
    """
    smallest = np.array([0.5**count for count in changed])
    level = TURNED_AWAY
    for sharing in range(1, len(smallest) + 1):
        level = TURNED_AWAY / sharing
        if np.count_nonzero(smallest <= level) <= sharing:
            break
    return min(SIGNIFICANCE, level)


def smallest_loss(photos: int) -> float:
    """How many of a category's test photos are a loss that counts."""
    return max(MINIMUM_LOST, CATEGORY_MARGIN * photos)


def _first_model(
    candidate: GateInput, labels: Sequence[str], details: dict[str, Any]
) -> GateVerdict:
    commonest, count = Counter(labels).most_common(1)[0]
    pairs = list(zip(candidate.predicted, labels, strict=True))
    won = sum(p == label != commonest for p, label in pairs)
    lost = sum(p != label == commonest for p, label in pairs)
    chance = mcnemar_one_sided(won, lost)
    details |= {"majority_accuracy": count / len(labels), "majority_p": chance}
    share = f"{details['accuracy']:.0%} of {len(labels)} test photos right"
    if won > lost and chance < SIGNIFICANCE:
        return GateVerdict(True, False, f"First model: {share}.", details)
    reason = (
        f"The first model is no better than always answering the commonest category:"
        f" {share}, against {count / len(labels):.0%}."
    )
    return GateVerdict(False, False, reason, details)


def _against_rival(
    candidate: GateInput,
    live: GateInput,
    labels: Sequence[str],
    names: Mapping[str, str],
    seed: int,
    details: dict[str, Any],
) -> GateVerdict:
    difference, lower = paired_bootstrap_macro_f1(
        candidate.predicted, live.predicted, labels, seed=seed
    )
    changes = _category_changes(candidate, live, labels)
    level = significance([change["lost"] + change["won"] for change in changes.values()])
    details |= {
        "live_accuracy": accuracy(live.predicted, labels),
        "live_macro_f1": macro_f1(live.predicted, labels),
        "macro_f1_difference": difference,
        "macro_f1_lower_bound": lower,
        "significance": level,
        "categories": changes,
    }
    reasons = [
        reason
        for slug, change in changes.items()
        if (reason := _blocks(names.get(slug, slug), change, level))
    ]
    if lower <= -MACRO_F1_MARGIN:
        reasons.append(
            f"Overall it may be worse than the live model: macro-F1 {100 * difference:+.1f} points,"
            f" and a loss of {-100 * lower:.1f} points cannot be ruled out"
            f" (at most {100 * MACRO_F1_MARGIN:g} is allowed)."
        )
    if reasons:
        return GateVerdict(False, False, " ".join(reasons), details)
    reason = (
        f"Macro-F1 {100 * difference:+.1f} points against the live model on {len(labels)} test"
        " photos, and no category clearly lost."
    )
    return GateVerdict(True, False, reason, details)


def _category_changes(
    candidate: GateInput, live: GateInput, labels: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Per category the live model knows: photos, those lost and won, p, and whether it is still
    known."""
    known, live_knows = set(candidate.classes), set(live.classes)
    rows = list(zip(candidate.predicted, live.predicted, labels, strict=True))
    counts = Counter(labels)
    changes: dict[str, dict[str, Any]] = {}
    for slug in sorted(set(labels) & live_knows):
        lost = sum(old == label != new for new, old, label in rows if label == slug)
        won = sum(new == label != old for new, old, label in rows if label == slug)
        changes[slug] = {
            "photos": counts[slug],
            "lost": lost,
            "won": won,
            "p": mcnemar_one_sided(lost, won),
            "known": slug in known,
        }
    return changes


def _blocks(name: str, change: dict[str, Any], level: float) -> str:
    """Why this category's change keeps the candidate from going live, or an empty string."""
    lost, won = change["lost"], change["won"]
    if not change["known"] and lost:
        return f"{name} is unknown to the new model: it lost {_photos(lost)} it used to get right."
    if lost - won >= smallest_loss(change["photos"]) and change["p"] < level:
        gained = f" and gained {won}" if won else ""
        return f"{name} lost {_photos(lost)} it used to get right{gained}."
    return ""


def _photos(count: int) -> str:
    return f"{count} photo" if count == 1 else f"{count} photos"


def _macro_f1(
    predicted: np.ndarray[Any, Any], truth: np.ndarray[Any, Any], scored: Any, size: int
) -> float:
    """Mean F1 over the columns `scored`; a category without photos or claims scores 0."""
    hits = np.bincount(truth[predicted == truth], minlength=size)
    total = np.bincount(truth, minlength=size) + np.bincount(predicted, minlength=size)
    return float((2 * hits / np.maximum(total, 1))[scored].mean())
