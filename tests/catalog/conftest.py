"""People signed in to the test's client, and the two categories that most tests know."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.models import Category, Role, User
from tests import factories


@pytest.fixture
def manager(client: Client, db: None) -> User:
    mira = factories.user(Role.MANAGER, name="mira")
    client.force_login(mira)
    return mira


@pytest.fixture
def reviewer(client: Client, db: None) -> User:
    rita = factories.user(Role.REVIEWER, name="rita")
    client.force_login(rita)
    return rita


@pytest.fixture
def hats(db: None) -> Category:
    return factories.category("Hats")


@pytest.fixture
def shoes(db: None) -> Category:
    return factories.category("Shoes")
