"""Workers, reviewers, a merchant and a reclassification at once on the same few products: nobody
waits for ever, nothing contradicts itself afterwards."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.models import Max

from catalog import golive, lifecycle, products, queue, reclassify
from catalog.errors import CatalogError
from catalog.models import (
    Category,
    Decision,
    LabelState,
    MachineState,
    Prediction,
    Product,
    ProductImage,
    ReclassifyScope,
    Role,
    Serving,
    UnusableReason,
    User,
)
from tests import factories

ROUNDS = 12


def worker(name: str, dice: random.Random, categories: list[Category]) -> None:
    claims = lifecycle.claim(owner=name, limit=dice.choice([1, 4]))
    version = Serving.current().live
    assert version is not None
    failing = [c for c in claims if dice.random() < 0.1]
    for claim in failing:
        lifecycle.fail(claim, reason="unreadable")
    answers = [
        lifecycle.Answer(c, [(dice.choice(categories).pk, dice.random())], b"\0" * 4096)
        for c in claims
        if c not in failing
    ]
    dice.shuffle(answers)
    lifecycle.finish(answers, version=version)


def reviewer(by: User, dice: random.Random, categories: list[Category]) -> None:
    for image in queue.next_images(by, count=2):
        match dice.randrange(5):
            case 0:
                queue.skip(by, image)
            case 1:
                reason = UnusableReason.BLURRED
                lifecycle.decide_unusable(image, reason, by=by, revision=image.revision)
            case _:
                category = dice.choice(categories)
                lifecycle.decide_category(image, category, by=by, revision=image.revision)
    if (latest := Decision.objects.filter(by=by).first()) and dice.random() < 0.3:
        lifecycle.undo(latest, by=by)


def background(dice: random.Random, by: User) -> None:
    match dice.randrange(4):
        case 0:
            reclassify.start(ReclassifyScope.ALL)
        case 1:
            present = ProductImage.objects.present().order_by("?").first()
            if present and ProductImage.objects.present().count() > 12:
                lifecycle.withdraw(present, by=by)
        case _:
            reclassify.advance()


def at_once(acts: list[Callable[[], None]]) -> None:
    """Each act over and over in a thread and connection of its own. Refusals are part of life;
    anything else, a deadlock above all, fails the test."""
    gate = threading.Barrier(len(acts))

    def live(act: Callable[[], None]) -> None:
        try:
            gate.wait(10)
            for _ in range(ROUNDS):
                try:
                    act()
                except CatalogError:
                    continue
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(live, act) for act in acts]:
            done.result(timeout=60)


@pytest.mark.django_db(transaction=True)
def test_everybody_at_once_leaves_a_consistent_catalog(settings: Any) -> None:
    settings.REVIEW_RANDOM_SHARE = 0.3
    categories = [factories.category() for _ in range(3)]
    golive.promote_automatically(factories.version(), reason="first")
    merchant, manager = factories.merchant(), factories.user(Role.MANAGER)
    people = [factories.user(Role.REVIEWER) for _ in range(2)]
    for n in range(20):
        factories.image(stored=False, merchant=merchant, sku=f"S-{n % 5}")
    dice = [random.Random(n) for n in range(5)]

    at_once(
        [
            lambda: worker("w1", dice[0], categories),
            lambda: worker("w2", dice[1], categories),
            lambda: reviewer(people[0], dice[2], categories),
            lambda: reviewer(people[1], dice[3], categories),
            lambda: background(dice[4], manager),
        ]
    )

    for image in ProductImage.objects.all():
        decisions = image.decisions.order_by("revision")
        assert [d.revision for d in decisions] == list(range(1, image.revision + 1))
        latest = Prediction.objects.filter(image=image).aggregate(last=Max("id"))["last"]
        assert image.prediction_id == latest
        if image.disputed:
            assert image.label_state in {LabelState.CONFIRMED, LabelState.CORRECTED}
        if image.withdrawn_at:
            assert (image.machine, image.owner) == (MachineState.FAILED, "")
    before = list(Product.objects.order_by("pk").values_list("category_id", "category_checked"))
    products.refresh(Product.objects.values_list("pk", flat=True))
    after = list(Product.objects.order_by("pk").values_list("category_id", "category_checked"))
    assert before == after, "each product shows what its photos say"
