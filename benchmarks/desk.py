"""How long a reviewer waits: from a key to the frame that shows the next photo, from a letter to
the frame that lists what it finds among 1,000 categories, and for a save at the server.

    python -m benchmarks.desk [--json] [--quick] [--photos DIR] [--images N] [--delay MS]

Real photos, a real Chromium, the site's own gunicorn, with 100 ms added to each answer. Times begin
at the key event's own time stamp, given by the browser before any script runs. They end in the
first task after the animation frame in which the new state stands: a frame's callbacks run before
it is painted and tasks posted from there after, so this is the first moment a script can be sure of
the paint. The wait for the screen's next refresh is in it. Photos are decoded synchronously
(`decoding="sync"`), so no frame shows the card without its photo. The browser's own Event Timing
(key to presented frame, in steps of 8 ms, none under 16 ms) is printed beside it.

No photo comes without suggestions here, so that every key decides.

The query of the queue is measured by benchmarks.desk_queue, whose figures are taken in."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launcher.place import ROOT
from tests.services import CHROMIUM_OPTIONS, chromium
from tests.site import Site

from .served import PHOTOS, NoPhotos, files_of

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

REVIEWER, PASSWORD = "measured", "measured at the desk"
DECISIONS, DECISIONS_QUICK = 150, 20
WARM_UP = 5
PACE_MS = 350
"""Between two keys: nearly three decisions a second."""
KEYS = ("Space", "2", "Space", "3")
TYPED = 4 * ("shirt", "blue", "kettle", "03-4", "toys lamp", "zz")
WATCH = """
() => {
  window.measured = [];
  window.presented = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.name === "keydown") window.presented.push(entry.duration);
    }
  }).observe({ type: "event", durationThreshold: 16 });
  const state = () => {
    const dialog = document.querySelector("#search");
    const card = document.querySelector("[data-card]");
    const photo = card?.querySelector("[data-photo]");
    const painted = photo?.complete && photo.naturalWidth > 0;
    if (dialog.open) return "typed:" + dialog.querySelector("[data-field]").value;
    return painted ? "photo:" + card.dataset.card : "";
  };
  document.addEventListener("keydown", ({ key, timeStamp }) => {
    const before = state();
    const look = () => requestAnimationFrame(() => {
      const now = state();
      if (!now || now === before) return look();
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        window.measured.push({ key, kind: now.split(":")[0], ms: performance.now() - timeStamp });
      };
      port2.postMessage(0);
    });
    look();
  }, true);
}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--images", type=int, help="photos decided")
    parser.add_argument("--delay", type=int, default=100, help="milliseconds added to each answer")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-queue", action="store_true", help="leave benchmarks.desk_queue out")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    count = options.images or (DECISIONS_QUICK if options.quick else DECISIONS)
    try:
        files = files_of(options.photos, "train", count + WARM_UP + 30)
    except NoPhotos as error:
        print(error, file=sys.stderr)
        return 1
    answer = {
        "settings": {"decisions": count, "delay_ms": options.delay, "pace_ms": PACE_MS},
        **measure(files, count, options.delay),
    }
    if not options.no_queue:
        answer |= queue_figures(quick=options.quick)
    print_table(answer)
    if options.json:
        print(json.dumps(answer))
    return 0


def measure(files: Sequence[Path], count: int, delay: int) -> dict[str, Any]:
    site = Site({"DELAY_MS": str(delay), "LOG_LEVEL": "WARNING", "REVIEW_BLIND_SHARE": "0"})
    site.commands["web"] = [
        part.replace("catalog.wsgi", "benchmarks.desk_delayed") for part in site.commands["web"]
    ]
    try:
        site.open()
        site.manage("collectstatic", "--noinput")
        with tempfile.TemporaryDirectory(prefix="bench-photos-") as folder:
            for number, file in enumerate(files):
                shutil.copyfile(file, Path(folder) / f"{number}{file.suffix}")
            site.manage("import_images", folder, "--unlabelled", "--merchant", REVIEWER)
        site.manage(
            "shell", "-c", f"from benchmarks.desk_seed import fill; fill{REVIEWER, PASSWORD}"
        )
        site.start("web")
        return _in_browser(site, count)
    finally:
        site.close()


