"""Taking photos in: once per merchant, files before rows, and nothing left behind by a failure."""

from __future__ import annotations

import errno
import socket
import threading
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks

from catalog import enqueue, intake, lifecycle, skus
from catalog.errors import Rejected, StorageFull
from catalog.models import MachineState, Merchant, Product, ProductImage, Upload
from tests import factories


def files() -> set[Path]:
    return {p for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()}


@pytest.mark.django_db
def test_an_accepted_photo_waits_with_its_three_files_on_disk() -> None:
    merchant = factories.merchant()
    data = factories.photo_bytes(640, 480)

    outcome = intake.receive(data, merchant=merchant, name="BLUE-42_2.jpg")

    assert (outcome.status, outcome.sku) == ("accepted", "BLUE-42")
    image = ProductImage.objects.get()
    assert (image.pk, image.machine) == (outcome.image_id, MachineState.PENDING)
    assert image.label_state == "unlabelled"
    assert (image.width, image.height, image.size) == (640, 480, len(data))
    assert (image.thumbnail_width, image.thumbnail_height) == (320, 240)
    assert Path(default_storage.path(image.file)).read_bytes() == data
    assert default_storage.exists(image.display)
    assert default_storage.exists(image.thumbnail)


@pytest.mark.django_db
def test_names_on_disk_owe_nothing_to_the_merchant() -> None:
    image = factories.image(name="../../../etc/cron.d/évil'; DROP_1.jpg", sku="../../x")

    for name in (image.file, image.display, image.thumbnail):
        assert ".." not in name
        assert "vil" not in name
        assert Path(settings.MEDIA_ROOT) in Path(default_storage.path(name)).parents
    assert image.original_name == "évil'; DROP_1.jpg"
    assert image.product.sku == "x"


@pytest.mark.django_db
def test_the_same_bytes_are_a_duplicate_for_this_merchant_only() -> None:
    data = factories.photo_bytes()
    first, other = factories.merchant(), factories.merchant()
    accepted = intake.receive(data, merchant=first, name="a.jpg", sku="A-1")
    before = files()

    again = intake.receive(data, merchant=first, name="b.jpg", sku="B-2")
    elsewhere = intake.receive(data, merchant=other, name="a.jpg", sku="A-1")

    assert (again.status, again.image_id) == ("duplicate", accepted.image_id)
    assert again.message == "Already uploaded, under SKU A-1."
    assert elsewhere.status == "accepted"
    assert ProductImage.objects.filter(merchant=first).count() == 1
    assert len(files() - before) == 3


@pytest.mark.django_db
def test_a_retried_upload_gets_its_first_answer() -> None:
    merchant, upload, refused = factories.merchant(), uuid4(), uuid4()
    data = factories.photo_bytes()

    answers = [
        intake.receive(data, merchant=merchant, name="a.jpg", upload_id=upload) for _ in range(2)
    ]
    rejections = [
        intake.receive(d, merchant=merchant, name="a.jpg", upload_id=refused)
        for d in (b"", factories.photo_bytes())
    ]

    assert answers[0] == answers[1]
    assert answers[0].status == "accepted"
    assert rejections[0] == rejections[1]
    assert rejections[0].message == "The file is empty."
    assert ProductImage.objects.filter(merchant=merchant).count() == 1


@pytest.mark.django_db
def test_an_upload_id_of_one_merchant_means_nothing_to_another() -> None:
    upload, data = uuid4(), factories.photo_bytes()

    first = intake.receive(data, merchant=factories.merchant(), name="a.jpg", upload_id=upload)
    second = intake.receive(data, merchant=factories.merchant(), name="a.jpg", upload_id=upload)

    assert first.image_id != second.image_id


def at_once(merchant: Merchant, *, sends: list[dict[str, Any]]) -> list[intake.Outcome]:
    """Each of `sends` received by a thread and connection of its own, all let go together."""
    gate = threading.Barrier(len(sends))

    def send(arguments: dict[str, Any]) -> intake.Outcome:
        try:
            gate.wait(10)
            return intake.receive(merchant=merchant, name="a.jpg", **arguments)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(sends)) as pool:
        return list(pool.map(send, sends))


