"""What a page gets whose cookie with the token against forged requests was lost."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Role, User
from tests import factories

pytestmark = pytest.mark.django_db
SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture
def client() -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.user(Role.REVIEWER))
    return client


def test_a_script_gets_a_new_token_and_its_second_request_goes_through(client: Client) -> None:
    lost = client.post(reverse("review-keys"), {"on": "on"}, headers=SCRIPT)
    token = client.cookies["csrftoken"].value
    again = client.post(
        reverse("review-keys"), {"on": "on"}, headers=SCRIPT | {"X-CSRFToken": token}
    )

    assert lost.status_code == 403
    assert lost.headers["X-CSRF-Renewed"] == "yes"
    assert "Reload it" in lost.json()["message"]
    assert again.status_code == 200


def test_a_form_gets_a_page_that_says_what_to_do_and_nothing_is_saved(client: Client) -> None:
    answer = client.post(reverse("review-keys"), {"on": ""})

    assert answer.status_code == 403
    assert "reload the page and try again" in answer.content.decode()
    assert User.objects.get().character_keys
