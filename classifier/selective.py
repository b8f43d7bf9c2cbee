"""Above which confidence answers are right often enough to go without review, and how certain that
is. numpy only. Nothing is accepted by it; pages say what it would have saved.

The threshold is chosen and certified on the validation photos, and test only reports how it did.
Out-of-fold answers on the training photos would be ten times as many, but the backbone has learned
from those photos (the starter weights have, and so has every fine-tuned one): on them it is right
more often than on any photo to come. Validation photos decided when training stopped and the one
temperature, nothing else; what that flatters shows on test.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifier.certainty import top_answers
from classifier.evaluation import Floats
from classifier.intervals import at_least, lower_bound, wilson

TARGETS = (0.9, 0.95, 0.98, 0.99)
RISK = 0.05
STEP = 1.25
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """First answers on some photos: confidence (N,), whether right (N,), and their slugs."""

    confidence: npt.NDArray[np.float64]
    correct: Booleans
    predicted: list[str]

    @classmethod
    def of(cls, probabilities: Floats, labels: Sequence[str], classes: Sequence[str]) -> Answers:
        """Of calibrated probabilities (N, C); a category the model does not know is wrong."""
        confidence, correct = top_answers(probabilities, labels, classes)
        predicted = [classes[column] for column in probabilities.argmax(axis=1)]
        return cls(confidence, correct, predicted)

    def put_into(self, slug: str) -> Answers:
        chosen = np.array([one == slug for one in self.predicted], bool)
        return Answers(self.confidence[chosen], self.correct[chosen], [slug] * int(chosen.sum()))


@dataclass(frozen=True)
class Threshold:
    """Answers more confident than `value` are right at least as often as was asked; `right` of
    `images` were, on the photos that certify it."""

    value: float
    images: int
    right: int


def certify(
    confidence: Floats, correct: Booleans, *, target: float, risk: float = RISK
) -> Threshold | None:
    """The lowest threshold above which at least `target` of all answers to come are right, which
    is wrong at most `risk` of the time; None if none can be shown on these photos.

    Thresholds are tried at numbers of photos fixed beforehand, surest first. Each is tested with
    the exact binomial: given the confidence of the next photo, those above it are a sample of all
    answers above it. As the best of several is chosen, the tests share the risk by the fallback
    procedure (Wiens 2003; one of those that Angelopoulos et al. 2021, "Learn then Test", build
    on): each has an equal part, and what a passed test had goes on to the next one. So it is never
    worse than Bonferroni's division by the number of tests.
    """
    order = np.argsort(-confidence, kind="stable")
    counts = _counts(len(order), target=target, risk=risk)
    found, inherited = None, 0.0
    for count in counts:
        value = float(confidence[order[count]]) if count < len(order) else 0.0
        above = confidence > value
        images, right = int(above.sum()), int(correct[above].sum())
        level = risk / len(counts) + inherited
        passed = images > 0 and at_least(right, images, target) <= level
        inherited = level if passed else 0.0
        if passed:
            found = Threshold(value, images, right)
    return found


def fewest_photos(target: float, *, risk: float = RISK) -> int:
    """So many answers, all of them right, are the least that can show `target`."""
    return math.ceil(math.log(risk) / math.log(target)) if 0 < target < 1 else 0


def provable(correct: Booleans, *, risk: float = RISK) -> float:
    """The precision of all answers that these photos show, whatever their confidence."""
    return lower_bound(int(correct.sum()), len(correct), risk=risk) if len(correct) else 0.0


def selective(
    validation: Answers, test: Answers, *, targets: Iterable[float] = TARGETS
) -> dict[str, Any]:
    """For each target the pooled threshold and those of the categories an answer can be put into,
    with what they did on test. Each statement stands by itself at 95%; ready for JSON. A category
    for which none could be shown is left out; `put_into` says how many answers there were."""
    slugs = sorted(set(validation.predicted))
    return {
        "confidence": 1 - RISK,
        "images": len(validation.correct),
        "provable": provable(validation.correct),
        "put_into": {slug: validation.predicted.count(slug) for slug in slugs},
        "targets": [_for(target, slugs, validation, test) for target in sorted(set(targets))],
    }


def _for(target: float, slugs: list[str], validation: Answers, test: Answers) -> dict[str, Any]:
    per_class = {
        slug: _statement(validation.put_into(slug), test.put_into(slug), target) for slug in slugs
    }
    return {
        "target": target,
        "needed": fewest_photos(target),
        "pooled": _statement(validation, test, target),
        "per_class": {slug: found for slug, found in per_class.items() if found is not None},
    }


def _statement(validation: Answers, test: Answers, target: float) -> dict[str, Any] | None:
    found = certify(validation.confidence, validation.correct, target=target)
    if found is None:
        return None
    above = test.confidence > found.value
    images, right = int(above.sum()), int(test.correct[above].sum())
    on_test = {
        "of": len(above),
        "images": images,
        "right": right,
        "interval": wilson(right, images),
    }
    return asdict(found) | {"of": len(validation.correct), "test": on_test}


def _counts(photos: int, *, target: float, risk: float) -> list[int]:
    """How many of the surest photos are tried: from the fewest that could pass, each number a
    quarter larger than the one before, up to all. Nothing here looks at an answer."""
    count, counts = fewest_photos(target, risk=risk), []
    while 0 < count < photos:
        counts.append(count)
        count = math.ceil(count * STEP)
    if 0 < fewest_photos(target, risk=risk) <= photos:
        counts.append(photos)
    while counts and target ** counts[0] > risk / len(counts):
        counts.pop(0)  # too few to pass with its part of the risk, even all right
    return counts
