from __future__ import annotations

import numpy as np
import pytest

from classifier.evaluation import confusion
from classifier.intervals import (
    at_least,
    calibration_error_by_chance,
    calibration_interval,
    f1_interval,
    lower_bound,
    macro_f1_interval,
    per_class_intervals,
    wilson,
)

CLASSES = ["hats", "shoes"]


def test_the_interval_of_a_share_is_the_published_one() -> None:
    assert wilson(8, 10) == pytest.approx([0.4902, 0.9433], abs=1e-4)


def test_no_photos_leave_everything_possible() -> None:
    assert wilson(0, 0) == [0.0, 1.0]
    assert macro_f1_interval(confusion([], [], CLASSES)) == [0.0, 1.0]
    assert calibration_interval(np.empty(0), np.empty(0, bool)) == [0.0, 1.0]


def test_all_right_of_few_is_no_certainty() -> None:
    low, high = f1_interval(hits=5, claimed=5, support=5)
    assert low < 0.75
    assert high == pytest.approx(1.0)


def test_each_category_has_intervals_around_its_figures() -> None:
    labels = ["hats"] * 10 + ["shoes"] * 10
    predicted = ["hats"] * 8 + ["shoes"] * 12
    found = per_class_intervals(confusion(predicted, labels, CLASSES))
    assert found["hats"]["precision"] == wilson(8, 8)
    assert found["hats"]["recall"] == wilson(8, 10)
    low, high = found["hats"]["f1"]
    assert low < 16 / 18 < high


def test_the_interval_of_the_macro_f1_narrows_with_more_photos() -> None:
    labels = ["hats"] * 10 + ["shoes"] * 10
    predicted = ["hats"] * 8 + ["shoes"] * 12
    few = macro_f1_interval(confusion(predicted, labels, CLASSES))
    many = macro_f1_interval(confusion(predicted * 20, labels * 20, CLASSES))
    assert few[0] < many[0] < 0.9 < many[1] < few[1]


def test_the_interval_of_a_calibration_error_reaches_down_to_an_honest_model() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.4, 1, 400)
    honest = generator.random(400) < confidence
    boastful = generator.random(400) < confidence - 0.25
    assert calibration_interval(confidence, honest)[0] < 0.02
    low, high = calibration_interval(confidence, boastful)
    assert low < 0.25 < high
    assert low > 0.1


def test_chance_alone_shows_less_error_on_more_photos() -> None:
    few = calibration_error_by_chance(np.full(100, 0.8))
    many = calibration_error_by_chance(np.full(10_000, 0.8))
    assert many["high"] < few["mean"] < few["high"]


def test_the_tail_of_a_binomial_is_exact() -> None:
    assert at_least(149, 149, 0.98) == pytest.approx(0.98**149)
    assert at_least(2, 3, 0.5) == pytest.approx(0.5)
    assert at_least(0, 5, 0.3) == 1.0


def test_the_lower_bound_is_the_share_that_could_still_have_given_so_many() -> None:
    bound = lower_bound(45, 50, risk=0.05)
    assert at_least(45, 50, bound) == pytest.approx(0.05)
    assert lower_bound(0, 50, risk=0.05) == 0.0
    assert lower_bound(60_000, 100_000, risk=0.05) == pytest.approx(0.5974, abs=1e-3)
