"""Which labels are probably wrong: out-of-sample answers by cross-validation, ranked as confident
learning ranks them (Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating Uncertainty in
Dataset Labels"). numpy only: a linear head on few components is learned in a second and, with a
strong penalty, does not learn single wrong labels by heart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from classifier.adam import Adam
from classifier.evaluation import softmax

FOLDS = 5
PENALTY = 0.03
TIMES_LIKELIER = 10.0
EPOCHS = 30
LEAST_STEPS, MOST_STEPS = 300, 1500
BATCH = 256
RATE = 0.02

Features = npt.NDArray[np.float32]
Columns = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Suspect:
    """The label at `place` is probably wrong: the head gives it `own`, and gives `confidence` to
    the class `suggested`."""

    place: int
    suggested: int
    confidence: float
    own: float


def suspects(probabilities: npt.NDArray[np.floating[Any]], columns: Columns) -> list[Suspect]:
    """The labels `columns` (N,) that out-of-sample `probabilities` (N, C) contradict, the most
    doubtful first: some class is ten times likelier than the label, and the less likely the label,
    the higher it ranks (the paper's "self-confidence").

    With 5% of clothing-small's labels changed this list holds more of them than the paper's own
    choice, `confident_joint`, at the same number of false alarms; benchmarks/suspicious.py."""
    own = probabilities[np.arange(len(columns)), columns]
    suggested = probabilities.argmax(axis=1)
    wrong = probabilities.max(axis=1) > TIMES_LIKELIER * own
    return _ranked(probabilities, own, suggested, np.flatnonzero(wrong))


def confident_joint(
    probabilities: npt.NDArray[np.floating[Any]], columns: Columns
) -> list[Suspect]:
    """The same by the paper's off-diagonal of the confident joint: a photo confidently belongs to
    a class whose probability reaches the mean it has on photos that carry that label; one whose
    likeliest such class is not its own is a suspect."""
    rows, classes = np.arange(len(columns)), probabilities.shape[1]
    own = probabilities[rows, columns]
    counts = np.bincount(columns, minlength=classes)
    sums = np.bincount(columns, weights=own, minlength=classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    suggested = confident.argmax(axis=1)
    wrong = (confident[rows, suggested] > 0) & (suggested != columns)
    return _ranked(probabilities, own, suggested, np.flatnonzero(wrong))


def _ranked(
    probabilities: npt.NDArray[np.floating[Any]],
    own: npt.NDArray[np.floating[Any]],
    suggested: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
) -> list[Suspect]:
    return [
        Suspect(
            int(place),
            int(suggested[place]),
            float(probabilities[place, suggested[place]]),
            float(own[place]),
        )
        for place in places[np.argsort(own[places], kind="stable")]
    ]


def out_of_sample(
    features: Features,
    columns: Columns,
    *,
    classes: int,
    folds: int = FOLDS,
    seed: int = 0,
    beat: Callable[[], None] = lambda: None,
) -> npt.NDArray[np.float64]:
    """Probabilities (N, C) of each photo from a head that has not seen it. Beside `features` (N, K)
    and the answer it keeps one batch and the head in memory. `beat` is called now and then."""
    fold = np.random.default_rng(seed).permutation(len(columns)) % folds
    scale = _scale(features)
    answers = np.zeros((len(columns), classes))
    for held_out in range(folds):
        head = LinearHead(features.shape[1], classes, scale)
        others = np.flatnonzero(fold != held_out)
        head.fit(features, columns, others, seed=seed + held_out, beat=beat)
        for places in _steps(np.flatnonzero(fold == held_out), 4096):
            answers[places] = head.probabilities(features[places])
    return answers


class LinearHead:
    """Multinomial logistic regression with an L2 penalty, by Adam on a cosine schedule."""

    def __init__(self, size: int, classes: int, scale: np.float32) -> None:
        self._weights = np.zeros((size + 1, classes), np.float32)
        self._scale = scale

    @classmethod
    def fitted(cls, features: Features, columns: Columns, *, classes: int) -> Self:
        """On all rows."""
        head = cls(features.shape[1], classes, _scale(features))
        head.fit(features, columns, np.arange(len(columns)), seed=0)
        return head

    def probabilities(self, features: Features) -> npt.NDArray[np.float64]:
        return softmax(self._inputs(features) @ self._weights)

    def fit(
        self,
        features: Features,
        columns: Columns,
        places: npt.NDArray[np.int64],
        *,
        seed: int,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        generator = np.random.default_rng(seed)
        adam, epochs = Adam(self._weights), _epochs(len(places))
        for epoch in range(epochs):
            rate = RATE * (1 + np.cos(np.pi * epoch / epochs)) / 2
            beat()
            for chosen in _steps(generator.permutation(places), BATCH):
                slope = self._slope(features[chosen], columns[chosen])
                self._weights -= adam.change(slope, rate).astype(np.float32)

    def _slope(self, features: Features, columns: Columns) -> npt.NDArray[np.float32]:
        inputs = self._inputs(features)
        errors = softmax(inputs @ self._weights).astype(np.float32)
        errors[np.arange(len(columns)), columns] -= 1
        slope = np.asarray(inputs.T @ errors / len(columns), np.float32)
        slope[:-1] += np.float32(PENALTY) * self._weights[:-1]
        return slope

    def _inputs(self, features: Features) -> Features:
        """Scaled alike in all components, with a constant."""
        ones = np.ones((len(features), 1), np.float32)
        return np.concatenate([features * self._scale, ones], axis=1)


def _epochs(photos: int) -> int:
    """Few photos are gone through more often, very many less: neither needs more steps."""
    steps = -(-photos // BATCH)
    return min(max(EPOCHS, -(-LEAST_STEPS // steps)), max(3, MOST_STEPS // steps))


def _scale(features: Features) -> np.float32:
    """Brings the components to an overall spread of 1, their proportions as they are."""
    return np.float32(1 / max(float(features.std()), 1e-6))


def _steps(places: npt.NDArray[np.int64], size: int) -> list[npt.NDArray[np.int64]]:
    return [places[start : start + size] for start in range(0, len(places), size)]
