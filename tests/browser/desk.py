"""What the tests of the review desk read off it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


def shown(page: Page, *, after: int = 0) -> int:
    """The id of the photo on the screen, painted; waits until it is not `after`."""
    page.wait_for_function(
        "after => { const card = document.querySelector('[data-card]');"
        " return card && Number(card.dataset.card) !== after"
        " && card.querySelector('[data-photo]').naturalWidth > 0; }",
        arg=after,
    )
    page.evaluate("document.querySelector('[data-photo]').decode()")
    return int(page.locator("[data-card]").get_attribute("data-card") or 0)
