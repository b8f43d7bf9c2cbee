"""What managers do with categories and doubtful labels, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..site import Site
from .desk import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SEED = """
from catalog import doubts
from catalog.models import *
from tests import factories
caps, hats = factories.category("Caps"), factories.category("Hats")
mira = factories.user(Role.MANAGER, name="mira")
factories.version(VersionState.LIVE, classes=["caps", "hats"])
images = [factories.labelled_image(caps, mira, name=f"photo-{n}.jpg") for n in range(3)]
check = doubts.claim(doubts.request().pk)
found = [doubts.Found(i.pk, caps.pk, hats.pk, 0.9, n / 100) for n, i in enumerate(images)]
doubts.finish(check, found, labels=3)
"""
LABELS = """
SELECT image.original_name, category.name FROM catalog_productimage image
JOIN catalog_category category ON category.id = image.label_id ORDER BY image.id
"""


@pytest.fixture
def site(site_factory: Callable[..., Site]) -> Site:
    site = site_factory("web")
    site.manage("shell", "-c", SEED)
    return site


def labels(site: Site) -> list[str]:
    return [name for _, name in site.sql(LABELS)]


def photo(page: Page) -> str:
    """The file name on the screen, once the picture is painted and the keys may act."""
    page.wait_for_function(
        "() => { const photo = document.querySelector('[data-label-queue] img');"
        " return photo && photo.complete && photo.naturalWidth > 0; }"
    )
    return str(page.locator("[data-label-queue] img").get_attribute("alt"))


def test_merging_and_undoing_then_going_through_doubtful_labels(site: Site, page: Page) -> None:
    sign_in(page, site, "mira")
    page.goto(f"{site.address}/categories/")
    page.get_by_role("link", name="Caps").click()
    page.get_by_text("Merge into another").click()
    page.get_by_label("Into").select_option(label="Hats")
    page.get_by_role("button", name="Merge", exact=True).click()

    page.get_by_text("It can be undone below.").wait_for()
    assert labels(site) == ["Hats"] * 3

    page.get_by_role("button", name="Undo: Merged “Caps” into “Hats”.").click()
    page.get_by_text("Undone: Merged “Caps” into “Hats”.").wait_for()
    assert labels(site) == ["Caps"] * 3

    page.goto(f"{site.address}/models/labels/")
    page.get_by_role("button", name="Go through them").click()
    assert photo(page) == "photo-0.jpg"

    page.keyboard.press("Space")  # change it to what the others suggest
    page.get_by_text("Saved.").wait_for()
    assert photo(page) == "photo-1.jpg"
    assert labels(site) == ["Hats", "Caps", "Caps"]

    page.keyboard.press("Backspace")  # take that back
    page.get_by_text("3 left").wait_for()
    assert photo(page) == "photo-0.jpg"
    assert labels(site) == ["Caps"] * 3

    page.keyboard.press("Enter")  # its label is right
    page.get_by_text("Noted: that label is right.").wait_for()
    assert photo(page) == "photo-1.jpg"

    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/queue/?after=*")
    assert photo(page) == "photo-2.jpg"
    assert page.get_by_text("2 left").is_visible()
