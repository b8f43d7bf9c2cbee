"""Taking a decision back brings its photo to the screen again."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from catalog import lifecycle, queue
from catalog.models import Category, Decision, LabelState, ProductImage, Role, User

from .. import factories

pytestmark = pytest.mark.django_db

SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture
def reviewer(client: Client, rita: User) -> Client:
    client.force_login(rita)
    return client


def decided(category: Category, by: User) -> Decision:
    image = factories.answered_image(category)
    return lifecycle.decide_category(image, category, by=by, revision=0)


def undo(client: Client, **fields: object) -> tuple[int, dict[str, Any]]:
    response = client.post(reverse("review-undo"), fields, headers=SCRIPT)
    return response.status_code, response.json()


def test_the_last_decision_is_taken_back_and_its_photo_comes_again(
    reviewer: Client, shirts: Category, rita: User
) -> None:
    decided(shirts, rita)
    last = decided(shirts, rita)

    status, answer = undo(reviewer)

    image = ProductImage.objects.get(pk=last.image_id)
    assert status == 200
    assert (answer["card"]["id"], answer["card"]["revision"]) == (image.pk, 2)
    assert image.label_state == LabelState.UNLABELLED
    assert image.reviewer == rita


def test_undo_goes_back_step_by_step(reviewer: Client, shirts: Category, rita: User) -> None:
    first, second = decided(shirts, rita), decided(shirts, rita)

    photos = [undo(reviewer)[1]["card"]["id"] for _ in range(2)]

    assert photos == [second.image_id, first.image_id]


def test_with_nothing_left_to_undo_the_answer_says_so(reviewer: Client) -> None:
    status, answer = undo(reviewer)

    assert status == 409
    assert answer["message"] == "There is no decision of yours to undo."


def test_other_peoples_decisions_are_not_taken_back(reviewer: Client, shirts: Category) -> None:
    theirs = decided(shirts, factories.user(Role.REVIEWER))

    assert undo(reviewer)[0] == 409
    assert undo(reviewer, decision=theirs.pk)[0] == 409


def test_a_repeated_undo_undoes_once(reviewer: Client, shirts: Category, rita: User) -> None:
    first, second = decided(shirts, rita), decided(shirts, rita)
    token = uuid4()

    answers = [undo(reviewer, token=token) for _ in range(2)]

    assert [answer["card"]["id"] for _, answer in answers] == [second.image_id] * 2
    assert ProductImage.objects.get(pk=first.image_id).is_labelled


def test_a_decision_somebody_built_on_is_not_undone(
    reviewer: Client, shirts: Category, rita: User
) -> None:
    mine = decided(shirts, rita)
    ann, hats = factories.user(Role.REVIEWER, name="ann"), factories.category("Hats")
    image = ProductImage.objects.get(pk=mine.image_id)
    lifecycle.decide_category(image, hats, by=ann, revision=1)

    status, answer = undo(reviewer)

    assert status == 409
    assert "ann chose “Hats”" in answer["message"]


def test_what_somebody_built_on_does_not_block_what_was_decided_before(
    reviewer: Client, shirts: Category, rita: User
) -> None:
    first, second = decided(shirts, rita), decided(shirts, rita)
    ann, hats = factories.user(Role.REVIEWER, name="ann"), factories.category("Hats")
    image = ProductImage.objects.get(pk=second.image_id)
    lifecycle.decide_category(image, hats, by=ann, revision=1)

    status, answer = undo(reviewer)

    assert status == 200
    assert answer["card"]["id"] == first.image_id


def test_a_photo_on_another_screen_is_not_taken_away(
    reviewer: Client, shirts: Category, rita: User
) -> None:
    mine = decided(shirts, rita)
    queue.lease(factories.user(Role.REVIEWER), ProductImage.objects.get(pk=mine.image_id))

    status, answer = undo(reviewer)

    assert status == 409
    assert "Another reviewer" in answer["message"]


def test_a_withdrawn_photo_is_passed_over(reviewer: Client, shirts: Category, rita: User) -> None:
    first, second = decided(shirts, rita), decided(shirts, rita)
    lifecycle.withdraw(ProductImage.objects.get(pk=second.image_id), by=rita)

    _, answer = undo(reviewer)

    assert answer["card"]["id"] == first.image_id


def test_undoing_a_second_label_brings_the_first_back_and_says_so(
    reviewer: Client, shirts: Category, rita: User
) -> None:
    first = decided(shirts, factories.user(Role.REVIEWER))
    hats = factories.category("Hats")
    image = ProductImage.objects.get(pk=first.image_id)
    lifecycle.decide_category(image, hats, by=rita, revision=1)

    _, answer = undo(reviewer)

    assert answer["card"]["reason"] == "again"
    assert "It stands in “Shirts”" in answer["card"]["html"]


def test_without_scripts_undo_leads_to_the_desk_with_that_photo_first(
    reviewer: Client, shirts: Category, rita: User
) -> None:
    mine = decided(shirts, rita)
    on_screen = factories.answered_image(shirts, 0.1)
    queue.lease(rita, on_screen)

    response = reviewer.post(reverse("review-undo"), follow=True)

    assert f'data-card="{mine.image_id}"' in response.content.decode()
