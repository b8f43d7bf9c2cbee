"""What the review desk hands out: which photos, to whom, and what it says of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog import categories, category_photos, lifecycle
from catalog.models import Category, MachineState, ProductImage, ReviewSkip, Role, User

from .. import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uncertain_first(settings: LazySettings) -> None:
    """No photo is drawn at random unless a test says so."""
    settings.REVIEW_RANDOM_SHARE = 0.0


@pytest.fixture
def rita() -> User:
    return factories.user(Role.REVIEWER)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ask(user: User, **query: int | str) -> dict[str, Any]:
    address = reverse("review-next")
    answer: dict[str, Any] = signed_in(user).get(address, query).json()
    return answer


def ids(answer: dict[str, Any]) -> list[int]:
    return [card["id"] for card in answer["cards"]]


def test_the_least_certain_photo_comes_first(shirts: Category, rita: User) -> None:
    factories.answered_image(shirts, 0.9)
    unsure = factories.answered_image(shirts, 0.4)

    answer = ask(rita)

    assert ids(answer) == [unsure.pk]
    assert answer["cards"][0]["reason"] == "unsure"
    assert answer["left"] == 2


def test_eight_photos_are_handed_out_at_most(shirts: Category, rita: User) -> None:
    for _ in range(9):
        factories.answered_image(shirts, stored=False)

    assert len(ids(ask(rita, count=50))) == 8


def test_photos_the_page_holds_already_are_left_out(shirts: Category, rita: User) -> None:
    first, second = (factories.answered_image(shirts, c) for c in (0.3, 0.5))

    assert ids(ask(rita, count=3, exclude=f"{first.pk},nonsense,")) == [second.pk]


def test_two_reviewers_never_get_the_same_photo(shirts: Category, rita: User) -> None:
    for _ in range(4):
        factories.answered_image(shirts)
    ben = factories.user(Role.REVIEWER)

    hers, his = ids(ask(rita, count=2)), ids(ask(ben, count=2))

    assert len({*hers, *his}) == 4


def test_a_reloaded_page_gets_its_photo_back(shirts: Category, rita: User) -> None:
    for _ in range(3):
        factories.answered_image(shirts)

    assert ids(ask(rita)) == ids(ask(rita))


def test_an_expired_lease_goes_to_the_next_reviewer(shirts: Category, rita: User) -> None:
    image = factories.answered_image(shirts)
    ask(rita)
    long_ago = timezone.now() - timedelta(seconds=1)
    ProductImage.objects.filter(pk=image.pk).update(review_lease_until=long_ago)

    assert ids(ask(factories.user(Role.REVIEWER))) == [image.pk]


def test_the_random_share_is_mixed_in_as_often_as_set(
    shirts: Category, rita: User, settings: LazySettings
) -> None:
    sure = factories.answered_image(shirts, 0.99)
    ProductImage.objects.filter(pk=sure.pk).update(drawn=True)
    factories.answered_image(shirts, 0.2)

    settings.REVIEW_RANDOM_SHARE = 1.0
    (card,) = ask(rita)["cards"]

    assert card["id"] == sure.pk
    assert card["reason"] == "random"


def test_a_photo_the_machine_could_not_read_says_why_and_can_be_retried(
    shirts: Category, rita: User
) -> None:
    image = factories.answered_image(shirts)
    ProductImage.objects.filter(pk=image.pk).update(
        machine=MachineState.FAILED, failure="The file is damaged."
    )

    (card,) = ask(rita)["cards"]

    assert card["reason"] == "unread"
    assert card["suggestions"] == []
    assert "The file is damaged." in card["html"]
    assert reverse("image-retry", args=[image.pk]) in card["html"]


def test_a_disputed_photo_names_who_said_what(shirts: Category, rita: User) -> None:
    merchant, hats = factories.merchant(), factories.category("Hats")
    ann = factories.user(Role.REVIEWER, name="ann")
    for category, by in ((shirts, ann), (hats, rita)):
        factories.labelled_image(category, by, merchant=merchant, sku="A-1")

    (card,) = ask(factories.user(Role.REVIEWER))["cards"]

    assert card["reason"] == "disagree"
    assert "ann put" in card["html"]
    assert "“Hats”" in card["html"]


def test_suggestions_are_numbered_with_their_confidence(rita: User) -> None:
    shirts = categories.ensure_path(["Fashion", "Shirts"])
    others = tuple(factories.category(f"Other {n}") for n in range(4))
    factories.answered_image(shirts, 0.6, others=others)

    (card,) = ask(rita)["cards"]

    first = {"number": 1, "category": shirts.pk, "path": "Fashion › Shirts", "confidence": 0.6}
    assert card["suggestions"][0] == first
    assert [s["number"] for s in card["suggestions"]] == [1, 2, 3, 4, 5]
    assert "60%" in card["html"]


def test_a_retired_category_is_no_suggestion_from_that_moment(rita: User) -> None:
    hats, caps = factories.category("Hats"), factories.category("Caps")
    factories.answered_image(hats, 0.6, others=(caps,))

    categories.retire(hats, by=factories.user(Role.MANAGER))

    (card,) = ask(rita)["cards"]
    assert [s["category"] for s in card["suggestions"]] == [caps.pk]


def test_the_card_carries_guidance_and_the_chosen_examples(rita: User) -> None:
    hats = factories.category("Hats", guidance="No helmets.")
    newest = [factories.labelled_image(hats) for _ in range(4)]
    category_photos.choose_examples(hats, [newest[0].pk])
    factories.answered_image(hats)

    html = ask(rita)["cards"][0]["html"]

    assert "No helmets." in html
    assert thumbnails(html) == {newest[0].pk}


def test_without_chosen_examples_the_newest_confirmed_photos_stand_in(
    shirts: Category, rita: User
) -> None:
    confirmed = [factories.labelled_image(shirts) for _ in range(4)]
    withdrawn = factories.labelled_image(shirts)
    lifecycle.withdraw(withdrawn, by=rita)
    factories.answered_image(shirts)

    html = ask(rita)["cards"][0]["html"]

    assert thumbnails(html) == {image.pk for image in confirmed[1:]}


def test_sibling_photos_of_the_product_stand_beside_it(shirts: Category, rita: User) -> None:
    merchant = factories.merchant()
    factories.answered_image(shirts, 0.2, merchant=merchant, sku="A-1")
    sibling = factories.image(merchant=merchant, sku="A-1")

    html = ask(rita)["cards"][0]["html"]

    assert "A-1" in html
    assert thumbnails(html) == {sibling.pk}


def thumbnails(html: str) -> set[int]:
    return {int(pk) for pk in re.findall(r'src="/images/(\d+)/file/thumbnail/"', html)}


def test_numbers_in_addresses_carry_no_thousands_separator(shirts: Category, rita: User) -> None:
    image = factories.answered_image(shirts)
    ProductImage.objects.filter(pk=image.pk).update(revision=1234)

    assert 'name="revision" value="1234"' in ask(rita)["cards"][0]["html"]


def test_a_skipped_photo_goes_to_the_others_and_returns_in_half_an_hour(
    shirts: Category, rita: User
) -> None:
    image = factories.answered_image(shirts)
    ask(rita)

    signed_in(rita).post(reverse("review-skip", args=[image.pk]))

    assert ids(ask(rita)) == []
    assert ids(ask(factories.user(Role.REVIEWER))) == [image.pk]
    ProductImage.objects.update(reviewer=None)
    ReviewSkip.objects.update(at=timezone.now() - timedelta(minutes=31))
    assert ids(ask(rita)) == [image.pk]


def test_a_page_that_closes_gives_its_photos_back(shirts: Category, rita: User) -> None:
    image = factories.answered_image(shirts)
    (card,) = ask(rita)["cards"]

    fields = {"action": "release", "ids": str(image.pk), "until": card["until"]}
    assert signed_in(rita).post(reverse("review-leases"), fields).status_code == 200

    assert ids(ask(factories.user(Role.REVIEWER))) == [image.pk]


def test_a_page_that_was_reloaded_keeps_what_it_took_again(shirts: Category, rita: User) -> None:
    """The closing page's message arrives after the new page has the photo."""
    image = factories.answered_image(shirts)
    closing = ask(rita)["cards"][0]["until"]
    ask(rita)

    fields = {"action": "release", "ids": str(image.pk), "until": closing}
    signed_in(rita).post(reverse("review-leases"), fields)

    assert ids(ask(factories.user(Role.REVIEWER))) == []


