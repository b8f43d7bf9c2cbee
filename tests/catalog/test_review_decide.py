"""Saving what a reviewer says: once, of the photo they saw, or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog import categories, lifecycle, queue
from catalog.models import Category, Decision, LabelState, Origin, ProductImage, Role, User

from .. import factories

pytestmark = pytest.mark.django_db

SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture
def rita() -> User:
    return factories.user(Role.REVIEWER)


@pytest.fixture
def image(shirts: Category, rita: User) -> ProductImage:
    """On Rita's screen."""
    shown = factories.answered_image(shirts)
    queue.lease(rita, shown)
    return shown


@pytest.fixture
def reviewer(client: Client, rita: User) -> Client:
    client.force_login(rita)
    return client


def decide(client: Client, image: ProductImage, *, scripted: bool = True, **fields: Any) -> Any:
    """The test client's response."""
    values = {"kind": "label", "revision": 0, "token": uuid4(), **fields}
    address = reverse("image-decide", args=[image.pk])
    return client.post(address, values, headers=SCRIPT if scripted else {})


def test_accepting_the_suggestion_confirms_it(
    reviewer: Client, image: ProductImage, shirts: Category
) -> None:
    response = decide(reviewer, image, category=shirts.pk)

    image.refresh_from_db()
    assert response.status_code == 200
    assert (image.label_state, image.label) == (LabelState.CONFIRMED, shirts)
    assert image.reviewer is None


def test_choosing_another_category_corrects_it(reviewer: Client, image: ProductImage) -> None:
    hats = factories.category("Hats")

    decide(reviewer, image, category=hats.pk)

    image.refresh_from_db()
    assert (image.label_state, image.label) == (LabelState.CORRECTED, hats)


@pytest.mark.parametrize("reason", ["blurred", "several", "not_a_product", "prohibited"])
def test_each_reason_marks_the_photo_unusable(
    reason: str, reviewer: Client, image: ProductImage
) -> None:
    decide(reviewer, image, kind="unusable", reason=reason)

    image.refresh_from_db()
    assert (image.label_state, image.unusable_reason) == (LabelState.UNUSABLE, reason)


def test_unusable_without_a_reason_is_refused(reviewer: Client, image: ProductImage) -> None:
    response = decide(reviewer, image, kind="unusable")

    assert response.status_code == 400
    assert b"Say why" in response.content


def test_no_category_fits(reviewer: Client, image: ProductImage) -> None:
    decide(reviewer, image, kind="none_of_these")

    image.refresh_from_db()
    assert image.label_state == LabelState.NONE_OF_THESE


def test_the_queue_says_how_the_photo_came_up(
    reviewer: Client, image: ProductImage, shirts: Category
) -> None:
    ProductImage.objects.filter(pk=image.pk).update(drawn=True)

    decide(reviewer, image, category=shirts.pk)

    image.refresh_from_db()
    assert image.label_origin == Origin.RANDOM


def test_the_same_token_saves_once(reviewer: Client, image: ProductImage, shirts: Category) -> None:
    token = uuid4()

    first = decide(reviewer, image, category=shirts.pk, token=token)
    second = decide(reviewer, image, category=shirts.pk, token=token)

    assert first.status_code == second.status_code == 200
    assert first.json()["decision"] == second.json()["decision"]
    assert Decision.objects.count() == 1


def test_a_stale_save_is_refused_with_what_happened(
    reviewer: Client, image: ProductImage, shirts: Category
) -> None:
    hats, ann = factories.category("Hats"), factories.user(Role.REVIEWER, name="ann")
    queue.release(image.reviewer or factories.user(Role.REVIEWER), [image.pk])
    ProductImage.objects.update(reviewer=None)
    lifecycle.decide_category(image, hats, by=ann, revision=0)

    response = decide(reviewer, image, category=shirts.pk)

    answer = response.json()
    assert response.status_code == 409
    assert answer["error"] == "stale"
    assert answer["message"] == "Nothing was saved: ann chose “Hats”."
    assert "card" not in answer
    image.refresh_from_db()
    assert image.label == hats


