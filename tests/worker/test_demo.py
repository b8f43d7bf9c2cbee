"""The first start, and taking the samples out again."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.files.storage import default_storage
from django.core.management import call_command
from pytest_django import Settings

from catalog import training_set
from catalog.errors import RunActive
from catalog.models import (
    Category,
    Decision,
    LabelState,
    MachineState,
    Merchant,
    ModelVersion,
    Prediction,
    Product,
    ProductImage,
    Role,
    RunState,
    RunTrigger,
    Serving,
    TrainingRun,
    User,
    VersionState,
)
from catalog.samples import fill
from catalog.samples.files import Drawing, draw_all
from catalog.samples.remove import remove_samples
from catalog.samples.tree import SAMPLE_LEAVES
from classifier.recipe import Recipe
from tests import factories
from worker import demo

from . import pictures

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures that were drawn once lie, for all tests."""
    return tmp_path_factory.mktemp("drawn")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path, drawn: Path) -> None:
    """A few pictures of three categories instead of some thirty of nine, each drawn once."""

    def draw_once(drawings: Sequence[Drawing]) -> Iterator[None]:
        kept = [replace(drawing, file=drawn / drawing.file.name) for drawing in drawings]
        list(draw_all([drawing for drawing in kept if not drawing.file.exists()]))
        for drawing, copy in zip(drawings, kept, strict=True):
            drawing.file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(copy.file, drawing.file)
            yield

    monkeypatch.setattr(fill, "SAMPLE_LEAVES", SAMPLE_LEAVES[::3])
    monkeypatch.setattr(fill, "LABELLED", 9)
    monkeypatch.setattr(fill, "NEW", (1, 1))
    monkeypatch.setattr(fill, "draw_all", draw_once)
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"


