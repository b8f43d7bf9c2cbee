"""The button that takes the drawn samples out."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from catalog import runs
from catalog.models import Merchant, Role, RunTrigger
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def samples(client: Client) -> None:
    client.force_login(factories.user(Role.MANAGER))
    factories.merchant("Drawn Goods", is_sample=True)


def page(client: Client) -> str:
    return client.get("/models/").content.decode()


def test_the_button_is_there_while_the_samples_are(client: Client) -> None:
    assert "Remove the samples" in page(client)
    answer = client.post(reverse("remove-samples"), {"confirmed": "on"}, follow=True)
    assert "The drawn samples are gone" in answer.content.decode()
    assert "Remove the samples" not in page(client)
    assert not Merchant.objects.filter(is_sample=True).exists()


def test_nothing_goes_without_the_tick(client: Client) -> None:
    answer = client.post(reverse("remove-samples"), follow=True)
    assert "Tick the box" in answer.content.decode()
    assert Merchant.objects.filter(is_sample=True).exists()


def test_a_run_under_way_keeps_the_samples(client: Client) -> None:
    runs.request(RunTrigger.SAMPLES)
    answer = client.post(reverse("remove-samples"), {"confirmed": "on"}, follow=True)
    assert "A training run is under way" in answer.content.decode()
    assert Merchant.objects.filter(is_sample=True).exists()


def test_a_reviewer_may_not_remove_them(client: Client) -> None:
    client.force_login(factories.user(Role.REVIEWER))
    assert "Remove the samples" not in page(client)
    assert client.post(reverse("remove-samples"), {"confirmed": "on"}).status_code == 403
