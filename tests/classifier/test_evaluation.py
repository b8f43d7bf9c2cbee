from __future__ import annotations

import json

import numpy as np
import pytest

from classifier.evaluation import (
    expected_calibration_error,
    fit_temperature,
    macro_f1,
    negative_log_likelihood,
    report,
    softmax,
)

CLASSES = ["hats", "shirts", "shoes"]


def probabilities(*answers: str, confidence: float = 0.8) -> np.ndarray:
    rest = (1 - confidence) / (len(CLASSES) - 1)
    return np.array([[confidence if slug == a else rest for slug in CLASSES] for a in answers])


def test_a_report_counts_what_a_person_would_count() -> None:
    labels = ["hats", "hats", "hats", "shirts", "shoes"]
    result = report(probabilities("hats", "hats", "shirts", "shirts", "hats"), labels, CLASSES)
    assert result["images"] == 5
    assert result["accuracy"] == 0.6
    assert result["confusion"]["labels"] == CLASSES
    assert result["confusion"]["matrix"] == [[2, 1, 0], [0, 1, 0], [1, 0, 0]]
    hats = result["per_class"]["hats"]
    assert hats == {"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "support": 3}
    assert result["per_class"]["shoes"] == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1,
    }  # fmt: skip
    assert result["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)


def test_a_report_is_plain_json() -> None:
    result = report(probabilities("hats", "shoes"), ["hats", "boots"], CLASSES)
    assert json.loads(json.dumps(result)) == result


def test_a_category_the_model_does_not_know_counts_as_wrong_and_is_named() -> None:
    result = report(probabilities("hats", "shoes"), ["hats", "boots"], CLASSES)
    assert result["unknown_categories"] == ["boots"]
    assert result["accuracy"] == 0.5
    assert result["confusion"]["labels"] == [*CLASSES, "boots"]
    assert result["confusion"]["matrix"][3] == [0, 0, 1, 0]
    assert result["per_class"]["boots"]["support"] == 1


def test_no_photos_are_a_report_of_zeros() -> None:
    result = report(np.empty((0, 3)), [], CLASSES)
    assert (result["images"], result["accuracy"], result["ece"]) == (0, 0.0, 0.0)
    assert result["macro_f1"] == 0.0


def test_a_category_without_photos_does_not_lower_the_macro_f1() -> None:
    assert macro_f1(["hats", "hats"], ["hats", "hats"]) == 1.0


def test_calibration_error_of_a_case_worked_by_hand() -> None:
    # Bins of a fifth: two photos at 0.9 of which one is right, two at 0.7 both right.
    confidence = np.array([0.9, 0.9, 0.7, 0.7])
    correct = np.array([True, False, True, True])
    error = expected_calibration_error(confidence, correct, bins=5)
    assert error == pytest.approx(0.5 * abs(0.9 - 0.5) + 0.5 * abs(0.7 - 1.0))


def test_full_confidence_falls_in_the_last_bin() -> None:
    assert expected_calibration_error(np.array([1.0]), np.array([True])) == 0.0


def overconfident() -> tuple[np.ndarray, np.ndarray]:
    """Logits three times as sure as the labels drawn from them deserve."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (2000, 4))
    labels = np.array([generator.choice(4, p=p) for p in softmax(logits)])
    return 3 * logits, labels


def test_the_temperature_finds_how_overconfident_a_model_is() -> None:
    logits, labels = overconfident()
    assert fit_temperature(logits, labels) == pytest.approx(3, rel=0.1)


def test_the_temperature_makes_the_labels_likelier_and_the_confidence_honest() -> None:
    logits, labels = overconfident()
    cooled = logits / fit_temperature(logits, labels)
    assert negative_log_likelihood(cooled, labels) < negative_log_likelihood(logits, labels)

    def error(scores: np.ndarray) -> float:
        p = softmax(scores)
        return expected_calibration_error(p.max(axis=1), p.argmax(axis=1) == labels)

    assert error(cooled) < error(logits) / 3


def test_without_validation_photos_confidence_stays_as_it_is() -> None:
    assert fit_temperature(np.empty((0, 4)), np.empty(0, int)) == 1.0


def test_extreme_logits_give_finite_probabilities() -> None:
    assert np.isfinite(softmax(np.array([[1e4, 0.0, -1e4]]))).all()
