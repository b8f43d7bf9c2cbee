"""The page of one photo while its answer comes in: it follows, but not over what somebody types."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..site import Site
from .desk import SEED, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

ASKED_AGAIN = """
shop, _ = Merchant.objects.get_or_create(name="North & Sons")
if not shop.users.exists():
    factories.user(Role.MERCHANT, merchant=shop, name="mia")
    factories.user(Role.MANAGER, name="mira")
ProductImage.objects.update(merchant=shop)
lifecycle.requeue(ProductImage.objects.present())
"""
ANSWERED = """
hats = Category.objects.get(name="Hats")
ProductImage.objects.present().update(machine=MachineState.CLASSIFIED, predicted=hats)
"""
PHOTO = "SELECT max(id) FROM catalog_productimage WHERE withdrawn_at IS NULL"


@pytest.fixture
def photo(site: Site, photos: Callable[[int], None]) -> str:
    """The address of a photo called a shirt, for which the worker is asked again."""
    photos(1)
    site.manage("shell", "-c", SEED + ASKED_AGAIN)
    return f"/images/{site.sql(PHOTO)[0][0]}/"


def answer(site: Site, page: Page) -> None:
    """The worker says that it is a hat, and the page hears of it."""
    assert "Shirts" in page.locator(".page-head .badge").inner_text()
    site.manage("shell", "-c", SEED + ANSWERED)
    page.locator(".page-head .badge", has_text="Hats").wait_for()


def suggested(page: Page) -> str:
    return page.locator("section[aria-label=Category] .facts").inner_text()


def test_an_untouched_page_shows_the_new_answer_by_itself(
    site: Site, page: Page, photo: str
) -> None:
    sign_in(page, site, "mia", to=photo)
    answer(site, page)
    page.locator("section[aria-label=Category] .facts", has_text="Hats").wait_for()


def test_what_a_merchant_types_stays_until_the_page_is_loaded_anew(
    site: Site, page: Page, photo: str
) -> None:
    sign_in(page, site, "mia", to=photo)
    page.get_by_text("This category is wrong").click()
    page.locator("select[name=category]").select_option(label="Shoes")
    page.get_by_label("Note").fill("It has laces")
    answer(site, page)

    page.get_by_text("The answer changed.").wait_for()
    assert page.get_by_label("Note").input_value() == "It has laces"
    assert "Shirts" in suggested(page)

    page.get_by_role("button", name="Load it anew").click()
    page.locator("section[aria-label=Category] .facts", has_text="Hats").wait_for()


@pytest.mark.parametrize("use", ["choose", "open"])
def test_what_a_manager_has_begun_stays(site: Site, page: Page, photo: str, use: str) -> None:
    sign_in(page, site, "mira", to=photo)
    if use == "choose":
        page.locator("select[name=category]").select_option(label="Shoes")
    else:
        page.get_by_text("Purge this photo").click()
    answer(site, page)

    page.get_by_text("The answer changed.").wait_for()
    if use == "choose":
        chosen = page.locator("select[name=category] option:checked")
        assert chosen.inner_text() == "Shoes"
    else:
        assert page.get_by_role("button", name="Purge for good").is_visible()
