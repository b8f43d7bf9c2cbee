"""The grid of look-alikes and the page of similar photos in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..factories import PASSWORD
from ..site import Site, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SEED = """
from catalog.models import *
from tests import embeddings, factories
rita = factories.user(Role.REVIEWER, name="rita")
shirts, hats = factories.category("Shirts"), factories.category("Hats")
live = factories.version(VersionState.LIVE, classes=["shirts", "hats"])
shop = factories.merchant("Shop")
for n in range(60):
    kind = shirts if n < 50 else hats
    image = factories.answered_image(
        kind, 0.5 + n / 200, merchant=shop, sku=f"SKU-{n}", drawn=False)
    embeddings.store(image, live.backbone, n % 3)
embeddings.index(live.backbone)
"""
STATES = "SELECT id, label_state FROM catalog_productimage WHERE label_state != 'unlabelled'"


@pytest.fixture(scope="module")
def site(site_factory: Callable[..., Site]) -> Site:
    site = site_factory("web")
    site.manage("shell", "-c", SEED)
    return site


def sign_in(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/accounts/sign-in/")
    page.get_by_label("Name").fill("rita")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)


def tiles(page: Page) -> list[int]:
    """Ids of the tiles on the screen, every one painted."""
    page.wait_for_function(
        "() => { const photos = [...document.querySelectorAll('[data-stage] [data-photo]')];"
        " return photos.length && photos.every(photo => photo.naturalWidth > 0); }"
    )
    page.evaluate(
        "Promise.all([...document.querySelectorAll('[data-stage] [data-photo]')]"
        ".map(photo => photo.decode()))"
    )
    return [int(tile.get_attribute("value") or 0) for tile in page.locator("[name=flag]").all()]


def labelled(site: Site) -> dict[int, str]:
    return dict(site.sql(STATES))


def test_a_page_is_flagged_confirmed_and_taken_back_by_keys(site: Site, page: Page) -> None:
    sign_in(page, site)
    page.goto(f"{site.address}/review/grid/")
    first = tiles(page)
    assert len(first) == 24
    assert page.get_by_role("heading", name="Shirts").is_visible()

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.locator(".tile").nth(5).click()
    page.keyboard.press("x")
    page.keyboard.press("x")
    flagged = [first[2], first[5]]
    checked = [
        int(t.get_attribute("value") or 0) for t in page.locator("[name=flag]:checked").all()
    ]
    assert checked == flagged
    page.keyboard.press("Enter")

    page.wait_for_function(f"!document.querySelector('[name=flag][value=\"{first[0]}\"]')")
    second = tiles(page)
    assert len(second) == 24
    assert not set(first) & set(second)
    confirmed = dict.fromkeys(set(first) - set(flagged), "confirmed")
    wait_until(lambda: labelled(site) == confirmed, "the page is confirmed", seconds=15)

    page.keyboard.press("Backspace")
    page.get_by_text("22 photos taken back.").first.wait_for()
    assert labelled(site) == {}
    assert sorted(tiles(page)) == sorted(confirmed)

    page.keyboard.press("Enter")
    wait_until(lambda: labelled(site) == confirmed, "it is confirmed again", seconds=15)
    page.goto(f"{site.address}/review/")
    card = page.locator("[data-card]").first
    card.wait_for()
    assert int(card.get_attribute("data-card") or 0) in flagged


def test_the_grid_fits_a_phone_and_works_by_touch(site: Site, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, site)
    page.goto(f"{site.address}/review/grid/?category=2")
    shown = tiles(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".tile").first.click()

    page.get_by_role("button", name="Confirm the others").click()

    others = set(shown[1:])
    wait_until(lambda: others <= set(labelled(site)), "the others are confirmed", seconds=15)
    assert shown[0] not in labelled(site)
    page.get_by_role("heading", name="No more photos of “Hats” for now").wait_for()


def test_similar_photos_open_from_a_photo(site: Site, page: Page) -> None:
    sign_in(page, site)
    page.goto(f"{site.address}/images/1/")
    page.get_by_role("link", name="Similar photos").click()

    page.get_by_role("heading", name="Similar photos").wait_for()
    assert page.locator(".photo-grid > li").count() == 48
    page.get_by_role("button", name="Checked", exact=True).click()
    page.wait_for_url("**among=confirmed")
    page.locator(".photo-grid a").first.click()
    page.wait_for_url(lambda url: url.endswith("/") and "/images/" in url)
