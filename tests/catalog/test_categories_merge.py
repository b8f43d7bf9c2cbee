"""Two categories become one, and two again."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from catalog import (
    carrying,
    categories,
    category_photos,
    coverage,
    lifecycle,
    merging,
    products,
    reshaping,
    review_card,
    training_set,
)
from catalog.errors import CategoryRule
from catalog.history import of as history_of
from catalog.models import (
    Category,
    CategoryChange,
    ChangeKind,
    DecisionKind,
    LabelState,
    ProductImage,
    Role,
    Split,
    UnusableReason,
    User,
    VersionState,
)

from .. import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return factories.user(Role.MANAGER)


@pytest.fixture
def caps() -> Category:
    return factories.category("Caps")


def again(image: ProductImage) -> ProductImage:
    return ProductImage.objects.select_related("label", "predicted", "product").get(pk=image.pk)


def test_labels_count_as_the_target_and_history_keeps_the_name(
    manager: User, caps: Category, hats: Category
) -> None:
    image = factories.labelled_image(caps)

    reshaping.merge(caps, hats, by=manager)

    assert again(image).label == hats
    assert again(image).product.category == hats
    assert category_photos.counts() == {hats.pk: 1}
    assert "Confirmed Caps" in [event.what for event in history_of(image, reader=manager)]


def test_answers_show_as_the_target_with_what_both_got(
    manager: User, caps: Category, hats: Category
) -> None:
    shoes = factories.category("Shoes")
    image = factories.answered_image(caps, 0.5, others=(hats, shoes))

    reshaping.merge(caps, hats, by=manager)

    assert again(image).predicted == hats
    assert again(image).confidence == pytest.approx(0.5 + 0.5 / 3)
    (card,) = review_card.cards([image], reader=manager)
    assert [s.category for s in card.suggestions] == [hats, shoes]


def test_training_counts_the_labels_as_the_target(
    manager: User, caps: Category, hats: Category
) -> None:
    for category in (caps, hats):
        image = factories.labelled_image(category)
        image.product.split = Split.TRAIN
        image.product.save()

    before = training_set.build()
    reshaping.merge(caps, hats, by=manager)
    after = training_set.build()

    assert before.counts() == {"caps": 1, "hats": 1}
    assert after.counts() == {"hats": 2}
    assert after.fingerprint != before.fingerprint


def test_training_does_not_wait_for_photos_that_are_still_carried_over(
    caps: Category, hats: Category
) -> None:
    image = factories.labelled_image(caps)
    image.product.split = Split.TRAIN
    image.product.save()
    Category.objects.filter(pk=caps.pk).update(merged_into=hats, retired_at="2026-01-01T00:00Z")

    assert again(image).label == caps
    assert training_set.build().counts() == {"hats": 1}
    assert category_photos.labelled(hats).get() == image

    carrying.carry_on()

    assert again(image).label == hats


def test_undo_restores_labels_answers_and_disputes_exactly(
    manager: User, caps: Category, hats: Category
) -> None:
    merchant = factories.merchant()
    images = [
        factories.labelled_image(caps),
        factories.labelled_image(hats),
        factories.answered_image(caps, 0.5, others=(hats,)),
        factories.labelled_image(caps, merchant=merchant, sku="torn"),
        factories.labelled_image(hats, merchant=merchant, sku="torn"),
    ]

    def standing() -> list[tuple[object, ...]]:
        return [
            (i.label, i.label_state, i.predicted, i.confidence, i.disputed, i.product.category)
            for i in map(again, images)
        ]

    before = standing()
    assert [row[4] for row in before] == [False, False, False, True, True]
    change = reshaping.merge(caps, hats, by=manager)
    assert {row[4] for row in standing()} == {False}

    reshaping.undo(change, by=manager)

    assert standing() == before
    caps.refresh_from_db()
    assert caps.is_active
    assert caps.merged_into is None


def test_a_photo_that_a_worker_waits_for_while_the_merge_is_undone_comes_back(
    manager: User, caps: Category, hats: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker gets it once the undo is through, and knows of that."""
    image = factories.labelled_image(caps)
    undone, lock_of = [reshaping.merge(caps, hats, by=manager)], products.lock_of

    def after_the_undo(image_ids: Iterable[int], **more: Iterable[int]) -> None:
        if undone:
            reshaping.undo(undone.pop(), by=manager)
        lock_of(image_ids, **more)

    monkeypatch.setattr(products, "lock_of", after_the_undo)
    lifecycle.count_anew([image.pk])

    assert again(image).label == caps


