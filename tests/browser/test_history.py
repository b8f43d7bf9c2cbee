"""The history of decisions in a real browser: found, and a range of them taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..factories import PASSWORD
from ..site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SEED = """
from catalog import lifecycle
from catalog.models import *
from tests import factories
shirts, hats = factories.category("Shirts"), factories.category("Hats")
rita, ben = (factories.user(Role.REVIEWER, name=name) for name in ("rita", "ben"))
images = [factories.answered_image(hats, 0.4, name=f"photo-{n}.jpg") for n in range(5)]
for image in images:
    category = hats if image is images[4] else shirts
    lifecycle.decide_category(image, category, by=rita, revision=0)
lifecycle.decide_category(images[0], hats, by=ben, revision=1)
"""
LABELS = """
SELECT image.original_name, category.name FROM catalog_productimage AS image
LEFT JOIN catalog_category AS category ON category.id = image.label_id ORDER BY image.id
"""


@pytest.fixture(scope="module")
def site(site_factory: Callable[..., Site]) -> Site:
    site = site_factory("web")
    site.manage("shell", "-c", SEED)
    return site


def test_a_reviewer_filters_and_takes_a_range_back(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/accounts/sign-in/?next=/review/history/")
    page.get_by_label("Name").fill("rita")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="History").wait_for()
    rows = page.locator("tbody tr")
    assert rows.count() == 5

    page.locator("select[name=category]").select_option(label="Shirts")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**category=**")
    assert rows.count() == 4
    assert "photo-4.jpg" not in page.locator("tbody").inner_text()

    page.get_by_role("button", name="Undo all of these…").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Undo 4 decisions?"
    page.get_by_role("button", name="Undo 4 decisions").click()

    said = page.get_by_role("status").filter(has_text="undone")
    said.wait_for()
    assert said.inner_text() == "3 decisions undone. Not undone: 1 decided again since."
    assert page.locator("tbody").get_by_text("undone", exact=True).count() == 3
    assert site.sql(LABELS) == [
        ("photo-0.jpg", "Hats"),
        *((f"photo-{n}.jpg", None) for n in (1, 2, 3)),
        ("photo-4.jpg", "Hats"),
    ]
