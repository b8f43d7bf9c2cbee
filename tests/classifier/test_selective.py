from __future__ import annotations

import json

import numpy as np
import pytest

from classifier.selective import Answers, certify, fewest_photos, selective

CLASSES = ["hats", "shoes"]


def answers(photos: int, *, seed: int = 0, wrong_below: float = 0.7) -> Answers:
    """Answers that are all right above a confidence, and right half of the time below."""
    generator = np.random.default_rng(seed)
    confidence = generator.uniform(0.5, 1, photos)
    correct = (confidence > wrong_below) | (generator.random(photos) < 0.5)
    return Answers(confidence, correct, [CLASSES[n % 2] for n in range(photos)])


def test_the_threshold_lies_where_answers_begin_to_go_wrong() -> None:
    given = answers(5000)
    found = certify(given.confidence, given.correct, target=0.98)
    assert found is not None
    assert 0.65 < found.value < 0.75
    assert found.right / found.images > 0.98


def test_too_few_photos_show_nothing_however_right_they_are() -> None:
    few = fewest_photos(0.98) - 1
    assert certify(np.linspace(0.5, 1, few), np.ones(few, bool), target=0.98) is None
    assert certify(np.empty(0), np.empty(0, bool), target=0.98) is None


def test_when_all_answers_are_right_enough_no_confidence_is_asked_for() -> None:
    found = certify(np.linspace(0.3, 1, 1000), np.ones(1000, bool), target=0.98)
    assert found is not None
    assert (found.value, found.images) == (0.0, 1000)


@pytest.mark.parametrize("target", [0.9, 0.98])
def test_a_promise_is_broken_no_more_often_than_once_in_twenty(target: float) -> None:
    generator = np.random.default_rng(0)
    broken = 0
    for _ in range(400):
        confidence = generator.random(800)
        correct = generator.random(800) < target  # never better than the target, at any threshold
        broken += certify(confidence, correct, target=target) is not None
    assert broken <= 0.05 * 400


def test_equal_confidences_stand_or_fall_together() -> None:
    confidence = np.repeat([0.9, 0.6], [300, 100])
    correct = np.repeat([True, False], [300, 100])
    found = certify(confidence, correct, target=0.95)
    assert found is not None
    assert (found.value, found.images) == (0.6, 300)


def test_categories_and_all_answers_together_are_reported_on_test() -> None:
    found = selective(answers(3000), answers(400, seed=1), targets=[0.95])
    [at] = found["targets"]
    assert at["pooled"]["images"] > 1500
    assert set(at["per_class"]) == set(CLASSES)
    hats = at["per_class"]["hats"]
    assert hats["of"] == 1500
    assert hats["test"]["of"] == 200
    assert 0 < hats["test"]["right"] <= hats["test"]["images"]
    assert json.loads(json.dumps(found)) == found


def test_a_category_of_few_answers_is_left_out_and_counted() -> None:
    found = selective(answers(250), answers(50, seed=1), targets=[0.98])
    assert found["targets"][0]["per_class"] == {}
    assert found["put_into"] == {"hats": 125, "shoes": 125}


def test_probabilities_become_answers_and_an_unknown_category_is_wrong() -> None:
    given = Answers.of(np.array([[0.8, 0.2], [0.3, 0.7]]), ["hats", "boots"], CLASSES)
    assert given.predicted == ["hats", "shoes"]
    assert given.correct.tolist() == [True, False]
    assert selective(given, given)["targets"][0]["pooled"] is None
