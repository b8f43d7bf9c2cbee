"""Whatever dies, nothing is lost and nothing happens twice."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ..site import Site, wait_until
from ..worker.pictures import picture
from .conftest import PASSWORD, SMALL, is_idle, with_processes
from .visitor import Visitor

pytestmark = pytest.mark.loop

PHOTOS = 24
UPLOAD_SECONDS = 2.5
"""The product promises one second; the tests' machine may be busy."""

ASK = """
from catalog import runs
from catalog.models import RunMode, RunTrigger
run = runs.request(RunTrigger.BUTTON, mode=RunMode.HEAD, overrides={overrides})
print(run.pk)
"""


def large_photos(folder: Path) -> Path:
    """Photos that take a while to decode, so that a batch can be interrupted."""
    random = np.random.default_rng(5)
    folder.mkdir()
    for number in range(PHOTOS):
        coarse = random.integers(0, 255, (40, 60, 3)).astype(np.uint8)
        picture = Image.fromarray(coarse).resize((3600, 2400), Image.Resampling.BILINEAR)
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=80)
        (folder / f"large-{number:03}.jpg").write_bytes(out.getvalue())
    return folder


def test_a_worker_killed_in_the_middle_of_a_batch_loses_nothing(
    taught_site: Site, tmp_path: Path
) -> None:
    site = taught_site
    with_processes(site, "worker", "beat")
    wait_until(lambda: is_idle(site), "the labelled photos are answered", seconds=120)
    answers = "SELECT count(*) FROM catalog_prediction"
    before = site.sql(answers)[0][0]

    site.stop("worker")
    site.manage("import_images", str(large_photos(tmp_path / "new")), "--unlabelled")
    site.spawn("worker")
    in_hand = "SELECT count(*) FROM catalog_productimage WHERE machine = 'classifying'"
    wait_until(lambda: site.sql(in_hand)[0][0] > 0, "a batch is in hand", seconds=120, every=0.01)
    site.kill("worker")

    assert site.sql(in_hand)[0][0] > 0
    site.start("worker")
    wait_until(lambda: is_idle(site), "every photo is answered", seconds=120)
    states = site.sql("SELECT machine, count(*) FROM catalog_productimage GROUP BY machine")
    assert [state for state, _ in states] == ["classified"]
    assert site.sql(answers)[0][0] - before == PHOTOS
    twice = "SELECT image_id FROM catalog_prediction GROUP BY image_id HAVING count(*) > 1"
    assert site.sql(twice) == []


def test_uploads_without_redis_answer_quickly_and_are_classified_when_it_returns(
    taught_site: Site,
) -> None:
    site = taught_site
    site.manage("create_user", "vera", "--role", "merchant", "--password-stdin", stdin=PASSWORD)
    with_processes(site, "web", "worker", "beat")
    merchant = Visitor(site)
    merchant.sign_in("vera", PASSWORD)
    first = merchant.upload("cups-1.jpg", picture("cups", 3000))
    wait_until(lambda: is_idle(site), "the first photo is answered", seconds=120)

    site.stop("redis")
    images = []
    for number in range(3):
        started = time.monotonic()
        images.append(merchant.upload(f"lamps-{number}.jpg", picture("lamps", 3000 + number)))
        assert time.monotonic() - started < UPLOAD_SECONDS
    assert {image["status"] for image in images} == {"accepted"}
    assert site.is_running("worker")
    assert not is_idle(site)

    site.start("redis")
    wait_until(lambda: is_idle(site), "the photos are answered", seconds=120)
    ids = [image["image"] for image in (first, *images)]
    for pk in ids:
        query = "SELECT count(*) FROM catalog_prediction WHERE image_id = %s"
        assert site.sql(query, pk)[0][0] == 1


def ask_for_a_run(site: Site, *, seed: int) -> int:
    """What the manager's button does; another seed makes another run than the last."""
    overrides = [*SMALL[1::2], f"seed={seed}", "head_epochs=200", "head_patience=200"]
    overrides.append("head_min_steps=1")
    printed = site.manage("shell", "--no-imports", "-c", ASK.format(overrides=overrides))
    return int(printed.split()[-1])


def state(site: Site, run: int) -> tuple[str, int]:
    found = site.sql("SELECT state, attempts FROM catalog_trainingrun WHERE id = %s", run)
    return (found[0][0], found[0][1])


def in_phase(site: Site, run: int, phase: str) -> bool:
    found = site.sql("SELECT phase FROM catalog_trainingrun WHERE id = %s", run)
    return bool(found[0][0] == phase)


def versions_of(site: Site, run: int) -> int:
    query = "SELECT count(*) FROM catalog_modelversion WHERE run_id = %s"
    return int(site.sql(query, run)[0][0])


def test_a_run_survives_its_trainer_and_makes_one_version(taught_site: Site) -> None:
    site = taught_site
    with_processes(site, "worker", "trainer", "beat")

    killed = ask_for_a_run(site, seed=1)
    wait_until(lambda: in_phase(site, killed, "head"), "the head learns", seconds=120)
    site.kill("trainer")
    assert state(site, killed) == ("running", 1)
    assert versions_of(site, killed) == 0
    site.start("trainer")
    wait_until(lambda: state(site, killed)[0] == "succeeded", "the run is over", seconds=240)
    assert state(site, killed) == ("succeeded", 2)
    assert versions_of(site, killed) == 1

    stopped = ask_for_a_run(site, seed=2)
    wait_until(lambda: in_phase(site, stopped, "head"), "the head learns", seconds=120)
    site.stop("trainer")
    assert state(site, stopped) == ("queued", 0)
    site.start("trainer")
    wait_until(lambda: state(site, stopped)[0] == "succeeded", "the run is over", seconds=240)
    assert versions_of(site, stopped) == 1
