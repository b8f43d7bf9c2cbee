"""A merchant says that a category is wrong; a reviewer sees it first, in the merchant's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..site import Site, wait_until
from .desk import SEED, label, open_desk, press, saved, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SHOP = """
shop, _ = Merchant.objects.get_or_create(name="North & Sons")
if not shop.users.exists():
    factories.user(Role.MERCHANT, merchant=shop, name="mia")
ProductImage.objects.update(merchant=shop)
"""
SURE = """
SELECT max(id) FROM catalog_productimage
WHERE withdrawn_at IS NULL AND confidence = (
    SELECT max(confidence) FROM catalog_productimage WHERE withdrawn_at IS NULL)
"""
REPORTED = "SELECT complaint_at IS NOT NULL FROM catalog_productimage WHERE id = %s"


@pytest.fixture
def surest(site: Site, photos: Callable[[int], None]) -> int:
    """A photo of mia's that the desk would show last."""
    photos(5)
    site.manage("shell", "-c", SEED + SHOP)
    return int(site.sql(SURE)[0][0])


def report(page: Page, site: Site, image: int) -> None:
    sign_in(page, site, "mia", to=f"/images/{image}/")
    page.get_by_text("This category is wrong").click()
    page.locator("select[name=category]").select_option(label="Hats")
    page.get_by_label("Note").fill("It has a brim")
    page.get_by_role("button", name="Ask for another look").click()
    page.get_by_text("You reported this category as wrong and expect Hats.").wait_for()


def test_what_a_merchant_reports_comes_first_with_the_merchants_words(
    site: Site, page: Page, browser: Browser, surest: int
) -> None:
    report(page, site, surest)
    with browser.new_context() as context:
        desk = context.new_page()
        assert open_desk(desk, site) == surest
        reason = desk.locator(".review-reason")
        assert "The merchant says it is wrong" in reason.inner_text()
        assert "North & Sons expects “Hats”." in reason.inner_text()
        assert "“It has a brim”" in reason.inner_text()
        press(desk, "2", surest)
    saved(site, surest, "corrected", "", "Hats")

    page.reload()
    assert not page.get_by_text("You reported this category as wrong").is_visible()
    assert "Reported as wrong; expected Hats" in page.locator(".timeline").inner_text()


def test_a_merchant_takes_a_report_back(
    site: Site, page: Page, browser: Browser, surest: int
) -> None:
    report(page, site, surest)
    page.get_by_role("button", name="Take it back").click()

    page.get_by_text("This category is wrong").wait_for()
    wait_until(lambda: site.sql(REPORTED, surest) == [(False,)], "no report stands")
    assert label(site, surest)[0] == "unlabelled"
    with browser.new_context() as context:
        assert open_desk(context.new_page(), site) != surest
