"""People whom most tests know, two of them signed in to the test's client, and their categories."""

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
def reviewer(client: Client, rita: User) -> User:
    client.force_login(rita)
    return rita


@pytest.fixture
def rita(db: None) -> User:
    return factories.user(Role.REVIEWER, name="rita")


@pytest.fixture
def ada(db: None) -> User:
    return factories.user(Role.REVIEWER, name="ada")


@pytest.fixture
def ben(db: None) -> User:
    return factories.user(Role.REVIEWER, name="ben")


@pytest.fixture
def shirts(db: None) -> Category:
    return factories.category("Shirts")


@pytest.fixture
def hats(db: None) -> Category:
    return factories.category("Hats")


@pytest.fixture
def shoes(db: None) -> Category:
    return factories.category("Shoes")
