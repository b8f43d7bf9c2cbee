"""A merchant says that a category is wrong: a reviewer looks again, and nothing else changes."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from catalog import history, lifecycle, queue, reshaping, training_set, wording
from catalog.errors import NotAllowed, StaleImage
from catalog.models import Category, LabelState, ProductImage, Role, Split, UnusableReason, User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return factories.user(name="anna", merchant=factories.merchant("Acme"))


@pytest.fixture
def ruth() -> User:
    return factories.user(Role.REVIEWER, name="ruth")


def suggested(category: Category, merchant_user: User) -> ProductImage:
    return factories.answered_image(
        category, merchant=merchant_user.merchant, stored=False, drawn=False
    )


def checked(category: Category, merchant_user: User, by: User) -> ProductImage:
    image = suggested(category, merchant_user)
    lifecycle.decide_category(image, category, by=by, revision=0)
    return fresh(image)


def fresh(image: ProductImage) -> ProductImage:
    return ProductImage.objects.select_related("label", "predicted", "product").get(pk=image.pk)


def decide(image: ProductImage, category: Category, by: User) -> None:
    lifecycle.decide_category(image, category, by=by, revision=fresh(image).revision)


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_what_a_merchant_reports_is_reviewed_first(
    anna: User, ruth: User, shirts: Category, shoes: Category
) -> None:
    suggested(shirts, anna)
    sure = suggested(shirts, anna)
    ProductImage.objects.filter(pk=sure.pk).update(confidence=0.99)
    lifecycle.complain(sure, by=anna, category=shoes)
    assert [image.pk for image in queue.next_images(ruth)] == [sure.pk]
    assert queue.waiting() == 2


def test_the_reviewer_reads_what_the_merchant_expects_and_settles_it(
    anna: User, ruth: User, shirts: Category, shoes: Category, client: Client
) -> None:
    image = suggested(shirts, anna)
    lifecycle.complain(image, by=anna, category=shoes, note="With laces")
    client.force_login(ruth)
    desk = page(client, "/review/")
    assert "The merchant says it is wrong" in desk
    assert "Acme expects “Shoes”" in desk
    assert "“With laces”" in desk
    decide(image, shoes, ruth)
    assert wording.words(fresh(image)) == "checked again: Shoes"
    assert queue.waiting() == 0


def test_an_expected_category_that_was_merged_is_named_as_it_counts(
    anna: User, ruth: User, shirts: Category, shoes: Category, client: Client
) -> None:
    boots = factories.category("Boots")
    image = suggested(shirts, anna)
    lifecycle.complain(image, by=anna, category=shoes)
    reshaping.merge(shoes, boots, by=factories.user(Role.MANAGER))

    client.force_login(anna)
    assert "and expect Boots" in page(client, f"/images/{image.pk}/")
    client.force_login(ruth)
    assert "Acme expects “Boots”" in page(client, "/review/")


def test_a_complaint_is_never_a_label(
    anna: User, ruth: User, shirts: Category, shoes: Category
) -> None:
    image = checked(shirts, anna, ruth)
    ProductImage.objects.filter(pk=image.pk).update(split_conflict=False)
    image.product.split = Split.TRAIN
    image.product.save()
    before = training_set.build()
    lifecycle.complain(image, by=anna, category=shoes)
    other = suggested(shirts, anna)
    lifecycle.complain(other, by=anna, category=shoes)
    after = training_set.build()
    assert len(after.rows) == 1
    assert after == before
    assert fresh(image).label == shirts
    assert fresh(other).label_state == LabelState.UNLABELLED
    assert not fresh(other).decisions.exists()


def test_a_checked_photo_comes_back_with_its_label(
    anna: User, ruth: User, shirts: Category, shoes: Category, client: Client
) -> None:
    image = checked(shirts, anna, ruth)
    assert queue.waiting() == 0
    lifecycle.complain(image, by=anna)
    assert queue.waiting() == 1
    client.force_login(ruth)
    desk = page(client, "/review/")
    assert "It stands in “Shirts”. Acme does not say what it should be." in desk
    decide(image, shirts, ruth)
    assert wording.words(fresh(image)) == "checked again: Shirts"
    assert queue.waiting() == 0


def test_the_history_keeps_what_was_said(
    anna: User, ruth: User, shirts: Category, shoes: Category
) -> None:
    image = suggested(shirts, anna)
    lifecycle.complain(image, by=anna, category=shoes, note="With laces")
    lifecycle.take_back_complaint(image, by=anna)
    lifecycle.complain(image, by=anna)
    decide(image, shoes, ruth)
    said = [event.what for event in history.of(fresh(image), reader=anna)]
    assert said[:4] == [
        "Chose Shoes instead of Shirts",
        "Reported as wrong",
        "Report taken back",
        "Reported as wrong; expected Shoes (“With laces”)",
    ]


def test_a_reviewer_who_has_the_photo_on_the_screen_sees_it_anew(
    anna: User, ruth: User, shirts: Category, shoes: Category
) -> None:
    image = suggested(shirts, anna)
    (on_screen,) = queue.next_images(ruth)
    lifecycle.complain(image, by=anna, category=shoes)
    with pytest.raises(StaleImage, match="the merchant says that the category is wrong"):
        lifecycle.decide_category(on_screen, shirts, by=ruth, revision=on_screen.revision)
    decide(image, shirts, ruth)


def test_undoing_the_decision_brings_the_complaint_back(
    anna: User, ruth: User, shirts: Category, shoes: Category
) -> None:
    image = suggested(shirts, anna)
    lifecycle.complain(image, by=anna, category=shoes, note="With laces")
    decide(image, shirts, ruth)
    lifecycle.undo(image.decisions.get(), by=ruth)
    now = fresh(image)
    assert wording.standing(now) == wording.Standing.COMPLAINT
    assert (now.complaint_category, now.complaint_note) == (shoes, "With laces")
    assert queue.waiting() == 1
    decide(image, shoes, ruth)
    assert wording.words(fresh(image)) == "checked again: Shoes"


def test_a_complaint_taken_back_leaves_everything_as_it_was(
    anna: User, ruth: User, shirts: Category, client: Client
) -> None:
    image = checked(shirts, anna, ruth)
    lifecycle.complain(image, by=anna)
    client.force_login(anna)
    client.post(f"/images/{image.pk}/complain/take-back/")
    assert wording.words(fresh(image)) == "checked: Shirts"
    assert queue.waiting() == 0
    answer = client.post(f"/images/{image.pk}/complain/take-back/", follow=True)
    assert "not being looked at again" in answer.content.decode()


def test_a_merchant_reports_on_the_page_and_finds_it_in_the_list(
    anna: User, shirts: Category, shoes: Category, client: Client
) -> None:
    image = suggested(shirts, anna)
    client.force_login(anna)
    assert "Category wrong?" in page(client, "/images/")
    shown = client.get(f"/images/{image.pk}/?wrong").content.decode()
    assert '<details class="card" id="wrong" open>' in shown
    sent = {"category": shoes.pk, "note": ""}
    answer = client.post(f"/images/{image.pk}/complain/", sent, follow=True).content.decode()
    assert "Thank you. A reviewer looks at this photo next." in answer
    assert "and expect Shoes" in answer
    listed = page(client, "/images/?state=complaint")
    assert "reported as wrong: being checked again" in listed
    assert "No photo matches" in page(client, "/images/?state=suggested")


def test_what_cannot_be_reported_is_refused_with_a_reason(
    anna: User, ruth: User, shirts: Category
) -> None:
    image = suggested(shirts, anna)
    waiting = factories.image(merchant=anna.merchant, stored=False)
    unusable = suggested(shirts, anna)
    lifecycle.decide_unusable(unusable, UnusableReason.BLURRED, by=ruth, revision=0)
    retired = factories.category("Hats", retired_at=timezone.now())
    for photo, category, reason in [
        (image, shirts, "in “Shirts” already"),
        (image, retired, "“Hats” cannot be chosen"),
        (waiting, None, "has no category yet"),
        (unusable, None, "upload a better one"),
    ]:
        with pytest.raises(NotAllowed, match=reason):
            lifecycle.complain(photo, by=anna, category=category)
    lifecycle.complain(image, by=anna)
    with pytest.raises(NotAllowed, match="told us already"):
        lifecycle.complain(image, by=anna)
    with pytest.raises(NotAllowed, match="Only the merchant"):
        lifecycle.take_back_complaint(image, by=factories.user())


def test_another_merchants_photo_cannot_be_reported(
    anna: User, shirts: Category, client: Client
) -> None:
    image = suggested(shirts, anna)
    client.force_login(factories.user())
    assert client.post(f"/images/{image.pk}/complain/").status_code == 404
    assert fresh(image).complaint_at is None


def test_withdrawing_the_photo_ends_it(anna: User, shirts: Category) -> None:
    image = suggested(shirts, anna)
    lifecycle.complain(image, by=anna)
    lifecycle.withdraw(image, by=anna)
    assert queue.waiting() == 0
    assert not ProductImage.objects.in_review().exists()
