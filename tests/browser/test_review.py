"""The review desk in a real browser: its keys, its saves, and two reviewers at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..factories import PASSWORD
from ..site import Site, wait_until
from .desk import shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser

SEED = """
from datetime import timedelta
from django.utils import timezone
from catalog import lifecycle
from catalog.models import *
from tests import factories
"""
TREE = """
names = "Shirts Hats Shoes Bags Belts".split()
leaves = [factories.category(name, guidance=name + " only.") for name in names]
for name in ("rita", "ben"):
    factories.user(Role.REVIEWER, name=name)
factories.version(VersionState.LIVE, classes=[c.slug for c in leaves])
"""
PHOTOS = """
ProductImage.objects.update(withdrawn_at=timezone.now(), reviewer=None, review_lease_until=None)
Decision.objects.update(by=None)
leaves = list(Category.objects.order_by("id"))
shop = factories.merchant(f"Shop {{timezone.now()}}")
for n in range({count}):
    factories.answered_image(leaves[0], 0.3 + n / 50, others=tuple(leaves[1:]), merchant=shop)
"""
NEWEST = "SELECT label_state, unusable_reason, label_id FROM catalog_productimage WHERE id = %s"


@pytest.fixture(scope="module")
def site(site_factory: Callable[..., Site]) -> Site:
    site = site_factory("web")
    site.manage("shell", "-c", SEED + TREE)
    return site


@pytest.fixture
def photos(site: Site) -> Callable[[int], None]:
    """`photos(5)`: the queue holds five new photos and nothing else."""

    def fill(count: int) -> None:
        site.manage("shell", "-c", SEED + PHOTOS.format(count=count))

    return fill


def sign_in(page: Page, site: Site, name: str = "rita") -> None:
    page.goto(f"{site.address}/accounts/sign-in/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)


def open_desk(page: Page, site: Site, name: str = "rita") -> int:
    """The id of the photo that stands there, ready for keys."""
    sign_in(page, site, name)
    page.goto(f"{site.address}/review/")
    return shown(page)


def press(page: Page, key: str, on: int) -> int:
    """Press the key while photo `on` stands there; the id of the photo that follows it."""
    assert shown(page) == on
    page.keyboard.press(key)
    return shown(page, after=on)


def label(site: Site, image: int) -> tuple[str, str, str | None]:
    state, reason, category = site.sql(NEWEST, image)[0]
    rows = site.sql("SELECT name FROM catalog_category WHERE id = %s", category or 0)
    return state, reason, rows[0][0] if rows else None


def saved(site: Site, image: int, *expected: str | None) -> None:
    wait_until(lambda: label(site, image) == expected, f"{image} is {expected}", seconds=15)


def test_every_key_does_what_the_help_says(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(9)
    first = open_desk(page, site)

    page.keyboard.press("?")
    help_text = page.get_by_role("dialog", name="Keys")
    for words in ("Space", "1 – 5", "any letter", "→", "0", "9", "Backspace or Ctrl Z", "?"):
        assert help_text.get_by_text(words, exact=True).first.is_visible()
    page.keyboard.press("Escape")

    second = press(page, "Space", first)
    saved(site, first, "confirmed", "", "Shirts")
    third = press(page, "2", second)
    saved(site, second, "corrected", "", "Hats")
    fourth = press(page, "Shift+Numpad3", third)  # Playwright's Num Lock is off
    saved(site, third, "corrected", "", "Shoes")

    page.keyboard.press("b")
    page.keyboard.type("e")
    assert page.get_by_role("option").all_inner_texts() == ["Belts\nBelts"]
    page.keyboard.press("Enter")
    fifth = shown(page, after=fourth)
    saved(site, fourth, "corrected", "", "Belts")

    page.keyboard.press("0")
    assert page.get_by_role("button", name="Not a product").is_visible()
    sixth = press(page, "3", fifth)
    saved(site, fifth, "unusable", "not_a_product", None)
    seventh = press(page, "9", sixth)
    saved(site, sixth, "none_of_these", "", None)

    eighth = press(page, "ArrowRight", seventh)
    skipped = "SELECT count(*) FROM catalog_reviewskip WHERE image_id = %s"
    wait_until(lambda: site.sql(skipped, seventh) == [(1,)], "the photo is skipped")
    saved(site, seventh, "unlabelled", "", None)

    assert press(page, "Backspace", eighth) == sixth
    saved(site, sixth, "unlabelled", "", None)
    assert press(page, "Control+z", sixth) == fifth
    saved(site, fifth, "unlabelled", "", None)


def test_five_photos_are_reviewed_by_keyboard_alone(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(5)
    image = open_desk(page, site)
    reviewed = []
    for _ in range(4):
        reviewed.append(image)
        image = press(page, "Space", image)
    page.keyboard.press("Space")

    page.get_by_role("heading", name="Nothing to review").wait_for()
    for each in (*reviewed, image):
        saved(site, each, "confirmed", "", "Shirts")
    assert page.locator("[data-left]").inner_text() == "0"


def test_the_type_ahead_moves_with_arrows_and_closes_with_escape(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(2)
    image = open_desk(page, site)

    page.keyboard.press("s")
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog", name="Choose a category").is_visible()
    page.keyboard.press("s")
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("option", selected=True).inner_text().startswith("Shoes")
    assert page.get_by_text("Shoes only.").last.is_visible()
    page.keyboard.press("Enter")

    saved(site, image, "corrected", "", "Shoes")


def test_enter_is_kept_until_the_categories_have_come(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(2)
    held: list[Route] = []
    page.route("**/review/categories/", lambda route: held.append(route))
    image = open_desk(page, site)

    page.keyboard.type("bag")
    page.keyboard.press("Enter")
    assert shown(page) == image
    for route in held:
        route.continue_()

    shown(page, after=image)
    saved(site, image, "corrected", "", "Bags")


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


def test_a_key_held_down_acts_once_and_a_focused_button_keeps_its_keys(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(4)
    first = open_desk(page, site)
    page.keyboard.down("Space")
    second = shown(page, after=first)
    page.keyboard.down("Space")
    page.keyboard.down("Space")
    page.keyboard.up("Space")
    saved(site, first, "confirmed", "", "Shirts")
    assert shown(page) == second

    page.get_by_role("button", name=re.compile("Keys")).focus()
    page.keyboard.press("9")
    page.wait_for_timeout(300)
    assert shown(page) == second
    page.keyboard.press("Escape")
    assert press(page, "9", second) != second
    saved(site, second, "none_of_these", "", None)


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


def test_an_expired_session_opens_the_sign_in_form_and_saves_after_it(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(3)
    image = open_desk(page, site)
    page.context.clear_cookies(name="sessionid")

    page.keyboard.press("Space")
    dialog = page.get_by_role("dialog", name="Please sign in again")
    dialog.wait_for()
    assert label(site, image)[0] == "unlabelled"
    dialog.get_by_label("Name").fill("rita")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()

    saved(site, image, "confirmed", "", "Shirts")


def test_a_lost_connection_keeps_the_decision_and_saves_it_later(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(3)
    image = open_desk(page, site)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)

    following = press(page, "2", image)
    page.get_by_text("1 decision is not saved yet; trying again…").wait_for()
    assert label(site, image)[0] == "unlabelled"
    assert following != image
    page.context.set_offline(False)

    saved(site, image, "corrected", "", "Hats")
    page.get_by_text("not saved yet").wait_for(state="detached")


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
    assert site.sql(leased) == [(3,)]

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
