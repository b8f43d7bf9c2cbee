"""Pictures of every page for docs/screenshots, from what `make demo` left in a folder:

    python -m tests.browser.screenshots [DATA_DIR] [--only NAME ...]

It works on a copy: a merchant reports a category there, people check a few photos, which
count as drawn at random so that the quality page has figures, and a version is trained that waits
for a manager. Each page is taken in light, in dark and on a phone."""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from launcher.place import ROOT

from ..services import chromium
from ..site import Site, wait_until
from .desk import shown
from .pages import SCREENS, VISITS, Visit, Walker

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = ROOT / "docs" / "screenshots"
PEOPLE = """
from catalog import lifecycle
from catalog.models import *
from tests import factories
from tests.browser.pages import ARCHIVE
shop = Merchant.objects.order_by("id").first()
for role, name in ((Role.MERCHANT, "mia"), (Role.REVIEWER, "rita"), (Role.MANAGER, "mira")):
    factories.user(role, merchant=shop if role == Role.MERCHANT else None, name=name)
Archive.objects.create(id=ARCHIVE, merchant=shop, name="autumn.zip", entries=400, position=120)
photo = shop.images.filter(label__isnull=False).last()
other = Category.objects.leaves().exclude(pk=photo.label_id).first()
mia = User.objects.get(username="mia")
lifecycle.complain(photo, by=mia, category=other, note="See the second photo")
"""
CHECKS_COUNT = """
from catalog.models import *
Decision.objects.filter(by__username="rita").update(origin=Origin.RANDOM)
"""
LEAF = "SELECT id FROM catalog_category WHERE code = %s"
UNANSWERED = "SELECT count(*) FROM catalog_productimage WHERE machine IN ('pending', 'classifying')"
PAINTED = (
    "() => [...document.images].every(image => image.complete"
    " || !image.checkVisibility() || image.getBoundingClientRect().top > innerHeight)"
)
LACKING = {"run-failed", "changed-photos"}
"""What the demo has not: a run that failed, an answer that would change."""
CHECKED = 18
QUALITY = 80


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots")
    parser.add_argument("data_dir", nargs="?", type=Path, default=ROOT / "var")
    parser.add_argument("--only", nargs="*", default=[], help="names of visits")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pictured-", dir="/tmp") as folder:
        copy = Path(folder) / "var"
        leave = shutil.ignore_patterns("redis*", "*.sock", "*.log")
        shutil.copytree(chosen.data_dir, copy, ignore=leave)
        site = Site(data_dir=copy)
        try:
            site.manage("collectstatic", "--noinput")
            site.open("web", "worker", "beat")
            site.manage("shell", "-c", PEOPLE)
            wait_until(lambda: not site.sql(UNANSWERED)[0][0], "all classified", seconds=300)
            take(site, chosen_visits(chosen.only))
        finally:
            site.close()


def chosen_visits(names: list[str]) -> list[Visit]:
    if names:
        return [visit for visit in VISITS if visit.name in names]
    return [visit for visit in VISITS if visit.name not in LACKING]


def take(site: Site, visits: list[Visit]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        review_some(site, browser.new_page())
        site.manage("shell", "-c", CHECKS_COUNT)
        site.manage("retrain", "--mode", "head", "--promote", "never")
        for screen in SCREENS:
            picture(site, browser, screen, visits)


def review_some(site: Site, page: Page) -> None:
    """Choose what each sample is, as its SKU begins with the code of its category; leave what a
    merchant reported and what has no such suggestion."""
    Walker(site, page).open(Visit("review", "rita", "review", "/review/", shown))
    photo = 0
    for _ in range(CHECKED):
        photo = shown(page, after=photo)
        code = page.locator(".review-sku").inner_text().rpartition("-")[0]
        leaf = site.sql(LEAF, code)
        right = page.locator(f".suggestion[value='{leaf[0][0] if leaf else 0}']")
        if right.count() and not page.locator("[data-reason-here=complaint]").count():
            right.click()
        else:
            page.keyboard.press("ArrowRight")
    shown(page, after=photo)


def picture(site: Site, browser: Browser, screen: str, visits: list[Visit]) -> None:
    context = browser.new_context(reduced_motion="reduce", **SCREENS[screen])
    walker = Walker(site, context.new_page())
    for visit in visits:
        walker.open(visit)
        walker.page.wait_for_function(PAINTED)
        taken = Image.open(io.BytesIO(walker.page.screenshot()))
        taken.convert("RGB").save(FOLDER / f"{visit.name}-{screen}.webp", quality=QUALITY)
    context.close()


if __name__ == "__main__":
    main()
