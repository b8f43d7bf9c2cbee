"""When the next run is due by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from catalog import learning
from catalog.models import (
    Category,
    Decision,
    Merchant,
    Origin,
    ProductImage,
    Role,
    RunMode,
    RunState,
    RunTrigger,
    Split,
    TrainingRun,
    User,
    VersionState,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_numbers(settings: Settings) -> None:
    settings.RETRAIN_MIN_CHANGED = 12
    settings.RETRAIN_MIN_SHARE = 0.02
    settings.RETRAIN_MIN_MINUTES = 30


@pytest.fixture
def reviewer() -> User:
    return factories.user(Role.REVIEWER)


@pytest.fixture
def two_categories() -> list[Category]:
    return [factories.category("Cups"), factories.category("Lamps")]


def label(categories: list[Category], count: int, by: User) -> None:
    merchant = factories.merchant()
    for number in range(count):
        _label_one(merchant, categories[number % len(categories)], by)


def _label_one(merchant: Merchant, category: Category, by: User) -> None:
    image = factories.image(merchant=merchant, stored=False, label_origin=Origin.CHOSEN)
    ProductImage.objects.filter(pk=image.pk).update(label_state="confirmed", label=category)
    image.product.split = Split.TRAIN
    image.product.save()
    Decision.objects.create(
        image=image, by=by, kind="confirm", category=category, revision=1, before_state="unlabelled"
    )


def test_too_few_changed_labels_start_nothing_and_the_page_says_how_many_are_missing(
    two_categories: list[Category], reviewer: User
) -> None:
    label(two_categories, 11, reviewer)

    assert learning.start_if_due() is None
    assert learning.why_not_yet() == "11 of 12 changed labels needed."


def test_enough_changed_labels_start_a_head_run(
    two_categories: list[Category], reviewer: User
) -> None:
    factories.version(state=VersionState.LIVE)
    label(two_categories, 12, reviewer)

    run = learning.start_if_due()

    assert run is not None
    assert (run.trigger, run.mode) == (RunTrigger.CORRECTIONS, RunMode.HEAD)
    assert learning.why_not_yet() == "A training run is under way."


def test_the_second_of_two_looks_starts_nothing(
    two_categories: list[Category], reviewer: User
) -> None:
    label(two_categories, 12, reviewer)
    learning.start_if_due()

    assert learning.start_if_due() is None
    assert TrainingRun.objects.count() == 1


def test_of_many_labels_two_percent_must_have_changed(
    two_categories: list[Category], reviewer: User, settings: Settings
) -> None:
    settings.RETRAIN_MIN_CHANGED = 1
    settings.RETRAIN_MIN_SHARE = 0.5
    label(two_categories, 12, reviewer)
    _ended(minutes_ago=60)
    label(two_categories, 4, reviewer)

    assert learning.why_not_yet() == "4 of 8 changed labels needed."


def test_a_run_that_ended_a_moment_ago_is_waited_out(
    two_categories: list[Category], reviewer: User
) -> None:
    _ended(minutes_ago=10)
    label(two_categories, 12, reviewer)

    assert "not before" in learning.why_not_yet()
    TrainingRun.objects.update(finished_at=timezone.now() - timedelta(minutes=31))
    assert learning.why_not_yet() == ""


def test_only_labels_since_the_last_run_count(
    two_categories: list[Category], reviewer: User
) -> None:
    label(two_categories, 12, reviewer)
    _ended(minutes_ago=60)

    assert learning.why_not_yet() == "0 of 12 changed labels needed."


def test_an_import_is_waited_for(two_categories: list[Category], reviewer: User) -> None:
    label(two_categories, 12, reviewer)
    latest = Decision.objects.order_by("-id")[:1].get()
    Decision.objects.filter(pk=latest.pk).update(kind="import")

    assert learning.start_if_due() is None
    assert "imported" in learning.why_not_yet()

    Decision.objects.filter(pk=latest.pk).update(at=timezone.now() - learning.IMPORT_SETTLES)
    assert learning.start_if_due() is not None


def test_one_category_is_not_enough(reviewer: User) -> None:
    label([factories.category("Cups")], 12, reviewer)

    assert learning.start_if_due() is None
    assert learning.start_nightly() is None
    assert learning.why_not_yet().startswith("1 of 2 categories")


def test_the_nightly_run_is_a_full_one(two_categories: list[Category], reviewer: User) -> None:
    label(two_categories, 12, reviewer)

    run = learning.start_nightly()

    assert run is not None
    assert (run.trigger, run.mode) == (RunTrigger.NIGHTLY, RunMode.FULL)


def test_a_nightly_tick_during_a_run_starts_no_second(
    two_categories: list[Category], reviewer: User
) -> None:
    label(two_categories, 12, reviewer)
    factories.run()

    assert learning.start_nightly() is None


def _ended(*, minutes_ago: int) -> TrainingRun:
    latest = Decision.objects.order_by("-id").first()
    return factories.run(
        state=RunState.SUCCEEDED,
        finished_at=timezone.now() - timedelta(minutes=minutes_ago),
        last_decision=latest.pk if latest else 0,
    )
