"""Fixtures for the real things: photos, Redis, running sites and Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from launcher.place import ROOT

from .site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

open_sites: list[Site] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the processes of the sites wrote last."""
    report = yield
    if report.failed:
        for site in open_sites:
            report.sections.extend((f"{n}.log", end) for n, end in site.logs().items())
    return report


@pytest.fixture(scope="session")
def photos_dir() -> Path:
    """clothing-small: train, validation and test, each a folder per category."""
    folder = Path(os.environ.get("PHOTOS_DIR") or ROOT.parent / "shared/data/clothing-small")
    if not folder.is_dir():
        pytest.skip(f"no photos in {folder}: set PHOTOS_DIR")
    return folder


@pytest.fixture(scope="session")
def static_files() -> None:
    """The hashed names that a running site serves."""
    command = [sys.executable, str(ROOT / "manage.py"), "collectstatic", "--noinput"]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def site_factory(static_files: None) -> Iterator[Callable[..., Site]]:
    """`site_factory("web", "worker", SWEEP_SECONDS="1")`: a fresh site with these processes."""
    before = len(open_sites)

    def make(*names: str, **environment: str) -> Site:
        site = Site(environment)
        open_sites.append(site)
        site.open(*names)
        return site

    yield make
    while len(open_sites) > before:
        open_sites.pop().close()


@pytest.fixture(scope="module")
def running_site(site_factory: Callable[..., Site]) -> Site:
    """Redis, web, worker, trainer and beat on an empty database, for the tests of one file."""
    return site_factory("web", "worker", "trainer", "beat")


@pytest.fixture
def redis_site(site_factory: Callable[..., Site]) -> Site:
    """A migrated database and a real Redis; the test starts what else it needs."""
    return site_factory()


def chromium() -> str | None:
    """CHROMIUM, else the system's browser, else one that Playwright brought."""
    named = os.environ.get("CHROMIUM")
    system = next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)
    brought = Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome")
    return named or system or next(map(str, brought), None)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Keep browser tests in a session of their own: Playwright's event loop runs in this thread,
    where Django then refuses its ORM. They ask the site, not the ORM (tests/site.py)."""
    running = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
    yield running
    running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a fresh profile. A script error or a refusal by the Content-Security-Policy fails
    the test that caused it."""
    context = browser.new_context()
    context.set_default_timeout(15_000)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "console",
        lambda message: (
            faults.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield opened
    context.close()
    assert faults == []
