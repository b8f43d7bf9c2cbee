"""One photo through the whole loop, in a real browser against the real processes: uploaded, its
suggestion shown live, corrected by keyboard, learned from, and the better model's answer shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.samples.drawing import draw

from ..site import Site, wait_until
from .desk import shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PASSWORD = "a long enough sentence"
PHOTOS = {"train": 16, "validation": 8, "test": 12}
KNOWN = ("fashion-shirts", "fashion-trousers", "accessories-watches")
NEW = "accessories-bags"
A_MINUTE = 60_000


def drawn_folder(root: Path, *slugs: str, first_seed: int) -> Path:
    """root/<split>/<top>/<leaf>/<n>.jpg, as a person lays their own photos out."""
    for slug in slugs:
        seed = first_seed
        for split, count in PHOTOS.items():
            folder = root / split / slug.replace("-", "/")
            folder.mkdir(parents=True)
            for _ in range(count):
                draw(slug, seed=seed).save(folder / f"{slug}-s{seed}.jpg", quality=88)
                seed += 1
    return root


def import_splits(site: Site, root: Path) -> None:
    for split in PHOTOS:
        site.manage("import_images", str(root / split), "--split", split)


@pytest.fixture(scope="module")
def site(site_factory: Callable[..., Site], tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A catalog of three known categories with a live model, and a fourth it has not learned."""
    site = site_factory("web", SWEEP_SECONDS="1")
    for name in ("merchant", "reviewer", "manager"):
        site.manage("create_user", name, "--role", name, "--password-stdin", stdin=PASSWORD)
    folder = tmp_path_factory.mktemp("known")
    import_splits(site, drawn_folder(folder, *KNOWN, first_seed=0))
    site.manage("retrain", "--mode", "head")
    folder = tmp_path_factory.mktemp("new")
    import_splits(site, drawn_folder(folder, NEW, first_seed=0))
    for name in ("worker", "trainer", "beat"):
        site.spawn(name)
    for name in ("worker", "trainer", "beat"):
        site.wait_for(name)
    return site


def signed_in(browser: Browser, site: Site, name: str) -> Page:
    page = browser.new_context().new_page()
    page.set_default_timeout(A_MINUTE)
    page.goto(site.address)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    return page


def test_one_photo_through_the_whole_loop(site: Site, browser: Browser, tmp_path: Path) -> None:
    photos: list[Path] = []
    for number in (1, 2, 3, 4):
        photos.append(tmp_path / f"BAG-{number}.jpg")
        draw(NEW, seed=100 + number).save(photos[-1], quality=90)

    # The merchant uploads four photos of a kind the model never saw and watches the suggestions.
    merchant = signed_in(browser, site, "merchant")
    merchant.goto(f"{site.address}/upload/")
    merchant.set_input_files("#file", [str(photo) for photo in photos])
    merchant.locator("#start").click()
    rows = merchant.locator("#files li")
    for row in rows.all():
        suggestion = row.get_by_text(re.compile(r"suggested: \w+, not yet checked"))
        suggestion.wait_for()
        assert "Bags" not in suggestion.inner_text()
    first_version = site.sql("SELECT live_id FROM catalog_serving")[0][0]

    # A reviewer corrects one of them by keyboard alone.
    reviewer = signed_in(browser, site, "reviewer")
    reviewer.goto(f"{site.address}/review/")
    reviewed = shown(reviewer)
    reviewer.keyboard.press("b")
    reviewer.keyboard.type("ag")
    reviewer.get_by_role("option", name="Bags").wait_for()
    reviewer.keyboard.press("Enter")
    checked = "SELECT label_state FROM catalog_productimage WHERE id = %s"
    wait_until(lambda: site.sql(checked, reviewed) == [("corrected",)], "the correction is saved")
    reviewer.context.close()

    # The manager presses "Learn now"; the run goes through its phases and its version goes live.
    manager = signed_in(browser, site, "manager")
    manager.goto(f"{site.address}/models/")
    manager.get_by_role("button", name="Learn now").click()
    live = "SELECT live_id FROM catalog_serving"
    wait_until(
        lambda: site.sql(live)[0][0] != first_version,
        "a better version goes live",
        seconds=240,
    )
    manager.goto(f"{site.address}/models/")
    second_version = site.sql(live)[0][0]
    assert manager.get_by_role("link", name=str(second_version), exact=True).first.is_visible()

    answers = (
        "SELECT p.version_id FROM catalog_prediction p JOIN catalog_productimage i "
        "ON i.id = p.image_id WHERE i.label_state = 'unlabelled' ORDER BY p.id"
    )
    wait_until(
        lambda: site.sql(answers) == [(first_version,)] * 3 + [(second_version,)] * 3,
        "each photo that nobody checked is answered anew, once",
    )

    # The merchant reads what a person said, and what the new model says of the other three.
    merchant.goto(f"{site.address}/images/")
    merchant.get_by_text("checked: Bags").wait_for()
    merchant.get_by_text("suggested: Bags, not yet checked").first.wait_for()
