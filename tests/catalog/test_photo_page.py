"""The page of one photo and of one product."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from catalog import lifecycle
from catalog.models import Priority, ProductImage, Role, User

from .. import factories


@pytest.fixture
def user(client: Client, db: None) -> User:
    merchant_user = factories.user()
    client.force_login(merchant_user)
    return merchant_user


def text(client: Client, url: str) -> str:
    """What the page says, without tags."""
    response = client.get(url)
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_the_history_tells_who_did_what(client: Client, db: None) -> None:
    shirts, bags = factories.category("Shirts"), factories.category("Bags")
    rosa = factories.user(Role.REVIEWER, name="rosa")
    image = factories.labelled_image(
        bags, rosa, suggested=shirts, merchant=factories.merchant("Acme")
    )
    lifecycle.undo(image.decisions.get(), by=rosa)
    client.force_login(rosa)
    said = text(client, f"/images/{image.pk}/").split("History ")[1]
    order = [
        said.index(words)
        for words in (
            "Undid: Chose Bags instead of Shirts",
            "Chose Bags instead of Shirts",
            "Suggested Shirts (80% sure)",
            "Uploaded",
        )
    ]
    assert order == sorted(order)
    assert said.count("rosa") == 2
    assert "version" in said
    assert "Acme" in said


def test_a_merchant_reads_the_history_without_names_of_staff_or_versions(
    user: User, client: Client
) -> None:
    rosa = factories.user(Role.REVIEWER, name="rosa")
    image = factories.labelled_image(factories.category("Shirts"), rosa, merchant=user.merchant)
    said = text(client, f"/images/{image.pk}/")
    assert "Confirmed Shirts" in said
    assert "our staff" in said
    assert "rosa" not in said
    assert "version" not in said.lower()


def test_staff_see_the_top_answers_with_confidence(client: Client, db: None) -> None:
    shirts, bags = factories.category("Shirts"), factories.category("Bags")
    image = factories.answered_image(shirts, 0.7, others=(bags,))
    client.force_login(factories.user(Role.REVIEWER))
    said = text(client, f"/images/{image.pk}/")
    assert "Shirts 70%" in said
    assert "Bags 15%" in said


def test_staff_relabel_on_the_page(client: Client, db: None) -> None:
    shirts, bags = factories.category("Shirts"), factories.category("Bags")
    image = factories.labelled_image(shirts)
    client.force_login(factories.user(Role.REVIEWER, name="ruth"))
    page = client.get(f"/images/{image.pk}/").content.decode()
    form = page.split('name="kind" value="label"')[1].split("</form>")[0]
    values = dict(re.findall(r'name="(revision|token)" value="([^"]+)"', form))
    response = client.post(
        f"/review/{image.pk}/decide/", {"kind": "label", "category": bags.pk, **values}, follow=True
    )
    image.refresh_from_db()
    assert image.label == bags
    assert "Chose Bags instead of Shirts" in response.content.decode()


def test_a_merchant_cannot_relabel(user: User, client: Client) -> None:
    image = factories.answered_image(factories.category("Shirts"), merchant=user.merchant)
    assert "decide" not in client.get(f"/images/{image.pk}/").content.decode()


def test_a_failed_photo_says_why_and_can_be_tried_again(user: User, client: Client) -> None:
    image = factories.image(merchant=user.merchant, machine="failed", failure="Too dark.")
    said = text(client, f"/images/{image.pk}/")
    assert "could not be classified: Too dark." in said
    client.post(f"/images/{image.pk}/retry/")
    image.refresh_from_db()
    assert (image.machine, image.priority) == ("pending", Priority.RETRY)


def test_trying_a_healthy_photo_again_is_refused_in_words(user: User, client: Client) -> None:
    image = factories.image(merchant=user.merchant)
    page = client.post(f"/images/{image.pk}/retry/", follow=True).content.decode()
    assert "Only a failed photo can be tried again" in page


@pytest.mark.django_db(transaction=True)
def test_a_withdrawn_photo_leaves_the_list_and_the_disk(client: Client) -> None:
    owner = factories.user()
    client.force_login(owner)
    image = factories.image(merchant=owner.merchant, name="gone.jpg")
    page = client.post(f"/images/{image.pk}/withdraw/", follow=True).content.decode()
    assert "gone.jpg was withdrawn and its files deleted." in page
    assert "No photos yet" in page
    assert ProductImage.objects.get().file == ""


def test_withdrawing_asks_first(user: User, client: Client) -> None:
    image = factories.image(merchant=user.merchant)
    page = client.get(f"/images/{image.pk}/").content.decode()
    before, _ = page.split(f'action="/images/{image.pk}/withdraw/"')
    assert before.rindex("<details") > before.rindex("</details>")
    assert "cannot be brought back" in before


def test_a_reviewer_may_not_withdraw(client: Client, db: None) -> None:
    image = factories.image()
    client.force_login(factories.user(Role.REVIEWER))
    assert "withdraw" not in client.get(f"/images/{image.pk}/").content.decode()
    assert client.post(f"/images/{image.pk}/withdraw/").status_code == 403


def test_a_product_shows_its_photos_and_one_category(user: User, client: Client) -> None:
    shirts = factories.category("Shirts", code="FA-1")
    for name in ("front.jpg", "back.jpg"):
        image = factories.answered_image(shirts, merchant=user.merchant, sku="BLUE-42", name=name)
    said = text(client, f"/products/{image.product_id}/")
    assert "BLUE-42 2 photos suggested: Shirts, not yet checked" in said
    assert "(FA-1)" in said
    assert "front.jpg" in said
    assert "back.jpg" in said


def test_a_product_whose_photos_people_label_differently_says_so(
    user: User, client: Client
) -> None:
    for name in ("Shirts", "Bags"):
        image = factories.labelled_image(
            factories.category(name), merchant=user.merchant, sku="BLUE-42"
        )
    assert "people disagree: being checked again" in text(client, f"/products/{image.product_id}/")


def test_a_product_without_photos_left_is_not_found(user: User, client: Client) -> None:
    image = factories.image(merchant=user.merchant)
    lifecycle.withdraw(image, by=user)
    assert client.get(f"/products/{image.product_id}/").status_code == 404


def test_a_missing_page_is_a_page_of_the_site(user: User, client: Client) -> None:
    response = client.get("/images/99/")
    assert response.status_code == 404
    assert "Nothing is here" in response.content.decode()
