"""No model goes live unless it proved itself on photos it never trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from classifier.gate import (
    GateInput,
    GateVerdict,
    gate,
    mcnemar_one_sided,
    paired_bootstrap_macro_f1,
    significance,
)

CLASSES = ["hats", "pants", "shirts", "shoes"]
LABELS = [slug for slug in CLASSES for _ in range(15)]
NAMES = {"hats": "Hats", "pants": "Trousers", "shirts": "Shirts", "shoes": "Shoes"}


def answers(wrong: dict[str, int], *, labels: Sequence[str] = LABELS) -> GateInput:
    """Right everywhere but on the first `wrong[slug]` photos of a category."""
    left = dict(wrong)
    predicted = []
    for label in labels:
        if left.get(label, 0) > 0:
            left[label] -= 1
            predicted.append(CLASSES[(CLASSES.index(label) + 1) % len(CLASSES)])
        else:
            predicted.append(label)
    return GateInput(predicted, CLASSES)


def judge(candidate: GateInput, live: GateInput | None) -> GateVerdict:
    return gate(candidate, live, labels=LABELS, names=NAMES)


def test_a_better_model_goes_live() -> None:
    verdict = judge(answers({"hats": 1}), answers({"hats": 4, "shoes": 3}))
    assert verdict.promote
    assert not verdict.waits
    assert "60 test photos" in verdict.reason


def test_an_equal_model_goes_live() -> None:
    assert judge(answers({"hats": 3}), answers({"hats": 3})).promote


def test_a_model_trained_on_shuffled_labels_is_rejected() -> None:
    shuffled = list(np.random.default_rng(0).permutation(LABELS))
    verdict = judge(GateInput(shuffled, CLASSES), answers({"hats": 3}))
    assert not verdict.promote
    assert not verdict.waits
    assert "Overall it may be worse" in verdict.reason


def test_shuffled_labels_are_no_first_model_either() -> None:
    shuffled = list(np.random.default_rng(0).permutation(LABELS))
    verdict = judge(GateInput(shuffled, CLASSES), None)
    assert not verdict.promote
    assert not verdict.waits
    assert "commonest category" in verdict.reason


def test_a_category_that_got_worse_blocks_a_model_that_is_better_overall() -> None:
    live = answers({"hats": 8, "shirts": 8, "shoes": 8})
    verdict = judge(answers({"pants": 6}), live)
    assert verdict.details["macro_f1_lower_bound"] > 0
    assert not verdict.promote
    assert verdict.reason == "Trousers lost 6 photos it used to get right."


def test_a_loss_that_may_be_chance_does_not_block() -> None:
    verdict = judge(answers({"pants": 4}), answers({"hats": 9, "shoes": 9}))
    assert verdict.promote


MANY = [f"kind-{n:02}" for n in range(30)]


def many(flips: dict[str, tuple[int, int]], photos: int) -> GateVerdict:
    """Thirty categories of so many photos each; `flips` has those that lost and those that won."""
    labels = [slug for slug in MANY for _ in range(photos)]
    old, new = [], []
    for slug in MANY:
        lost, won = flips.get(slug, (0, 0))
        kept = photos - lost - won
        old += [slug] * lost + ["other"] * won + [slug] * kept
        new += ["other"] * lost + [slug] * won + [slug] * kept
    return gate(GateInput(new, MANY), GateInput(old, MANY), labels=labels)


def test_one_of_many_categories_may_lose_by_chance_what_a_single_one_may_not() -> None:
    by_chance = dict.fromkeys(MANY, (6, 6)) | {"kind-07": (9, 2)}
    assert many(by_chance, 500).promote


def test_a_category_that_truly_lost_blocks_among_many_that_did_not() -> None:
    changing = dict.fromkeys(MANY, (2, 2))
    verdict = many(changing | {"kind-07": (10, 0)}, 50)
    assert not verdict.promote
    assert verdict.reason.startswith("kind-07 lost 10 photos it used to get right")


def test_among_many_photos_a_certain_loss_may_be_too_small_to_count() -> None:
    assert many({"kind-07": (9, 0)}, 500).promote
    assert not many({"kind-07": (10, 0)}, 500).promote


def test_categories_in_which_too_little_changed_to_show_a_loss_do_not_count_as_many() -> None:
    assert significance([1] * 99 + [5]) == 0.05
    assert not many({"kind-07": (5, 0)}, 50).promote


def test_the_more_categories_may_have_lost_the_surer_a_loss_must_be() -> None:
    assert significance([]) == significance([12]) == significance([12, 12]) == 0.05
    assert significance([12] * 30) == pytest.approx(0.1 / 30)


def test_a_category_the_new_model_does_not_know_is_lost() -> None:
    candidate = answers({"pants": 15})
    verdict = judge(
        GateInput(candidate.predicted, ["hats", "shirts", "shoes"]),
        answers({"pants": 13, "hats": 12, "shoes": 12}),
    )
    assert not verdict.promote
    assert "Trousers is unknown to the new model: it lost 2 photos" in verdict.reason


def test_a_category_the_live_model_lacks_counts_as_wrong_for_it_and_never_blocks() -> None:
    live = answers({"shoes": 15})
    live = GateInput(live.predicted, ["hats", "pants", "shirts"])
    verdict = judge(answers({"shoes": 10}), live)
    assert verdict.promote
    assert verdict.details["macro_f1_difference"] > 0
    assert "shoes" not in verdict.details["categories"]


def test_few_test_photos_wait_for_a_manager() -> None:
    labels = LABELS[::3][:29]
    perfect = answers({}, labels=labels)
    for live in (None, perfect):
        verdict = gate(perfect, live, labels=labels)
        assert not verdict.promote
        assert verdict.waits
        assert "Not enough evidence: 20 test photos" in verdict.reason


def test_no_test_photos_wait_for_a_manager() -> None:
    assert gate(GateInput([], CLASSES), None, labels=[]).waits


def test_a_first_model_that_beats_the_commonest_category_goes_live() -> None:
    verdict = judge(answers({"hats": 5}), None)
    assert verdict.promote
    assert "92% of 60 test photos" in verdict.reason


def test_always_answering_the_commonest_category_is_not_enough() -> None:
    labels = ["hats"] * 40 + ["shoes"] * 20
    verdict = gate(GateInput(["hats"] * 60, CLASSES), None, labels=labels)
    assert not verdict.promote


def test_the_same_photos_give_the_same_verdict() -> None:
    candidate, live = answers({"hats": 3}), answers({"shoes": 3})
    assert judge(candidate, live) == judge(candidate, live)


@pytest.mark.parametrize(
    ("lost", "won", "p"), [(0, 0, 1.0), (5, 0, 1 / 32), (4, 0, 1 / 16), (3, 1, 5 / 16)]
)
def test_mcnemar_is_the_exact_binomial(lost: int, won: int, p: float) -> None:
    assert mcnemar_one_sided(lost, won) == pytest.approx(p)


def test_the_bootstrap_bound_lies_below_the_difference_it_surrounds() -> None:
    better, worse = answers({"hats": 2}), answers({"hats": 6, "shoes": 3})
    difference, lower = paired_bootstrap_macro_f1(better.predicted, worse.predicted, LABELS)
    assert 0 < lower < difference
    opposite, opposite_lower = paired_bootstrap_macro_f1(worse.predicted, better.predicted, LABELS)
    assert opposite == pytest.approx(-difference)
    assert opposite_lower < -difference