def test_a_stale_photo_that_still_waits_comes_with_the_answer(
    reviewer: Client, image: ProductImage, shirts: Category
) -> None:
    ann = factories.user(Role.REVIEWER, name="ann")
    ProductImage.objects.update(reviewer=None)
    decision = lifecycle.decide_category(image, shirts, by=ann, revision=0)
    lifecycle.undo(decision, by=ann)

    answer = decide(reviewer, image, category=shirts.pk).json()

    assert "ann undid a decision" in answer["message"]
    assert (answer["card"]["id"], answer["card"]["revision"]) == (image.pk, 2)


def test_a_photo_on_another_screen_is_refused(
    reviewer: Client, image: ProductImage, shirts: Category
) -> None:
    ben = factories.user(Role.REVIEWER)
    until = timezone.now() + timedelta(minutes=5)
    ProductImage.objects.update(reviewer=ben, review_lease_until=until)

    response = decide(reviewer, image, category=shirts.pk)

    assert response.status_code == 409
    assert response.json()["error"] == "lease-lost"
    image.refresh_from_db()
    assert image.label_state == LabelState.UNLABELLED
    assert image.reviewer == ben


def test_a_category_retired_meanwhile_is_refused_and_the_photo_comes_again(
    reviewer: Client, image: ProductImage
) -> None:
    hats = factories.category("Hats")
    categories.retire(hats, by=factories.user(Role.MANAGER))

    response = decide(reviewer, image, category=hats.pk)

    answer = response.json()
    assert response.status_code == 409
    assert answer["error"] == "not-allowed"
    assert "retired" in answer["message"]
    assert answer["card"]["id"] == image.pk


def test_a_withdrawn_photo_is_refused_in_words(
    reviewer: Client, image: ProductImage, shirts: Category, rita: User
) -> None:
    lifecycle.withdraw(image, by=rita)

    response = decide(reviewer, image, category=shirts.pk)

    assert response.status_code == 409
    assert "withdrew" in response.json()["message"]


def test_a_photo_that_never_was_is_not_found(reviewer: Client, shirts: Category) -> None:
    address = reverse("image-decide", args=[987654])
    assert reviewer.post(address, {"kind": "label", "category": shirts.pk}).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "label"},
        {"kind": "label", "category": 987654},
        {"kind": "perhaps"},
        {"kind": "none_of_these", "revision": ""},
        {"kind": "none_of_these", "token": "no-uuid"},
        {"kind": "unusable", "reason": "ugly"},
    ],
)
def test_an_incomplete_save_is_refused(
    fields: dict[str, Any], reviewer: Client, image: ProductImage
) -> None:
    response = decide(reviewer, image, **fields)

    assert response.status_code == 400
    assert response.json()["message"]
    assert not Decision.objects.exists()


def test_without_scripts_a_saved_photo_leads_back_to_the_desk(
    reviewer: Client, image: ProductImage, shirts: Category
) -> None:
    response = decide(reviewer, image, scripted=False, category=shirts.pk, **{"from": "review"})

    assert (response.status_code, response.headers["Location"]) == (302, reverse("review"))
    (message,) = get_messages(response.wsgi_request)
    assert str(message) == "Saved: “Shirts” confirmed."


def test_a_relabelled_photo_leads_back_to_its_own_page(
    reviewer: Client, image: ProductImage, shirts: Category
) -> None:
    response = decide(reviewer, image, scripted=False, category=shirts.pk)

    assert response.headers["Location"] == reverse("image", args=[image.pk])


def test_without_scripts_a_refusal_is_a_message(
    reviewer: Client, image: ProductImage, shirts: Category
) -> None:
    ProductImage.objects.update(revision=7)

    response = decide(reviewer, image, scripted=False, category=shirts.pk)

    (message,) = get_messages(response.wsgi_request)
    assert "Nothing was saved" in str(message)


def test_an_expired_session_answers_the_script_with_401_and_saves_nothing(
    client: Client, image: ProductImage, shirts: Category
) -> None:
    response = decide(client, image, category=shirts.pk)

    assert response.status_code == 401
    assert not Decision.objects.exists()


def test_a_merchant_decides_nothing(client: Client, image: ProductImage, shirts: Category) -> None:
    client.force_login(factories.user(Role.MERCHANT, image.merchant))

    assert decide(client, image, category=shirts.pk).status_code == 403
    assert not Decision.objects.exists()
