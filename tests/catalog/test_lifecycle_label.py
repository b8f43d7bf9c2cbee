"""What people may do to an image: decide, disagree, and take a decision back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from catalog import lifecycle, queue
from catalog.errors import CatalogError, LeaseLost, NotAllowed, StaleImage
from catalog.models import (
    Category,
    Decision,
    DecisionKind,
    LabelState,
    Origin,
    ProductImage,
    Role,
    Split,
    UnusableReason,
    User,
)
from tests import factories

pytestmark = pytest.mark.django_db
MACHINE_FIELDS = [
    "machine",
    "priority",
    "owner",
    "lease_until",
    "attempts",
    "failure",
    "predicted_id",
    "confidence",
    "prediction_id",
    "version_id",
]


def suggested(category: Category, **more: Any) -> ProductImage:
    return factories.answered_image(category, stored=False, **more)


def fresh(image: ProductImage) -> ProductImage:
    return ProductImage.objects.select_related("product", "label").get(pk=image.pk)


def choose(image: ProductImage, category: Category, by: User, **more: Any) -> Decision:
    revision = more.pop("revision", fresh(image).revision)
    return lifecycle.decide_category(image, category, by=by, revision=revision, **more)


def label_of(image: ProductImage) -> tuple[str, str]:
    now = fresh(image)
    return now.label_state, str(now.label or now.unusable_reason)


def test_the_suggested_category_confirms_another_corrects(
    ada: User, shirts: Category, shoes: Category
) -> None:
    first, second = suggested(shirts), suggested(shirts)

    confirmed, corrected = choose(first, shirts, ada), choose(second, shoes, ada)

    assert label_of(first) == (LabelState.CONFIRMED, "Shirts")
    assert label_of(second) == (LabelState.CORRECTED, "Shoes")
    assert (confirmed.kind, corrected.kind) == (DecisionKind.CONFIRM, DecisionKind.CORRECT)
    assert confirmed.prediction == first.prediction
    assert (confirmed.by, confirmed.revision, confirmed.before_state) == (ada, 1, "unlabelled")
    assert fresh(first).labelled_at is not None


def test_what_confirms_is_the_answer_of_this_moment(
    ada: User, shirts: Category, shoes: Category
) -> None:
    image = suggested(shirts)
    seen = fresh(image)
    ProductImage.objects.filter(pk=image.pk).update(predicted=shoes)

    assert choose(seen, shoes, ada).kind == DecisionKind.CONFIRM


def test_unusable_needs_a_reason_and_keeps_it(ada: User, shirts: Category) -> None:
    image = suggested(shirts)

    with pytest.raises(NotAllowed, match="choose one of the reasons"):
        lifecycle.decide_unusable(image, UnusableReason.NONE, by=ada, revision=0)
    lifecycle.decide_unusable(image, UnusableReason.BLURRED, by=ada, revision=0)

    assert label_of(image) == (LabelState.UNUSABLE, "blurred")
    assert fresh(image).label is None


def test_no_category_fits(ada: User, shirts: Category) -> None:
    image = suggested(shirts)

    lifecycle.decide_none_of_these(image, by=ada, revision=0)

    assert label_of(image) == (LabelState.NONE_OF_THESE, "")


def test_only_an_active_leaf_can_be_chosen(ada: User, shirts: Category) -> None:
    image = suggested(shirts)
    parent = factories.category("Fashion")
    factories.category("Dresses", parent=parent)
    retired = factories.category("Old", retired_at=timezone.now())

    for category in (parent, retired):
        with pytest.raises(NotAllowed, match="cannot be chosen"):
            choose(image, category, ada)
    assert fresh(image).revision == 0


def test_a_stale_save_is_refused_with_what_happened(
    ada: User, ben: User, shirts: Category, shoes: Category
) -> None:
    image = suggested(shirts)
    choose(image, shoes, ada)

    with pytest.raises(StaleImage, match="Nothing was saved: ada chose “Shoes”"):
        choose(image, shirts, ben, revision=0)
    lifecycle.decide_unusable(image, UnusableReason.BLURRED, by=ada, revision=1)
    with pytest.raises(StaleImage, match="ada marked the photo unusable"):
        choose(image, shirts, ben, revision=1)
    latest = image.decisions.latest("id")
    lifecycle.undo(latest, by=ada)
    with pytest.raises(StaleImage, match="ada undid a decision"):
        choose(image, shirts, ben, revision=2)

    assert label_of(image) == (LabelState.CORRECTED, "Shoes")


def test_an_image_on_anothers_screen_is_refused_until_the_lease_ends(
    ada: User, ben: User, shirts: Category
) -> None:
    image = suggested(shirts)
    assert queue.lease(ada, image)

    with pytest.raises(LeaseLost):
        choose(image, shirts, ben)
    past = timezone.now() - timedelta(seconds=1)
    ProductImage.objects.filter(pk=image.pk).update(review_lease_until=past)
    choose(image, shirts, ben)

    assert fresh(image).reviewer is None


def test_a_repeated_save_is_answered_once(ada: User, shirts: Category) -> None:
    image, token = suggested(shirts), uuid4()

    first = choose(image, shirts, ada, revision=0, token=token)
    again = choose(image, shirts, ada, revision=0, token=token)

    assert first == again
    assert image.decisions.get() == first


def test_a_repeated_undo_is_answered_once(ada: User, shirts: Category, shoes: Category) -> None:
    image, token = suggested(shirts), uuid4()
    choose(image, shirts, ada)
    second = choose(image, shoes, ada)

    assert lifecycle.undo(second, by=ada, token=token) == lifecycle.undo(
        second, by=ada, token=token
    )

    assert label_of(image) == (LabelState.CONFIRMED, "Shirts")


def test_a_token_of_another_photo_is_refused(ada: User, shirts: Category) -> None:
    token = uuid4()
    choose(suggested(shirts), shirts, ada, token=token)
    other = suggested(shirts)

    with pytest.raises(NotAllowed, match="another photo"):
        choose(other, shirts, ada, token=token)

    assert fresh(other).revision == 0


def test_undo_walks_back_step_by_step(ada: User, shirts: Category, shoes: Category) -> None:
    image = suggested(shirts)
    first = choose(image, shirts, ada)
    second = choose(image, shoes, ada)

    lifecycle.undo(second, by=ada)
    after_one = label_of(image)
    lifecycle.undo(first, by=ada)

    assert after_one == (LabelState.CONFIRMED, "Shirts")
    assert label_of(image) == (LabelState.UNLABELLED, "")
    assert fresh(image).labelled_at is None
    assert fresh(image).label_origin == ""
    assert [d.revision for d in image.decisions.order_by("id")] == [1, 2, 3, 4]
    third = choose(image, shoes, ada)
    lifecycle.undo(third, by=ada)
    assert label_of(image) == (LabelState.UNLABELLED, "")


def test_undo_brings_back_a_reason(ada: User, shirts: Category) -> None:
    image = suggested(shirts)
    lifecycle.decide_unusable(image, UnusableReason.SEVERAL, by=ada, revision=0)
    second = choose(image, shirts, ada)

    lifecycle.undo(second, by=ada)

    assert label_of(image) == (LabelState.UNUSABLE, "several")


def test_only_the_latest_standing_decision_can_be_undone(
    ada: User, shirts: Category, shoes: Category
) -> None:
    image = suggested(shirts)
    first = choose(image, shirts, ada)
    second = choose(image, shoes, ada)

    with pytest.raises(StaleImage, match="ada chose “Shoes”; undo that first"):
        lifecycle.undo(first, by=ada)
    undo = lifecycle.undo(second, by=ada)
    for over in (second, undo):
        with pytest.raises(NotAllowed, match="already undone"):
            lifecycle.undo(over, by=ada)

    assert label_of(image) == (LabelState.CONFIRMED, "Shirts")


def test_undo_keeps_off_an_image_on_anothers_screen(ada: User, ben: User, shirts: Category) -> None:
    image = suggested(shirts)
    decision = choose(image, shirts, ada)
    queue.lease(ben, image)

    with pytest.raises(LeaseLost):
        lifecycle.undo(decision, by=ada)


def test_nothing_is_decided_about_a_withdrawn_photo(ada: User, shirts: Category) -> None:
    image = suggested(shirts)
    decision = choose(image, shirts, ada)
    lifecycle.withdraw(image, by=factories.user(merchant=image.merchant))

    with pytest.raises(StaleImage, match="withdrew"):
        choose(image, shirts, ada)
    with pytest.raises(NotAllowed, match="withdrawn"):
        lifecycle.undo(decision, by=ada)
    with pytest.raises(NotAllowed, match="withdrawn"):
        lifecycle.import_label(fresh(image), shirts)


def test_no_decision_touches_what_the_worker_wrote(
    ada: User, shirts: Category, shoes: Category
) -> None:
    image = suggested(shirts)
    machine = ProductImage.objects.filter(pk=image.pk).values_list(*MACHINE_FIELDS)
    before = list(machine)

    choose(image, shoes, ada)
    lifecycle.decide_none_of_these(image, by=ada, revision=1)
    lifecycle.undo(
        lifecycle.decide_unusable(image, UnusableReason.BLURRED, by=ada, revision=2), by=ada
    )
    lifecycle.import_label(fresh(image), shirts)

    assert list(machine) == before


def test_a_photo_may_be_labelled_before_the_machine_answers(ada: User, shirts: Category) -> None:
    image = factories.image(stored=False)

    assert choose(image, shirts, ada).kind == DecisionKind.CORRECT
    assert fresh(image).label_origin == Origin.CHOSEN


@pytest.mark.parametrize(("drawn", "origin"), [(True, Origin.RANDOM), (False, Origin.UNCERTAIN)])
def test_the_server_knows_why_a_queued_photo_was_shown(
    ada: User, shirts: Category, drawn: bool, origin: Origin
) -> None:
    image = suggested(shirts, drawn=drawn)
    (shown,) = queue.next_images(ada)

    decision = choose(shown, shirts, ada)

    assert (decision.origin, fresh(image).label_origin) == (origin, origin)


def test_a_second_decision_keeps_the_first_origin(
    ada: User, ben: User, shirts: Category, shoes: Category
) -> None:
    image = suggested(shirts, drawn=True)
    choose(queue.next_images(ada)[0], shirts, ada)

    choose(image, shoes, ben)

    assert fresh(image).label_origin == Origin.RANDOM


def test_an_imported_label_counts_as_a_persons(shirts: Category) -> None:
    image = factories.image(stored=False)

    assert lifecycle.import_label(image, shirts, split=Split.TEST)

    image = fresh(image)
    assert (image.label_state, image.label, image.label_origin) == ("confirmed", shirts, "import")
    assert image.product.split == Split.TEST
    assert (image.product.category, image.product.category_checked) == (shirts, True)
    assert image.decisions.get().by is None


def test_an_import_does_not_overwrite_what_a_person_just_decided(
    ada: User, shirts: Category, shoes: Category
) -> None:
    image = factories.image(stored=False)
    choose(image, shoes, ada)

    with pytest.raises(StaleImage, match="ada chose “Shoes”"):
        lifecycle.import_label(image, shirts)


class TestAProductOfSeveralPhotos:
    @pytest.fixture
    def pair(self, shirts: Category) -> tuple[ProductImage, ProductImage]:
        merchant = factories.merchant()
        return tuple(suggested(shirts, merchant=merchant, sku="S-1") for _ in range(2))  # type: ignore[return-value]  # of two

    def disputed(self, *images: ProductImage) -> list[bool]:
        return [fresh(i).disputed for i in images]

    def test_shows_the_mean_of_the_suggestions(self, shirts: Category, shoes: Category) -> None:
        merchant = factories.merchant()
        others = (shoes,)
        suggested(shirts, merchant=merchant, sku="S-1", confidence=0.55, others=others)
        image = suggested(shoes, merchant=merchant, sku="S-1", confidence=0.95, others=(shirts,))

        product = fresh(image).product
        assert (product.category, product.category_checked) == (shoes, False)

    def test_shows_a_persons_category_before_any_suggestion(
        self, pair: tuple[ProductImage, ProductImage], ada: User, shoes: Category
    ) -> None:
        choose(pair[0], shoes, ada)

        product = fresh(pair[1]).product
        assert (product.category, product.category_checked) == (shoes, True)

    def test_ignores_the_suggestions_of_unusable_photos(
        self, pair: tuple[ProductImage, ProductImage], ada: User
    ) -> None:
        for image in pair:
            lifecycle.decide_unusable(image, UnusableReason.BLURRED, by=ada, revision=0)

        product = fresh(pair[0]).product
        assert (product.category, product.category_checked) == (None, False)

    def test_goes_back_to_review_when_people_disagree_and_settles(
        self,
        pair: tuple[ProductImage, ProductImage],
        ada: User,
        ben: User,
        shirts: Category,
        shoes: Category,
    ) -> None:
        choose(pair[0], shirts, ada)
        choose(pair[1], shoes, ben)

        assert self.disputed(*pair) == [True, True]
        assert fresh(pair[0]).product.category is None
        assert {i.pk for i in queue.next_images(ben, count=2)} == {i.pk for i in pair}

        queue.release(ben, [i.pk for i in pair])
        choose(pair[0], shoes, ada)

        assert self.disputed(*pair) == [False, False]
        product = fresh(pair[0]).product
        assert (product.category, product.category_checked) == (shoes, True)

    def test_is_asked_once_where_people_keep_disagreeing(
        self, pair: tuple[ProductImage, ProductImage], ada: User, shirts: Category, shoes: Category
    ) -> None:
        choose(pair[0], shirts, ada)
        choose(pair[1], shoes, ada)
        choose(pair[0], shirts, ada)
        after_one = self.disputed(*pair)
        choose(pair[1], shoes, ada)
        third = suggested(shirts, merchant=pair[0].merchant, sku="S-1")
        choose(third, shirts, ada)

        assert after_one == [False, True]
        assert self.disputed(*pair, third) == [False, False, False]

    def test_is_asked_again_for_a_category_nobody_named_before(
        self, pair: tuple[ProductImage, ProductImage], ada: User, shirts: Category, shoes: Category
    ) -> None:
        choose(pair[0], shirts, ada)
        choose(pair[1], shoes, ada)
        for image, category in zip(pair, (shirts, shoes), strict=True):
            choose(image, category, ada)
        third = suggested(shirts, merchant=pair[0].merchant, sku="S-1")

        choose(third, factories.category("Hats"), ada)

        assert self.disputed(*pair, third) == [True, True, True]

    def test_settles_when_a_disagreement_is_undone(
        self, pair: tuple[ProductImage, ProductImage], ada: User, shirts: Category, shoes: Category
    ) -> None:
        choose(pair[0], shirts, ada)
        disagreeing = choose(pair[1], shoes, ada)

        lifecycle.undo(disagreeing, by=ada)

        assert self.disputed(*pair) == [False, False]
        assert fresh(pair[0]).product.category == shirts

    def test_disagrees_again_when_the_second_look_is_undone(
        self, pair: tuple[ProductImage, ProductImage], ada: User, shirts: Category, shoes: Category
    ) -> None:
        choose(pair[0], shirts, ada)
        choose(pair[1], shoes, ada)
        second_look = choose(pair[0], shoes, ada)

        lifecycle.undo(second_look, by=ada)

        assert self.disputed(*pair) == [True, True]

    def test_settles_when_a_disagreeing_photo_is_unusable_or_withdrawn(
        self, pair: tuple[ProductImage, ProductImage], ada: User, shirts: Category, shoes: Category
    ) -> None:
        choose(pair[0], shirts, ada)
        second = choose(pair[1], shoes, ada)
        lifecycle.decide_unusable(pair[1], UnusableReason.BLURRED, by=ada, revision=second.revision)
        after_unusable = self.disputed(*pair)
        choose(pair[1], shoes, ada)
        lifecycle.withdraw(pair[1], by=factories.user(Role.MANAGER))

        assert after_unusable == [False, False]
        assert self.disputed(*pair) == [False, False]

    def test_disagrees_on_imported_labels_too(
        self, pair: tuple[ProductImage, ProductImage], shirts: Category, shoes: Category
    ) -> None:
        lifecycle.import_label(pair[0], shirts)
        lifecycle.import_label(pair[1], shoes)

        assert self.disputed(*pair) == [True, True]


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_decide_at_once_one_is_refused() -> None:
    shirts, shoes = factories.category("Shirts"), factories.category("Shoes")
    image = suggested(shirts)
    people = [factories.user(Role.REVIEWER) for _ in range(2)]
    gate = threading.Barrier(2)

    def decide(by: User, category: Category) -> str:
        try:
            gate.wait(10)
            return choose(image, category, by, revision=0).kind
        except CatalogError as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(decide, people, [shirts, shoes]))

    assert "StaleImage" in outcomes
    assert len(outcomes) == 2
    assert image.decisions.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_save_repeated_at_once_is_one_decision() -> None:
    shirts, by, token = factories.category(), factories.user(Role.REVIEWER), uuid4()
    image = suggested(shirts)
    gate = threading.Barrier(2)

    def decide(_: int) -> int:
        try:
            gate.wait(10)
            return choose(image, shirts, by, revision=0, token=token).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(decide, range(2)))) == 1
    assert image.decisions.count() == 1
