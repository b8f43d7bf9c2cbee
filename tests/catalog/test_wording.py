"""The words a merchant reads, and that the database sorts photos by the same rules."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from catalog import lifecycle
from catalog.models import Product, ProductImage, Role, UnusableReason
from catalog.wording import WHERE, Standing, product_standing, standing, words

from .. import factories

pytestmark = pytest.mark.django_db


def test_a_photo_without_an_answer_is_waiting() -> None:
    assert words(factories.image(stored=False)) == "waiting"


def test_a_photo_that_is_being_classified_is_waiting() -> None:
    held: dict[str, Any] = {
        "machine": "classifying",
        "owner": "w",
        "lease_until": "2030-01-01T00:00Z",
    }
    assert words(factories.image(stored=False, **held)) == "waiting"


def test_an_answer_is_a_suggestion_until_a_person_looks() -> None:
    image = factories.answered_image(factories.category("Shirts"), stored=False)
    assert words(image) == "suggested: Shirts, not yet checked"


def test_an_answer_stays_readable_while_the_photo_is_asked_again() -> None:
    image = factories.answered_image(factories.category("Shirts"), stored=False)
    ProductImage.objects.update(machine="pending")
    image.refresh_from_db()
    assert words(image) == "suggested: Shirts, not yet checked"


def test_a_persons_category_reads_checked() -> None:
    shirts, bags = factories.category("Shirts"), factories.category("Bags")
    image = factories.labelled_image(shirts, suggested=bags, stored=False)
    assert words(image) == "checked: Shirts"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (UnusableReason.BLURRED, "please replace: blurred"),
        (UnusableReason.SEVERAL, "please replace: shows several products"),
        (UnusableReason.NOT_A_PRODUCT, "please replace: not a product"),
        (UnusableReason.PROHIBITED, "please replace: not allowed in the catalog"),
    ],
)
def test_an_unusable_photo_says_what_is_wrong(reason: UnusableReason, said: str) -> None:
    image = factories.answered_image(factories.category(), stored=False)
    lifecycle.decide_unusable(image, reason, by=factories.user(Role.REVIEWER), revision=0)
    image.refresh_from_db()
    assert words(image) == said


def test_a_photo_without_a_fitting_category_reads_checked() -> None:
    image = factories.answered_image(factories.category(), stored=False)
    lifecycle.decide_none_of_these(image, by=factories.user(Role.REVIEWER), revision=0)
    image.refresh_from_db()
    assert words(image) == "checked: no category fits"


def test_a_failed_photo_has_no_suggestion() -> None:
    assert words(factories.image(stored=False, machine="failed")) == "no suggestion"


def test_photos_people_label_differently_are_checked_again() -> None:
    shirts, bags = factories.category("Shirts"), factories.category("Bags")
    merchant = factories.merchant()
    same: dict[str, Any] = {"merchant": merchant, "sku": "A1", "stored": False}
    factories.labelled_image(shirts, **same)
    image = factories.labelled_image(bags, **same)
    assert words(image) == "being checked again"
    image.refresh_from_db()
    disputed = product_standing(image.product, [image])
    assert disputed == (Standing.DISPUTED, "people disagree: being checked again")


def product_words(*photos: ProductImage) -> str:
    for photo in photos:
        photo.refresh_from_db()
    return product_standing(Product.objects.get(pk=photos[0].product_id), photos)[1]


def test_a_product_shows_one_category_and_whether_a_person_chose_it() -> None:
    shirts = factories.category("Shirts")
    assert product_words(factories.image(stored=False)) == "no category yet"
    guessed = factories.answered_image(shirts, stored=False)
    assert product_words(guessed) == "suggested: Shirts, not yet checked"
    assert product_words(factories.labelled_image(shirts, stored=False)) == "checked: Shirts"


def test_a_product_whose_photos_people_left_in_two_categories_says_so() -> None:
    shirts, bags = factories.category("Shirts"), factories.category("Bags")
    by, product = factories.user(Role.REVIEWER), factories.product()
    same: dict[str, Any] = {"merchant": product.merchant, "sku": product.sku, "stored": False}
    photos = [factories.labelled_image(category, by, **same) for category in (shirts, bags)]
    for photo, category in zip(photos, (shirts, bags), strict=True):
        photo.refresh_from_db()
        lifecycle.decide_category(photo, category, by=by, revision=photo.revision)

    assert product_words(*photos) == "checked: photos in different categories"


def test_a_product_without_a_category_says_why_if_all_its_photos_do() -> None:
    shirts, by = factories.category("Shirts"), factories.user(Role.REVIEWER)
    blurred = factories.answered_image(shirts, stored=False)
    lifecycle.decide_unusable(blurred, UnusableReason.BLURRED, by=by, revision=0)
    unfit = factories.answered_image(shirts, stored=False)
    lifecycle.decide_none_of_these(unfit, by=by, revision=0)
    product = blurred.product
    more: dict[str, Any] = {"merchant": product.merchant, "sku": product.sku, "stored": False}

    assert product_words(blurred) == "please replace its photo"
    assert product_words(unfit) == "checked: no category fits"
    assert product_words(factories.image(stored=False, machine="failed")) == "no suggestion"
    assert product_words(blurred, factories.image(**more)) == "no category yet"


def test_the_filter_of_each_state_finds_exactly_the_photos_that_read_so() -> None:
    shirts, bags = factories.category("Shirts"), factories.category("Bags")
    reviewer = factories.user(Role.REVIEWER)
    factories.image(stored=False)
    factories.image(stored=False, machine="failed")
    factories.answered_image(shirts, stored=False)
    factories.labelled_image(shirts, stored=False)
    factories.labelled_image(shirts, suggested=bags, stored=False)
    unfit, blurred = (factories.answered_image(shirts, stored=False) for _ in range(2))
    lifecycle.decide_none_of_these(unfit, by=reviewer, revision=0)
    lifecycle.decide_unusable(blurred, UnusableReason.BLURRED, by=reviewer, revision=0)
    ProductImage.objects.filter(pk=factories.labelled_image(shirts, stored=False).pk).update(
        disputed=True
    )
    ProductImage.objects.filter(pk=factories.answered_image(shirts, stored=False).pk).update(
        complaint_at=timezone.now()
    )
    for wanted in Standing:
        found = set(ProductImage.objects.filter(WHERE[wanted]))
        assert found == {i for i in ProductImage.objects.all() if standing(i) == wanted}
        assert found, wanted
