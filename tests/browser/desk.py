"""The review desk as tests in a browser meet it: reviewers, five categories, a queue to fill, and
what to read off the page and the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..site import PASSWORD, Site, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

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
    more = dict(merchant=shop, sku="{sku}")
    factories.answered_image(leaves[0], 0.3 + n / 50, others=tuple(leaves[1:]), **more)
"""
NEWEST = "SELECT label_state, unusable_reason, label_id FROM catalog_productimage WHERE id = %s"


def with_reviewers(site_factory: Callable[..., Site]) -> Site:
    """Rita and Ben review; the model knows five categories."""
    site = site_factory("web")
    site.manage("shell", "-c", SEED + TREE)
    return site


def fill(site: Site, count: int, *, sku: str = "") -> None:
    """The queue holds so many new photos and nothing else; with `sku` all of one product."""
    site.manage("shell", "-c", SEED + PHOTOS.format(count=count, sku=sku))


def sign_in(page: Page, site: Site, name: str = "rita", *, to: str = "") -> None:
    """Lands on the page `to`, a path, or on the desk."""
    page.goto(f"{site.address}/accounts/sign-in/{to and f'?next={to}'}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)


def open_desk(page: Page, site: Site, name: str = "rita") -> int:
    """The id of the photo that stands there, ready for keys."""
    sign_in(page, site, name)
    page.goto(f"{site.address}/review/")
    return shown(page)


def shown(page: Page, *, after: int = 0) -> int:
    """The id of the photo on the screen, painted; waits until it is not `after`."""
    page.wait_for_function(
        "after => { const card = document.querySelector('[data-card][data-shown]');"
        " return card && Number(card.dataset.card) !== after"
        " && card.querySelector('[data-photo]').naturalWidth > 0; }",
        arg=after,
    )
    return int(page.locator("[data-card]").get_attribute("data-card") or 0)


def until(page: Page, condition: Callable[[], bool]) -> None:
    """While the browser goes on: what it asks for is answered by the test only meanwhile."""
    for _ in range(300):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("nothing came of it within 15 s")


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