def prepare(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("prepare_demo", *arguments, "--json", stdout=out, stderr=StringIO())
    found: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return found


def sign_ins() -> dict[str, str]:
    lines = demo.sign_ins_file().read_text().splitlines()
    return dict(map(str.split, lines))


def test_a_first_start_fills_the_catalog_and_queues_the_first_run() -> None:
    found = prepare()

    assert found["added"] == 30
    images = ProductImage.objects.all()
    assert images.filter(label_state=LabelState.CONFIRMED).count() == 27
    assert images.filter(label_state=LabelState.UNLABELLED).count() == 3
    assert not images.exclude(machine=MachineState.PENDING).exists()
    assert not Prediction.objects.exists()
    assert Merchant.objects.filter(is_sample=True).count() == 2
    shirts = Category.objects.get(slug="fashion-shirts")
    assert (shirts.is_sample, shirts.code, shirts.path) == (True, "FA-01", "Fashion › Shirts")
    assert shirts.guidance
    run = TrainingRun.objects.get()
    assert (run.pk, run.state, run.trigger) == (found["run"], RunState.QUEUED, RunTrigger.SAMPLES)
    assert Recipe().with_overrides(run.overrides) == Recipe.demo()
    assert len(training_set.build().rows) == 27


def test_three_people_can_sign_in_and_nobody_else_can_read_their_passwords() -> None:
    prepare()

    for name, password in sign_ins().items():
        user = authenticate(username=name, password=password)
        assert isinstance(user, User)
        assert user.role == name
    assert stat.S_IMODE(demo.sign_ins_file().stat().st_mode) == 0o600
    assert User.objects.get(role=Role.MERCHANT).merchant is not None


def test_a_second_start_changes_nothing() -> None:
    prepare()
    before = demo.sign_ins_file().read_text()

    found = prepare()

    assert (found["added"], found["run"]) == (0, None)
    assert demo.sign_ins_file().read_text() == before
    assert ProductImage.objects.count() == 30
    assert TrainingRun.objects.count() == 1


def test_a_first_start_that_was_interrupted_is_finished_by_the_next() -> None:
    fill.fill()

    found = prepare()

    assert found["added"] == 0
    assert ProductImage.objects.count() == 30
    assert found["run"] == TrainingRun.objects.get().pk
    assert set(sign_ins()) == {"merchant", "reviewer", "manager"}


def test_a_database_in_use_is_left_alone() -> None:
    factories.user(Role.MANAGER, name="someone")

    found = prepare()

    assert (found["added"], User.objects.count()) == (0, 1)
    assert not Merchant.objects.exists()


def test_own_photos_take_the_place_of_the_samples(tmp_path: Path) -> None:
    for slug in ("cups", "lamps"):
        (tmp_path / "photos" / slug).mkdir(parents=True)
        for number in range(12):
            path = tmp_path / "photos" / slug / f"{slug}-{number:03}.jpg"
            path.write_bytes(pictures.picture(slug, number))

    found = prepare("--photos", str(tmp_path / "photos"))

    assert found["added"] == 24
    assert found["run"] is not None
    assert not Merchant.objects.filter(is_sample=True).exists()
    assert set(sign_ins()) == {"merchant", "reviewer", "manager"}


def test_removing_the_samples_takes_out_everything_that_came_of_them(
    django_capture_on_commit_callbacks: Any,
) -> None:
    prepare()
    run = TrainingRun.objects.get()
    TrainingRun.objects.update(state=RunState.SUCCEEDED)
    training_set.record(run, training_set.build().rows)
    classes = sorted(training_set.build().counts())
    factories.version(state=VersionState.LIVE, classes=classes, run=run)
    shirts = Category.objects.get(slug="fashion-shirts")
    reviewed = ProductImage.objects.filter(label_state=LabelState.UNLABELLED)[0]
    Prediction.objects.create(
        image=reviewed, version=ModelVersion.objects.get(), category=shirts, confidence=1, top=[]
    )
    files = [name for names in ProductImage.objects.values_list("file", "thumbnail")
             for name in names]  # fmt: skip

    with django_capture_on_commit_callbacks(execute=True):
        removed = remove_samples(by=User.objects.get(role=Role.MANAGER))

    assert (removed.images, removed.categories, removed.versions) == (30, 12, 1)
    for model in (ProductImage, Product, Decision, Prediction, Category, ModelVersion):
        assert not model._default_manager.exists()
    assert not TrainingRun.objects.exists()
    assert Serving.current().live is None
    assert not Merchant.objects.filter(is_sample=True).exists()
    assert not any(default_storage.exists(name) for name in files)
    assert User.objects.get(role=Role.MERCHANT).merchant is not None


def test_what_people_brought_stays_when_the_samples_go() -> None:
    prepare()
    run = TrainingRun.objects.get()
    TrainingRun.objects.update(state=RunState.SUCCEEDED)
    training_set.record(run, training_set.build().rows)
    merchant = Merchant.objects.get(name=fill.FASHION_HOUSE)
    shirts = Category.objects.get(slug="fashion-shirts")
    version = factories.version(state=VersionState.LIVE, classes=["fashion-shirts"], run=run)
    own = factories.labelled_image(shirts, merchant=merchant, sku="MY-1")
    assert own.version == version

    remove_samples(by=None)

    kept = ProductImage.objects.get()
    assert (kept.pk, kept.label, kept.label_state) == (own.pk, shirts, LabelState.CONFIRMED)
    assert (kept.machine, kept.prediction, kept.version) == (MachineState.PENDING, None, None)
    assert {c.slug for c in Category.objects.all()} == {"fashion", "fashion-shirts"}
    assert Merchant.objects.get().is_sample is False
    assert default_storage.exists(kept.file)


def test_the_samples_stay_while_a_run_is_under_way() -> None:
    prepare()

    with pytest.raises(RunActive):
        remove_samples(by=None)

    assert ProductImage.objects.count() == 30


def test_removing_samples_that_are_not_there_does_nothing() -> None:
    own = factories.labelled_image(factories.category("Cups"))

    assert remove_samples(by=None).images == 0

    own.refresh_from_db()
    assert own.machine == MachineState.CLASSIFIED
