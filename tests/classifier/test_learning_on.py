"""A head that begins as an earlier one keeps what that knew and learns what is new."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from classifier.features import Embeddings, Features
from classifier.inheritance import (
    ENOUGH,
    FEW,
    HIGHEST,
    SINGLE,
    Ancestor,
    has_only_few_new,
    inherit,
    make_room,
    room_for,
    targets,
)
from classifier.network import build_head
from classifier.recipe import Recipe
from classifier.training import HeadResult, head_logits, train_head

RECIPE = Recipe(head_units=16, head_epochs=12, head_batch_size=16, head_learning_rate=3e-3)
NAMES = ("caps", "hats", "shoes")


def clouds(counts: dict[int, int], *, seed: int) -> tuple[Features, np.ndarray]:
    """`counts[column]` embeddings around the centre of each column."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(list(counts), list(counts.values()))
    centres = np.random.default_rng(99).random((3, 2048))
    rows = centres[labels][:, None] + 0.3 * generator.standard_normal((len(labels), 1, 2048))
    every = np.arange(len(labels))
    return Features(rows.astype(np.float16), every, every, {}), labels


@pytest.fixture(scope="module")
def ancestor() -> Ancestor:
    """Knows shoes and hats, in this order, and no caps."""
    features, labels = clouds({1: 20, 2: 20}, seed=0)
    trained = train_head(features, 2 - labels, classes=2, validation=None, recipe=RECIPE)
    return Ancestor(trained.head, ("shoes", "hats"))


def with_caps(ancestor: Ancestor, counts: dict[int, int], *, learns_on: bool = True) -> HeadResult:
    """What comes of the ancestor with so many photos of each category, caps among them."""
    features, labels = clouds(counts, seed=1)
    return train_head(
        features,
        labels,
        classes=3,
        validation=None,
        recipe=RECIPE,
        ancestor=ancestor,
        names=NAMES,
        learns_on=learns_on,
    )


def share_right(head: object, counts: dict[int, int]) -> float:
    unseen, labels = clouds(counts, seed=5)
    return float((head_logits(head, unseen.embeddings).argmax(axis=1) == labels).mean())


def test_it_answers_as_before_where_nothing_is_new(ancestor: Ancestor) -> None:
    features, labels = clouds({1: 20, 2: 20}, seed=1)
    head = build_head(2, units=16, dropout=0.5)

    inherit(head, ancestor, ("hats", "shoes"), features.embeddings, labels - 1)

    before = head_logits(ancestor.head, features.embeddings)
    np.testing.assert_allclose(head_logits(head, features.embeddings), before[:, ::-1], rtol=1e-5)


@pytest.mark.parametrize("learns_on", [True, False])
def test_what_was_given_room_keeps_it(ancestor: Ancestor, *, learns_on: bool) -> None:
    room = np.array([[0, 0], [1.5, 0]], np.float32)  # photos like hats gain for shoes
    roomy = build_head(2, units=16, dropout=0.5, room=True)
    roomy.set_weights([*ancestor.head.get_weights(), room])
    known = Ancestor(roomy, ancestor.classes)

    learned = with_caps(known, {0: 5, 1: 20, 2: 20}, learns_on=learns_on)

    expected = np.zeros((3, 3))
    expected[1, 2] = 1.5
    np.testing.assert_array_equal(learned.head.get_layer("room").get_weights()[0], expected)
    assert share_right(learned.head, {1: 20, 2: 20}) > 0.9


def test_a_new_category_is_guessed_before_anything_is_learned(ancestor: Ancestor) -> None:
    features, labels = clouds({0: 5, 1: 20, 2: 20}, seed=1)
    head = build_head(3, units=16, dropout=0.5)

    inherit(head, ancestor, NAMES, features.embeddings, labels)

    assert share_right(head, {1: 20, 2: 20}) > 0.9
    assert share_right(head, {0: 20}) > 0.2


def test_ten_photos_are_learned_and_the_others_kept(ancestor: Ancestor) -> None:
    learned = with_caps(ancestor, {0: 10, 1: 20, 2: 20})

    assert share_right(learned.head, {0: 20}) > 0.9
    assert share_right(learned.head, {1: 20, 2: 20}) > 0.9


