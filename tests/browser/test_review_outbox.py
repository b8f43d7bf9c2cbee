"""Decisions that are not saved yet: offline, over a reload, an expired session, another user."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..factories import PASSWORD
from ..site import Site, wait_until
from .desk import label, open_desk, press, saved, shown, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page

pytestmark = pytest.mark.browser


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


def test_decisions_survive_that_the_browser_lost_all_cookies_of_the_site(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(3)
    image = open_desk(page, site)
    page.context.clear_cookies()

    page.keyboard.press("Space")
    dialog = page.get_by_role("dialog", name="Please sign in again")
    dialog.wait_for()
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


def kept(page: Page) -> int:
    """Decisions that wait in this browser."""
    return int(
        page.evaluate("Object.keys(localStorage).filter((k) => k.startsWith('outbox:')).length")
    )


def break_saves(page: Page) -> None:
    """The site is there, but saves do not get through."""
    page.context.route(re.compile("/decide/|/undo/"), lambda route: route.abort())


def test_unsaved_decisions_survive_an_expired_session_and_a_reload(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(12)
    first = open_desk(page, site)
    page.wait_for_load_state("networkidle")
    page.context.clear_cookies(name="sessionid")
    warned: list[str] = []

    def accept(dialog: Dialog) -> None:
        warned.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    second = press(page, "2", first)
    page.get_by_role("button", name="Not now").click()
    third = press(page, "3", second)
    page.get_by_role("button", name="Not now").click()
    page.get_by_text("2 decisions are not saved yet.").wait_for()

    page.keyboard.press("Backspace")
    assert shown(page, after=third) == second
    page.get_by_text("1 decision is not saved yet.").wait_for()
    page.reload()
    assert warned == ["beforeunload"]
    assert label(site, first)[0] == "unlabelled"
    sign_in(page, site)
    assert shown(page) != first

    saved(site, first, "corrected", "", "Hats")
    wait_until(lambda: kept(page) == 0, "nothing waits")
    assert label(site, second)[0] == "unlabelled"


def test_an_undo_of_a_decision_on_its_way_arrives_behind_it(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(12)
    first = open_desk(page, site)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    second = press(page, "2", first)
    page.get_by_text("1 decision is not saved yet; trying again…").wait_for()

    assert press(page, "Backspace", second) == first
    assert press(page, "3", first) == second
    page.context.set_offline(False)

    saved(site, first, "corrected", "", "Shoes")
    kinds = "SELECT kind FROM catalog_decision WHERE image_id = %s ORDER BY id"
    assert site.sql(kinds, first) == [("correct",), ("undo",), ("correct",)]


def test_another_user_of_the_browser_never_sends_what_the_first_decided(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(12)
    first = open_desk(page, site)
    page.wait_for_load_state("networkidle")
    break_saves(page)
    page.on("dialog", lambda dialog: dialog.accept())
    press(page, "2", first)
    page.get_by_text("1 decision is not saved yet").wait_for()
    page.context.clear_cookies(name="sessionid")
    open_desk(page, site, "ben")
    page.context.unroute(re.compile("/decide/|/undo/"))

    page.get_by_text("1 decision is kept in this browser for rita, not saved yet.").wait_for()
    press(page, "Space", shown(page))
    wait_until(lambda: kept(page) == 1, "only hers waits")
    assert label(site, first)[0] == "unlabelled"
    page.context.clear_cookies(name="sessionid")
    open_desk(page, site, "rita")

    saved(site, first, "corrected", "", "Hats")
    by = (
        "SELECT username FROM catalog_decision JOIN catalog_user u ON u.id = by_id"
        " WHERE image_id = %s"
    )
    assert site.sql(by, first) == [("rita",)]


def test_a_page_of_somebody_who_signed_out_asks_its_owner_to_sign_in(
    site: Site, page: Page, photos: Callable[[int], None]
) -> None:
    photos(12)
    first = open_desk(page, site)
    page.wait_for_load_state("networkidle")
    other = page.context.new_page()
    page.context.clear_cookies(name="sessionid")
    sign_in(other, site, "ben")

    page.keyboard.press("2")
    dialog = page.get_by_role("dialog", name="Please sign in again")
    dialog.get_by_text("ben signed in in this browser; sign in again to go on here.").wait_for()
    assert label(site, first)[0] == "unlabelled"
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()

    saved(site, first, "corrected", "", "Hats")
