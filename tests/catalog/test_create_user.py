"""`manage.py create_user`."""

from __future__ import annotations

import io
import json
import sys

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command, get_commands, load_command_class

from catalog.models import Merchant, Role, User

pytestmark = pytest.mark.django_db


def create(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("create_user", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_a_random_password_is_printed_once_and_works() -> None:
    lines = create("mia", "--role", "merchant", "--json")
    made = json.loads(lines[-1])
    assert (made["user"], made["role"], made["merchant"]) == ("mia", "merchant", "mia")
    assert sum(made["password"] in line for line in lines) == 2  # for people, and in the JSON
    assert authenticate(username="mia", password=made["password"]) == User.objects.get()


def test_two_accounts_share_a_merchant() -> None:
    create("mia", "--role", "merchant", "--merchant", "Acme")
    create("otto", "--role", "merchant", "--merchant", "Acme")
    assert Merchant.objects.get().users.count() == 2


def test_the_password_may_come_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long enough sentence\n"))
    lines = create("max", "--role", "manager", "--password-stdin", "--json")
    assert "password" not in json.loads(lines[-1])
    assert authenticate(username="max", password="a long enough sentence") is not None


def test_only_managers_enter_the_admin_and_nobody_is_superuser() -> None:
    for role in Role:
        create(f"{role}-1", "--role", role)
    assert [u.username for u in User.objects.filter(is_staff=True)] == ["manager-1"]
    assert not User.objects.filter(is_superuser=True).exists()


@pytest.mark.parametrize("name", ["mia", "MIA"])
def test_a_taken_name_is_refused(name: str) -> None:
    create("mia", "--role", "reviewer")
    with pytest.raises(CommandError, match=f"already an account called {name}"):
        create(name, "--role", "manager")


def test_a_weak_password_makes_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    with pytest.raises(CommandError, match="too short"):
        create("mia", "--role", "merchant", "--password-stdin")
    assert not User.objects.exists()
    assert not Merchant.objects.exists()


def test_an_empty_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="no password"):
        create("mia", "--role", "reviewer", "--password-stdin")


def test_a_reviewer_belongs_to_no_merchant() -> None:
    with pytest.raises(CommandError, match="belongs to no merchant"):
        create("rosa", "--role", "reviewer", "--merchant", "Acme")


def test_a_name_with_spaces_is_refused() -> None:
    with pytest.raises(CommandError, match="valid username"):
        create("mia smith", "--role", "reviewer")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["mia"], 2), (["mia", "--role", "boss"], 2), (["a b", "--role", "reviewer"], 1)],
)
def test_the_exit_status_tells_wrong_usage_from_a_refusal(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    command = load_command_class(get_commands()["create_user"], "create_user")
    with pytest.raises(SystemExit) as stopped:
        command.run_from_argv(["manage.py", "create_user", *arguments])
    assert stopped.value.code == status
    assert "Traceback" not in capsys.readouterr().err
