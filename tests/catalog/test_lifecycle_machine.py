"""What the worker may do to an image, and what it may not."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from catalog import lifecycle
from catalog.errors import NotAllowed
from catalog.lifecycle import Answer, Claim
from catalog.models import (
    Embedding,
    LabelState,
    MachineState,
    ModelVersion,
    Prediction,
    Priority,
    ProductImage,
    Role,
    Serving,
    UnusableReason,
    VersionState,
)
from tests import factories

pytestmark = pytest.mark.django_db
LABEL_FIELDS = [
    "label_state",
    "label_id",
    "unusable_reason",
    "label_origin",
    "labelled_at",
    "revision",
    "disputed",
    "split_conflict",
    "drawn",
    "reviewer_id",
]


@pytest.fixture
def live() -> ModelVersion:
    return factories.version(state=VersionState.LIVE)


def waiting(**columns: Any) -> ProductImage:
    return factories.image(stored=False, **columns)


def take(owner: str = "w1", limit: int = 32, **more: int) -> list[Claim]:
    return lifecycle.claim(owner=owner, limit=limit, **more)


def ids(claims: list[Claim]) -> list[int]:
    return [c.image_id for c in claims]


def lapse(*claims: Claim) -> None:
    """The lease runs out, as if the worker had died."""
    past = timezone.now() - timedelta(seconds=1)
    ProductImage.objects.filter(pk__in=ids(list(claims))).update(lease_until=past)


def answer(claim: Claim, *top: tuple[int, float]) -> Answer:
    return Answer(claim, list(top) or [(factories.category().pk, 0.9)], b"\0" * 4096)


def fresh(image: ProductImage) -> ProductImage:
    return ProductImage.objects.get(pk=image.pk)


def test_uploads_come_before_retries_before_background_and_older_first(live: ModelVersion) -> None:
    background, retry, second, first = (
        waiting(priority=p)
        for p in (Priority.BACKGROUND, Priority.RETRY, Priority.UPLOAD, Priority.UPLOAD)
    )

    assert ids(take()) == [second.pk, first.pk, retry.pk, background.pk]


def test_a_claim_takes_no_more_than_asked_and_says_who_holds_what(live: ModelVersion) -> None:
    images = [waiting() for _ in range(3)]

    claims = take(limit=2)

    assert claims == [Claim(i.pk, "originals/absent.jpg", "w1", 1) for i in images[:2]]
    held = fresh(images[0])
    assert (held.machine, held.owner, held.attempts) == (MachineState.CLASSIFYING, "w1", 1)
    left = held.lease_until - timezone.now() if held.lease_until else timedelta()
    assert timedelta(0) < left <= timedelta(seconds=settings.CLASSIFY_LEASE_SECONDS)
    assert ids(take("w2")) == [images[2].pk]


def test_without_a_live_version_nothing_is_claimed_and_no_attempt_spent() -> None:
    image = waiting()
    Serving.current()

    assert take() == []
    assert (fresh(image).machine, fresh(image).attempts) == (MachineState.PENDING, 0)


def test_a_running_lease_is_left_alone(live: ModelVersion) -> None:
    waiting()
    take("w1")

    assert take("w2") == []


def test_photos_of_a_dead_worker_come_back_one_at_a_time(live: ModelVersion) -> None:
    images = [waiting() for _ in range(3)]
    lapse(*take("dead"))
    images.append(waiting())

    claims = [take("w2") for _ in range(4)]

    assert [ids(c) for c in claims] == [[i.pk] for i in images]
    assert [c[0].attempts for c in claims] == [2, 2, 2, 1]


def test_a_background_photo_of_a_dead_worker_waits_behind_uploads(live: ModelVersion) -> None:
    background = waiting(priority=Priority.BACKGROUND)
    lapse(*take("dead"))
    uploads = [waiting(), waiting()]

    assert ids(take()) == [i.pk for i in uploads]
    assert ids(take()) == [background.pk]


def test_a_released_second_attempt_still_comes_alone(live: ModelVersion) -> None:
    image = waiting()
    lapse(*take("dead"))
    lifecycle.release(take("w2"))
    others = [waiting(), waiting()]

    assert fresh(image).machine == MachineState.PENDING
    assert ids(take("w2")) == [image.pk]
    assert ids(take("w2")) == [i.pk for i in others]


def test_a_photo_that_kills_its_worker_five_times_fails_with_a_reason(live: ModelVersion) -> None:
    image = waiting()
    for _ in range(settings.CLASSIFY_MAX_ATTEMPTS):
        (claim,) = take()
        lapse(claim)

    assert take() == []
    failed = fresh(image)
    assert failed.machine == MachineState.FAILED
    assert failed.failure == "The worker stopped 5 times on this photo."
    assert (failed.owner, failed.lease_until) == ("", None)


def test_a_withdrawn_photo_is_never_claimed(live: ModelVersion) -> None:
    image = waiting()
    lifecycle.withdraw(image, by=factories.user(Role.MANAGER))

    assert take() == []


def test_finishing_writes_the_answer_the_history_and_the_embedding(live: ModelVersion) -> None:
    image, shirts, shoes = waiting(), factories.category("Shirts"), factories.category("Shoes")
    (claim,) = take()

    done = lifecycle.finish([answer(claim, (shirts.pk, 0.7), (shoes.pk, 0.3))], version=live)

    assert done == 1
    image = fresh(image)
    assert image.machine == MachineState.CLASSIFIED
    assert (image.predicted, image.confidence, image.version) == (shirts, 0.7, live)
    assert (image.owner, image.lease_until, image.attempts) == ("", None, 0)
    prediction = Prediction.objects.get(image=image)
    assert image.prediction == prediction
    assert prediction.top == [[shirts.pk, 0.7], [shoes.pk, 0.3]]
    embedding = Embedding.objects.get(image=image)
    assert (embedding.backbone_id, len(embedding.vector)) == (live.backbone_id, 4096)
    image.product.refresh_from_db()
    assert (image.product.category, image.product.category_checked) == (shirts, False)


def test_answering_again_appends_to_the_history_and_replaces_the_embedding(
    live: ModelVersion,
) -> None:
    image = waiting()
    for confidence in (0.4, 0.6):
        (claim,) = take()
        lifecycle.finish([answer(claim, (factories.category().pk, confidence))], version=live)
        lifecycle.requeue(ProductImage.objects.all())

    assert [p.confidence for p in Prediction.objects.order_by("id")] == [0.4, 0.6]
    assert Embedding.objects.filter(image=image).count() == 1


def test_a_worker_paused_past_its_lease_writes_nothing(live: ModelVersion) -> None:
    image, other = waiting(), waiting()
    slow, fine = take("slow")
    lapse(slow)
    (again,) = take("quick")
    lifecycle.finish([answer(again, (factories.category("Right").pk, 0.8))], version=live)

    done = lifecycle.finish(
        [answer(slow, (factories.category("Late").pk, 0.9)), answer(fine)], version=live
    )

    assert done == 1
    assert str(fresh(image).predicted) == "Right"
    assert Prediction.objects.filter(image=image).count() == 1
    assert fresh(other).machine == MachineState.CLASSIFIED
    assert lifecycle.fail(slow, reason="late") is False
    assert lifecycle.release([slow]) == 0


def test_an_answer_that_comes_after_a_withdrawal_is_dropped(live: ModelVersion) -> None:
    image = waiting()
    (claim,) = take()
    lifecycle.withdraw(image, by=factories.user(Role.MANAGER))

    assert lifecycle.finish([answer(claim)], version=live) == 0
    assert not Embedding.objects.exists()


def test_a_bad_photo_fails_alone(live: ModelVersion) -> None:
    bad, good = waiting(), waiting()
    first, second = take()

    assert lifecycle.fail(first, reason="The file is damaged. " * 50)
    lifecycle.finish([answer(second)], version=live)

    assert fresh(bad).machine == MachineState.FAILED
    assert fresh(bad).failure.startswith("The file is damaged.")
    assert fresh(good).machine == MachineState.CLASSIFIED


def test_a_released_photo_keeps_its_attempts(live: ModelVersion) -> None:
    image = waiting()

    assert lifecycle.release(take()) == 1

    assert (fresh(image).machine, fresh(image).attempts) == (MachineState.PENDING, 0)
    assert ids(take()) == [image.pk]


def test_a_failed_photo_can_be_tried_again_and_no_other(live: ModelVersion) -> None:
    image = waiting()
    (claim,) = take()
    lifecycle.fail(claim, reason="unreadable")

    lifecycle.retry(image)

    tried = fresh(image)
    assert (tried.machine, tried.priority) == (MachineState.PENDING, Priority.RETRY)
    assert (tried.failure, tried.attempts) == ("", 0)
    with pytest.raises(NotAllowed, match="Only a failed photo"):
        lifecycle.retry(image)


def test_requeueing_takes_answered_and_failed_photos_and_keeps_their_answer(
    live: ModelVersion,
) -> None:
    shirts = factories.category()
    answered = factories.answered_image(shirts, 0.7, stored=False)
    failed = waiting(machine=MachineState.FAILED, failure="unreadable")
    gone = waiting(machine=MachineState.FAILED, withdrawn_at=timezone.now())
    waiting()

    assert lifecycle.requeue(ProductImage.objects.all()) == 2

    answered = fresh(answered)
    assert (answered.machine, answered.priority) == (MachineState.PENDING, Priority.BACKGROUND)
    assert (answered.predicted, answered.confidence) == (shirts, 0.7)
    assert fresh(failed).machine == MachineState.PENDING
    assert fresh(gone).machine == MachineState.FAILED


@pytest.mark.parametrize(
    "columns",
    [
        {"machine": MachineState.CLASSIFYING},
        {"machine": MachineState.CLASSIFYING, "owner": "w1"},
        {"owner": "w1"},
        {"lease_until": timezone.now()},
        {"label_state": LabelState.CONFIRMED},
        {"label_state": LabelState.UNUSABLE},
        {"unusable_reason": "blurred"},
    ],
)
def test_the_database_refuses_half_a_state(columns: dict[str, Any]) -> None:
    image = waiting()

    with pytest.raises(IntegrityError), transaction.atomic():
        ProductImage.objects.filter(pk=image.pk).update(**columns)


def test_the_database_refuses_a_label_without_its_state() -> None:
    image, category = waiting(), factories.category()

    with pytest.raises(IntegrityError), transaction.atomic():
        ProductImage.objects.filter(pk=image.pk).update(label=category)


def test_the_database_refuses_the_same_bytes_twice_for_a_merchant() -> None:
    image = waiting()

    with pytest.raises(IntegrityError), transaction.atomic():
        waiting(merchant=image.merchant, sha256=image.sha256)


@pytest.mark.parametrize("confidence", [-0.1, 1.1])
def test_the_database_refuses_a_confidence_that_is_no_probability(
    live: ModelVersion, confidence: float
) -> None:
    image, category = waiting(), factories.category()

    with pytest.raises(IntegrityError), transaction.atomic():
        Prediction.objects.create(
            image=image, version=live, category=category, confidence=confidence, top=[]
        )


def random_steps(seed: int, live: ModelVersion) -> Iterator[str]:
    """A worker's life, drawn at random; yields the name of each step taken."""
    dice, held = random.Random(seed), []
    category = factories.category()
    for _ in range(25):
        step = dice.choice(["claim", "finish", "fail", "release", "lapse", "retry", "requeue"])
        match step:
            case "claim":
                held += take(dice.choice(["w1", "w2"]), dice.choice([1, 3]))
            case "finish" if held:
                chosen = [held.pop(dice.randrange(len(held))) for _ in range(min(2, len(held)))]
                answers = [answer(c, (category.pk, dice.random())) for c in chosen]
                lifecycle.finish(answers, version=live)
            case "fail" if held:
                lifecycle.fail(held.pop(), reason="unreadable")
            case "release" if held:
                lifecycle.release([held.pop()])
            case "lapse" if held:
                lapse(dice.choice(held))
            case "retry":
                for image in ProductImage.objects.filter(machine=MachineState.FAILED):
                    lifecycle.retry(image)
            case "requeue":
                lifecycle.requeue(ProductImage.objects.filter(pk__gt=0))
        yield step


