"""Django's admin: every table, for managers, read-only where history must be kept."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, cast

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.admin import site
from catalog.models import (
    Archive,
    Backbone,
    BlindLook,
    Category,
    CategoryChange,
    CategoryExample,
    ChangedAnswer,
    ChangeKind,
    CheckState,
    Complaint,
    Decision,
    DecisionKind,
    Embedding,
    EmbeddingShare,
    LabelCheck,
    LabelDoubt,
    Merchant,
    ModelVersion,
    Prediction,
    Preview,
    Product,
    ProductImage,
    Reclassification,
    ReviewSkip,
    Role,
    RunRow,
    RunState,
    Serving,
    SignInAttempt,
    TrainingRun,
    Upload,
    User,
    WorkerStatus,
)
from tests import factories

pytestmark = pytest.mark.django_db

APPEND_ONLY = [Decision, Prediction, Upload, RunRow, Reclassification]
STATES = {
    ProductImage: ["machine", "label_state", "label", "predicted", "file", "sha256"],
    ModelVersion: ["state", "metrics", "directory", "classes"],
    TrainingRun: ["state", "reason", "recipe"],
    Category: ["slug", "parent", "name", "path", "retired_at"],
    Product: ["split", "sku", "merchant", "category"],
}


@pytest.fixture(autouse=True)
def manager(client: Client) -> User:
    mira = factories.user(Role.MANAGER, name="mira")
    client.force_login(mira)
    return mira


def image() -> ProductImage:
    return factories.image(stored=False)


def prediction() -> Prediction:
    category, version = factories.category(), factories.version()
    return Prediction.objects.create(
        image=image(), version=version, category=category, confidence=0.5, top=[[category.pk, 0.5]]
    )


def preview() -> Preview:
    return Preview.objects.create(
        version=factories.version(),
        against=factories.version(),
        requested_by=factories.user(Role.MANAGER),
    )


def log_entry() -> LogEntry:
    return LogEntry.objects.create(
        user=factories.user(Role.MANAGER),
        content_type=ContentType.objects.get_for_model(Merchant),
        object_repr="someone",
        action_flag=CHANGE,
    )


# One row of each table, with every relation its list shows pointing at a row of its own.
MAKERS: dict[type[Model], Callable[[], Any]] = {
    Merchant: factories.merchant,
    User: factories.user,
    SignInAttempt: lambda: SignInAttempt.objects.create(name="x", address="203.0.113.7"),
    Category: lambda: factories.category(parent=factories.category()),
    CategoryChange: lambda: CategoryChange.objects.create(
        kind=ChangeKind.ADD,
        category=factories.category(),
        by=factories.user(Role.MANAGER),
        words="Added.",
    ),
    CategoryExample: lambda: CategoryExample.objects.create(
        category=factories.category(), image=image(), position=1
    ),
    Product: lambda: factories.product(category=factories.category()),
    ProductImage: lambda: factories.image(
        stored=False,
        predicted=factories.category(),
        label=factories.category(),
        label_state="corrected",
    ),
    Prediction: prediction,
    Embedding: lambda: Embedding.objects.create(
        image=image(), backbone=factories.backbone(), vector=bytes(4096)
    ),
    Upload: lambda: Upload.objects.create(
        merchant=factories.merchant(), upload_id=uuid.uuid4(), outcome={"status": "accepted"}
    ),
    Decision: lambda: Decision.objects.create(
        image=image(),
        by=factories.user(Role.REVIEWER),
        kind=DecisionKind.CORRECT,
        category=factories.category(),
        revision=1,
        before_state="unlabelled",
    ),
    Archive: lambda: Archive.objects.create(
        merchant=factories.merchant(), name="photos.zip", file="", entries=1
    ),
    Complaint: lambda: Complaint.objects.create(
        image=image(), by=factories.user(), category=factories.category()
    ),
    BlindLook: lambda: BlindLook.objects.create(
        image=image(), reviewer=factories.user(Role.REVIEWER)
    ),
    ReviewSkip: lambda: ReviewSkip.objects.create(
        image=image(), reviewer=factories.user(Role.REVIEWER)
    ),
    Reclassification: lambda: Reclassification.objects.create(
        scope="category", category=factories.category(), last_id=1
    ),
    EmbeddingShare: lambda: EmbeddingShare.objects.create(
        run=factories.run(state=RunState.SUCCEEDED),
        backbone=factories.backbone(),
        image_ids=[1],
        size=1,
    ),
    LabelCheck: lambda: LabelCheck.objects.create(state=CheckState.DONE),
    LabelDoubt: lambda: LabelDoubt.objects.create(
        image=image(),
        label=factories.category(),
        suggested=factories.category(),
        confidence=0.9,
        own=0.01,
    ),
    Backbone: factories.backbone,
    ModelVersion: lambda: factories.version(run=factories.run(state=RunState.SUCCEEDED)),
    TrainingRun: lambda: factories.run(
        state=RunState.FAILED, requested_by=factories.user(Role.MANAGER)
    ),
    RunRow: lambda: RunRow.objects.create(
        run=factories.run(state=RunState.FAILED),
        image=image(),
        sha256="0" * 64,
        label=factories.category(),
        split="test",
    ),
    Preview: lambda: preview(),
    ChangedAnswer: lambda: ChangedAnswer.objects.create(
        preview=preview(),
        image=image(),
        is_test=True,
        before=factories.category(),
        after=factories.category(),
        confidence=0.9,
    ),
    WorkerStatus: lambda: WorkerStatus.objects.create(
        name=uuid.uuid4().hex, version=factories.version()
    ),
    LogEntry: log_entry,
}
TABLES = sorted(MAKERS, key=lambda model: model.__name__)


def address(model: type[Model], page: str = "changelist", *arguments: Any) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=arguments)


def change_form(client: Client, row: Model) -> HttpResponse:
    return cast("HttpResponse", client.get(address(type(row), "change", row.pk)))


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_every_table_is_there() -> None:
    ours = set(apps.get_app_config("catalog").get_models())
    assert ours - set(site._registry) == set()
    assert ours - set(MAKERS) == {Serving}


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_a_list_asks_no_more_queries_for_more_rows(client: Client, model: type[Model]) -> None:
    for _ in range(2):
        MAKERS[model]()
    url = address(model)
    queries(client, url)
    few = queries(client, url)
    for _ in range(28):
        MAKERS[model]()

    assert queries(client, url) == few


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_a_list_can_be_searched_for_anything(client: Client, model: type[Model]) -> None:
    MAKERS[model]()
    for words in ("shoe", "7", "é ' \" %", str(uuid.uuid4())):
        answer = client.get(address(model), {"q": words})
        assert answer.status_code == 200
        assert 'id="searchbar"' in answer.content.decode()


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_a_row_can_be_looked_at(client: Client, model: type[Model]) -> None:
    assert change_form(client, MAKERS[model]()).status_code == 200


def test_the_serving_row_can_be_looked_at(client: Client) -> None:
    assert client.get(address(Serving)).status_code == 200
    assert change_form(client, Serving.current()).status_code == 200


@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__name__)
def test_history_is_neither_added_to_nor_changed_nor_deleted(
    client: Client, model: type[Model]
) -> None:
    row = MAKERS[model]()
    assert client.get(address(model, "add")).status_code == 403
    assert client.post(address(model, "change", row.pk), {}).status_code == 403
    assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_nothing_is_deleted_here(client: Client, model: type[Model]) -> None:
    row = MAKERS[model]()
    assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", STATES, ids=lambda model: model.__name__)
def test_states_are_shown_and_not_changed(client: Client, model: type[Model]) -> None:
    row = MAKERS[model]()
    form = change_form(client, row).content.decode()
    for field in STATES[model]:
        assert f'name="{field}"' not in form
        assert f"field-{field}" in form


def test_a_forged_form_changes_no_state(client: Client) -> None:
    version = factories.version()
    url = address(ModelVersion, "change", version.pk)
    client.post(url, {"pinned": "on", "state": "live", "metrics": "{}"})
    version.refresh_from_db()
    assert version.pinned
    assert version.state == "candidate"


def test_guidance_and_code_of_a_category_may_be_edited(client: Client) -> None:
    category = factories.category("Hats")
    url = address(Category, "change", category.pk)
    client.post(url, {"code": "H-1", "guidance": "Caps too.", "name": "Caps"})
    category.refresh_from_db()
    assert (category.code, category.guidance, category.name) == ("H-1", "Caps too.", "Hats")


def new_user(**fields: Any) -> dict[str, Any]:
    password = "a long sentence of words 7"
    given = {
        "username": "newcomer",
        "usable_password": "true",
        "password1": password,
        "password2": password,
    }
    return given | fields


def test_a_manager_makes_a_merchant_user(client: Client) -> None:
    merchant = factories.merchant()
    data = new_user(role=Role.MERCHANT, merchant=merchant.pk)
    assert client.post(address(User, "add"), data).status_code == 302
    made = User.objects.get(username="newcomer")
    assert (made.role, made.merchant) == (Role.MERCHANT, merchant)
    assert made.check_password(data["password1"])


@pytest.mark.parametrize(
    ("role", "has_merchant", "sentence"),
    [
        (Role.MERCHANT, False, "Choose the merchant this person acts for."),
        (Role.REVIEWER, True, "Reviewers and managers act for no merchant"),
    ],
)
def test_role_and_merchant_must_fit(
    client: Client, role: Role, has_merchant: bool, sentence: str
) -> None:
    merchant = factories.merchant().pk if has_merchant else ""
    answer = client.post(address(User, "add"), new_user(role=role, merchant=merchant))
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not User.objects.filter(username="newcomer").exists()


def test_a_user_is_deactivated_and_gets_a_new_password(client: Client) -> None:
    reviewer = factories.user(Role.REVIEWER, name="rafael")
    fields = {"username": "rafael", "role": Role.REVIEWER, "merchant": ""}
    assert client.post(address(User, "change", reviewer.pk), fields).status_code == 302
    reviewer.refresh_from_db()
    assert not reviewer.is_active
    url = reverse("admin:auth_user_password_change", args=[reviewer.pk])
    assert client.get(url).status_code == 200


def test_nobody_becomes_a_superuser_through_a_form(client: Client, manager: User) -> None:
    form = change_form(client, manager).content.decode()
    for field in ("is_superuser", "is_staff", "user_permissions", "groups"):
        assert f'name="{field}"' not in form
    client.post(
        address(User, "change", manager.pk),
        {"username": "mira", "role": "manager", "is_active": "on", "is_superuser": "on"},
    )
    manager.refresh_from_db()
    assert not manager.is_superuser
    assert manager.is_active


@pytest.mark.parametrize("role", [Role.MERCHANT, Role.REVIEWER])
def test_other_roles_are_turned_away(client: Client, role: Role) -> None:
    outsider = factories.user(role)
    outsider.is_staff = True
    outsider.save()
    client.force_login(outsider)
    for url in (reverse("admin:index"), address(ProductImage), address(User, "add")):
        answer = client.get(url, follow=True)
        assert answer.status_code == 403
        assert "for managers" in answer.content.decode()


def test_a_manager_needs_no_staff_flag(client: Client, manager: User) -> None:
    User.objects.update(is_staff=False)
    assert client.get(reverse("admin:index")).status_code == 200
    assert client.get(address(ProductImage)).status_code == 200


def test_a_superuser_may_come_in(client: Client) -> None:
    root = factories.user(Role.REVIEWER)
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    client.force_login(root)
    assert client.get(address(ProductImage)).status_code == 200


def test_a_deactivated_manager_is_sent_to_sign_in(client: Client, manager: User) -> None:
    User.objects.update(is_active=False)
    answer = client.get(reverse("admin:index"), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("sign-in"))


def test_signing_in_leads_back_to_the_admin(client: Client) -> None:
    client.logout()
    answer = client.get(address(ProductImage), follow=True)
    target = answer.redirect_chain[-1][0]
    assert target == f"{reverse('sign-in')}?next={address(ProductImage)}"


def test_merchants_can_be_found_by_typing(client: Client) -> None:
    factories.merchant("Nordlicht")
    query = {"app_label": "catalog", "model_name": "user", "field_name": "merchant", "term": "nord"}
    found = client.get(reverse("admin:autocomplete"), query).json()
    assert [result["text"] for result in found["results"]] == ["Nordlicht"]