def test_a_dispute_that_a_worker_settles_while_the_merge_is_undone_stands_again(
    manager: User, caps: Category, hats: Category, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = factories.product()
    torn = [
        factories.labelled_image(each, merchant=product.merchant, sku=product.sku)
        for each in (caps, hats)
    ]
    with monkeypatch.context() as nobody:
        nobody.setattr(carrying, "carry", lambda _change: False)
        change = reshaping.merge(caps, hats, by=manager)
    seen_by_worker = CategoryChange.objects.get(pk=change.pk)
    part = reshaping.UNDO[ChangeKind.MERGE]

    def after_the_worker(change: CategoryChange) -> None:
        carrying.carry(seen_by_worker)
        part(change)

    monkeypatch.setitem(reshaping.UNDO, ChangeKind.MERGE, after_the_worker)
    reshaping.undo(change, by=manager)

    assert [again(image).label for image in torn] == [caps, hats]
    assert [again(image).disputed for image in torn] == [True, True]


def test_what_was_decided_since_stays_when_the_merge_is_undone(
    manager: User, caps: Category, hats: Category
) -> None:
    shoes = factories.category("Shoes")
    kept, moved, returned = (factories.labelled_image(caps) for _ in range(3))
    change = reshaping.merge(caps, hats, by=manager)
    lifecycle.decide_category(moved, shoes, by=manager, revision=1)
    away = lifecycle.decide_category(returned, shoes, by=manager, revision=1)
    lifecycle.undo(away, by=manager)
    assert again(returned).label == hats

    reshaping.undo(change, by=manager)

    assert [again(i).label for i in (kept, moved, returned)] == [caps, shoes, caps]


def test_a_decision_undone_during_the_merge_brings_back_what_it_counts_as(
    manager: User, caps: Category, hats: Category
) -> None:
    shoes = factories.category("Shoes")
    image = factories.labelled_image(caps)
    away = lifecycle.decide_category(image, shoes, by=manager, revision=1)

    change = reshaping.merge(caps, hats, by=manager)
    lifecycle.undo(away, by=manager)
    assert again(image).label == hats

    reshaping.undo(change, by=manager)
    assert again(image).label == caps


def test_a_reviewer_whose_page_still_offers_the_merged_one_is_understood(
    manager: User, caps: Category, hats: Category
) -> None:
    image = factories.answered_image(caps)
    reshaping.merge(caps, hats, by=manager)

    decision = lifecycle.decide_category(image, caps, by=manager, revision=0, token=uuid4())

    assert (decision.kind, decision.category) == (DecisionKind.CONFIRM, caps)
    assert again(image).label == hats


def test_an_import_into_the_merged_folder_lands_in_the_target(
    manager: User, caps: Category, hats: Category
) -> None:
    reshaping.merge(caps, hats, by=manager)

    assert categories.ensure_path(["Caps"]) == hats


def test_chains_lead_to_their_end_and_part_in_any_order(
    manager: User, caps: Category, hats: Category
) -> None:
    headwear = factories.category("Headwear")
    image = factories.labelled_image(caps)
    first = reshaping.merge(caps, hats, by=manager)
    second = reshaping.merge(hats, headwear, by=manager)
    assert again(image).label == headwear

    reshaping.undo(second, by=manager)
    assert again(image).label == hats

    reshaping.undo(first, by=manager)
    assert again(image).label == caps


def test_the_first_link_of_a_chain_can_be_undone_alone(
    manager: User, caps: Category, hats: Category
) -> None:
    headwear = factories.category("Headwear")
    image, other = factories.labelled_image(caps), factories.labelled_image(hats)
    first = reshaping.merge(caps, hats, by=manager)
    reshaping.merge(hats, headwear, by=manager)

    reshaping.undo(first, by=manager)

    assert [again(i).label for i in (image, other)] == [caps, headwear]


def test_what_cannot_be_merged_is_refused_in_a_sentence(manager: User, caps: Category) -> None:
    fashion = factories.category("Fashion")
    shirts = factories.category("Shirts", fashion)
    factories.category("Trousers", fashion)
    gone = factories.category("Gone", retired_at="2026-01-01T00:00Z")

    for source, target, words in (
        (caps, caps, "into itself"),
        (caps, gone, "“Gone” is retired"),
        (gone, caps, "“Gone” is retired"),
        (fashion, shirts, "stands below “Fashion”"),
        (fashion, caps, "has categories below it"),
        (caps, fashion, "has categories below it"),
    ):
        with pytest.raises(CategoryRule, match=words):
            reshaping.merge(source, target, by=manager)


def test_an_only_child_can_be_merged_into_its_group(manager: User) -> None:
    fashion = factories.category("Fashion")
    shirts = factories.category("Shirts", fashion)
    image = factories.labelled_image(shirts)

    reshaping.merge(shirts, fashion, by=manager)

    assert again(image).label == fashion


def test_merging_an_only_child_into_its_group_can_be_undone(manager: User) -> None:
    fashion = factories.category("Fashion")
    shirts = factories.category("Shirts", fashion)
    polos = factories.category("Polos")
    images = [factories.labelled_image(category) for category in (shirts, polos)]
    reshaping.merge(polos, shirts, by=manager)
    change = reshaping.merge(shirts, fashion, by=manager)

    reshaping.undo(change, by=manager)

    assert [again(image).label for image in images] == [shirts, shirts]
    assert list(Category.objects.leaves()) == [shirts]


def test_that_merge_stays_once_the_group_has_photos_of_its_own(manager: User) -> None:
    fashion = factories.category("Fashion")
    shirts = factories.category("Shirts", fashion)
    factories.labelled_image(shirts)
    change = reshaping.merge(shirts, fashion, by=manager)
    image = factories.labelled_image(fashion)

    with pytest.raises(CategoryRule, match="“Fashion” got 1 checked photo of its own since"):
        reshaping.undo(change, by=manager)

    assert again(image).label == fashion
    assert list(Category.objects.leaves()) == [fashion]


@pytest.mark.django_db(transaction=True)
def test_of_two_managers_at_once_one_is_told_what_the_other_did(
    caps: Category, hats: Category
) -> None:
    managers = [factories.user(Role.MANAGER) for _ in range(2)]
    shoes = factories.category("Shoes")
    factories.labelled_image(caps)
    start = Barrier(2)

    def merge(pair: tuple[User, Category]) -> str:
        start.wait()
        try:
            return reshaping.merge(caps, pair[1], by=pair[0]).words
        except CategoryRule as rule:
            return str(rule)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(merge, zip(managers, (hats, shoes), strict=True)))

    assert answers[0].startswith("Merged “Caps” into")
    assert answers[1].startswith("“Caps” was merged into")
    assert CategoryChange.objects.count() == 1


