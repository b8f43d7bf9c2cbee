"""What benchmarks.growth times: the work for one image, one page, one tick."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import transaction
from django.test import Client

from catalog import gallery, intake, learning, lifecycle, queue, reclassify, runs, splits
from catalog.intake import Stored
from catalog.lifecycle import Answer, Claim
from catalog.models import (
    MachineState,
    Priority,
    ProductImage,
    Reclassification,
    ReclassifyScope,
)

from .growth import Cost, taken_back, timed
from .growth_rows import Filling, stored_columns, top_five

BATCH = 32
UPLOADS = 40


def costs(filling: Filling) -> Iterator[Cost]:
    settings.REVIEW_RANDOM_SHARE = 0.1
    yield from _upload_to_answer(filling)
    yield from _background()
    yield from _lists(filling)
    yield from _review(filling)
    yield from _pages(filling)


def _upload_to_answer(filling: Filling) -> Iterator[Cost]:
    def upload() -> int:
        for _ in range(UPLOADS):
            merchant = filling.random.choice(filling.merchants)
            stored = Stored(stored_columns(filling.random))
            intake._require_new(merchant, stored.columns["sha256"])
            name = f"NEW-{filling.random.getrandbits(40)}.jpg"
            intake.record(stored, merchant=merchant, name=name)
        return UPLOADS

    yield timed("record an upload", upload, repeats=7)
    claims: list[Claim] = []

    def claim() -> int:
        claims[:] = lifecycle.claim(owner="bench", limit=BATCH)
        return len(claims)

    yield timed("claim", claim, before=lambda: lifecycle.release(claims))

    def ready() -> None:
        again = ProductImage.objects.filter(pk__in=[c.image_id for c in claims])
        again.update(
            machine=MachineState.PENDING, priority=Priority.UPLOAD, attempts=0, owner="",
            lease_until=None,
        )  # fmt: skip
        claim()

    def finish() -> int:
        answers = [
            Answer(c, top_five(filling.categories, filling.random), b"\0" * 4096) for c in claims
        ]
        return lifecycle.finish(answers, version=filling.version)

    yield timed("finish", finish, before=ready)
    _clear(filling)


def _clear(filling: Filling) -> None:
    """Nothing waits any more."""
    while claims := lifecycle.claim(owner="bench", limit=500):
        top = top_five(filling.categories, filling.random)
        lifecycle.finish([Answer(c, top, b"\0" * 4096) for c in claims], version=filling.version)


def _background() -> Iterator[Cost]:
    def sweep() -> int:
        lifecycle.delete_withdrawn_files()
        runs.reap()
        lifecycle.claim(owner="bench", limit=BATCH)
        reclassify.advance()
        return 1

    yield timed("sweep with nothing to do", sweep, part="tick")

    def chunk() -> int:
        with taken_back():
            reclassify.start(ReclassifyScope.ALL)
            job = Reclassification.objects.latest("id")
            job.total = 0  # counted once for the whole job, not for every chunk
            job.cursor = max(0, job.last_id // 2 - 100)
            job.save()
            return reclassify.advance()

    yield timed("reclassify, a chunk", chunk, repeats=7)
    newest = ProductImage.objects.order_by("-id")
    photos = iter(list(newest[:100]) * 2)

    def near() -> int:
        splits.near_duplicates(next(photos))
        return 1

    yield timed("near-duplicates of a photo", near)


def _lists(filling: Filling) -> Iterator[Cost]:
    seller, staff = filling.seller, filling.reviewer
    last = ProductImage.objects.latest("id").pk
    positions = {
        "merchant's list, first page": (seller, "", {}),
        "merchant's list, in the middle": (seller, "", {"before": str(last // 2)}),
        "merchant's list, failed ones": (seller, "failed", {}),
        "merchant's list, to replace": (seller, "replace", {}),
        "everybody's list, first page": (staff, "", {}),
        "everybody's list, failed ones": (staff, "failed", {}),
        "everybody's list, waiting": (staff, "waiting", {}),
        "everybody's list, to replace": (staff, "replace", {}),
        "everybody's list, disputed": (staff, "disputed", {}),
    }
    for name, (user, standing, position) in positions.items():

        def look(user=user, standing=standing, position=position) -> int:  # type: ignore[no-untyped-def]  # bound in the loop
            gallery.page(gallery.matching(user, standing=standing), position)
            return 1

        yield timed(name, look, part="page")


def _review(filling: Filling) -> Iterator[Cost]:
    user = filling.reviewer
    held: list[int] = []

    def next_one() -> int:
        held[:] = [image.pk for image in queue.next_images(user)]
        return 1

    yield timed("review: next photo", next_one, before=lambda: queue.release(user, held))

    def count() -> int:
        queue.left()
        return 1

    yield timed("review: how many are left", count)

    def decide() -> int:
        with transaction.atomic():
            image = queue.next_images(user)[0]
            category = filling.random.choice(filling.categories)
            lifecycle.decide_category(image, category, by=user, revision=image.revision)
            transaction.set_rollback(True)
        return 1

    yield timed("review: decide", decide)


def _pages(filling: Filling) -> Iterator[Cost]:
    client = Client()
    client.force_login(filling.manager)
    pages = {
        "models page": "/models/",
        "categories page": "/categories/",
        "admin: photos": "/admin/catalog/productimage/",
        "admin: predictions": "/admin/catalog/prediction/",
        "admin: decisions": "/admin/catalog/decision/",
        "metrics": "/metrics",
    }
    for name, path in pages.items():
        yield timed(name, _visit(client, path), part="page", repeats=5)

    def look() -> int:
        with taken_back():
            learning.start_if_due()
        return 1

    yield timed("look whether a run is due", look, part="tick", repeats=5)


def _visit(client: Client, path: str) -> Callable[[], int]:
    def visit() -> int:
        answer = client.get(path, HTTP_HOST="localhost")
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return 1

    return visit
