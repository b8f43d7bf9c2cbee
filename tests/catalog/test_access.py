"""Every address, every role. A new URL fails here until it says who may call it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from catalog import categories, reclassify
from catalog.models import Archive, ReclassifyScope, Role, RunState, VersionState
from catalog.views import operations

from .. import factories

ANYONE = None
MERCHANT = {Role.MERCHANT}
STAFF = {Role.REVIEWER, Role.MANAGER}
MANAGER = {Role.MANAGER}
EVERYONE = set(Role)


@dataclass(frozen=True)
class Rule:
    """Who may call one URL; None: also people who are not signed in."""

    roles: set[Role] | None
    method: str = "GET"
    args: tuple[str, ...] = field(default=())
    """Names of the objects below, or literal parts."""


RULES = {
    "home": Rule(ANYONE),
    "sign-in": Rule(ANYONE),
    "sign-out": Rule(EVERYONE, "POST"),
    "password": Rule(EVERYONE),
    "upload": Rule(MERCHANT),
    "upload-file": Rule(MERCHANT, "POST"),
    "upload-package": Rule(MERCHANT, "POST"),
    "upload-archive": Rule(MERCHANT, args=("archive",)),
    "images": Rule(EVERYONE),
    "image-status": Rule(EVERYONE),
    "images-csv": Rule(EVERYONE),
    "image": Rule(EVERYONE, args=("image",)),
    "similar": Rule(STAFF, args=("image",)),
    "image-retry": Rule(EVERYONE, "POST", ("image",)),
    "image-withdraw": Rule(MERCHANT | MANAGER, "POST", ("image",)),
    "complain": Rule(MERCHANT, "POST", ("image",)),
    "take-back-complaint": Rule(MERCHANT, "POST", ("image",)),
    "image-file": Rule(EVERYONE, args=("image", "thumbnail")),
    "products": Rule(EVERYONE),
    "product": Rule(EVERYONE, args=("product",)),
    "review": Rule(STAFF),
    "review-next": Rule(STAFF),
    "review-categories": Rule(STAFF),
    "review-leases": Rule(STAFF, "POST"),
    "review-skip": Rule(STAFF, "POST", ("image",)),
    "review-undo": Rule(STAFF, "POST"),
    "review-keys": Rule(STAFF, "POST"),
    "review-filters": Rule(STAFF),
    "review-neighbours": Rule(STAFF, args=("image",)),
    "review-grid": Rule(STAFF),
    "grid-next": Rule(STAFF),
    "grid-save": Rule(STAFF, "POST"),
    "grid-undo": Rule(STAFF, "POST"),
    "review-history": Rule(STAFF),
    "review-history-csv": Rule(STAFF),
    "review-history-undo": Rule(STAFF),
    "review-history-undo-now": Rule(STAFF, "POST"),
    "review-agreement": Rule(STAFF),
    "image-decide": Rule(STAFF, "POST", ("image",)),
    "categories": Rule(STAFF),
    "category": Rule(STAFF, args=("category",)),
    "category-add": Rule(MANAGER, "POST"),
    "category-rename": Rule(MANAGER, "POST", ("category",)),
    "category-guidance": Rule(MANAGER, "POST", ("category",)),
    "category-retire": Rule(MANAGER, "POST", ("category",)),
    "category-restore": Rule(MANAGER, "POST", ("category",)),
    "category-move": Rule(MANAGER, "POST", ("category",)),
    "category-merge": Rule(MANAGER, "POST", ("category",)),
    "category-place": Rule(MANAGER, "POST", ("category",)),
    "category-split": Rule(MANAGER, "POST", ("category",)),
    "category-undo": Rule(MANAGER, "POST", ("change",)),
    "category-examples": Rule(MANAGER, args=("category",)),
    "models": Rule(STAFF),
    "model": Rule(STAFF, args=("version",)),
    "model-confusion": Rule(STAFF, args=("version",)),
    "model-changes": Rule(STAFF, args=("version",)),
    "changed-photos": Rule(STAFF, args=("version",)),
    "model-preview": Rule(MANAGER, "POST", ("version",)),
    "quality": Rule(STAFF),
    "quality-photos": Rule(STAFF),
    "label-queue": Rule(STAFF),
    "label-undo": Rule(STAFF, "POST"),
    "label-keep": Rule(STAFF, "POST", ("version",)),
    "label-relabel": Rule(STAFF, "POST", ("version",)),
    "labels": Rule(STAFF),
    "label-check": Rule(MANAGER, "POST"),
    "label-dismiss": Rule(STAFF, "POST", ("version",)),
    "compare-models": Rule(STAFF),
    "run": Rule(STAFF, args=("run",)),
    "run-progress": Rule(STAFF, args=("run",)),
    "run-curves": Rule(STAFF, args=("run",)),
    "learn": Rule(MANAGER, "POST"),
    "promote": Rule(MANAGER, "POST", ("version",)),
    "rollback": Rule(MANAGER, "POST"),
    "resume-promotion": Rule(MANAGER, "POST"),
    "cancel-run": Rule(MANAGER, "POST", ("run",)),
    "job-progress": Rule(STAFF, args=("job",)),
    "cancel-job": Rule(MANAGER, "POST", ("job",)),
    "remove-samples": Rule(MANAGER, "POST"),
    "healthz": Rule(ANYONE),
    "readyz": Rule(ANYONE),
    "metrics": Rule(ANYONE),
}
SIGN_IN = "/accounts/sign-in/"


def patterns(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """(namespaced name, pattern) of every view there is."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            prefix = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from patterns(entry, prefix)
        else:
            yield f"{namespace}{entry.name or entry.pattern}", entry