@pytest.mark.django_db(transaction=True)
def test_one_upload_sent_twice_at_once_is_one_photo_with_one_answer() -> None:
    merchant, before = factories.merchant(), files()
    twin = {"data": factories.photo_bytes(), "upload_id": uuid4()}

    first, second = at_once(merchant, sends=[twin, twin])

    assert first == second
    assert first.status == "accepted"
    assert ProductImage.objects.count() == 1
    assert len(files() - before) == 3


@pytest.mark.django_db(transaction=True)
def test_the_same_bytes_sent_twice_at_once_are_accepted_once() -> None:
    merchant, before = factories.merchant(), files()
    data = factories.photo_bytes()

    outcomes = at_once(merchant, sends=[{"data": data, "upload_id": uuid4()} for _ in range(3)])

    assert sorted(o.status for o in outcomes) == ["accepted", "duplicate", "duplicate"]
    assert len({o.image_id for o in outcomes}) == 1
    assert len(files() - before) == 3


@pytest.mark.django_db(transaction=True)
def test_photos_of_a_new_sku_sent_at_once_form_one_product() -> None:
    merchant = factories.merchant()

    at_once(merchant, sends=[{"data": factories.photo_bytes(), "sku": "S-1"} for _ in range(3)])

    assert Product.objects.get().images.count() == 3


@pytest.mark.django_db
def test_the_files_are_on_disk_before_the_row_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    create = ProductImage.objects.create

    def watched(**columns: Any) -> ProductImage:
        names = (columns["file"], columns["display"], columns["thumbnail"])
        seen.append(all(default_storage.exists(name) for name in names))
        return create(**columns)

    monkeypatch.setattr(ProductImage.objects, "create", watched)

    factories.image()

    assert seen == [True]


@pytest.mark.django_db
def test_a_row_that_cannot_be_written_leaves_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_columns: Any) -> ProductImage:
        raise RuntimeError("the database went away")

    before = files()
    monkeypatch.setattr(ProductImage.objects, "create", broken)

    with pytest.raises(RuntimeError):
        factories.image()

    assert files() == before


