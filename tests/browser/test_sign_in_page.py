"""The first page that anybody sees, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(site_factory: Callable[..., Site]) -> Site:
    return site_factory("web")


def test_a_stranger_is_sent_to_a_styled_sign_in_page(site: Site, page: Page) -> None:
    page.goto(site.address)

    assert page.get_by_role("heading", name="Sign in").is_visible()
    assert page.evaluate("document.styleSheets.length") > 0


def test_a_wrong_password_is_answered_in_words_and_keeps_the_name(site: Site, page: Page) -> None:
    page.goto(site.address)
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()

    assert page.get_by_role("alert").is_visible()
    assert page.get_by_label("Name").input_value() == "anna"