def _in_browser(site: Site, count: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        saves: list[float] = []
        page.on("response", lambda response: saves.extend(_save_time(response)))
        _open_desk(page, site)
        _decide(page, WARM_UP)
        page.evaluate(WATCH)
        del saves[:]
        _decide(page, count)
        photos = _taken(page, "photo")
        presented = page.evaluate("window.presented")
        _settle(page)
        page.evaluate("window.measured = []")
        _type(page)
        letters = _taken(page, "typed")
        browser.close()
    return {
        "key_to_paint_p75_ms": _at(photos, 0.75),
        "key_to_paint_p95_ms": _at(photos, 0.95),
        "keys_measured": len(photos),
        "event_timing_p75_ms": _at([*presented, *[8.0] * (len(photos) - len(presented))], 0.75),
        "typeahead_ms": _at(letters, 0.95),
        "typeahead_p50_ms": _at(letters, 0.5),
        "letters_measured": len(letters),
        "save_p95_ms": _at(saves, 0.95),
        "save_p50_ms": _at(saves, 0.5),
        "saves_measured": len(saves),
    }


def _save_time(response: Response) -> list[float]:
    """Milliseconds that the site itself took for a save, without what was added."""
    if not response.url.endswith("/decide/") or response.status != 200:
        return []
    timing = re.search(r"site;dur=([0-9.]+)", response.headers.get("server-timing", ""))
    return [float(timing[1])] if timing else []


def _open_desk(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/accounts/sign-in/")
    page.get_by_label("Name").fill(REVIEWER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    page.goto(f"{site.address}/review/")
    page.locator("[data-card][data-shown]").wait_for()
    page.wait_for_load_state("networkidle")


def _decide(page: Page, count: int) -> None:
    for turn in range(count):
        shown = page.locator("[data-card][data-shown]")
        before = shown.get_attribute("data-card", timeout=30_000)
        page.keyboard.press(KEYS[turn % len(KEYS)])
        page.locator(f"[data-card][data-shown]:not([data-card='{before}'])").wait_for()
        page.wait_for_timeout(PACE_MS)


def _settle(page: Page) -> None:
    """Everything is saved."""
    page.wait_for_function(
        "() => !Object.keys(localStorage).some((key) => key.startsWith('outbox:'))"
    )


def _type(page: Page) -> None:
    """Words, letter by letter; the first letter of each opens the dialog."""
    for word in TYPED:
        for letter in word:
            page.keyboard.press("Space" if letter == " " else letter)
            page.wait_for_timeout(100)
        for _ in range(2):
            page.keyboard.press("Backspace")
            page.wait_for_timeout(100)
        page.keyboard.press("Escape")
        page.wait_for_timeout(100)


def _taken(page: Page, kind: str) -> list[float]:
    found = page.evaluate("window.measured")
    return [each["ms"] for each in found if each["kind"] == kind and each["key"] != "Escape"]


def queue_figures(*, quick: bool) -> dict[str, Any]:
    """{queue_query_p95_ms: the slowest database's, with all databases in queue}"""
    command = [sys.executable, "-m", "benchmarks.desk_queue", "--json"]
    done = subprocess.run(
        [*command, *(["--quick"] if quick else [])],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rows = json.loads(done.stdout.splitlines()[-1])["rows"]
    names = ("database", "images", "queue_query_p95_ms", "queue_query_p50_ms", "filtered_p95_ms")
    queue = [{name: row[name] for name in names} for row in rows]
    slowest = max(queue, key=lambda row: row["queue_query_p95_ms"])
    return {
        "queue_query_p95_ms": slowest["queue_query_p95_ms"],
        "queue_query_images": slowest["images"],
        "queue_query_database": slowest["database"],
        "queue": queue,
    }


def print_table(answer: dict[str, Any]) -> None:
    print("milliseconds")
    for name, value in answer.items():
        if name.endswith("_ms"):
            print(f"  {name.removesuffix('_ms'):<24}{value:>8.1f}")


def _at(figures: list[float], share: float) -> float:
    ordered = sorted(figures)
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 1)


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        raise SystemExit(main())
