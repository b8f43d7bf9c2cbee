from __future__ import annotations

import json

import numpy as np
import pytest

from classifier.certainty import certainty, coverage, uncalibrated
from classifier.evaluation import softmax

CLASSES = ["hats", "shirts", "shoes"]


def overconfident(temperature: float) -> tuple[np.ndarray, list[str]]:
    """Calibrated probabilities of a network that claims `temperature` times too much."""
    generator = np.random.default_rng(0)
    probabilities = softmax(generator.normal(0, 2, (1500, 3)))
    return probabilities, [CLASSES[generator.choice(3, p=p)] for p in probabilities]


def test_a_report_says_how_far_off_the_confidence_was_before_calibration() -> None:
    probabilities, labels = overconfident(3)
    found = certainty(probabilities, labels, CLASSES, temperature=3)
    low, high = found["intervals"]["ece_before"]
    assert found["ece_before"] > 0.1
    assert low < found["ece_before"] < high
    assert found["ece_by_chance"]["high"] < 0.05
    assert sum(filled["images"] for filled in found["reliability"]) == 1500
    assert all(f["interval"][0] <= f["accuracy"] <= f["interval"][1] for f in found["reliability"])


def test_what_the_network_said_is_recovered_from_the_calibrated() -> None:
    logits = np.random.default_rng(1).normal(0, 3, (20, 4))
    assert np.allclose(uncalibrated(softmax(logits / 2.5), 2.5), softmax(logits))


def test_the_surest_answers_come_first() -> None:
    confidence = np.array([0.9, 0.4, 0.8, 0.6])
    correct = np.array([True, False, True, False])
    points = coverage(confidence, correct)
    assert [point["images"] for point in points] == [1, 2, 3, 4]
    assert [point["precision"] for point in points] == pytest.approx([1, 1, 2 / 3, 0.5])
    assert points[1]["threshold"] == 0.8
    assert points[-1]["coverage"] == 1


def test_a_curve_over_many_photos_stays_short() -> None:
    assert len(coverage(np.linspace(0, 1, 5000), np.ones(5000, bool))) == 40


def test_it_is_plain_json_and_so_it_is_without_photos() -> None:
    probabilities, labels = overconfident(2)
    for found in (
        certainty(probabilities[:9], labels[:9], CLASSES, temperature=2),
        certainty(np.empty((0, 3)), [], CLASSES, temperature=1),
    ):
        assert json.loads(json.dumps(found)) == found
