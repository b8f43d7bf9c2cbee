"""A merchant's big day in a real browser: 300 files with failures among them, a ZIP, a list and a
folder."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .. import factories
from ..site import Site
from .desk import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SEED = """
from catalog.models import *
from tests import factories
acme = factories.merchant("Acme")
factories.user(merchant=acme, name="mia")
"""
# One request goes where nobody answers it, and the answer of another is lost on its way.
TROUBLE = """
const open = XMLHttpRequest.prototype.open;
const status = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, "status").get;
let sent = 0;
const lost = new Set();
XMLHttpRequest.prototype.open = function (method, url) {
  sent += 1;
  if (sent === 20) lost.add(this);
  return open.call(this, method, sent === 10 ? "/nowhere/" : url);
};
Object.defineProperty(XMLHttpRequest.prototype, "status", {
  get() { return lost.has(this) ? 0 : status.call(this); },
});
"""
PHOTOS = "SELECT COUNT(*) FROM catalog_productimage WHERE original_name LIKE %s"


@pytest.fixture(scope="module")
def site(site_factory: Callable[..., Site]) -> Site:
    running = site_factory("web")
    running.manage("shell", "-c", SEED)
    return running


def open_upload(page: Page, site: Site) -> None:
    sign_in(page, site, "mia")
    page.goto(f"{site.address}/upload/")


def listed(page: Page) -> list[str]:
    return page.locator("#files .file-name").all_inner_texts()


def test_300_files_with_failures_in_them_end_with_the_right_counts(
    site: Site, page: Page, tmp_path: Path
) -> None:
    files = []
    for number in range(296):
        file = tmp_path / f"BULK-{number:03}.jpg"
        file.write_bytes(factories.photo_bytes(64, 48))
        files.append(file)
    for name, data in (
        ("broken.jpg", files[0].read_bytes()[:400]),
        ("words.jpg", b"no picture, only words"),
        ("empty.jpg", b""),
        ("twin.jpg", files[5].read_bytes()),
    ):
        (tmp_path / name).write_bytes(data)
        files.append(tmp_path / name)

    page.add_init_script(TROUBLE)
    open_upload(page, site)
    page.set_input_files("#file", [str(file) for file in files])
    assert page.locator("#files li").count() == 50
    page.get_by_role("button", name="Upload 299 photos").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("sent, paused").wait_for()
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("296 photos are with us · 4 need your attention").wait_for(timeout=240_000)

    page.get_by_label("Show").select_option(label="Failed, can be sent again (1)")
    assert len(listed(page)) == 1
    page.get_by_role("button", name="Send failed ones again").click()
    page.get_by_text("297 photos are with us · 3 need your attention").wait_for(timeout=60_000)
    page.get_by_label("Show").select_option(label="Rejected (3)")
    assert sorted(listed(page)) == ["broken.jpg", "empty.jpg", "words.jpg"]
    page.get_by_label("Show").select_option(label="Already there (1)")
    assert listed(page) == ["twin.jpg"]
    assert page.get_by_text("0 of 297 checked").is_visible()
    assert site.sql(PHOTOS, "BULK-%")[0][0] + site.sql(PHOTOS, "twin%")[0][0] == 296

    with page.expect_download() as download:
        page.get_by_role("button", name="Download summary (CSV)").click()
    download.value.save_as(tmp_path / "summary.csv")
    with (tmp_path / "summary.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 300
    outcomes = [row["outcome"] for row in rows]
    assert (outcomes.count("Accepted"), outcomes.count("Already there")) == (296, 1)
    assert outcomes.count("Rejected") == 3


def test_a_zip_and_a_list_go_up_like_photos(site: Site, page: Page, tmp_path: Path) -> None:
    archive = tmp_path / "boots.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(3):
            packed.writestr(f"Boots/ZIPPED-{number}.jpg", factories.photo_bytes())
        packed.writestr("Boots/inner.zip", b"PK\x03\x04")
    table = tmp_path / "list.csv"
    table.write_text("file;sku;title\nLISTED.jpg;BOOT-7;Winter boot\n")
    (tmp_path / "LISTED.jpg").write_bytes(factories.photo_bytes())

    open_upload(page, site)
    page.set_input_files("#file", [str(archive), str(table), str(tmp_path / "LISTED.jpg")])
    page.get_by_text("list.csv: The list names 1 file").wait_for()
    page.get_by_role("button", name="Upload 2 files").click()
    page.get_by_text("4 photos are with us · 1 needs your attention").wait_for(timeout=30_000)
    assert "An archive inside an archive is not opened" in page.locator(".is-bad").inner_text()
    page.get_by_role("link", name="LISTED.jpg").click()
    page.get_by_role("link", name="BOOT-7").first.click()
    assert "Winter boot" in page.inner_text("main")


def test_two_zips_dropped_together_are_both_taken_in(
    site: Site, page: Page, tmp_path: Path
) -> None:
    archives = []
    for name, photos in (("many", 60), ("few", 2)):
        archives.append(tmp_path / f"{name}.zip")
        with zipfile.ZipFile(archives[-1], "w") as packed:
            for number in range(photos):
                packed.writestr(f"TWO-{name}-{number}.jpg", factories.photo_bytes(64, 48))
    open_upload(page, site)
    page.set_input_files("#file", [str(archive) for archive in archives])
    page.get_by_role("button", name="Upload 2 files").click()
    page.get_by_text("62 photos are with us").wait_for(timeout=60_000)
    assert page.locator(".is-bad").count() == 0
    assert site.sql(PHOTOS, "TWO-%") == [(62,)]


def test_a_full_disk_half_way_through_a_zip_is_said_at_once_and_waited_out(
    site: Site, page: Page, tmp_path: Path
) -> None:
    archive = tmp_path / "full.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("FULL-1.jpg", factories.photo_bytes())
    words = "The server's disk is full; nothing was stored. Try again later."
    full = json.dumps({"status": "full", "message": words})
    open_upload(page, site)
    page.route("**/upload/archives/**", lambda route: route.fulfill(status=507, body=full))
    page.set_input_files("#file", str(archive))
    page.get_by_role("button", name="Upload 1 file").click()
    page.get_by_text(words).wait_for(timeout=3_000)
    page.unroute("**/upload/archives/**")
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("1 photo is with us").wait_for()


def test_a_folder_is_walked_and_a_lost_connection_waits(
    site: Site, page: Page, tmp_path: Path
) -> None:
    folder = tmp_path / "Autumn" / "Boots"
    folder.mkdir(parents=True)
    (folder / "FOLDER-1.jpg").write_bytes(factories.photo_bytes())
    (folder / ".DS_Store").write_bytes(b"junk")
    open_upload(page, site)
    page.set_input_files("#folder", str(tmp_path / "Autumn"))
    assert listed(page) == ["FOLDER-1.jpg"]
    page.context.set_offline(True)
    page.get_by_role("button", name="Upload 1 photo").click()
    page.get_by_text("There is no connection.").wait_for()
    page.context.set_offline(False)
    page.get_by_text("1 photo is with us").wait_for(timeout=30_000)
    hint = "SELECT hint FROM catalog_productimage WHERE original_name = %s"
    assert site.sql(hint, "FOLDER-1.jpg") == [("Autumn › Boots",)]