@pytest.mark.parametrize("seed", range(4))
def test_no_machine_step_touches_what_people_decided(live: ModelVersion, seed: int) -> None:
    shirts, by = factories.category(), factories.user(Role.REVIEWER)
    labelled = factories.labelled_image(shirts, by, stored=False)
    unusable, none_fits, untouched = (waiting() for _ in range(3))
    lifecycle.decide_unusable(unusable, UnusableReason.BLURRED, by=by, revision=0)
    lifecycle.decide_none_of_these(none_fits, by=by, revision=0)
    everything = ProductImage.objects.order_by("pk").values_list(*LABEL_FIELDS)
    before, history = list(everything), 0

    for step in random_steps(seed, live):
        assert list(everything) == before, step
        assert Prediction.objects.count() >= history, "predictions are append-only"
        history = Prediction.objects.count()

    assert labelled.decisions.count() == 1
    assert not untouched.decisions.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_hold_the_same_photo() -> None:
    factories.version(state=VersionState.LIVE)
    for _ in range(60):
        waiting()
    gate = threading.Barrier(3)

    def work(owner: str) -> list[int]:
        mine: list[int] = []
        try:
            gate.wait(10)
            while claims := take(owner, 7):
                mine += ids(claims)
        finally:
            connection.close()
        return mine

    with ThreadPoolExecutor(3) as pool:
        taken = [pk for mine in pool.map(work, ["w1", "w2", "w3"]) for pk in mine]

    assert len(taken) == len(set(taken)) == 60


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_that_finish_the_same_photo_one_writes() -> None:
    live = factories.version(state=VersionState.LIVE)
    image, category = waiting(), factories.category()
    (first,) = take("w1")
    lapse(first)
    (second,) = take("w2")
    gate = threading.Barrier(2)

    def finish(claim: Claim) -> int:
        try:
            gate.wait(10)
            return lifecycle.finish([answer(claim, (category.pk, 0.5))], version=live)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        written = list(pool.map(finish, [first, second]))

    assert written == [0, 1]
    assert Prediction.objects.filter(image=image).count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_comes_while_a_label_is_written_leaves_the_label_on_the_product() -> None:
    """Had it worked the product's category out from what was committed before, it would overwrite
    the label's."""
    live = factories.version(state=VersionState.LIVE)
    suggested, chosen = factories.category("Suggested"), factories.category("Chosen")
    merchant, by = factories.merchant(), factories.user(Role.REVIEWER)
    labelled = waiting(merchant=merchant, sku="S-1", machine=MachineState.FAILED)
    waiting(merchant=merchant, sku="S-1")
    (claim,) = take()

    def finish() -> None:
        try:
            lifecycle.finish([answer(claim, (suggested.pk, 0.9))], version=live)
        finally:
            connection.close()

    worker = threading.Thread(target=finish)
    with transaction.atomic():
        lifecycle.decide_category(labelled, chosen, by=by, revision=0)
        worker.start()
        worker.join(timeout=0.5)
    worker.join()

    product = fresh(labelled).product
    assert (product.category, product.category_checked) == (chosen, True)


