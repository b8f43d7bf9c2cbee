"""Whatever is typed or sent, no address and no form answers 500: control characters, endless text,
numbers and days out of any range. Django's client raises what a view raises."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from catalog import reclassify
from catalog.models import ReclassifyScope, Role, RunState
from tests import factories

pytestmark = pytest.mark.django_db

TEXTS = ["shirt\0s", "".join(map(chr, range(1, 32))) + "\x7f\u202e\ufffe", "a " * 1700]
NUMBERS = ["\0", "-1", "9" * 19, "9" * 400, "½", "None"]
CROOKED = [*TEXTS, *NUMBERS, "9999-12-31"]
ANSWERED = {200, 302, 400, 404, 409, 422}
"""Autocompletion says 403 of a table or field that is not for it."""


@pytest.fixture
def objects(db: None) -> dict[str, Any]:
    merchant = factories.merchant()
    shirts = factories.category("Shirts")
    image = factories.answered_image(shirts, merchant=merchant, stored=False)
    return {
        "merchant": merchant,
        "image": image.pk,
        "category": shirts.pk,
        "version": factories.version(
            classes=[shirts.slug], run=factories.run(state=RunState.FAILED)
        ).pk,
        "job": reclassify.start(ReclassifyScope.ALL).pk,
    }


def as_role(role: Role, objects: dict[str, Any]) -> Client:
    client = Client()
    client.force_login(factories.user(role, objects["merchant"] if role == Role.MERCHANT else None))
    return client


FILTERS = ["category", "merchant", "version", "age", "complaint"]
HISTORY = ["reviewer", "category", "kind", "image", "since", "until", "before", "after"]
ADDRESSES = [
    ("images", (), ["q", "state", "before", "after"]),
    ("products", (), ["q", "before"]),
    ("images-csv", (), ["q", "state"]),
    ("image-status", (), ["ids"]),
    ("similar", ("image",), ["among"]),
    ("review-grid", (), ["category"]),
    ("grid-next", (), ["category"]),
    ("review", (), ["photo", *FILTERS]),
    ("review-filters", (), [*FILTERS]),
    ("review-next", (), ["count", "exclude", *FILTERS]),
    ("review-history", (), HISTORY),
    ("review-history-csv", (), HISTORY),
    ("review-history-undo", (), HISTORY),
    ("models", (), ["versions", "runs"]),
    ("model-confusion", ("version",), ["true", "predicted", "page"]),
    ("changed-photos", ("version",), ["set", "before", "after", "page"]),
    ("quality-photos", (), ["category", "week", "changed", "page"]),
    ("label-queue", (), ["at", "after", "kept", "decided"]),
    ("sign-in", (), ["next"]),
    ("admin:index", (), ["next"]),
    ("admin:catalog_productimage_changelist", (), ["q", "machine__exact", "o", "p"]),
    ("admin:catalog_user_changelist", (), ["q", "role__exact", "date_joined__year"]),
    ("admin:catalog_decision_changelist", (), ["q", "kind__exact"]),
    ("admin:catalog_prediction_changelist", (), ["q", "version__id__exact"]),
    ("admin:catalog_product_changelist", (), ["q", "split__exact"]),
    ("admin:catalog_upload_changelist", (), ["q"]),
    ("admin:catalog_runrow_changelist", (), ["q"]),
    ("admin:autocomplete", (), ["term", "page", "app_label", "model_name", "field_name"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "fields"), ADDRESSES, ids=[a[0] for a in ADDRESSES])
def test_no_address_breaks_on_what_stands_behind_its_question_mark(
    name: str, args: tuple[str, ...], fields: list[str], objects: dict[str, Any]
) -> None:
    client = as_role(Role.MANAGER, objects)
    url = reverse(name, args=[objects[arg] for arg in args])
    for field in fields:
        for value in CROOKED:
            response = client.get(url, {field: value})
            if response.streaming:
                list(response.streaming_content)  # type: ignore[attr-defined]  # read to its end
            known = ANSWERED | ({403} if name == "admin:autocomplete" else set())
            assert response.status_code in known, (field, value[:40])


FORMS = [
    ("image-decide", ("image",), {"kind": "label", "category": "category", "reason": "blurred",
                                  "revision": "0", "token": str(uuid.uuid4()), "from": "review",
                                  "whole_product": ""}),
    ("review-undo", (), {"decision": "1", "of": "", "token": str(uuid.uuid4())}),
    ("review-keys", (), {"on": "on"}),
    ("grid-save", (), {"category": "category", "batch": str(uuid.uuid4()), "seen": "1:0",
                       "flag": "1"}),
    ("grid-undo", (), {"batch": str(uuid.uuid4()), "token": str(uuid.uuid4())}),
    ("review-leases", (), {"action": "renew", "ids": "1,2", "until": "0"}),
    ("category-add", (), {"parent": "", "name": "Hats", "photos_to": "", "code": ""}),
    ("category-rename", ("category",), {"name": "Hats"}),
    ("category-guidance", ("category",), {"guidance": "All hats", "code": "H"}),
    ("category-restore", ("category",), {"photos_to": "new"}),
    ("category-move", ("category",), {"target": "1"}),
    ("category-merge", ("category",), {"target": "1"}),
    ("category-place", ("category",), {"parent": "1", "photos_to": "other"}),
    ("category-split", ("category",), {"names": "Caps\nHoods", "photos_to": "first"}),
    ("category-examples", ("category",), {"example": "1"}),
    ("complain", ("image",), {"category": "", "note": "These are boots"}),
    ("label-relabel", ("category",), {"category": "1", "revision": "0", "token": ""}),
    ("label-undo", (), {"kept": "1", "decided": "1", "at": "1"}),
    ("learn", (), {"mode": "head", "note": ""}),
    ("promote", ("version",), {"note": ""}),
    ("rollback", (), {"to": "1"}),
    ("remove-samples", (), {"confirmed": ""}),
    ("password", (), {"old_password": "a", "new_password1": "b", "new_password2": "b"}),
    ("admin:catalog_merchant_add", (), {"name": "Anna"}),
    ("admin:catalog_user_add", (), {"username": "anna", "role": "merchant", "merchant": "1",
                                    "usable_password": "true", "password1": "b", "password2": "b"}),
]  # fmt: skip


OF_MERCHANTS = {"complain"}


@pytest.mark.parametrize(("name", "args", "fields"), FORMS, ids=[f[0] for f in FORMS])
def test_no_form_breaks_on_what_is_put_into_a_field(
    name: str, args: tuple[str, ...], fields: dict[str, str], objects: dict[str, Any]
) -> None:
    client = as_role(Role.MERCHANT if name in OF_MERCHANTS else Role.MANAGER, objects)
    url = reverse(name, args=[objects[arg] for arg in args])
    filled = {key: str(objects.get(value, value)) for key, value in fields.items()}
    for field in fields:
        for value in CROOKED:
            with transaction.atomic():
                status = client.post(url, filled | {field: value}).status_code
                transaction.set_rollback(True)
            assert status in ANSWERED, (field, value[:40])


def test_an_upload_with_crooked_fields_is_answered(objects: dict[str, Any]) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = as_role(Role.MERCHANT, objects)
    for field in ("sku", "upload_id", "name"):
        for value in CROOKED:
            name = value if field == "name" else "a.jpg"
            sent = {"file": SimpleUploadedFile(name or "a.jpg", b"no photo"), field: value}
            answer = client.post("/upload/file/", sent, headers={"X-Requested-With": "fetch"})
            assert answer.status_code in {400, 422}, (field, value[:40])
            assert answer.json()["message"]


def test_signing_in_with_a_crooked_name_is_refused_like_any_other(db: None) -> None:
    for number, value in enumerate(CROOKED):
        form = {"username": value, "password": value or "x"}
        answer = Client(REMOTE_ADDR=f"10.0.0.{number}").post("/accounts/sign-in/", form)
        assert answer.status_code == 400, value[:40]


@pytest.mark.parametrize("number", [0, 2**63, 10**30])
@pytest.mark.parametrize(
    "name",
    ["image", "similar", "product", "category", "model", "run", "image-file", "job-progress"],
)
def test_a_number_that_nothing_has_is_not_found(
    number: int, name: str, objects: dict[str, Any]
) -> None:
    client = as_role(Role.MANAGER, objects)
    args = [number, "thumbnail"] if name == "image-file" else [number]
    assert client.get(reverse(name, args=args)).status_code == 404


@pytest.mark.parametrize(
    "path", ["/\0", "/images/\0/", "/images/1/file/\0/", "/static/\0", "/admin/\0/",
             "/admin/catalog/user/\0/change/", "/admin/catalog/user/" + "9" * 40 + "/change/"]
)  # fmt: skip
def test_a_crooked_path_is_not_found(path: str, objects: dict[str, Any]) -> None:
    assert as_role(Role.MANAGER, objects).get(path).status_code in {302, 404}


def test_a_crooked_session_is_no_session(db: None) -> None:
    client = Client()
    client.cookies["sessionid"] = "\0" * 20
    assert client.get("/images/").status_code == 302
