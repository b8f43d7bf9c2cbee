"""A site with a small live model: ResNet50 at 32 pixels, trained in full from the starter weights
on pictures of three tints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..site import Site
from ..worker import pictures

SMALL = ["--set", "image_size=32", "--set", "views=1", "--set", "head_units=32",
         "--set", "head_epochs=12", "--set", "fine_tune_epochs=1"]  # fmt: skip
PASSWORD = "a long enough sentence"


def import_pictures(site: Site, folder: Path) -> None:
    """Labelled pictures of every tint in each split."""
    for split, numbers in pictures.numbers_of().items():
        for slug in pictures.TINTS:
            (folder / split / slug).mkdir(parents=True)
            for number in numbers:
                path = folder / split / slug / f"{slug}-{number:03}.jpg"
                path.write_bytes(pictures.picture(slug, number))
        site.manage("import_images", str(folder / split), "--split", str(split))


def last_line(output: str) -> dict[str, Any]:
    """The JSON object a command ends with."""
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def taught_site(
    site_factory: Callable[..., Site], tmp_path_factory: pytest.TempPathFactory
) -> Site:
    """Redis and a database with a live model; short leases, so that tests need not wait long. The
    test starts the processes it wants."""
    site = site_factory(
        SWEEP_SECONDS="1", CLASSIFY_LEASE_SECONDS="5", RUN_LEASE_SECONDS="8", CLASSIFY_BATCH="8"
    )
    import_pictures(site, tmp_path_factory.mktemp("pictures"))
    first = last_line(site.manage("retrain", "--mode", "full", *SMALL, "--json"))
    assert (first["status"], first["promoted"], first["mode"]) == ("succeeded", True, "full")
    return site


def is_idle(site: Site) -> bool:
    """No photo waits."""
    waiting = "SELECT count(*) FROM catalog_productimage WHERE machine IN (%s, %s)"
    return bool(site.sql(waiting, "pending", "classifying")[0][0] == 0)


def with_processes(site: Site, *names: str) -> None:
    """Start those of them that do not run, side by side."""
    starting = [name for name in names if not site.is_running(name)]
    for name in starting:
        site.spawn(name)
    for name in starting:
        site.wait_for(name)
