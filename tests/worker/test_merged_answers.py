"""A live version that learned a category before it was merged answers with what it counts as."""

from __future__ import annotations

import numpy as np
import pytest

from catalog import reshaping
from catalog.models import Role
from tests import factories
from worker.answers import Tree, as_counted

pytestmark = pytest.mark.django_db


def test_the_shares_of_what_was_merged_are_one_answer() -> None:
    manager = factories.user(Role.MANAGER)
    caps, hats, shoes = (factories.category(name) for name in ("Caps", "Hats", "Shoes"))
    answer = np.array([[0.4, 0.15, 0.45]], np.float32)

    change = reshaping.merge(caps, hats, by=manager)
    merged = Tree.now(["caps", "hats", "shoes"])
    (row,) = merged.masked(answer)

    assert [pk for pk, _ in merged.top(row)] == [hats.pk, shoes.pk]
    assert row == pytest.approx([0.55, 0.45])

    reshaping.undo(change, by=manager)
    parted = Tree.now(["caps", "hats", "shoes"])
    assert parted.top_slugs(parted.masked(answer)[0])[0][0] == "shoes"


def test_a_version_that_knows_only_the_merged_one_serves_the_target() -> None:
    caps, hats = (factories.category(name) for name in ("Caps", "Hats"))
    reshaping.merge(caps, hats, by=factories.user(Role.MANAGER))

    tree = Tree.now(["caps"])

    assert tree.slugs == ["hats"]
    assert tree.masked(np.array([[0.2]])).tolist() == [[1.0]]


def test_a_category_merged_into_one_that_was_retired_is_masked() -> None:
    from catalog import categories

    manager = factories.user(Role.MANAGER)
    caps, hats, shoes = (factories.category(name) for name in ("Caps", "Hats", "Shoes"))
    reshaping.merge(caps, hats, by=manager)
    categories.retire(hats, by=manager)

    assert Tree.now(["caps", "hats", "shoes"]).slugs == [shoes.slug]


def test_a_comparison_counts_merged_classes_as_one() -> None:
    found, classes = as_counted(np.array([[0.3, 0.3, 0.4]]), ["a", "b", "c"], {"a": "b"})

    assert classes == ["b", "c"]
    assert found == pytest.approx(np.array([[0.6, 0.4]]))
