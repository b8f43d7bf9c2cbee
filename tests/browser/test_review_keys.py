"""Each key of the review desk, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..site import Site, wait_until
from .desk import fill, label, open_desk, press, saved, shown, sign_in, until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser


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

    page.get_by_role("heading", name="Nothing to review").wait_for(timeout=5000)
    for each in (*reviewed, image):
        saved(site, each, "confirmed", "", "Shirts")
    assert page.locator("[data-left]").inner_text() == "0"


def test_a_category_typed_for_one_photo_is_not_saved_on_another(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(6)
    first = open_desk(page, site)
    press(page, "Space", first)
    saved(site, first, "confirmed", "", "Shirts")
    page.reload()  # from now on an undo brings the photo back only when it is answered
    second = shown(page)
    held: list[Route] = []
    page.route("**/review/undo/", lambda route: held.append(route))

    page.keyboard.press("Backspace")
    page.keyboard.type("be")
    until(page, lambda: bool(held))
    held[0].continue_()
    assert shown(page, after=second) == first
    page.keyboard.press("Enter")

    page.get_by_text("Another photo stands there now").first.wait_for()
    saved(site, first, "unlabelled", "", None)
    assert label(site, second)[0] == "unlabelled"


def test_the_second_click_of_a_double_click_decides_nothing(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(4)
    first = open_desk(page, site)
    page.wait_for_load_state("networkidle")
    page.locator("[data-card] [data-number='1']").dblclick(delay=60)

    second = shown(page, after=first)
    saved(site, first, "confirmed", "", "Shirts")
    page.wait_for_load_state("networkidle")
    assert shown(page) == second
    assert label(site, second)[0] == "unlabelled"


def test_a_key_with_nothing_to_take_back_counts_nothing(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(1)
    open_desk(page, site)

    page.keyboard.press("Backspace")
    page.get_by_text("Nothing was taken back").wait_for()

    assert page.locator("[data-today]").inner_text() == "0"


def test_a_photo_that_did_not_load_is_asked_for_again_when_its_turn_comes(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(3)
    asked: list[str] = []

    def let_the_first_through(route: Route) -> None:
        asked.append(route.request.url)
        if route.request.url == asked[0]:
            route.continue_()
        else:
            route.abort()

    copies = re.compile("/file/desk/")
    page.route(copies, let_the_first_through)
    sign_in(page, site)
    first = shown(page)
    until(page, lambda: len(set(asked)) == 3)
    page.unroute(copies)

    second = press(page, "Space", first)
    press(page, "Space", second)
    saved(site, second, "confirmed", "", "Shirts")


def test_what_is_left_is_right_after_keys_in_quick_succession(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(12)
    image = open_desk(page, site)
    for _ in range(7):
        image, before = press(page, "Space", image), image
    saved(site, before, "confirmed", "", "Shirts")
    page.wait_for_load_state("networkidle")

    assert page.locator("[data-left]").inner_text() == "5"


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


def test_the_last_label_is_given_again_also_by_a_later_page(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(4)
    first = open_desk(page, site)
    page.keyboard.type("bag")
    page.keyboard.press("Enter")
    second = shown(page, after=first)
    third = press(page, "Shift+Enter", second)
    saved(site, second, "corrected", "", "Bags")

    page.reload()
    fourth = press(page, "Shift+Enter", shown(page))

    saved(site, third, "corrected", "", "Bags")
    assert fourth not in {first, second, third}


def test_one_key_labels_all_photos_of_the_product_and_one_undo_takes_them_back(
    site: Site, page: Page
) -> None:
    fill(site, 4, sku="ABC")
    first = open_desk(page, site)
    open_ones = (
        "SELECT count(*) FROM catalog_productimage"
        " WHERE label_state = 'unlabelled' AND withdrawn_at IS NULL"
    )

    page.keyboard.press("ArrowDown")
    assert page.locator(".suggestion.is-explained").get_attribute("data-name") == "Hats"
    page.keyboard.press("Shift+P")
    page.get_by_role("heading", name="Nothing to review").wait_for()
    wait_until(lambda: site.sql(open_ones) == [(0,)], "all four are labelled")
    assert label(site, first) == ("corrected", "", "Hats")
    page.keyboard.press("Backspace")

    assert shown(page) == first
    wait_until(lambda: site.sql(open_ones) == [(4,)], "all four are open again")


def test_undo_goes_back_over_pages_and_reloads_without_end(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(14)
    image, decided = open_desk(page, site), []
    for _ in range(12):
        decided.append(image)
        image = press(page, "Space", image)
    page.wait_for_function(
        "() => !Object.keys(localStorage).some((key) => key.startsWith('outbox:'))"
    )
    page.goto(f"{site.address}/categories/")
    page.goto(f"{site.address}/review/")
    shown(page)

    for expected in reversed(decided):
        page.keyboard.press("Backspace")
        page.locator(f'[data-card="{expected}"][data-shown]').wait_for()

    for each in decided:
        saved(site, each, "unlabelled", "", None)


def test_a_key_pressed_before_the_next_photo_is_painted_acts_on_nothing(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(4)
    first = open_desk(page, site)
    page.wait_for_load_state("networkidle")
    page.evaluate("""() => {
      document.addEventListener("keydown", (event) => {
        if (event.key !== "1") return;
        const twice = new KeyboardEvent("keydown", { key: "1", code: "Digit1", bubbles: true });
        Promise.resolve().then(() => {
          document.body.dispatchEvent(twice);
          window.said = document.querySelector("[data-said]").textContent;
        });
      }, { once: true });
    }""")

    second = press(page, "1", first)

    saved(site, first, "confirmed", "", "Shirts")
    assert page.evaluate("window.said") == "That key came before the photo; nothing was done."
    assert label(site, second)[0] == "unlabelled"
    assert press(page, "2", second) != second
    saved(site, second, "corrected", "", "Hats")


def test_presses_of_space_without_a_pause_decide_only_photos_that_were_shown(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(4)
    first = open_desk(page, site)
    page.wait_for_load_state("networkidle")
    page.evaluate("""() => {
      for (let press = 0; press < 2; press++) {
        document.body.dispatchEvent(
          new KeyboardEvent("keydown", { key: " ", code: "Space", bubbles: true }));
      }
      window.said = document.querySelector("[data-said]").textContent;
    }""")

    second = shown(page, after=first)

    saved(site, first, "confirmed", "", "Shirts")
    assert page.evaluate("window.said") == "That key came before the photo; nothing was done."
    assert label(site, second)[0] == "unlabelled"
    press(page, "Space", second)
    saved(site, second, "confirmed", "", "Shirts")


def test_a_second_tap_before_the_next_photo_is_painted_acts_on_nothing(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(4)
    first = open_desk(page, site)
    page.wait_for_load_state("networkidle")
    page.evaluate("""() => {
      for (let tap = 0; tap < 2; tap++) document.querySelector(".suggestion").click();
      window.said = document.querySelector("[data-said]").textContent;
    }""")

    second = shown(page, after=first)

    saved(site, first, "confirmed", "", "Shirts")
    assert page.evaluate("window.said") == "Wait: the photo is not there yet."
    assert label(site, second)[0] == "unlabelled"


def test_shift_g_opens_the_grid_of_the_highlighted_category(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(2)
    open_desk(page, site)

    page.keyboard.press("ArrowDown")
    hats = page.locator(".suggestion.is-explained").get_attribute("value")
    page.keyboard.press("Shift+G")

    page.wait_for_url(f"**/review/grid/?category={hats}")
    page.get_by_role("heading", name="Hats", exact=True).wait_for()


def test_character_keys_can_be_turned_off_for_good(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(3)
    first = open_desk(page, site)
    page.keyboard.press("?")
    page.get_by_role("switch", name="Keys that write a character").uncheck()
    page.get_by_text("Saved for every browser you use.").wait_for()
    page.keyboard.press("Escape")
    page.reload()
    assert shown(page) == first

    for key in ("Space", "2", "s", "9", "0", "?", "Shift+P", "+"):
        page.keyboard.press(key)
    assert not page.get_by_role("dialog").is_visible()
    assert shown(page) == first
    press(page, "ArrowRight", first)

    assert label(site, first)[0] == "unlabelled"
    page.get_by_role("button", name=re.compile("Keys")).click()
    page.get_by_role("switch", name="Keys that write a character").check()
    page.get_by_text("Saved for every browser you use.").wait_for()


def test_a_closer_look_and_the_way_to_similar_photos(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(2)
    first = open_desk(page, site)

    page.keyboard.press("+")
    page.locator(".review-large").wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".review-large").count() == 0
    page.locator("[data-photo]").click()
    assert page.locator(".review-large").count() == 1
    page.keyboard.press("Shift+S")

    page.wait_for_url(f"**/images/{first}/similar/")