def columns(counts: dict[int, int]) -> np.ndarray:
    return np.repeat(list(counts), list(counts.values()))


@pytest.mark.parametrize(
    ("up_to_date", "caps", "photos", "only_new"),
    [
        (True, FEW, ENOUGH, True),
        (True, FEW + 1, ENOUGH, False),  # enough of them to learn more from
        (True, FEW, ENOUGH - 1, False),  # too few photos to judge by how they may be raised
        (False, FEW, ENOUGH, False),  # people corrected what it knows
    ],
)
def test_a_few_photos_of_a_new_category_leave_the_others_as_they_are(
    ancestor: Ancestor, up_to_date: bool, caps: int, photos: int, only_new: bool
) -> None:
    before = replace(ancestor, is_up_to_date=up_to_date)
    labels, checks = columns({0: caps, 1: 20, 2: 20}), columns({-1: 5, 0: 3, 1: photos})

    assert has_only_few_new(before, NAMES, labels, checks) is only_new


def test_a_head_that_knows_every_category_learns_on(ancestor: Ancestor) -> None:
    before = replace(ancestor, is_up_to_date=True)
    labels = columns({0: 20, 1: 20})

    assert not has_only_few_new(before, ("hats", "shoes"), labels, columns({0: ENOUGH}))


def test_without_learning_on_the_answers_of_known_categories_stay(ancestor: Ancestor) -> None:
    learned = with_caps(ancestor, {0: 10, 1: 20, 2: 20}, learns_on=False)

    assert learned.history == {}
    assert share_right(learned.head, {0: 20}) > 0.9
    unseen, _ = clouds({0: 20, 1: 20, 2: 20}, seed=5)
    known = head_logits(learned.head, unseen.embeddings)[:, 1:]
    before = head_logits(ancestor.head, unseen.embeddings)[:, ::-1]
    np.testing.assert_allclose(known, before, rtol=1e-5)


def test_what_it_gets_wrong_has_its_label_as_the_target(ancestor: Ancestor) -> None:
    features, labels = clouds({1: 3, 2: 3}, seed=1)
    labels[0] = 2  # people say that this hat is a shoe

    wanted = targets(ancestor, NAMES, features.embeddings, labels)

    assert wanted[0].tolist() == [0, 0, 1]
    assert (wanted.argmax(axis=1) == labels).all()
    assert ((wanted[1:, 1:] > 0) & (wanted[1:, 1:] < 1)).any()
    np.testing.assert_allclose(wanted.sum(axis=1), 1, atol=2e-3)


def test_a_head_of_another_width_begins_anew(ancestor: Ancestor) -> None:
    features, labels = clouds({1: 20, 2: 20}, seed=1)
    wider = RECIPE.with_overrides(["head_units=24"])

    learned = train_head(
        features,
        labels - 1,
        classes=2,
        validation=None,
        recipe=wider,
        ancestor=ancestor,
        names=("hats", "shoes"),
    )

    assert learned.head.get_layer("hidden").units == 24


