"""What holds on every page, in every state: no barrier that axe knows of, in light, in dark and on
a phone; no error in its scripts; nothing from elsewhere; and no more bytes than it may have."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import URLPattern

from catalog.urls import urlpatterns

from ..site import Site
from .pages import EMPTY_VISITS, SCREENS, VISITS, Visit, Walker

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
SCRIPT_BYTES, STYLE_BYTES, REVIEW_BYTES, THUMBNAIL_BYTES = (
    kilobytes * 1024 for kilobytes in (40, 20, 50, 15)
)
SCROLLS_SIDEWAYS = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  return scrollWidth > clientWidth;
}"""
"""A phone lays out a page as wide as what sticks out of it: innerWidth grows along."""
NO_PAGES = {
    "home",  # leads on to the page of one's role
    "sign-out",
    *("healthz", "readyz", "metrics"),  # for machines
    *(
        "review-next",
        "review-leases",
        "review-categories",
        "review-neighbours",
        "grid-next",
    ),  # for scripts
    *(
        "image-status",
        "run-progress",
        "run-curves",
        "job-progress",
        "images-csv",
        "image-file",
        "review-history-csv",
    ),
}


@pytest.fixture(scope="module")
def site(site_factory: Callable[..., Site]) -> Site:
    site = site_factory("web")
    site.manage("shell", "-c", "from tests.browser import exhibition; exhibition.fill()")
    return site


@pytest.fixture(scope="module")
def empty_site(site_factory: Callable[..., Site]) -> Site:
    site = site_factory("web")
    site.manage("shell", "-c", "from tests.browser import exhibition; exhibition.people()")
    return site


@pytest.fixture(params=SCREENS)
def screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(reduced_motion="reduce", **SCREENS[request.param])
    yield context.new_page()
    context.close()


def complaints(walker: Walker, visits: list[Visit]) -> list[str]:
    """What is wrong on these pages, one line for each thing."""
    said: list[str] = []
    page = walker.page
    page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((walker.site.address, "data:", "blob:"))
            else said.append(f"{page.url} asks {request.url}")
        ),
    )
    for visit in visits:
        walker.open(visit)
        for violation in Axe().run(page, options=RULES).response["violations"]:
            where = "; ".join(str(node["target"][0]) for node in violation["nodes"][:4])
            said.append(f"{visit.name}: {violation['id']}: {violation['help']}: {where}")
        if page.evaluate(SCROLLS_SIDEWAYS):
            said.append(f"{visit.name} scrolls sideways")
    return said


def test_no_page_has_a_barrier(site: Site, screen: Page) -> None:
    found = complaints(Walker(site, screen), VISITS)
    assert not found, "\n".join(found)


def test_no_page_of_an_empty_catalog_has_a_barrier(empty_site: Site, screen: Page) -> None:
    found = complaints(Walker(empty_site, screen), EMPTY_VISITS)
    assert not found, "\n".join(found)


def test_every_page_is_looked_at() -> None:
    pages = {
        pattern.name
        for pattern in urlpatterns
        if isinstance(pattern, URLPattern) and _answers_to_get(pattern)
    }
    assert pages - NO_PAGES - {visit.route for visit in VISITS} == set()


def _answers_to_get(pattern: URLPattern) -> bool:
    """Django's decorators keep the methods they allow in a closure."""
    view: Any = pattern.callback
    while view is not None:
        for cell in view.__closure__ or ():
            if isinstance(cell.cell_contents, list) and "POST" in cell.cell_contents:
                return "GET" in cell.cell_contents
        view = getattr(view, "__wrapped__", None)
    return True


def test_no_page_costs_more_bytes_than_it_may(site: Site, page: Page) -> None:
    walker = Walker(site, page)
    sizes: dict[str, int] = {}
    too_big: list[str] = []
    for visit in VISITS:
        walker.open(visit)
        loaded = page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
        for kind, most in (("js", SCRIPT_BYTES), ("css", STYLE_BYTES)):
            urls = {url for url in loaded if urlsplit(url).path.endswith(f".{kind}")}
            for url in urls - sizes.keys():
                sizes[url] = len(gzip.compress(page.request.get(url).body()))
            if (size := sum(sizes[url] for url in urls)) > most:
                too_big.append(f"{visit.name}: {size} bytes of {kind}")
        for url in {u for u in loaded if u.endswith("/file/thumbnail/")} - sizes.keys():
            sizes[url] = len(page.request.get(url).body())
            if sizes[url] > THUMBNAIL_BYTES:
                too_big.append(f"{url}: {sizes[url]} bytes")
        if visit.route == "review" and (size := len(page.content().encode())) > REVIEW_BYTES:
            too_big.append(f"{visit.name}: {size} bytes of HTML")
    assert not too_big, "\n".join(too_big)
