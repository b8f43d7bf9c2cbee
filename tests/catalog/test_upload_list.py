"""A CSV that names SKU and title per file."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog.models import Product, ProductImage, User

from .. import factories

SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture
def user(client: Client, db: None) -> User:
    merchant_user = factories.user()
    client.force_login(merchant_user)
    return merchant_user


def send(client: Client, data: bytes | str) -> Any:
    raw = data.encode() if isinstance(data, str) else data
    form = {"file": SimpleUploadedFile("list.csv", raw)}
    return client.post("/upload/package/", form, headers=SCRIPT)


def products(user: User) -> dict[str, tuple[str, str]]:
    """{file: (SKU, title)}"""
    rows = ProductImage.objects.filter(merchant=user.merchant)
    return {i.original_name: (i.product.sku, i.product.title) for i in rows}


@pytest.mark.parametrize(
    "table",
    [
        "file,sku,title\nA.jpg,S-1,Blå skjorta\n".encode(),
        "\ufeffFile;SKU;Title\r\nA.jpg;S-1;Blå skjorta\r\n".encode(),
        "TITLE\tFile Name\tsku\nBlå skjorta\tA.jpg\tS-1\n".encode("latin-1"),
        'sku,file,title\nS-1,photos/A.jpg,"Blå skjorta"\n\n'.encode(),
    ],
)
def test_a_list_is_read_as_spreadsheets_save_it(table: bytes, user: User, client: Client) -> None:
    factories.image(merchant=user.merchant, name="A.jpg", stored=False)
    answer = send(client, table).json()
    assert answer["message"] == "The list names 1 file; 1 of them uploaded so far."
    assert answer["lines"] == [{"file": "A.jpg", "sku": "S-1", "title": "Blå skjorta"}]
    assert products(user) == {"A.jpg": ("S-1", "Blå skjorta")}


def test_each_line_that_does_not_work_says_why(user: User, client: Client) -> None:
    shirts = factories.category("Shirts")
    factories.labelled_image(shirts, merchant=user.merchant, name="C.jpg", sku="OLD", stored=False)
    table = (
        "file,sku,title\nA.jpg,S-1,\n,S-2,\nA.jpg,S-3,\nB.jpg,,\n"
        f"D.jpg,{'9' * 81},\nC.jpg,NEW,Kept title\n"
    )
    answer = send(client, table).json()
    assert answer["problems"] == [
        "Line 3: the file name is missing.",
        "Line 4: A.jpg stands in line 2 already.",
        "Line 5: neither SKU nor title for B.jpg.",
        "Line 6: the SKU is longer than 80 letters.",
        "Line 7: C.jpg is checked already and keeps its SKU OLD.",
    ]
    assert products(user) == {"C.jpg": ("OLD", "Kept title")}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("name of it,colour\nA.jpg,blue\n", "The first line must name the columns"),
        ("", "The first line must name the columns"),
        (b"file,sku\n\0\0,1\n", "The list is no CSV"),
        ("file,sku\n" + "".join(f"{n}.jpg,{n}\n" for n in range(5002)), "more than 5000 lines"),
        ("file,sku\n" + ",1\n" * 5001, "more than 5000 lines"),
        ("file,sku\n" + "A.jpg,1\n" * 5001, "more than 5000 lines"),
        (b"file,sku\n" + b"x" * 2_000_001, "larger than 2 MB"),
        ('file,sku\n"' + "x" * 200_000, "The list is no CSV"),
    ],
)
def test_a_list_that_is_none_is_refused(
    table: bytes | str, words: str, user: User, client: Client
) -> None:
    answer = send(client, table)
    assert answer.status_code == 422
    assert words in answer.json()["message"]


def test_a_list_touches_the_newest_photo_of_its_merchant_alone(user: User, client: Client) -> None:
    other = factories.image(name="A.jpg", sku="OTHER", stored=False)
    old = factories.image(merchant=user.merchant, name="A.jpg", sku="OLD", stored=False)
    new = factories.image(merchant=user.merchant, name="A.jpg", sku="NEW", stored=False)
    send(client, "file,sku\nA.jpg,LISTED\n")
    skus = {i.pk: i.product.sku for i in ProductImage.objects.select_related("product")}
    assert skus == {other.pk: "OTHER", old.pk: "OLD", new.pk: "LISTED"}


def test_moved_photos_bring_both_products_up_to_date(user: User, client: Client) -> None:
    shirts = factories.category("Shirts")
    image = factories.answered_image(
        shirts, merchant=user.merchant, name="A.jpg", sku="OLD", stored=False
    )
    send(client, "file,sku\nA.jpg,NEW\n")
    assert Product.objects.get(sku="NEW").category == shirts
    assert Product.objects.get(pk=image.product_id).category is None


def test_a_list_makes_no_products_for_photos_that_are_not_there(user: User, client: Client) -> None:
    shirts = factories.category("Shirts")
    for name in ("A.jpg", "B.jpg"):
        factories.image(merchant=user.merchant, name=name, sku="OLD", stored=False)
    factories.labelled_image(shirts, merchant=user.merchant, name="C.jpg", sku="OLD", stored=False)
    send(client, "file,sku,title\nA.jpg,NEW,\nB.jpg,,Title\nC.jpg,LATE,\nD.jpg,GONE,\n")
    assert set(Product.objects.values_list("sku", flat=True)) == {"OLD", "NEW"}


def test_a_title_comes_with_an_upload(user: User, client: Client) -> None:
    form = {"file": SimpleUploadedFile("A-1.jpg", factories.photo_bytes()), "title": "Blue shirt"}
    assert client.post("/upload/file/", form, headers=SCRIPT).status_code == 201
    assert products(user) == {"A-1.jpg": ("A-1", "Blue shirt")}


def test_without_scripts_the_page_says_what_came_of_it(user: User, client: Client) -> None:
    form = {"file": SimpleUploadedFile("list.csv", b"file,sku\n,1\n")}
    page = client.post("/upload/package/", form, follow=True).content.decode()
    assert "Line 2: the file name is missing." in page