def test_a_page_keeps_its_photos_and_hears_which_it_lost(shirts: Category, rita: User) -> None:
    kept, lost, decided = (factories.answered_image(shirts) for _ in range(3))
    ask(rita, count=3)
    soon = timezone.now() + timedelta(seconds=2)
    ProductImage.objects.update(review_lease_until=soon)
    ben = factories.user(Role.REVIEWER)
    ProductImage.objects.filter(pk=lost.pk).update(reviewer=ben)
    lifecycle.decide_category(decided, shirts, by=rita, revision=0)

    fields = {"action": "renew", "ids": f"{kept.pk},{lost.pk},{decided.pk}"}
    answer = signed_in(rita).post(reverse("review-leases"), fields).json()

    assert answer["held"] == [kept.pk]
    kept.refresh_from_db()
    assert kept.review_lease_until is not None
    assert kept.review_lease_until > soon + timedelta(minutes=1)
    lost.refresh_from_db()
    assert lost.reviewer == ben


def test_an_expired_lease_nobody_took_is_renewed(shirts: Category, rita: User) -> None:
    image = factories.answered_image(shirts)
    ask(rita)
    past = timezone.now() - timedelta(minutes=1)
    ProductImage.objects.update(review_lease_until=past)

    fields = {"action": "renew", "ids": str(image.pk)}
    answer = signed_in(rita).post(reverse("review-leases"), fields).json()

    assert answer["held"] == [image.pk]


