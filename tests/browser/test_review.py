"""The review desk in a real browser: two reviewers at once, stale saves, without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..site import Site, wait_until
from .desk import SEED, label, open_desk, press, saved, shown, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def test_mouse_alone_does_everything(site: Site, page: Page, photos: Callable[[int], None]) -> None:
    photos(4)
    first = open_desk(page, site)

    page.get_by_role("button", name=re.compile("Hats")).click()
    second = shown(page, after=first)
    saved(site, first, "corrected", "", "Hats")
    page.locator("[data-unusable] summary").click()
    page.get_by_role("button", name="Several products").click()
    third = shown(page, after=second)
    saved(site, second, "unusable", "several", None)
    page.get_by_role("button", name=re.compile("Search all")).click()
    page.get_by_role("option", name=re.compile("Bags")).click()
    shown(page, after=third)
    saved(site, third, "corrected", "", "Bags")
    page.get_by_role("button", name=re.compile("Undo")).click()

    page.locator(f'[data-card="{third}"]').wait_for()
    saved(site, third, "unlabelled", "", None)


def test_two_reviewers_never_get_the_same_photo(
    site: Site, browser: Browser, photos: Callable[[int], None]
) -> None:
    photos(10)
    pages = [browser.new_context().new_page() for _ in range(2)]
    seen: list[list[int]] = []
    for page, name in zip(pages, ("rita", "ben"), strict=True):
        seen.append([open_desk(page, site, name)])
    for _ in range(3):
        for page, photos_seen in zip(pages, seen, strict=True):
            photos_seen.append(press(page, "Space", photos_seen[-1]))
    for page in pages:
        page.context.close()

    hers, his = map(set, seen)
    assert len(hers) == len(his) == 4
    assert not hers & his


def test_a_stale_save_shows_what_happened(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(2)
    image = open_desk(page, site)
    site.manage(
        "shell",
        "-c",
        f"{SEED}\nProductImage.objects.update(reviewer=None)\n"
        f"image = ProductImage.objects.get(pk={image})\n"
        "lifecycle.decide_category(image, Category.objects.get(name='Bags'),"
        " by=User.objects.get(username='ben'), revision=0)",
    )

    following = press(page, "Space", image)

    alert = page.get_by_role("alert").get_by_text("Nothing was saved: ben chose “Bags”.")
    alert.wait_for()
    assert following != image
    assert label(site, image) == ("corrected", "", "Bags")


def test_a_new_photo_appears_by_itself(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(0)
    sign_in(page, site)
    page.goto(f"{site.address}/review/")
    page.get_by_role("heading", name="Nothing to review").wait_for()

    photos(1)

    assert shown(page)


def test_a_closed_page_gives_its_photos_back(
    site: Site, browser: Browser, photos: Callable[[int], None]
) -> None:
    photos(3)
    page = browser.new_context().new_page()
    open_desk(page, site)
    page.wait_for_load_state("networkidle")
    leased = "SELECT count(*) FROM catalog_productimage WHERE reviewer_id IS NOT NULL"
    wait_until(lambda: site.sql(leased) == [(3,)], "the page holds all three")

    page.goto(f"{site.address}/categories/")

    wait_until(lambda: site.sql(leased) == [(0,)], "the leases are given back", seconds=15)
    page.context.close()


def test_everything_fits_on_a_small_laptop_without_scrolling(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(1)
    page.set_viewport_size({"width": 1280, "height": 720})
    open_desk(page, site)

    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    for button in page.locator(".desk button:visible, .desk summary:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 1280
        assert box["y"] + box["height"] <= 720


def test_without_scripts_a_photo_can_be_labelled_and_undone(
    site: Site, browser: Browser, photos: Callable[[int], None]
) -> None:
    photos(2)
    page = browser.new_context(java_script_enabled=False).new_page()
    sign_in(page, site)
    page.goto(f"{site.address}/review/")
    image = int(page.locator("[data-card]").get_attribute("data-card") or 0)

    page.get_by_role("button", name=re.compile("Hats")).click()
    page.get_by_text("Saved as “Hats”.").wait_for()
    saved(site, image, "corrected", "", "Hats")
    page.get_by_role("button", name=re.compile("Undo")).click()

    page.get_by_text("Your decision was taken back").wait_for()
    assert page.locator("[data-card]").get_attribute("data-card") == str(image)
    page.get_by_label("Another category").select_option("Bags")
    page.get_by_role("button", name="Save").click()
    saved(site, image, "corrected", "", "Bags")
    page.context.close()
