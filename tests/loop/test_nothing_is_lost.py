"""Whatever dies, nothing is lost and nothing happens twice."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ..site import Site, wait_until
from ..worker.pictures import TINTS, picture
from .conftest import PASSWORD, SMALL, is_idle, last_line, with_processes
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


def test_the_doctor_finds_nothing_wrong_with_a_site_that_runs(taught_site: Site) -> None:
    with_processes(taught_site, "worker")

    found = last_line(taught_site.manage("doctor", "--json"))

    assert found["ok"]
    assert all(check["ok"] for check in found["checks"])
    assert "ok  worker" in taught_site.manage("doctor")


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


def small_photos(folder: Path, first: int, count: int) -> Path:
    folder.mkdir()
    for number in range(first, first + count):
        slug = list(TINTS)[number % len(TINTS)]
        (folder / f"{slug}-{number}.jpg").write_bytes(picture(slug, number))
    return folder


def answers_each(site: Site) -> dict[int, int]:
    """{image: how many predictions it has}"""
    query = "SELECT image_id, count(*) FROM catalog_prediction GROUP BY image_id"
    return dict(site.sql(query))


def dealt_with(site: Site, name: str) -> int:
    """Photos that the present process of this name says it dealt with."""
    return sum(event["images"] for event in told(site, name) if event.get("event") == "classified")


def told(site: Site, name: str) -> list[dict[str, Any]]:
    """What the present process of this name has logged."""
    lines = site.log(name).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def has_loaded(site: Site, name: str) -> bool:
    return any(event.get("event") == "version loaded" for event in told(site, name))


def with_two_workers(site: Site) -> None:
    """Both hold the version, so that neither has to load it while the other does all the work."""
    with_processes(site, "worker", "worker2", "beat")
    names = ("worker", "worker2")
    wait_until(
        lambda: all(has_loaded(site, name) for name in names),
        "both workers hold the version",
        seconds=120,
    )
    wait_until(lambda: is_idle(site), "the photos before are answered", seconds=120)
    time.sleep(2)  # the workers say what they did once nothing waits


def test_two_workers_share_one_queue_without_loss_or_overlap(
    taught_site: Site, tmp_path: Path
) -> None:
    site = taught_site
    with_two_workers(site)
    before, shares = answers_each(site), [dealt_with(site, w) for w in ("worker", "worker2")]

    photos = small_photos(tmp_path / "new", 5000, 160)
    with site.paused("worker", "worker2"):  # else one may be done before the other is nudged
        site.manage("import_images", str(photos), "--unlabelled")
    wait_until(lambda: is_idle(site), "every photo is answered", seconds=120)
    time.sleep(2)  # the workers say what they did once nothing waits

    new = {image: n for image, n in answers_each(site).items() if image not in before}
    assert (len(new), set(new.values())) == (160, {1})
    gained = [dealt_with(site, w) - n for w, n in zip(("worker", "worker2"), shares, strict=True)]
    assert sum(gained) == 160
    assert min(gained) > 0
    site.stop("worker2")


SHARE_OUT = """
from datetime import timedelta
from django.utils import timezone
from catalog import shares
from catalog.models import Embedding, ProductImage, RunState, RunTrigger, Serving, TrainingRun
backbone = Serving.current().live.backbone
Embedding.objects.filter(backbone=backbone).delete()
lease = timezone.now() + timedelta(minutes=10)
run = TrainingRun.objects.create(
    trigger=RunTrigger.COMMAND, state=RunState.RUNNING, owner="trainer", lease_until=lease
)
shares.ask(run, backbone, list(ProductImage.objects.order_by("id").values_list("pk", flat=True)))
"""


def test_two_workers_share_a_runs_photos_though_one_is_killed(taught_site: Site) -> None:
    """A trainer waits for embeddings; what the killed worker held is done by the other."""
    site = taught_site
    with_two_workers(site)
    photos = site.sql("SELECT count(*) FROM catalog_productimage")[0][0]

    with site.paused("worker", "worker2"):
        site.manage("shell", "--no-imports", "-c", SHARE_OUT)
    held = "SELECT count(DISTINCT owner) FROM catalog_embeddingshare WHERE owner <> ''"
    wait_until(lambda: site.sql(held)[0][0] == 2, "both have a share", seconds=60, every=0.005)
    site.kill("worker2")
    out = "SELECT count(*) FROM catalog_embeddingshare"
    wait_until(lambda: site.sql(out)[0][0] == 0, "no photo is out", seconds=120)

    embedded = site.sql("SELECT count(*), count(DISTINCT image_id) FROM catalog_embedding")
    assert embedded == [(photos, photos)]
    site.manage("shell", "--no-imports", "-c", END_RUN)


END_RUN = """
from catalog.models import RunState, TrainingRun
TrainingRun.objects.filter(owner="trainer").delete()
"""


def test_a_reclassification_goes_on_after_its_worker_was_killed(taught_site: Site) -> None:
    site = taught_site
    with_processes(site, "worker", "beat")
    wait_until(lambda: is_idle(site), "the photos before are answered", seconds=120)
    before = answers_each(site)

    site.stop("worker")
    job = last_line(site.manage("reclassify", "--all", "--json"))
    site.spawn("worker")
    total = "SELECT count(*) FROM catalog_prediction"
    begun = sum(before.values()) + 10
    wait_until(lambda: site.sql(total)[0][0] > begun, "some are answered", seconds=120, every=0.01)
    site.kill("worker")
    assert sum(answers_each(site).values()) < sum(before.values()) + job["selected"]
    site.start("worker")

    over = "SELECT finished_at FROM catalog_reclassification WHERE id = %s"
    wait_until(lambda: site.sql(over, job["job"])[0][0] is not None, "the job is over", seconds=120)
    assert job["selected"] == len(before)
    assert answers_each(site) == {image: count + 1 for image, count in before.items()}


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
