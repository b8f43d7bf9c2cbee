"""The command line's contract: names, JSON, exit statuses."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils import timezone
from pytest_django.fixtures import Settings

from catalog import runs
from catalog.models import (
    Category,
    CheckState,
    LabelCheck,
    MachineState,
    Merchant,
    ModelVersion,
    ProductImage,
    Reclassification,
    RunState,
    RunTrigger,
    Serving,
    Split,
    TrainingRun,
    VersionState,
    WorkerStatus,
)
from tests import factories
from worker import classify, process
from worker.classify import Classifying

from . import pictures
from .conftest import RECIPE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backbone_in_memory")]

COMMANDS = [
    "classify",
    "create_user",
    "doctor",
    "evaluate",
    "import_images",
    "model_versions",
    "reclassify",
    "retrain",
]


def answer(name: str, *arguments: str) -> dict[str, Any]:
    """The JSON object the command ends with."""
    out = StringIO()
    call_command(name, *arguments, "--json", stdout=out, stderr=StringIO())
    found: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return found


def refusal(name: str, *arguments: str) -> str:
    """The sentence a command that exits with 1 says."""
    with pytest.raises(CommandError) as error:
        call_command(name, *arguments, stdout=StringIO(), stderr=StringIO())
    assert error.value.returncode == 1
    return str(error.value)


def recipe() -> list[str]:
    return [word for setting in RECIPE for word in ("--set", setting)]


def described(parser: ArgumentParser) -> Iterator[tuple[str, str | None]]:
    """Each option or action with its help, those of actions too."""
    for action in parser._actions:
        for choice in getattr(action, "_choices_actions", []):
            yield choice.dest, choice.help
        if isinstance(action.choices, dict):
            for inner in action.choices.values():
                yield from described(inner)
        else:
            yield action.dest, action.help


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_says_what_it_does(name: str) -> None:
    app = get_commands()[name]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, name)

    parser = command.create_parser("", name)

    without = [option for option, words in described(parser) if not words]

    assert without == []


def test_retrain_makes_a_version_and_says_how_good_it_is(labelled: Merchant) -> None:
    corrupt = ProductImage.objects.filter(product__split=Split.TRAIN)[0]
    with default_storage.open(corrupt.file, "wb") as file:
        file.write(b"no photo")

    found = answer("retrain", "--mode", "head", "--note", "by hand", *recipe())

    run = TrainingRun.objects.get()
    assert (found["run"], found["status"], found["promoted"]) == (run.pk, "succeeded", True)
    assert found["version"] == Serving.current().live_id
    assert found["metrics"]["images"] == 30
    assert found["reason"] == run.reason
    (skipped,) = found["skipped_images"]
    assert skipped["image"] == corrupt.pk
    assert "not a photo" in skipped["reason"]
    assert found["seconds"] > 0
    assert run.note == "by hand"
    assert LabelCheck.objects.get().state == CheckState.QUEUED  # as after any other run


def test_a_rehearsal_changes_nothing(labels_only: Merchant) -> None:
    found = answer("retrain", "--dry-run", *recipe())

    assert (found["run"], found["status"], found["mode"]) == (None, "planned", "full")
    assert found["labels"] == {"train": 18, "validation": 6, "test": 30}
    assert not TrainingRun.objects.exists()


def test_without_test_photos_no_share_of_them_is_said(labelled: Merchant) -> None:
    ProductImage.objects.filter(product__split=Split.TEST).update(withdrawn_at=timezone.now())
    out = StringIO()

    call_command("retrain", "--mode", "head", *recipe(), stdout=out, stderr=StringIO())

    assert ": no test photos to judge it by." in out.getvalue()
    call_command("model_versions", "list", stdout=out)
    assert "no test photos  Not enough evidence" in out.getvalue()


def test_retrain_is_refused_while_another_run_is_active(labels_only: Merchant) -> None:
    factories.run(state=RunState.RUNNING)

    assert "already under way" in refusal("retrain")


def test_retrain_takes_the_place_of_a_command_that_was_told_to_stop(
    tints: dict[str, Category],
) -> None:
    stopped = factories.run(trigger=RunTrigger.COMMAND)
    claimed = runs.claim(stopped.pk, owner="a command")
    assert claimed is not None
    runs.hand_back(claimed)

    assert "training labels: none" in refusal("retrain")  # not: already under way

    stopped.refresh_from_db()
    assert stopped.state == RunState.CANCELLED


def test_retrain_with_too_few_labels_says_how_many_there_are(tints: dict[str, Category]) -> None:
    assert "training labels: none" in refusal("retrain")
    assert TrainingRun.objects.get().state == RunState.FAILED


def test_an_unknown_setting_is_refused_with_the_known_ones(labels_only: Merchant) -> None:
    said = refusal("retrain", "--set", "magic=1")

    assert "Unknown setting 'magic'" in said
    assert "dropout" in said
    assert not TrainingRun.objects.exists()


def test_evaluate_reports_on_the_test_photos_of_the_catalog(
    live_version: ModelVersion, labelled: Merchant
) -> None:
    found = answer("evaluate")

    assert (found["version"], found["split"], found["images"]) == (live_version.pk, "test", 30)
    assert found["accuracy"] > 0.9
    assert set(found["per_class"]["cups"]) == {"precision", "recall", "f1", "support"}
    assert sum(map(sum, found["confusion"]["matrix"])) == 30
    assert found["unknown_categories"] == []


def test_evaluate_takes_folders_and_names_what_the_model_does_not_know(
    live_version: ModelVersion, tmp_path: Path
) -> None:
    for slug in ("cups", "chairs"):
        folder = tmp_path / "dataset" / slug
        folder.mkdir(parents=True)
        (folder / "one.jpg").write_bytes(pictures.picture(slug, 1))
    (tmp_path / "dataset/cups/torn.jpg").write_bytes(b"nothing")

    found = answer("evaluate", "--dataset", str(tmp_path / "dataset"))

    assert (found["images"], found["split"]) == (2, None)
    assert found["unknown_categories"] == ["chairs"]
    assert [Path(bad["path"]).name for bad in found["unreadable"]] == ["torn.jpg"]


def test_evaluate_names_the_files_it_left_out(live_version: ModelVersion, tmp_path: Path) -> None:
    (tmp_path / "dataset/cups").mkdir(parents=True)
    (tmp_path / "dataset/cups/one.jpg").write_bytes(pictures.picture("cups", 1))
    (tmp_path / "dataset/loose.jpg").write_bytes(pictures.picture("cups", 2))

    found = answer("evaluate", "--dataset", str(tmp_path / "dataset"))

    assert found["images"] == 1
    (left_out,) = found["unreadable"]
    assert Path(left_out["path"]).name == "loose.jpg"
    assert "no category folder" in left_out["reason"]


def test_evaluate_is_refused_where_it_measured_nothing(
    live_version: ModelVersion, tmp_path: Path
) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset/loose.jpg").write_bytes(pictures.picture("cups", 1))

    assert "None of the files" in refusal("evaluate", "--dataset", str(tmp_path / "dataset"))


def test_evaluate_without_labelled_photos_says_so(live_version: ModelVersion) -> None:
    assert "no labelled test photos" in refusal("evaluate")


def test_classify_answers_files_and_folders_and_stores_nothing(
    live_version: ModelVersion, tmp_path: Path
) -> None:
    photo = tmp_path / "lamp.jpg"
    photo.write_bytes(pictures.picture("lamps", 7))
    (tmp_path / "more").mkdir()
    (tmp_path / "more/plant.jpg").write_bytes(pictures.picture("plants", 7))

    paths = [str(photo), str(tmp_path / "more"), "missing.jpg", "x" * 300]
    found = answer("classify", *paths, "--top", "2")

    lamp, plant, missing, too_long = found["results"]
    assert [lamp["top"][0]["category"], plant["top"][0]["category"]] == ["lamps", "plants"]
    assert len(lamp["top"]) == 2
    assert lamp["top"][0]["confidence"] > lamp["top"][1]["confidence"]
    assert "error" in missing
    assert too_long["error"] == "The file cannot be read: File name too long."
    assert not ProductImage.objects.exists()


def test_classify_names_files_in_text_that_can_be_written(
    live_version: ModelVersion, tmp_path: Path
) -> None:
    photo = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    photo.write_bytes(pictures.picture("cups", 7))

    (found,) = answer("classify", str(photo))["results"]

    assert found["path"] == f"{tmp_path}/caf\ufffd.jpg"


def test_classify_leaves_out_a_retired_category(
    live_version: ModelVersion, tints: dict[str, Category], tmp_path: Path
) -> None:
    photo = tmp_path / "lamp.jpg"
    photo.write_bytes(pictures.picture("lamps", 7))
    Category.objects.filter(slug="lamps").update(retired_at=tints["cups"].created_at)

    top = answer("classify", str(photo))["results"][0]["top"]

    assert {row["category"] for row in top} == {"cups", "plants"}
    assert sum(row["confidence"] for row in top) == pytest.approx(1, abs=1e-3)


def test_commands_that_need_a_model_say_what_to_do_without_one(
    tints: dict[str, Category], tmp_path: Path
) -> None:
    for words in (["classify", str(tmp_path)], ["evaluate"], ["reclassify", "--all"]):
        assert refusal(*words) == "No version is live yet; run `manage.py retrain`."


def test_reclassify_waits_until_every_photo_has_a_new_answer(
    live_version: ModelVersion,
    worker: Classifying,
    labelled: Merchant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker.drain()
    monkeypatch.setattr(classify, "this_process", lambda: worker)
    monkeypatch.setattr(process, "name", lambda: worker.live.worker)
    labels = list(ProductImage.objects.values_list("pk", "label_id", "revision"))

    found = answer("reclassify", "--all", "--wait")

    assert found["selected"] == 54
    assert all(image.predictions.count() == 2 for image in ProductImage.objects.all())
    assert not ProductImage.objects.exclude(machine=MachineState.CLASSIFIED).exists()
    assert list(ProductImage.objects.values_list("pk", "label_id", "revision")) == labels


def test_reclassify_does_not_wait_for_a_version_that_cannot_be_loaded(
    make_version: Callable[..., ModelVersion],
    fresh_worker: Classifying,
    tints: dict[str, Category],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version = make_version(VersionState.LIVE, directory="versions/gone")
    factories.answered_image(tints["cups"], stored=False)
    monkeypatch.setattr(classify, "this_process", lambda: fresh_worker)
    monkeypatch.setattr(process, "name", lambda: fresh_worker.live.worker)

    said = refusal("reclassify", "--all", "--wait")

    assert f"Version {version.pk} cannot be loaded: " in said
    assert "stay queued" in said
    assert Reclassification.objects.get().is_active


def test_reclassify_does_not_wait_for_a_worker_that_cannot_load_the_version(
    live_version: ModelVersion, fresh_worker: Classifying, tints: dict[str, Category]
) -> None:
    factories.answered_image(tints["cups"], stored=False)
    fresh_worker.live.note_heartbeat(error=f"Version {live_version.pk} cannot be loaded: gone.")
    WorkerStatus.objects.update(seen_at=timezone.now() + timedelta(seconds=5))  # and again later

    said = refusal("reclassify", "--all", "--wait")

    assert said.startswith(f"classify@test: Version {live_version.pk} cannot be loaded: gone; ")
    assert "stay queued" in said


def test_reclassify_takes_what_is_labelled_or_suggested_as_a_category(
    live_version: ModelVersion, worker: Classifying, labelled: Merchant
) -> None:
    worker.drain()
    about_cups = ProductImage.objects.filter(Q(label__slug="cups") | Q(predicted__slug="cups"))

    found = answer("reclassify", "--category", "cups")

    assert found["selected"] == about_cups.count()
    assert Reclassification.objects.get(pk=found["job"]).category == Category.objects.get(
        slug="cups"
    )


def test_reclassify_is_cancelled_by_its_number(
    live_version: ModelVersion, worker: Classifying, labelled: Merchant
) -> None:
    worker.drain()
    job = answer("reclassify", "--all")["job"]

    assert answer("reclassify", "--cancel", str(job)) == {"job": job, "selected": 0}

    assert worker.drain() == 0
    assert "was cancelled before" in refusal("reclassify", "--cancel", str(job))
    assert "no job 99999" in refusal("reclassify", "--cancel", "99999")


@pytest.mark.parametrize("slug", ["chairs", ""])
def test_reclassify_refuses_a_category_that_is_not_there(
    live_version: ModelVersion, slug: str
) -> None:
    assert f"no category “{slug}”" in refusal("reclassify", "--category", slug)
    assert not Reclassification.objects.exists()


def test_versions_are_listed_shown_put_live_and_rolled_back() -> None:
    first = factories.version(state=VersionState.LIVE, metrics={"accuracy": 0.8, "images": 40})
    second = factories.version(metrics={"accuracy": 0.9, "images": 40, "per_class": {}})

    listed = answer("model_versions")
    assert listed["live"] == first.pk
    assert [v["id"] for v in listed["versions"]] == [second.pk, first.pk]
    assert set(listed["versions"][0]) >= {"id", "state", "created", "metrics", "weights"}
    assert answer("model_versions", "list") == listed
    assert "per_class" in answer("model_versions", "show", str(second.pk))["versions"][0]["metrics"]

    assert answer("model_versions", "promote", str(second.pk))["live"] == second.pk
    serving = Serving.current()
    assert serving.paused_at is not None
    assert answer("model_versions", "rollback")["live"] == first.pk
    assert answer("model_versions", "rollback", "--to", str(second.pk))["live"] == second.pk
    assert "no version 99999" in refusal("model_versions", "promote", "99999")
    assert "no version 0" in refusal("model_versions", "rollback", "--to", "0")


def examined() -> dict[str, dict[str, Any]]:
    """What the doctor finds here, where no Redis runs: {name: check}."""
    out = StringIO()
    with pytest.raises(CommandError, match="checks failed"):
        call_command("doctor", "--json", stdout=out, stderr=StringIO())
    found = json.loads(out.getvalue().splitlines()[-1])
    assert not found["ok"]
    return {check["name"]: check for check in found["checks"]}


def test_the_doctor_names_what_is_wrong(tints: dict[str, Category]) -> None:
    checks = examined()

    assert set(checks) == {"database", "redis", "weights", "disk", "model", "worker"}
    assert checks["database"]["ok"]
    assert not checks["redis"]["ok"]
    assert "start it" in checks["redis"]["message"]
    assert "start one" in checks["worker"]["message"]


def test_the_doctor_says_what_the_first_model_waits_for() -> None:
    before = examined()["model"]

    version = factories.version(state=VersionState.CANDIDATE)

    after = examined()["model"]
    assert before["ok"]
    assert after["ok"]
    assert "run `manage.py retrain`" in before["message"]
    assert f"model_versions promote {version.pk}`" in after["message"]


def test_the_doctor_looks_past_a_cache_that_is_closed_to_it(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CLASSIFIER_WEIGHTS = "imagenet"
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / ("x" * 300)))

    found = examined()["weights"]

    assert found["ok"]
    assert "the starter weights" in found["message"]
