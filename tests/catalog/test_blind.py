"""Photos shown without suggestions: nothing tells what was suggested, and a second reviewer's
choice never replaces the first's."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog import agreement, blind, category_photos, doubts, lifecycle, queue, reshaping
from catalog.doubts import Found
from catalog.models import (
    BlindLook,
    Category,
    ChangedAnswer,
    CheckState,
    Decision,
    LabelDoubt,
    LabelState,
    Origin,
    Preview,
    ProductImage,
    Role,
    UnusableReason,
    User,
)
from catalog.queue_filters import Filters
from catalog.reshaping import PhotosGo
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def every_photo_blind(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REVIEW_RANDOM_SHARE = 0.0
    settings.REVIEW_BLIND_SHARE = 1.0
    monkeypatch.setattr(blind, "SECOND_SHARE", 1.0)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ask(user: User, **query: int | str) -> list[dict[str, Any]]:
    cards: list[dict[str, Any]] = signed_in(user).get(reverse("review-next"), query).json()["cards"]
    return cards


def decide(user: User, image: ProductImage, category: Category) -> Decision:
    image.refresh_from_db()
    return lifecycle.decide_category(image, category, by=user, revision=image.revision)


def seen_by_two(first: User, second: User, suggested: Category, chosen: Category) -> ProductImage:
    """`first` put it into `chosen` blind, and `second` has it on the screen, blind too."""
    image = factories.answered_image(suggested)
    assert [card["id"] for card in ask(first)] == [image.pk]
    decide(first, image, chosen)
    assert [card["id"] for card in ask(second)] == [image.pk]
    image.refresh_from_db()
    return image


def lists_with(image: ProductImage) -> list[str]:
    return [
        reverse("images"),
        reverse("products"),
        reverse("images-csv"),
        reverse("product", args=[image.product_id]),
        f"{reverse('image-status')}?ids={image.pk}",
    ]


def read(user: User, page: str) -> str:
    response = signed_in(user).get(page)
    return b"".join(response).decode()


def test_neither_card_nor_script_nor_page_tells_the_suggestion(ada: User, shirts: Category) -> None:
    image = factories.answered_image(shirts)
    factories.answered_image(shirts, merchant=image.merchant, sku=image.product.sku)
    client = signed_in(ada)

    first, second = ask(ada, count=2)
    desk = client.get(reverse("review")).content.decode()
    page = client.get(reverse("image", args=[image.pk])).content.decode()
    stage = desk[desk.index("data-stage") : desk.index("<noscript>")]

    assert first["blind"]

    assert second["blind"]
    assert first["suggestions"] == []
    for shown in (str(first), stage):
        assert "Shirts" not in shown
        assert f'href="{reverse("image", args=[image.pk])}' not in shown
    assert "Suggested" not in page
    assert "on the review desk" in page
    assert page.count("Shirts") == 0


def test_no_list_tells_it_to_whom_it_is_blind(ada: User, shirts: Category) -> None:
    image = factories.answered_image(shirts)
    ask(ada)

    for page in lists_with(image):
        hers = read(ada, page)
        assert "not yet checked" in hers
        assert "Shirts" not in hers
        assert "suggested: Shirts, not yet checked" in read(factories.user(Role.MANAGER), page)


def test_no_list_tells_the_second_reviewer_what_the_first_chose(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, hats)

    for page in lists_with(image):
        his = read(ben, page)
        assert "not yet checked" in his
        assert "Hats" not in his
        assert "checked: Hats" in read(ada, page)


def test_who_searches_the_list_for_a_category_does_not_find_what_they_are_to_see_blind(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, hats)
    other = factories.answered_image(hats)
    address = f"{reverse('images')}?q="

    found = read(ben, f"{address}Hats")
    assert other.original_name in found
    assert image.original_name not in found
    assert image.original_name in read(ben, f"{address}{image.original_name}")
    assert image.original_name in read(ada, f"{address}Hats")


def test_who_filters_the_list_by_standing_does_not_learn_that_the_first_found_it_unusable(
    ada: User, ben: User, shirts: Category
) -> None:
    image = factories.answered_image(shirts)
    assert [card["id"] for card in ask(ada)] == [image.pk]
    image.refresh_from_db()
    reason = UnusableReason.BLURRED
    lifecycle.decide_unusable(image, reason, by=ada, revision=image.revision)
    assert [card["id"] for card in ask(ben)] == [image.pk]
    page = f"{reverse('images')}?state=replace"

    assert image.original_name not in read(ben, page)
    assert image.original_name in read(ben, reverse("images"))
    assert image.original_name in read(ada, page)


def test_the_photos_behind_a_figure_hide_those_that_are_to_be_seen_blind(
    ada: User, ben: User, shirts: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, shirts)
    Decision.objects.update(origin=Origin.RANDOM)

    his = signed_in(ben).get(reverse("quality-photos")).content.decode()

    assert image.original_name not in his
    assert "You are to judge it first" in his
    hers = signed_in(ada).get(reverse("quality-photos")).content.decode()
    assert image.original_name in hers


def test_the_photos_a_version_would_change_hide_those_that_are_to_be_seen_blind(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = factories.answered_image(shirts)
    ask(ada)
    waiting = factories.version()
    compared = {"version": waiting, "against": image.version, "state": CheckState.DONE}
    preview = Preview.objects.create(**compared)
    change = {"before": shirts, "after": hats, "confidence": 0.9}
    ChangedAnswer.objects.create(preview=preview, image=image, is_test=False, **change)
    kind = f"set=open&before={shirts.pk}&after={hats.pk}"
    address = f"{reverse('changed-photos', args=[waiting.pk])}?{kind}"

    hers = signed_in(ada).get(address).content.decode()

    assert image.original_name not in hers
    assert "You are to judge it first" in hers
    assert image.original_name in signed_in(ben).get(address).content.decode()


def test_asking_again_does_not_bring_the_suggestion(
    ada: User, ben: User, shirts: Category, settings: Any
) -> None:
    image = factories.answered_image(shirts)
    ask(ada)
    settings.REVIEW_BLIND_SHARE = 0.0

    assert ask(ada)[0]["blind"]
    queue.release(ada, [image.pk])
    assert not ask(ben)[0]["blind"]


def test_about_the_share_asked_for_is_blind_and_always_the_same(
    ada: User, shirts: Category, settings: Any
) -> None:
    settings.REVIEW_BLIND_SHARE = 0.2
    drawn = {n for n in range(2000) if blind._drawn(n, ada.pk)}

    assert 330 < len(drawn) < 470  # 400 expected, standard deviation 18
    assert drawn == {n for n in range(2000) if blind._drawn(n, ada.pk)}


def test_who_asks_for_a_category_sees_nothing_blind_and_nothing_that_is_to_be(
    ada: User, shirts: Category
) -> None:
    to_be_blind = factories.answered_image(shirts)
    ask(ada)
    queue.release(ada, [to_be_blind.pk])
    other = factories.answered_image(shirts)

    (image,) = queue.next_images(ada, count=5, filters=Filters(category=shirts.pk))

    assert image == other
    assert not blind.is_blind(image, ada)


def test_a_photo_without_a_suggestion_is_not_called_blind(ada: User) -> None:
    factories.image(stored=False, machine="failed", drawn=False)

    assert not ask(ada)[0]["blind"]


def test_the_answer_to_a_blind_decision_does_not_tell_either(ada: User, shirts: Category) -> None:
    image = factories.answered_image(shirts)
    ask(ada)

    answer = signed_in(ada).post(
        reverse("image-decide", args=[image.pk]),
        {"kind": "label", "category": shirts.pk, "revision": 0},
        headers={"X-Requested-With": "fetch"},
    )

    assert answer.json()["message"] == "Saved as “Shirts”."
    assert Decision.objects.get().blind


def test_undo_brings_the_photo_back_blind(ada: User, shirts: Category) -> None:
    image = factories.answered_image(shirts)
    ask(ada)
    decide(ada, image, shirts)

    answer = signed_in(ada).post(reverse("review-undo"), headers={"X-Requested-With": "fetch"})

    assert answer.json()["card"]["blind"]


def test_a_second_reviewer_who_agrees_changes_nothing(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, hats)
    (card,) = ask(ben)

    decide(ben, image, hats)

    image.refresh_from_db()
    assert card["blind"]
    assert "Hats" not in str(card)
    assert (image.label, image.disputed) == (hats, False)
    assert ask(ben) == ask(ada) == []


def test_a_second_reviewer_who_disagrees_sends_it_back_and_both_choices_stay(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, shirts)

    decide(ben, image, hats)

    image.refresh_from_db()
    (card,) = ask(ada)
    assert (image.label, image.disputed) == (shirts, True)
    assert card["reason"] == "disagree"
    assert not card["blind"]
    assert "ada put" in card["html"]
    assert "ben put" in card["html"]
    decide(ada, image, hats)
    image.refresh_from_db()
    assert (image.label, image.disputed) == (hats, False)


def test_a_label_of_another_photo_does_not_settle_what_two_disagree_on(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, shirts)
    decide(ben, image, hats)
    other = factories.answered_image(shirts, merchant=image.merchant, sku=image.product.sku)

    decide(ada, other, shirts)

    image.refresh_from_db()
    assert image.disputed


def test_a_merge_does_not_settle_what_two_disagree_on(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, shirts)
    decide(ben, image, hats)
    tops = factories.category("Tops")

    reshaping.merge(shirts, tops, by=factories.user(Role.MANAGER))

    image.refresh_from_db()
    assert (image.label, image.disputed) == (tops, True)


def test_the_second_reviewer_takes_back_and_only_their_choice_goes(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, shirts)
    decision = decide(ben, image, hats)

    lifecycle.undo(decision, by=ben)

    image.refresh_from_db()
    assert (image.label, image.disputed) == (shirts, False)
    queue.lease(ben, image)
    assert [card["blind"] for card in ask(ben)] == [True]


def test_taking_back_a_third_choice_brings_back_the_first_not_the_second(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, shirts)
    decide(ben, image, hats)
    third = decide(ada, image, factories.category("Shoes"))

    lifecycle.undo(third, by=ada)

    image.refresh_from_db()
    assert image.label == shirts


def test_nobody_gives_the_second_opinion_on_their_own_choice(ada: User, shirts: Category) -> None:
    image = factories.answered_image(shirts)
    ask(ada)
    decide(ada, image, shirts)

    assert ask(ada) == []


def test_what_was_decided_anew_awaits_no_second_opinion(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = factories.answered_image(shirts)
    ask(ada)
    first = decide(ada, image, shirts)
    lifecycle.undo(first, by=ada)
    image.refresh_from_db()
    assert image.label_state == LabelState.UNLABELLED
    settings_free = factories.user(Role.MANAGER)
    decide(settings_free, image, hats)

    assert ask(ben) == []
    assert not BlindLook.objects.filter(reviewer=ben).exists()


@pytest.mark.parametrize("photos_to", PhotosGo)
def test_a_split_by_who_was_to_give_a_second_opinion_is_no_opinion(
    photos_to: PhotosGo, ada: User, manager: User, shirts: Category
) -> None:
    image = seen_by_two(ada, manager, shirts, shirts)

    change = reshaping.split(shirts, ["Polos", "Blouses"], by=manager, photos_to=photos_to)

    image.refresh_from_db()
    label = str(image.label) if image.label else ""
    assert label == ("Shirts › Polos" if photos_to == PhotosGo.FIRST else "")
    assert (image.disputed, change.is_settled) == (False, True)
    assert agreement.measure(manager).everybody.others.of == 0


def test_photos_moved_by_who_was_to_give_a_second_opinion_are_moved(
    ada: User, manager: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, manager, shirts, shirts)

    moved = category_photos.move(shirts, hats, by=manager)

    image.refresh_from_db()
    assert (moved.photos, moved.left) == (1, 0)
    assert (image.label, image.disputed) == (hats, False)
    assert agreement.measure(manager).everybody.others.of == 0


def test_the_second_opinion_can_be_given_once_the_split_is_undone(
    ada: User, manager: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, manager, shirts, shirts)
    change = reshaping.split(shirts, ["Polos", "Blouses"], by=manager, photos_to=PhotosGo.FIRST)

    reshaping.undo(change, by=manager)
    decide(manager, image, hats)

    image.refresh_from_db()
    assert (image.label, image.disputed) == (shirts, True)


def doubted(image: ProductImage, suggested: Category) -> LabelDoubt:
    """The label check would rather have the photo in `suggested`."""
    check = doubts.claim(doubts.request().pk)
    assert check is not None
    assert image.label_id is not None
    doubts.finish(check, [Found(image.pk, image.label_id, suggested.pk, 0.9, 0.01)], labels=1)
    return LabelDoubt.objects.get(image=image)


DOUBTS = ["labels", "label-queue"]


def test_a_doubt_about_a_label_is_kept_from_who_is_to_see_its_photo_blind(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, shirts)
    queue.release(ben, [image.pk])
    doubt = doubted(image, hats)

    for name in DOUBTS:
        his = signed_in(ben).get(reverse(name), {"at": doubt.pk}).content.decode()
        assert image.original_name not in his
        others = signed_in(ada).get(reverse(name)).content.decode()
        assert image.original_name in others
    assert "contradict" not in signed_in(ben).get(reverse("models")).content.decode()


@pytest.mark.parametrize("name", ["label-relabel", "label-keep", "label-dismiss"])
def test_a_doubt_on_an_older_page_is_refused_to_who_is_to_see_its_photo_blind(
    name: str, ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, shirts)
    doubt = doubted(image, hats)

    fields = {"category": hats.pk, "revision": image.revision}
    answer = signed_in(ben).post(reverse(name, args=[doubt.pk]), fields, follow=True)

    image.refresh_from_db()
    doubt.refresh_from_db()
    assert "decide this photo on the review desk first" in answer.content.decode()
    assert (image.label, image.disputed, doubt.dismissed_at) == (shirts, False, None)
    assert Decision.objects.count() == 1


def test_a_doubt_is_shown_once_a_blind_look_no_longer_holds(
    ada: User, ben: User, shirts: Category, hats: Category
) -> None:
    image = seen_by_two(ada, ben, shirts, hats)
    queue.release(ben, [image.pk])
    decide(ada, image, shirts)
    image.refresh_from_db()
    doubt = doubted(image, hats)

    shown = signed_in(ben).get(reverse("label-queue")).content.decode()
    fields = {"category": hats.pk, "revision": image.revision}
    signed_in(ben).post(reverse("label-relabel", args=[doubt.pk]), fields)

    image.refresh_from_db()
    assert image.original_name in shown
    assert (image.label, image.disputed) == (hats, False)