@pytest.mark.django_db
def test_a_disk_that_fills_up_halfway_leaves_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    save = default_storage.save

    def full(name: str, content: Any) -> str:
        if name.startswith("thumbnails/"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return str(save(name, content))

    before = files()
    monkeypatch.setattr(default_storage, "save", full)

    with pytest.raises(StorageFull, match="disk is full"):
        factories.image()

    assert files() == before
    assert not ProductImage.objects.exists()


@pytest.mark.django_db
def test_a_nearly_full_disk_takes_nothing_in(settings: Any) -> None:
    settings.UPLOAD_MIN_FREE_BYTES = 10**18

    with pytest.raises(StorageFull, match="Try again later"):
        intake.receive(factories.photo_bytes(), merchant=factories.merchant(), name="a.jpg")


@pytest.mark.django_db
def test_a_file_above_the_cap_is_refused_in_words(settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 2_000_000

    outcome = intake.receive(b"x" * 2_000_001, merchant=factories.merchant(), name="a.jpg")

    assert outcome.status == "rejected"
    assert outcome.message == "The file is larger than 2 MB; send a smaller copy."


@pytest.mark.django_db
def test_a_rejected_file_leaves_nothing() -> None:
    before = files()

    with pytest.raises(Rejected):
        intake.add(b"<html>", merchant=factories.merchant(), name="photo.jpg")

    assert files() == before
    assert not Product.objects.exists()
    assert not Upload.objects.exists()


@pytest.mark.django_db
def test_a_png_called_jpg_is_taken_for_what_it_is() -> None:
    image = factories.image(name="photo.jpg", data=factories.photo_bytes(encoding="PNG"))

    assert image.format == "png"
    assert image.file.endswith(".png")


@pytest.mark.django_db
def test_withdrawn_bytes_may_be_uploaded_again() -> None:
    merchant, data = factories.merchant(), factories.photo_bytes()
    first = factories.image(merchant=merchant, data=data)
    lifecycle.withdraw(first, by=factories.user(merchant=merchant))

    again = intake.receive(data, merchant=merchant, name="a.jpg")

    assert again.status == "accepted"
    assert again.image_id != first.pk


@pytest.mark.parametrize(
    ("name", "sku"),
    [
        ("BLUE-42_2.jpg", "BLUE-42"),
        ("BLUE-42 3.jpg", "BLUE-42"),
        ("BLUE-42.jpg", "BLUE-42"),
        ("A_10_2.JPG", "A_10"),
        ("IMG_20240131.jpg", "IMG_20240131"),
        ("sku.with.dots_1.webp", "sku.with.dots"),
        ("C:\\photos\\shirt_1.png", "shirt"),
        ("../../etc/passwd_2.jpg", "passwd"),
        ("red shoe (2).jpg", "red-shoe-2"),
        ("_2.jpg", "_2"),
        ("", "unnamed"),
        ("🙂.jpg", "unnamed"),
        ("футболка_2.jpg", "футболка"),
        ("टी-शर्ट_1.jpg", "टी-शर्ट"),
    ],
)
def test_the_sku_is_read_from_the_name(name: str, sku: str) -> None:
    assert skus.from_name(name) == sku


@pytest.mark.parametrize(
    ("typed", "sku"),
    [
        (" ab/12 ", "ab-12"),
        ("../..", "unnamed"),
        ("a\0b\nc", "a-b-c"),
        ("x" * 200, "x" * 80),
        ("x" * 79 + "-y", "x" * 79),
        ("<b>1</b>", "b-1-b"),
    ],
)
def test_a_typed_sku_keeps_what_is_safe(typed: str, sku: str) -> None:
    assert skus.clean(typed) == sku


def test_composed_and_decomposed_accents_are_one_sku() -> None:
    composed = "Décolleté"

    decomposed = skus.clean(unicodedata.normalize("NFD", composed))

    assert decomposed == skus.clean(composed) == composed


@pytest.mark.django_db
def test_a_blank_sku_is_read_from_the_name() -> None:
    assert factories.image(name="RED-7_1.jpg", sku="  ").product.sku == "RED-7"


@pytest.mark.django_db
def test_unprintable_characters_leave_the_name() -> None:
    assert factories.image(name="a\u202egpj.\x07exe\n.jpg").original_name == "agpj.exe.jpg"
    assert factories.image(name="x" * 300).original_name == "x" * 255
    assert factories.image(name="\x01\x02").original_name == "photo"


@pytest.fixture
def dead_redis() -> Iterator[list[int]]:
    """A Redis that hangs up on everyone; the list grows with each who calls."""
    calls: list[int] = []
    server = socket.socket(socket.AF_UNIX)
    path = Path(settings.DATA_DIR) / "redis.sock"
    server.bind(str(path))
    server.listen()

    def hang_up() -> None:
        while True:
            try:
                caller, _ = server.accept()
            except OSError:
                return
            calls.append(1)
            caller.close()

    answering = threading.Thread(target=hang_up)
    answering.start()
    enqueue._silent_until = 0.0
    yield calls
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    answering.join()
    path.unlink()
    enqueue._silent_until = 0.0


@pytest.mark.django_db
def test_with_redis_down_uploads_are_taken_and_ask_it_once(
    dead_redis: list[int],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    merchant = factories.merchant()

    with django_capture_on_commit_callbacks(execute=True):
        first = intake.receive(factories.photo_bytes(), merchant=merchant, name="a.jpg")
    calls_for_one = len(dead_redis)
    with django_capture_on_commit_callbacks(execute=True):
        others = [
            intake.receive(factories.photo_bytes(), merchant=merchant, name=f"{n}.jpg")
            for n in range(5)
        ]

    assert {first.status, *(o.status for o in others)} == {"accepted"}
    assert 1 <= calls_for_one <= 2
    assert len(dead_redis) == calls_for_one, "after one failure the next seconds stay quiet"
    assert [r.getMessage() for r in caplog.records] == ["nudge lost"]
    assert ProductImage.objects.filter(machine=MachineState.PENDING).count() == 6


def test_no_call_of_the_broker_may_wait_long() -> None:
    options = enqueue.app.conf.broker_transport_options

    assert options["max_retries"] == 0
    assert options["socket_connect_timeout"] <= 0.5
    assert options["socket_timeout"] <= 0.5
    assert enqueue.app.conf.task_publish_retry is False
