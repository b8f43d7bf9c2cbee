"""Signing in: as a page, over a page, and against guessing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalog import signin
from catalog.models import Role, SignInAttempt, User

from .. import factories

URL = "/accounts/sign-in/"
SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture
def user(db: None) -> User:
    return factories.user(name="mia")


def attempt(
    client: Client, name: str = "mia", password: str = factories.PASSWORD, **more: Any
) -> Any:
    return client.post(URL, {"username": name, "password": password}, **more)


@pytest.mark.parametrize(
    ("role", "first_page"),
    [(Role.MERCHANT, "/images/"), (Role.REVIEWER, "/review/"), (Role.MANAGER, "/models/")],
)
def test_each_role_lands_on_its_own_first_page(
    role: Role, first_page: str, client: Client, db: None
) -> None:
    factories.user(role, name="someone")
    response = attempt(client, "someone", follow=True)
    assert response.redirect_chain[-1] == (first_page, 302)


def test_after_signing_in_the_wanted_page_opens(user: User, client: Client) -> None:
    form = {"username": "mia", "password": factories.PASSWORD, "next": "/images/?q=blue"}
    assert client.post(URL, form)["Location"] == "/images/?q=blue"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:1"])
def test_signing_in_never_leads_to_another_site(elsewhere: str, user: User, client: Client) -> None:
    form = {"username": "mia", "password": factories.PASSWORD, "next": elsewhere}
    assert client.post(URL, form)["Location"] == "/"


@pytest.mark.parametrize(("name", "password"), [("mia", "wrong"), ("nobody", "wrong")])
def test_a_wrong_name_and_a_wrong_password_read_alike(
    name: str, password: str, user: User, client: Client
) -> None:
    response = attempt(client, name, password)
    assert response.status_code == 400
    assert "The name or the password is wrong." in response.content.decode()


def test_a_script_signs_in_and_is_told_who_it_is(user: User, client: Client) -> None:
    assert attempt(client, headers=SCRIPT).json() == {"user": user.pk}
    assert client.get("/images/").status_code == 200


def test_a_script_reads_the_refusal_as_json(user: User, client: Client) -> None:
    response = attempt(client, password="wrong", headers=SCRIPT)
    assert response.status_code == 400
    assert response.json()["message"] == "The name or the password is wrong."


def test_after_five_wrong_passwords_even_the_right_one_must_wait(
    user: User, client: Client
) -> None:
    for _ in range(signin.PER_ACCOUNT):
        assert attempt(client, password="wrong").status_code == 400
    response = attempt(client, headers=SCRIPT)
    assert response.status_code == 429
    assert response.json()["message"].startswith("Too many wrong passwords. Wait 15 minutes")
    assert client.get("/images/").status_code == 302


def test_capitals_do_not_buy_further_guesses(user: User, client: Client) -> None:
    for name in ("mia", "MIA", "Mia", " mia", "miA"):
        attempt(client, name, "wrong")
    assert attempt(client, "mIa", "wrong").status_code == 429


def test_letters_of_another_width_do_not_buy_further_guesses(user: User, client: Client) -> None:
    for name in ("mia", "ｍia", "mｉa", "miａ", "𝐦𝐢𝐚"):
        attempt(client, name, "wrong")
    assert attempt(client, "ｍｉａ").status_code == 429


def test_the_addresses_of_one_ipv6_network_do_not_buy_further_guesses(
    user: User, client: Client
) -> None:
    for number in range(signin.PER_ACCOUNT):
        attempt(client, password="wrong", REMOTE_ADDR=f"2001:db8:1:2::{number}")
    assert attempt(client, REMOTE_ADDR="2001:db8:1:2:ffff::1").status_code == 429
    assert attempt(client, REMOTE_ADDR="2001:db8:1:3::1").status_code == 302


def test_ipv4_addresses_written_as_ipv6_are_counted_apart(user: User, client: Client) -> None:
    for _ in range(signin.PER_ACCOUNT):
        attempt(client, password="wrong", REMOTE_ADDR="::ffff:10.0.0.1")
    assert attempt(client, REMOTE_ADDR="10.0.0.1").status_code == 429
    assert attempt(client, REMOTE_ADDR="::ffff:10.0.0.2").status_code == 302


def test_the_wait_ends(user: User, client: Client) -> None:
    for _ in range(signin.PER_ACCOUNT):
        attempt(client, password="wrong")
    SignInAttempt.objects.update(at=timezone.now() - signin.WINDOW - timedelta(seconds=1))
    assert attempt(client).status_code == 302


def test_the_right_password_clears_the_count(user: User, client: Client) -> None:
    for _ in range(3):
        for _ in range(signin.PER_ACCOUNT - 1):
            attempt(client, password="wrong")
        assert attempt(client).status_code == 302
        client.logout()


def test_guessing_at_one_account_does_not_lock_out_another_or_another_address(
    user: User, client: Client
) -> None:
    factories.user(name="otto")
    for _ in range(signin.PER_ACCOUNT):
        attempt(client, password="wrong")
    assert attempt(client, "otto").status_code == 302
    assert attempt(Client(), REMOTE_ADDR="10.0.0.9").status_code == 302


def test_one_address_cannot_try_one_password_on_everybody(user: User, client: Client) -> None:
    for number in range(signin.PER_ADDRESS):
        attempt(client, f"name-{number}", "wrong")
    assert attempt(client).status_code == 429


def test_behind_a_proxy_the_address_is_what_the_proxy_saw(
    user: User, client: Client, settings: Settings
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for number in range(signin.PER_ACCOUNT):
        forged = {"X-Forwarded-For": f"1.2.3.{number}, 10.0.0.5"}
        attempt(client, password="wrong", headers=forged)
    assert attempt(client, headers={"X-Forwarded-For": "9.9.9.9, 10.0.0.5"}).status_code == 429


def test_without_a_proxy_a_claimed_address_is_ignored(user: User, client: Client) -> None:
    for number in range(signin.PER_ACCOUNT):
        attempt(client, password="wrong", headers={"X-Forwarded-For": f"1.2.3.{number}"})
    assert attempt(client, headers={"X-Forwarded-For": "9.9.9.9"}).status_code == 429


def test_signing_out_takes_a_post(user: User, client: Client) -> None:
    client.force_login(user)
    assert client.get("/accounts/sign-out/").status_code == 405
    assert client.post("/accounts/sign-out/")["Location"] == URL
    assert client.get("/images/").status_code == 302


def test_a_changed_password_keeps_this_session_and_works_next_time(
    user: User, client: Client
) -> None:
    client.force_login(user)
    new = "another long sentence"
    form = {"old_password": factories.PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/accounts/password/", form).status_code == 302
    assert client.get("/images/").status_code == 200
    client.logout()
    assert attempt(client, password=new).status_code == 302


def test_a_weak_new_password_is_refused_with_the_reason(user: User, client: Client) -> None:
    client.force_login(user)
    form = {"old_password": factories.PASSWORD, "new_password1": "12345", "new_password2": "12345"}
    response = client.post("/accounts/password/", form)
    assert response.status_code == 400
    assert "too short" in response.content.decode()
