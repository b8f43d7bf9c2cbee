"""The samples are taken out while others are at work on them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import pytest

from catalog import lifecycle, products, queue
from catalog.errors import StaleImage
from catalog.models import (
    Category,
    MachineState,
    Merchant,
    ModelVersion,
    ProductImage,
    Role,
    RunRow,
    RunState,
    UnusableReason,
    User,
    VersionState,
)
from catalog.samples import remove
from tests import factories
from tests.slowly import beside, slowly

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def drawn_goods(monkeypatch: pytest.MonkeyPatch) -> Merchant:
    monkeypatch.setattr(remove, "skus", lambda: ["DRAWN-1"])
    return factories.merchant("Drawn Goods", is_sample=True)


@pytest.fixture
def cups() -> Category:
    return factories.category("Cups", is_sample=True)


@pytest.fixture
def sample(drawn_goods: Merchant, cups: Category) -> ProductImage:
    return factories.answered_image(cups, stored=False, merchant=drawn_goods, sku="DRAWN-1")


@pytest.fixture
def rita() -> User:
    return factories.user(Role.REVIEWER)


def while_removing(act: Callable[[], object], under_way: Event) -> None:
    """`act`, and the samples are removed when it is half-way."""
    with beside(act) as acting:
        under_way.wait(10)
        assert remove.remove_samples(by=None).images == 1
        acting.result(timeout=60)


@pytest.fixture
def version(drawn_goods: Merchant, cups: Category) -> ModelVersion:
    """Live, and learned from a sample."""
    run = factories.run(state=RunState.SUCCEEDED)
    drawn = factories.image(
        stored=False, merchant=drawn_goods, sku="DRAWN-1", machine=MachineState.CLASSIFIED
    )
    RunRow.objects.create(run=run, image=drawn, sha256=drawn.sha256, label=cups, split="train")
    return factories.version(state=VersionState.LIVE, run=run)


def claimed(cups: Category) -> list[lifecycle.Answer]:
    """What a worker would say of the photos that wait."""
    claims = lifecycle.claim(owner="worker", limit=8)
    return [lifecycle.Answer(claim, [(cups.pk, 0.9)], None) for claim in claims]


def waits_for_another_version(image: ProductImage) -> bool:
    image.refresh_from_db()
    return (image.machine, image.attempts, image.prediction) == (MachineState.PENDING, 0, None)


def test_a_photo_in_a_workers_hands_waits_for_another_version(
    version: ModelVersion, cups: Category
) -> None:
    own = factories.image(stored=False)
    answers = claimed(cups)

    remove.remove_samples(by=None)

    assert lifecycle.finish(answers, version=version) == 0
    assert waits_for_another_version(own)


def test_a_photo_that_is_answered_in_that_moment_waits_for_another_version(
    version: ModelVersion, cups: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, answered = factories.image(stored=False), Event()
    answers = claimed(cups)
    monkeypatch.setattr(
        products, "refresh_suggestions", slowly(products.refresh_suggestions, answered)
    )

    while_removing(lambda: lifecycle.finish(answers, version=version), answered)

    assert waits_for_another_version(own)


def test_a_photo_that_is_passed_over_again_goes(
    sample: ProductImage, rita: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.skip(rita, sample)
    passed = Event()
    monkeypatch.setattr(queue, "pass_over", slowly(queue.pass_over, passed))

    while_removing(lambda: queue.skip(rita, sample), passed)

    assert not ProductImage.objects.exists()


def test_a_decision_on_a_photo_that_is_gone_is_refused_in_words(
    sample: ProductImage, cups: Category, rita: User
) -> None:
    remove.remove_samples(by=None)

    with pytest.raises(StaleImage, match="not there any more"):
        lifecycle.decide_unusable(sample, UnusableReason.BLURRED, by=rita, revision=0)
