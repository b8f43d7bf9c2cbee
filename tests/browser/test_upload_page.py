"""The upload page in a real browser: several files at once, and whatever interrupts them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .. import factories
from ..site import Site
from .desk import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser

PASSWORD = "a long enough sentence"
SCREENS = [(1280, 800), (390, 800)]


@pytest.fixture(scope="module")
def site(site_factory: Callable[..., Site]) -> Site:
    running = site_factory("web")
    running.manage("create_user", "mia", "--role", "merchant", "--password-stdin", stdin=PASSWORD)
    return running


@pytest.fixture
def upload_page(site: Site, page: Page) -> Page:
    page.goto(f"{site.address}/upload/")
    sign_in(page)
    page.get_by_text("Drop photos, folders or a ZIP here").wait_for()
    return page


def sign_in(page: Page, within: str = "main") -> None:
    place = page.locator(within)
    place.get_by_label("Name").fill("mia")
    place.get_by_label("Password").fill(PASSWORD)
    place.get_by_role("button", name="Sign in").click()


def photos(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_bytes(factories.photo_bytes(800, 600))
    return [folder / name for name in names]


def choose(page: Page, files: list[Path]) -> None:
    page.set_input_files("#file", [str(file) for file in files])


def row(page: Page, name: str) -> str:
    return page.locator("#files li", has_text=name).inner_text()


def stored(site: Site, sku: str) -> int:
    count = (
        "SELECT COUNT(*) FROM catalog_productimage i JOIN catalog_product p ON p.id = i.product_id"
    )
    return int(site.sql(f"{count} WHERE p.sku = %s", sku)[0][0])


def test_each_file_of_many_gets_its_own_outcome(
    site: Site, upload_page: Page, tmp_path: Path
) -> None:
    files = photos(tmp_path, *(f"MANY-7_{n}.jpg" for n in range(1, 8)))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(files[0].read_bytes()[:2000])
    (tmp_path / "again.jpg").write_bytes(files[0].read_bytes())
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(bytes(21_000_000))
    choose(upload_page, [*files, broken, huge])
    assert "larger than 20 MB" in row(upload_page, "huge.jpg")
    upload_page.get_by_role("button", name="Upload 8 photos").click()
    upload_page.get_by_text("7 photos are with us · 2 need your attention").wait_for()
    assert "waiting" in row(upload_page, "MANY-7_1.jpg")
    assert "damaged or incomplete" in row(upload_page, "broken.jpg")
    assert stored(site, "MANY-7") == 7

    choose(upload_page, [tmp_path / "again.jpg"])
    upload_page.get_by_role("button", name="Upload 1 photo").click()
    upload_page.get_by_text("8 photos are with us").wait_for()
    assert "Already uploaded, under SKU MANY-7." in row(upload_page, "again.jpg")


def test_a_typed_sku_wins_for_its_file_alone(site: Site, upload_page: Page, tmp_path: Path) -> None:
    choose(upload_page, photos(tmp_path, "IMG_1001.jpg", "NAMED-2.jpg"))
    upload_page.locator("#files li", has_text="IMG_1001.jpg").get_by_label("SKU").fill("TYPED")
    upload_page.get_by_role("button", name="Upload 2 photos").click()
    upload_page.get_by_text("2 photos are with us").wait_for()
    assert (stored(site, "TYPED"), stored(site, "NAMED-2")) == (1, 1)


def test_the_page_says_beforehand_which_sku_a_name_gives(
    site: Site, upload_page: Page, tmp_path: Path
) -> None:
    expected = {
        "SHOWN-9_2.jpg": "SHOWN-9",
        "front.jpg": "front-…",
        "photo 1.jpg": "photo-1-…",
        "IMG_2041.jpg": "IMG_2041-…",
        "12.jpg": "12-…",
        "12345.jpg": "12345",
    }
    choose(upload_page, photos(tmp_path, *expected))
    fields = upload_page.locator("#files li input")
    shown = [field.get_attribute("placeholder") or "" for field in fields.all()]
    assert shown == list(expected.values())

    upload_page.get_by_role("button", name="Upload 6 photos").click()
    upload_page.get_by_text("6 photos are with us").wait_for()
    given = [field.input_value() for field in fields.all()]
    for said, sku in zip(shown, given, strict=True):
        assert sku.startswith(said.removesuffix("…"))
        assert (sku == said) is not said.endswith("…")


def test_the_page_says_how_photos_are_named_by_a_list(upload_page: Page) -> None:
    assert "A CSV with the columns file, sku and title" in upload_page.locator("main").inner_text()


def test_an_expired_session_asks_to_sign_in_and_the_uploads_go_on(
    site: Site, upload_page: Page, tmp_path: Path
) -> None:
    choose(upload_page, photos(tmp_path, *(f"EXPIRED-3_{n}.jpg" for n in range(1, 7))))
    upload_page.context.clear_cookies(name="sessionid")
    upload_page.get_by_role("button", name="Upload 6 photos").click()
    dialog = upload_page.get_by_role("dialog", name="Please sign in again")
    dialog.wait_for()
    dialog.get_by_role("button", name="Not now").click()
    assert stored(site, "EXPIRED-3") == 0

    upload_page.get_by_role("button", name="Sign in and go on").click()
    sign_in(upload_page, within="#sign-in-dialog")
    upload_page.get_by_text("6 photos are with us").wait_for()
    assert stored(site, "EXPIRED-3") == 6


# The browser's own interception drops the bytes of files, so these two stand in front of `send`.
LOSE_THE_FIRST_ANSWER = """
const real = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, "status").get;
let lost = null;
Object.defineProperty(XMLHttpRequest.prototype, "status", {
  get() {
    lost ??= this;
    return lost === this ? 0 : real.call(this);
  },
});
"""
HOLD_BACK = """
const send = XMLHttpRequest.prototype.send;
window.held = [];
XMLHttpRequest.prototype.send = function (body) {
  window.held.push(() => send.call(this, body));
};
"""


def test_an_answer_lost_on_the_way_is_asked_for_again_and_nothing_is_stored_twice(
    site: Site, upload_page: Page, tmp_path: Path
) -> None:
    upload_page.add_init_script(LOSE_THE_FIRST_ANSWER)
    upload_page.reload()
    choose(upload_page, photos(tmp_path, "LOST-4.jpg"))
    upload_page.get_by_role("button", name="Upload 1 photo").click()
    upload_page.get_by_text("trying again shortly").wait_for()
    upload_page.get_by_text("1 photo is with us").wait_for()
    assert "Already uploaded" not in row(upload_page, "LOST-4.jpg")
    assert stored(site, "LOST-4") == 1


def test_at_most_four_files_travel_at_once(upload_page: Page, tmp_path: Path) -> None:
    upload_page.add_init_script(HOLD_BACK)
    upload_page.reload()
    choose(upload_page, photos(tmp_path, *(f"FOUR_{n}.jpg" for n in range(1, 8))))
    upload_page.get_by_role("button", name="Upload 7 photos").click()
    assert upload_page.evaluate("held.length") == 4
    upload_page.evaluate("held.splice(0).forEach((go) => go())")
    upload_page.get_by_text("4 of 7 sent").wait_for()
    assert upload_page.evaluate("held.length") == 3
    upload_page.evaluate("held.splice(0).forEach((go) => go())")
    upload_page.get_by_text("7 photos are with us").wait_for()


def test_without_scripts_one_file_goes_up(site: Site, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.address}/upload/")
    sign_in(page)
    page.set_input_files("#file", str(photos(tmp_path, "PLAIN-5.jpg")[0]))
    page.get_by_role("button", name="Upload", exact=True).click()
    assert "Accepted; waiting for its category. SKU: PLAIN-5." in page.inner_text("main")
    assert stored(site, "PLAIN-5") == 1
    context.close()


def test_a_photo_chosen_before_the_script_is_there_is_taken(
    site: Site, upload_page: Page, tmp_path: Path
) -> None:
    held: list[Route] = []
    upload_page.route("**/upload*.js", lambda route: held.append(route))
    upload_page.reload(wait_until="commit")
    until(upload_page, lambda: bool(held))
    choose(upload_page, photos(tmp_path, "EARLY-6.jpg"))
    held[0].continue_()
    upload_page.get_by_role("button", name="Upload 1 photo").click()
    upload_page.get_by_text("1 photo is with us").wait_for()
    assert stored(site, "EARLY-6") == 1


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_nothing_sticks_out_of_the_screen(
    width: int, height: int, site: Site, upload_page: Page, tmp_path: Path
) -> None:
    long = photos(tmp_path, f"{'A-very-long-name-of-a-file' * 4}.jpg")
    choose(upload_page, long)
    upload_page.set_viewport_size({"width": width, "height": height})
    for path in ("", "/images/"):
        if path:
            upload_page.goto(site.address + path)
        assert upload_page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_list_that_gets_no_answers_says_so_until_it_does(
    site: Site, upload_page: Page, tmp_path: Path
) -> None:
    choose(upload_page, photos(tmp_path, "waits.jpg"))
    upload_page.get_by_role("button", name="Upload 1 photo").click()
    upload_page.get_by_text("1 photo is with us").wait_for()
    upload_page.goto(f"{site.address}/images/")
    note = upload_page.get_by_text("The site does not answer just now.")
    assert not note.is_visible()

    upload_page.route("**/images/status/**", lambda route: route.fulfill(status=502, body="down"))
    note.wait_for()
    upload_page.unroute("**/images/status/**")
    note.wait_for(state="hidden")