def test_photos_nobody_waits_for_come_a_few_at_a_time(live: ModelVersion) -> None:
    background = [waiting(priority=Priority.BACKGROUND) for _ in range(5)]

    assert [c.image_id for c in take(background_limit=2)] == [i.pk for i in background[:2]]

    urgent = [waiting(), *(waiting(priority=Priority.RETRY) for _ in range(2))]
    assert [c.image_id for c in take(background_limit=2)] == [i.pk for i in urgent]


def test_an_upload_shares_its_batch_with_nothing_that_can_wait(live: ModelVersion) -> None:
    background, urgent = waiting(priority=Priority.BACKGROUND), waiting()

    assert [c.image_id for c in take(background_limit=2)] == [urgent.pk]
    assert [c.image_id for c in take(background_limit=2)] == [background.pk]


def test_of_one_batch_only_what_is_still_held_is_written(live: ModelVersion) -> None:
    lamps, cups = factories.category("Lamps"), factories.category("Cups")
    images = [waiting() for _ in range(3)]
    claims = take()
    ProductImage.objects.filter(pk=images[1].pk).update(owner="another")
    answers = [
        Answer(claim, [(category.pk, share)], None)
        for claim, category, share in zip(claims, (lamps, cups, cups), (0.7, 0.8, 0.9), strict=True)
    ]

    assert lifecycle.finish(answers, version=live) == 2

    rows = ProductImage.objects.order_by("pk").values_list("predicted", "confidence", "machine")
    assert list(rows) == [
        (lamps.pk, 0.7, MachineState.CLASSIFIED),
        (None, None, MachineState.CLASSIFYING),
        (cups.pk, 0.9, MachineState.CLASSIFIED),
    ]
    for image in ProductImage.objects.filter(machine=MachineState.CLASSIFIED):
        assert image.prediction is not None
        assert image.prediction.image_id == image.pk
