"""Workers, reviewers, a merchant, a product list and a reclassification at once on the same few
products: nobody waits for ever, nothing contradicts itself afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.models import Max

from catalog import golive, lifecycle, product_list, products, queue, reclassify
from catalog.errors import CatalogError
from catalog.lifecycle import disputes
from catalog.models import (
    Category,
    Decision,
    LabelState,
    MachineState,
    Merchant,
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
from tests.slowly import beside

ROUNDS = 12


def worker(name: str, dice: random.Random, categories: list[Category]) -> None:
    claims = lifecycle.claim(owner=name, limit=dice.choice([1, 4]))
    version = Serving.current().live
    assert version is not None
    failing = [c for c in claims if dice.random() < 0.1]
    for claim in failing:
        lifecycle.fail(claim, reason="unreadable")
    if dice.random() < 0.2:
        lifecycle.release([c for c in claims if c not in failing])
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
    own = ProductImage.objects.filter(reviewer=by).order_by("?")
    shown = list(own.values_list("pk", flat=True))
    match dice.randrange(4):
        case 0:
            queue.release(by, shown)
        case 1 | 2:
            queue.renew(by, shown)
    if (latest := Decision.objects.filter(by=by).first()) and dice.random() < 0.3:
        lifecycle.undo(latest, by=by)


def background(dice: random.Random, by: User, merchant: Merchant) -> None:
    match dice.randrange(5):
        case 0:
            names = ProductImage.objects.order_by("?").values_list("original_name", flat=True)[:5]
            lines = "".join(f"{name},S-{dice.randrange(8)}\n" for name in names)
            found = product_list.read(f"file,sku\n{lines}".encode())
            product_list.apply(found, merchant=merchant)
        case 4:
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
            lambda: background(dice[4], manager, merchant),
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


@pytest.mark.django_db(transaction=True)
def test_a_decision_that_disputes_another_photo_and_a_reclassification_both_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The decision holds the second photo when it comes to the first; the job wants both."""
    shirts, hats, by = factories.category(), factories.category(), factories.user(Role.REVIEWER)
    product = factories.product()
    columns: dict[str, Any] = {"merchant": product.merchant, "sku": product.sku, "stored": False}
    first = factories.labelled_image(shirts, by, **columns)
    second = factories.answered_image(shirts, **columns)
    reclassify.start(ReclassifyScope.ALL)
    at_the_first, settle = threading.Event(), disputes.settle

    def slowly(*arguments: Any, **named: Any) -> None:
        at_the_first.set()
        time.sleep(0.3)
        settle(*arguments, **named)

    def advance() -> int:
        at_the_first.wait(10)
        return reclassify.advance()

    monkeypatch.setattr(disputes, "settle", slowly)
    with beside(advance) as queued:
        lifecycle.decide_category(second, hats, by=by, revision=second.revision)

        assert queued.result(timeout=60) == 2
    first.refresh_from_db()
    assert (first.disputed, first.machine) == (True, MachineState.PENDING)


@pytest.mark.django_db(transaction=True)
def test_a_product_list_and_a_worker_at_a_photo_that_came_while_the_list_waited_both_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The list would hold the photo when it comes to its product; the worker has that and wants the
    photo."""
    shirts, merchant = factories.category(), factories.merchant()
    version = factories.version()
    golive.promote_automatically(version, reason="first")
    lock_of, refresh = products.lock_of, products.refresh
    patience = 10 if connection.features.has_select_for_update else 0  # SQLite lets one at it
    waiting, arrived, moved = threading.Event(), threading.Event(), threading.Event()

    def slowly(image_ids: Any, **named: Any) -> None:
        lock_of(image_ids, **named)
        if not waiting.is_set():
            waiting.set()
            arrived.wait(patience)

    def late(product_ids: Any) -> None:
        if arrived.is_set() and not moved.is_set():
            moved.set()
            time.sleep(0.3)
        refresh(product_ids)

    def apply() -> None:
        product_list.apply(product_list.read(b"file,sku\nlate.jpg,S-1"), merchant=merchant)

    monkeypatch.setattr(products, "lock_of", slowly)
    monkeypatch.setattr(products, "refresh", late)
    with beside(apply) as applied:
        waiting.wait(10)
        factories.answered_image(shirts, stored=False, merchant=merchant, name="late.jpg")
        lifecycle.requeue(ProductImage.objects.all())
        claims = lifecycle.claim(owner="worker", limit=1)
        arrived.set()
        moved.wait(patience)
        answers = [lifecycle.Answer(claim, [(shirts.pk, 0.9)], None) for claim in claims]
        lifecycle.finish(answers, version=version)
        applied.result(timeout=60)

    assert ProductImage.objects.get().machine == MachineState.CLASSIFIED