NAMES = [name for name, _ in patterns(get_resolver())]
OWN = [name for name in NAMES if not name.startswith("admin:")]
ADMIN = [name for name in NAMES if name.startswith("admin:")]


@pytest.fixture
def objects(db: None) -> dict[str, Any]:
    merchant = factories.merchant()
    shirts = factories.category("Shirts")
    image = factories.answered_image(shirts, merchant=merchant)
    caps = categories.add(None, "Caps", by=factories.user(Role.MANAGER)).category
    return {
        "merchant": merchant,
        "image": image.pk,
        "product": image.product_id,
        "category": shirts.pk,
        "change": caps.changes.get().pk,
        "version": factories.version(VersionState.RETIRED, [shirts.slug]).pk,
        "run": factories.run(state=RunState.SUCCEEDED).pk,
        "archive": Archive.objects.create(merchant=merchant, name="a", file="", entries=1).pk,
        "job": reclassify.start(ReclassifyScope.ALL).pk,
    }


@dataclass(frozen=True)
class Answer:
    status: int
    location: str


def call(client: Client, name: str, objects: dict[str, Any], **headers: Any) -> Answer:
    """One request, whose changes to the database and to the session are taken back."""
    cookies = SimpleCookie(client.cookies)
    rule = RULES[name]
    url = reverse(name, args=[objects.get(arg, arg) for arg in rule.args])
    with transaction.atomic():
        response = client.generic(rule.method, url, headers=headers)
        if response.streaming:
            list(response.streaming_content)  # type: ignore[attr-defined]  # and so close the file
        transaction.set_rollback(True)
    client.cookies = cookies
    return Answer(response.status_code, response.headers.get("Location", ""))


def walk(
    client: Client, objects: dict[str, Any], names: list[str], **headers: Any
) -> dict[str, Answer]:
    return {name: call(client, name, objects, **headers) for name in names}


def signed_in(role: Role, objects: dict[str, Any]) -> Client:
    owner = objects["merchant"] if role == Role.MERCHANT else None
    client = Client()
    client.force_login(factories.user(role, owner))
    return client


def test_every_url_says_who_may_call_it() -> None:
    assert set(OWN) - set(RULES) == set(), f"add them to RULES in {__name__}"


@pytest.mark.parametrize("role", Role)
def test_a_role_gets_in_exactly_where_the_table_says(role: Role, objects: dict[str, Any]) -> None:
    answers = walk(signed_in(role, objects), objects, OWN)
    open_to_role = [n for n in OWN if RULES[n].roles is ANYONE or role in (RULES[n].roles or ())]
    let_in = [n for n, answer in answers.items() if answer.status != 403]
    assert let_in == open_to_role
    assert {n for n in let_in if answers[n].status in {401, 404, 405}} == set()


def test_nobody_gets_in_without_signing_in(objects: dict[str, Any]) -> None:
    answers = walk(Client(), objects, OWN)
    sent_away = [n for n, a in answers.items() if a.location.startswith(SIGN_IN)]
    assert sent_away == [n for n in OWN if RULES[n].roles is not ANYONE or n == "home"]


def test_a_script_without_a_session_is_told_401_as_json(objects: dict[str, Any]) -> None:
    guarded = [n for n in OWN if RULES[n].roles is not ANYONE]
    answers = walk(Client(), objects, guarded, **{"X-Requested-With": "fetch"})
    assert {n for n, a in answers.items() if a.status != 401} == set()
    answer = Client().get(reverse("images"), headers={"Accept": "application/json"})
    assert answer.json() == {"error": "signed-out", "message": "Your session ended."}


@pytest.mark.parametrize("role", [None, Role.MERCHANT, Role.REVIEWER])
def test_the_admin_is_for_managers_alone(role: Role | None, objects: dict[str, Any]) -> None:
    client = signed_in(role, objects) if role else Client()
    urls = [url for name in ADMIN if (url := admin_url(name))]
    assert len(urls) > 20
    assert {url for url in urls if client.get(url).status_code not in {302, 403}} == set()


def admin_url(name: str) -> str | None:
    for args in ([], ["1"], ["catalog"]):
        try:
            return reverse(name, args=args)
        except NoReverseMatch:
            continue
    return None


def test_a_view_without_named_roles_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    monkeypatch.delattr(operations.healthz, "allowed_roles")
    assert client.get(reverse("healthz")).status_code == 403


def test_a_switched_off_account_is_signed_out(objects: dict[str, Any]) -> None:
    client = Client()
    user = factories.user(Role.REVIEWER)
    client.force_login(user)
    user.is_active = False
    user.save()
    assert client.get(reverse("images")).status_code == 302