def test_undo_is_refused_where_the_name_is_taken_or_the_group_has_photos(manager: User) -> None:
    fashion = factories.category("Fashion")
    shirts, hats = factories.category("Shirts", fashion), factories.category("Hats")
    change = reshaping.merge(shirts, hats, by=manager)
    image = factories.labelled_image(fashion)

    with pytest.raises(CategoryRule, match="“Fashion” got 1 checked photo of its own since"):
        reshaping.undo(change, by=manager)

    lifecycle.decide_category(image, hats, by=manager, revision=1)
    categories.add(fashion, "Shirts", by=manager)
    with pytest.raises(CategoryRule, match="There is a category “Fashion › Shirts” already"):
        reshaping.undo(change, by=manager)


def test_a_category_that_was_merged_since_comes_back_by_undoing_the_merge_alone(
    client: Client, caps: Category, hats: Category
) -> None:
    mira = factories.user(Role.MANAGER, name="mira")
    client.force_login(mira)
    categories.retire(caps, by=mira)
    retired = CategoryChange.objects.latest("id")
    categories.restore(caps, by=mira)
    reshaping.merge(caps, hats, by=mira)

    answer = client.post(reverse("category-undo", args=[retired.pk]), follow=True)

    assert "“Caps” was merged into “Hats”; undo the merge instead." in answer.content.decode()
    with pytest.raises(CategoryRule, match="undo the merge instead"):
        categories.restore(caps, by=mira)
    caps.refresh_from_db()
    assert caps.merged_into == hats


def test_a_change_is_undone_once(manager: User, caps: Category, hats: Category) -> None:
    change = reshaping.merge(caps, hats, by=manager)
    reshaping.undo(change, by=manager)

    with pytest.raises(CategoryRule, match="undone before"):
        reshaping.undo(change, by=manager)


def test_a_live_version_that_knows_only_the_merged_one_has_no_gap(
    manager: User, caps: Category, hats: Category
) -> None:
    version = factories.version(VersionState.LIVE, ["caps"])

    reshaping.merge(caps, hats, by=manager)

    assert coverage.gaps(version) == []
    assert merging.slugs() == {"caps": "hats"}


def test_the_page_merges_and_undoes(client: Client, caps: Category, hats: Category) -> None:
    client.force_login(factories.user(Role.MANAGER, name="mira"))
    image = factories.labelled_image(caps)

    merged = client.post(
        reverse("category-merge", args=[caps.pk]), {"target": hats.pk}, follow=True
    )
    assert "Merged “Caps” into “Hats”." in merged.content.decode()
    assert again(image).label == hats
    gone = client.get(reverse("category", args=[caps.pk])).content.decode()
    assert "count as “Hats”" in gone

    change = CategoryChange.objects.get()
    undone = client.post(reverse("category-undo", args=[change.pk]), follow=True)
    text = undone.content.decode()
    assert "Undone: Merged “Caps” into “Hats”." in text
    assert "by mira" in text
    assert again(image).label == caps


def test_an_unusable_photo_and_a_withdrawn_one_follow_too(
    manager: User, caps: Category, hats: Category
) -> None:
    unusable, withdrawn = factories.labelled_image(caps), factories.labelled_image(caps)
    lifecycle.withdraw(withdrawn, by=manager)
    lifecycle.decide_unusable(unusable, UnusableReason.BLURRED, by=manager, revision=1)

    change = reshaping.merge(caps, hats, by=manager)
    assert again(withdrawn).label == hats
    assert again(unusable).label_state == LabelState.UNUSABLE

    reshaping.undo(change, by=manager)
    assert again(withdrawn).label == caps
