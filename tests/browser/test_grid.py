"""The grid in a real browser: flagged and confirmed by keys, fetched ahead, taken back, and saved
although the connection or the session was gone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..factories import PASSWORD
from ..site import Site, wait_until
from .desk import SEED, label, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

FILL = """
ProductImage.objects.update(withdrawn_at=timezone.now(), reviewer=None, review_lease_until=None)
Decision.objects.update(by=None)
shirts = Category.objects.get(name="Shirts")
shop = factories.merchant(f"Shop {{timezone.now()}}")
for n in range({count}):
    sku = f"{{'0123456789-' * 6}}{{n}}" if n % 2 else ""
    factories.answered_image(shirts, 0.5 + n / 100, merchant=shop, sku=sku, drawn=False)
"""
PAGE = 24
SAVED = """
SELECT count(*) FROM catalog_productimage WHERE label_origin = 'grid' AND withdrawn_at IS NULL
"""


@pytest.fixture
def waiting(site: Site) -> Callable[[int], None]:
    """`waiting(30)`: so many photos suggested as shirts wait for a grid, and nothing else."""

    def fill(count: int) -> None:
        site.manage("shell", "-c", SEED + FILL.format(count=count))

    return fill


def open_grid(page: Page, site: Site) -> list[int]:
    sign_in(page, site, to="/review/grid/")
    return tiles(page)


def tiles(page: Page, *, after: list[int] | None = None) -> list[int]:
    """The photos of the page on the screen, all of them there; not those of the page `after`."""
    page.wait_for_function(
        "after => { const form = document.querySelector('form[data-page]');"
        " return form && !form.querySelector(`[name=flag][value='${after}']`)"
        " && [...form.querySelectorAll('img')].every((photo) => photo.naturalWidth > 0); }",
        arg=after[0] if after else 0,
    )
    page.wait_for_timeout(100)
    boxes = page.locator("form[data-page] [name=flag]")
    return [int(box.get_attribute("value") or 0) for box in boxes.all()]


def confirmed(site: Site, count: int) -> None:
    wait_until(lambda: site.sql(SAVED)[0][0] == count, f"{count} confirmed", seconds=15)


def test_tiles_are_flagged_by_keys_and_the_next_page_is_there_at_once(
    site: Site, page: Page, waiting: Callable[[int], None]
) -> None:
    waiting(PAGE + 6)
    first = open_grid(page, site)
    page.wait_for_load_state("networkidle")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("x")
    page.keyboard.press("x")
    flagged = page.locator("[name=flag]:checked")
    assert flagged.get_attribute("value") == str(first[1])

    page.context.set_offline(True)  # the next page was fetched and decoded before
    page.keyboard.press("Enter")
    second = tiles(page, after=first)
    assert (len(first), len(second)) == (PAGE, 6)
    widths = page.locator(".tile").evaluate_all("(all) => all.map((tile) => tile.offsetWidth)")
    assert max(widths) - min(widths) <= 1, "a long SKU widens its tile"
    assert not set(first) & set(second)
    page.context.set_offline(False)
    confirmed(site, PAGE - 1)

    page.keyboard.press("Enter")
    page.get_by_role("heading", name="No more photos of “Shirts” for now").wait_for()
    confirmed(site, PAGE + 5)
    assert label(site, first[1]) == ("unlabelled", "", None)
    assert label(site, first[2]) == ("confirmed", "", "Shirts")
    page.get_by_role("link", name="Review one by one").click()
    page.locator(f"[data-card='{first[1]}']").wait_for()


def test_no_tile_is_flagged_through_the_bar_over_it(
    site: Site, page: Page, waiting: Callable[[int], None]
) -> None:
    waiting(PAGE)
    page.set_viewport_size({"width": 390, "height": 800})
    open_grid(page, site)

    reached = page.evaluate(
        "() => { const bar = document.querySelector('.grid-actions'), found = new Set();"
        " for (let top = 0; top < 200; top += 8) {"
        "  scrollTo(0, top); const { left, right, top: y } = bar.getBoundingClientRect();"
        "  for (let x = left + 4; x < right; x += 8) for (let down = 2; down < 60; down += 8)"
        "   found.add(document.elementFromPoint(x, y + down)?.name);"
        " } return [...found]; }"
    )
    assert "flag" not in reached


def test_pages_are_taken_back_one_after_the_other(
    site: Site, page: Page, waiting: Callable[[int], None]
) -> None:
    waiting(PAGE + 6)
    first = open_grid(page, site)
    page.keyboard.press("Enter")
    second = tiles(page, after=first)
    page.keyboard.press("Enter")
    confirmed(site, PAGE + 6)

    page.keyboard.press("Backspace")
    page.locator(f"[name=flag][value='{second[0]}']").wait_for()
    assert sorted(tiles(page)) == sorted(second)
    page.keyboard.press("Control+z")
    page.locator(f"[name=flag][value='{first[0]}']").wait_for()
    assert sorted(tiles(page)) == sorted(first)
    assert page.locator("[data-left]").inner_text() == str(PAGE + 6)
    confirmed(site, 0)

    page.keyboard.press("Enter")
    assert sorted(tiles(page, after=first)) == sorted(second)
    confirmed(site, PAGE)


def test_a_page_taken_back_stands_under_the_name_of_its_own_category(
    site: Site, page: Page, waiting: Callable[[int], None]
) -> None:
    waiting(3)
    open_grid(page, site)
    page.keyboard.press("Enter")
    confirmed(site, 3)
    hats = site.sql("SELECT id FROM catalog_category WHERE name = %s", "Hats")[0][0]

    for query in (f"?category={hats}", ""):
        page.goto(f"{site.address}/review/grid/{query}")
        page.keyboard.press("Backspace")
        tiles(page)
        assert page.get_by_role("heading", level=1).inner_text() == "Shirts"
        confirmed(site, 0)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=re.compile("^No more photos of")).wait_for()
        confirmed(site, 3)


def test_the_second_click_of_a_double_click_confirms_no_page(
    site: Site, page: Page, waiting: Callable[[int], None]
) -> None:
    waiting(PAGE + 6)
    first = open_grid(page, site)
    page.wait_for_load_state("networkidle")

    page.get_by_role("button", name="Confirm the others").dblclick(delay=60)

    confirmed(site, PAGE)
    assert len(tiles(page, after=first)) == 6
    page.wait_for_load_state("networkidle")
    confirmed(site, PAGE)


def test_a_page_confirmed_without_a_connection_is_saved_when_it_is_back(
    site: Site, page: Page, waiting: Callable[[int], None]
) -> None:
    waiting(3)
    open_grid(page, site)
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    page.get_by_text("1 page is not saved yet; trying again…").wait_for()
    page.keyboard.press("Backspace")

    page.context.set_offline(False)
    page.locator("form[data-page]").wait_for()
    confirmed(site, 0)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Please sign in again")
    dialog.get_by_role("button", name="Not now").click()
    page.get_by_text("You are signed out. Sign in to go on.").wait_for()
    assert not dialog.is_visible()

    page.get_by_role("button", name="Sign in to save").click()
    dialog.get_by_label("Name").fill("rita")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    confirmed(site, 3)


def test_what_does_not_load_is_not_confirmed(
    site: Site, page: Page, waiting: Callable[[int], None]
) -> None:
    waiting(3)
    page.route(re.compile(r"/images/\d+/file/thumbnail"), lambda route: route.abort())
    sign_in(page, site, to="/review/grid/")
    page.locator("[name=flag]:checked").nth(2).wait_for()
    assert "Not to be shown" in page.locator(".tile-flag").first.inner_text()


def test_keys_that_write_a_character_can_be_turned_off(
    site: Site, page: Page, waiting: Callable[[int], None]
) -> None:
    waiting(2)
    site.manage(
        "shell", "-c", SEED + "User.objects.filter(username='rita').update(character_keys=False)"
    )
    open_grid(page, site)

    page.keyboard.press("x")
    assert page.locator("[name=flag]:checked").count() == 0
    page.keyboard.press("Space")
    assert page.locator("[name=flag]:checked").count() == 1
    site.manage(
        "shell", "-c", SEED + "User.objects.filter(username='rita').update(character_keys=True)"
    )