def against_new(margins: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels of photos of column 1, each so much surer of it than of the new column 0,
    and of two of column 2 that nothing could turn."""
    logits = [[0.0, margin, -9.0] for margin in margins] + [[0.0, -9.0, 99.0]] * 2
    return np.array(logits, np.float32), np.array([1] * len(margins) + [2, 2])


def shares(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Photos that look like their category alone."""
    alone: np.ndarray = np.eye(logits.shape[1], dtype=np.float32)[labels]
    return alone


@pytest.mark.parametrize(
    ("margins", "most"),
    [
        ([0.5] + [3.0] * 99, 3.0),  # one of a hundred, half a point of both categories
        ([0.5, 0.6] + [3.0] * 98, 0.6),  # a second one of this category
        ([0.5] * 3 + [3.0] * 97, 0.5),  # three at once would be too many
        ([9.0] * 100, HIGHEST),
        ([-1.0] + [3.0] * 99, 3.0),  # what is wrong already costs nothing
    ],
)
def test_a_new_category_is_raised_as_far_as_the_others_can_bear(
    margins: list[float], most: float
) -> None:
    logits, labels = against_new(margins)

    found = room_for(
        np.array([0]), logits, shares(logits, labels), labels, logits.argmax(axis=1)
    ).min()

    assert 0.95 * most <= found <= most


def test_where_no_photo_may_be_lost_it_is_raised_until_the_first_would_be() -> None:
    logits, labels = against_new([0.5] + [3.0] * 99)

    found = room_for(np.array([0]), logits, shares(logits, labels), labels, labels, most=0).min()

    assert 0.95 * 0.5 <= found <= 0.5


def test_what_learning_has_cost_the_others_counts_too() -> None:
    logits, labels = against_new([-1.0] + [3.0] * 49 + [5.0] * 50)

    room = room_for(np.array([0]), logits, shares(logits, labels), labels, labels)

    assert room.min() == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize(
    ("cost", "most", "raised"), [(1, 0, True), (2, 0, False), (2, 1, True), (3, 1, False)]
)
def test_where_learning_has_cost_a_category_much_nothing_is_raised(
    cost: int, most: int, *, raised: bool
) -> None:
    logits, labels = against_new([-1.0] * cost + [3.0] * (100 - cost))

    room = room_for(np.array([0]), logits, shares(logits, labels), labels, labels, most=most)

    assert room.any() == raised


def test_against_a_category_that_bears_more_it_is_raised_further() -> None:
    """Column 1 has a photo that bears 0.5, column 2 one that bears 0.9, column 3 any."""
    logits = np.full((120, 4), -9.0, np.float32)
    labels = np.repeat([1, 2, 3], 40)
    logits[:, 0] = 0.0
    logits[np.arange(120), labels] = 9.0
    logits[0, 1], logits[40, 2] = 0.5, 0.9

    room = room_for(np.array([0]), logits, shares(logits, labels), labels, labels, most=0)

    np.testing.assert_allclose(room, [0.5, 0.5, 0.9, SINGLE], rtol=0.05)


@pytest.mark.parametrize(("photos", "raised"), [(0, False), (ENOUGH - 1, False), (ENOUGH, True)])
def test_nothing_is_raised_where_few_photos_judge_it(photos: int, *, raised: bool) -> None:
    logits, labels = against_new([3.0] * ENOUGH)
    logits, labels = logits[:photos], labels[:photos]

    found = room_for(np.array([0]), logits, shares(logits, labels), labels, labels)

    assert found.any() == raised


def test_a_head_answers_new_categories_more_often_once_there_is_room(ancestor: Ancestor) -> None:
    features, labels = clouds({0: 2, 1: 20, 2: 20}, seed=1)
    head = build_head(3, units=16, dropout=0.5)
    inherit(head, ancestor, NAMES, features.embeddings, labels)
    layer = head.get_layer("logits")
    kernel, offsets = layer.get_weights()
    layer.set_weights([kernel, offsets - [4, 0, 0]])  # hardly ever answered
    checks, columns = clouds({1: ENOUGH // 2, 2: ENOUGH // 2}, seed=2)
    before = share_right(head, {0: 50})

    raised = make_room(head, ancestor, NAMES, checks.embeddings, columns)

    assert share_right(raised, {0: 50}) > before
    assert share_right(raised, {1: 50, 2: 50}) > 0.9


def reading_logits(classes: int) -> Any:
    """A head whose logits are the last numbers of the embedding, if they are not negative."""
    head = build_head(classes, units=classes, dropout=0.0)
    last = np.eye(2048, dtype=np.float32)[:, -classes:]
    head.set_weights([last, np.zeros(classes), np.eye(classes), np.zeros(classes)])
    return head


def test_room_costs_no_photo_that_looks_like_several_categories() -> None:
    logits = np.array([[0, 9, 0]] * 60 + [[0, 0, 9]] * 60 + [[5, 6.2, 6.1]])
    labels = np.array([1] * 60 + [2] * 60 + [1])
    rows = np.zeros((len(labels), 1, 2048), np.float16)
    rows[:, 0, -3:] = logits
    photos = Embeddings(rows, np.arange(len(labels)))
    known = Ancestor(reading_logits(2), NAMES[1:])

    raised = make_room(reading_logits(3), known, NAMES, photos, labels, most=0)

    answers = head_logits(raised, photos)
    assert answers.argmax(axis=1).tolist() == labels.tolist()
    assert answers[-1, 0] > 6  # raised until nearly so
    assert answers[60, 0] > answers[0, 0] + 0.2  # against what bears more, more
