"""Pictures of every page for docs/screenshots, from what `make demo` left in a folder:

    python -m tests.browser.screenshots [DATA_DIR] [--only NAME ...]

It works on a copy: people check a few photos there, and a version is trained that waits for a
manager. Each page is taken in light, in dark and on a phone."""

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
from catalog.models import *
from tests import factories
shop = Merchant.objects.order_by("id").first()
for role, name in ((Role.MERCHANT, "mia"), (Role.REVIEWER, "rita"), (Role.MANAGER, "mira")):
    factories.user(role, merchant=shop if role == Role.MERCHANT else None, name=name)
"""
UNANSWERED = "SELECT count(*) FROM catalog_productimage WHERE machine IN ('pending', 'classifying')"
PAINTED = (
    "[...document.images].every(image => image.complete"
    " || image.getBoundingClientRect().top > innerHeight)"
)
CHECKED = 16
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
            take(site, [v for v in VISITS if not chosen.only or v.name in chosen.only])
        finally:
            site.close()


def take(site: Site, visits: list[Visit]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        review_some(site, browser.new_page())
        site.manage("retrain", "--mode", "head", "--promote", "never")
        for screen in SCREENS:
            picture(site, browser, screen, visits)


def review_some(site: Site, page: Page) -> None:
    """Accept most suggestions, and choose the second for some."""
    Walker(site, page).open(Visit("review", "rita", "review", "/review/", shown))
    photo = 0
    for number in range(CHECKED):
        photo = shown(page, after=photo)
        if page.locator("[data-card] .suggestion").count():
            page.keyboard.press("2" if number % 4 == 3 else "Space")
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