def test_without_a_model_the_desk_says_so(rita: User) -> None:
    factories.image()

    answer = ask(rita)

    assert answer["cards"] == []
    assert "No model suggests categories yet" in answer["empty"]
    assert "1 photo waits for it" in answer["empty"]


def test_an_empty_queue_says_that_photos_come_by_themselves(shirts: Category, rita: User) -> None:
    lifecycle.decide_category(factories.answered_image(shirts), shirts, by=rita, revision=0)

    assert "New photos appear here by themselves" in ask(rita)["empty"]


def test_photos_still_being_classified_are_announced(shirts: Category, rita: User) -> None:
    factories.labelled_image(shirts)
    factories.image()

    assert "1 photo is being classified" in ask(rita)["empty"]


def test_photos_on_other_screens_are_announced(shirts: Category, rita: User) -> None:
    factories.answered_image(shirts)
    ask(factories.user(Role.REVIEWER))

    assert "The 1 photo left is on other reviewers" in ask(rita)["empty"]


def test_cards_take_the_same_number_of_queries_however_much_they_show(rita: User) -> None:
    shirts, hats = factories.category("Shirts"), factories.category("Hats")
    merchant = factories.merchant()
    for _ in range(2):
        factories.labelled_image(shirts)
    factories.answered_image(shirts, 0.1, others=(hats,), merchant=merchant, sku="A")
    few = queries(rita)
    for n in range(4):
        factories.labelled_image(hats)
        factories.answered_image(hats, 0.5, others=(shirts,), merchant=merchant, sku=f"B-{n % 2}")
    ProductImage.objects.update(reviewer=None)

    assert queries(rita, count=1) == few
    ProductImage.objects.update(reviewer=None)
    # Two more photos: each is picked and leased on its own; their cards come together.
    assert queries(rita, count=3) - few <= 2 * 8


def queries(user: User, count: int = 1) -> int:
    client = signed_in(user)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(reverse("review-next"), {"count": count}).status_code == 200
    return len(captured)


def test_the_type_ahead_offers_every_active_leaf(rita: User) -> None:
    manager = factories.user(Role.MANAGER)
    shirts = categories.ensure_path(["Fashion", "Shirts"])
    categories.describe(shirts, guidance="With a collar.", code="F-1", by=manager)
    categories.retire(categories.ensure_path(["Hats"]), by=manager)

    answer = signed_in(rita).get(reverse("review-categories")).json()

    assert answer["leaves"] == [
        {
            "id": shirts.pk,
            "name": "Shirts",
            "path": "Fashion › Shirts",
            "code": "F-1",
            "guidance": "With a collar.",
        }
    ]


def test_the_page_works_without_scripts(shirts: Category, rita: User) -> None:
    image = factories.answered_image(shirts)

    html = signed_in(rita).get(reverse("review")).content.decode()

    assert f'action="{reverse("image-decide", args=[image.pk])}"' in html
    assert f'name="category" value="{shirts.pk}"' in html
    assert '<select name="category" required>' in html


def test_a_merchant_has_no_desk_and_a_stranger_must_sign_in(client: Client) -> None:
    assert client.get(reverse("review-next"), HTTP_ACCEPT="application/json").status_code == 401
    client.force_login(factories.user(Role.MERCHANT))
    assert client.get(reverse("review")).status_code == 403
