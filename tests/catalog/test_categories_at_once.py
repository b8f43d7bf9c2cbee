"""Two people change the tree in the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.db import connection

from catalog import categories, category_photos
from catalog.errors import CategoryRule
from catalog.models import Category, CategoryExample, Role, User

from .. import factories
from ..slowly import beside, slowly

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def manager() -> User:
    return factories.user(Role.MANAGER)


def test_the_same_category_added_twice_at_once_is_there_once(manager: User) -> None:
    start = Barrier(4)

    def add(_number: int) -> str:
        start.wait()
        try:
            return categories.add(None, "Hats", by=manager).category.slug
        except CategoryRule as rule:
            return str(rule)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(add, range(4)))

    assert answers.count("hats") == 1
    assert sum("already" in answer for answer in answers) == 3
    assert Category.objects.count() == 1


def test_equal_slugs_made_at_once_are_all_different(manager: User) -> None:
    parents = [factories.category(name) for name in ("Men", "Men-Sport")]
    start = Barrier(2)

    def add(parent_and_name: tuple[Category, str]) -> str:
        start.wait()
        try:
            return categories.add(*parent_and_name, by=manager).category.slug
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        slugs = set(pool.map(add, [(parents[0], "Sport Shoes"), (parents[1], "Shoes")]))

    assert slugs == {"men-sport-shoes", "men-sport-shoes-2"}


def test_an_import_run_twice_at_once_makes_each_category_once() -> None:
    start = Barrier(2)

    def make(_number: int) -> int:
        start.wait()
        try:
            return categories.ensure_path(["Fashion", "Shirts"]).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        found = set(pool.map(make, range(2)))

    assert len(found) == 1
    assert Category.objects.count() == 2


def test_examples_chosen_twice_at_once_are_those_of_the_later_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hats, chosen = factories.category("Hats"), Event()
    photos = [factories.labelled_image(hats, stored=False) for _ in range(2)]
    examples = CategoryExample.objects
    monkeypatch.setattr(examples, "bulk_create", slowly(examples.bulk_create, chosen))

    def choose_the_other() -> None:
        chosen.wait(10)
        category_photos.choose_examples(hats, [photos[1].pk])

    with beside(choose_the_other) as later:
        category_photos.choose_examples(hats, [photos[0].pk])
        later.result(timeout=60)

    assert [example.image for example in hats.examples.all()] == [photos[1]]
