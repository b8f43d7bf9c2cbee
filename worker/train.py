"""One training run from labels to a verdict. The trainer's task and `manage.py retrain` both come
through here."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from django.conf import settings
from django.db import transaction

from catalog import doubts, golive, merging, previews, runs, training_set
from catalog.errors import CatalogError, StorageFull
from catalog.models import (
    Backbone,
    Category,
    ModelVersion,
    RunRow,
    RunState,
    Split,
    TrainingRun,
    WorkerStatus,
)
from catalog.training_set import Row, TrainingSet
from classifier.errors import Cancelled, ClassifierError

from . import embeddings, memory, novelty, photos, process
from .beginning import Beginning, begin, require_enough, why_unchanged
from .curves import Curves, recordable
from .exporting import export_once, save_backbone
from .feature_cache import FeatureCache
from .full_disk import why_no_room
from .judging import TestPhotos, Verdict, counted, judge, left_out, metrics_of
from .lease import HeldRun, Interrupted, LeaseLost
from .reporting import Progress, silent
from .retention import prune
from .sharing import share_out

if TYPE_CHECKING:
    from classifier.checkpoint import Resumption
    from classifier.run import LabelledPhotos, NewNetwork, Trained

logger = logging.getLogger(__name__)

SPLITS = (Split.TRAIN, Split.VALIDATION, Split.TEST)
CHUNK = 500


def take_up(run_id: int) -> TrainingRun | None:
    """Claim a queued run and carry it out; None when somebody else did."""
    run = runs.claim(run_id, owner=process.owner())
    return execute(run) if run is not None else None


def execute(run: TrainingRun, *, progress: Progress = silent) -> TrainingRun:
    """Carry out a run that this process has claimed, and return it as it ended.

    Whatever happens the row says so: ended with a reason, or back in the queue when this process
    was told to stop. Only KeyboardInterrupt and SystemExit go through, the run being cancelled."""
    started = time.monotonic()
    logger.info("run started", extra={"run": run.pk, "trigger": run.trigger, "mode": run.mode})
    memory.reset_peak()
    try:
        with HeldRun(run, observer=Curves(run, unfinished_of(run), progress)) as held:
            _carry_out(run, held)
    except LeaseLost:
        logger.warning("run lost to another trainer", extra={"run": run.pk})
    except Interrupted:
        runs.hand_back(run)
    except Cancelled as error:
        runs.end(run, RunState.CANCELLED, str(error))
    except (ClassifierError, CatalogError) as error:
        runs.end(run, RunState.FAILED, str(error))
    except Exception as error:
        logger.exception("run failed", extra={"run": run.pk})
        what = f"{type(error).__name__}: {error}"[:500]
        unexpected = f"Unexpected: {what}. The trainer's log has the details."
        runs.end(run, RunState.FAILED, why_no_room(error) or unexpected)
    except BaseException:
        runs.end(run, RunState.CANCELLED, "Stopped at the terminal.")
        raise
    finally:
        _let_go_of_memory()
    run.refresh_from_db()
    if not run.is_active:
        shutil.rmtree(unfinished_of(run), ignore_errors=True)
    if run.state == RunState.SUCCEEDED:
        _ask_for_looks(run)
    seconds = round(time.monotonic() - started, 1)
    extra = {"run": run.pk, "state": run.state, "reason": run.reason, "seconds": seconds}
    logger.info("run ended", extra=extra)
    return run


def _ask_for_looks(run: TrainingRun) -> None:
    """The trainer looks through the labels next, and works out what a version would change that
    waits for a manager."""
    with contextlib.suppress(CatalogError):
        doubts.request()
    with contextlib.suppress(CatalogError):
        previews.request_for_waiting(run.versions.first())


@dataclass(frozen=True)
class Work:
    """What one run works on."""

    run: TrainingRun
    labels: TrainingSet
    rows: dict[Split, list[Row]]
    beginning: Beginning
    cache: FeatureCache
    held: HeldRun


def _carry_out(run: TrainingRun, held: HeldRun) -> None:
    work = _read_labels(run, held)
    repeated = why_unchanged(run, work.beginning, work.labels.fingerprint)
    if repeated:
        runs.end(run, RunState.SKIPPED, repeated)
        return
    _require_room()
    trained = _train(work)
    _store_embeddings(work, trained)
    tests = _tests(work, trained)
    judged = counted(trained, tests.merged)
    _conclude(work, trained, judged, judge(judged, tests), tests)
    work.cache.tidy()
    prune()


def _read_labels(run: TrainingRun, held: HeldRun) -> Work:
    """Read what people said, once, and store it as this run's rows."""
    held("reading labels", 0, 0)
    labels = training_set.build()
    runs.record(
        run,
        fingerprint=labels.fingerprint,
        last_decision=labels.last_decision,
        label_count=len(labels.rows),
    )
    require_enough(labels)
    beginning = begin(run, labels=len(labels.rows))
    runs.record(
        run, mode=beginning.mode, mode_reason=beginning.why[:300], recipe=beginning.recipe_as_data()
    )
    run.refresh_from_db()
    rows = split_rows(labels)
    training_set.record(run, [row for split in SPLITS for row in rows[split]])
    cache = FeatureCache(settings.RUNS_DIR / "features")
    cache.forget_withdrawn()
    return Work(run, labels, rows, beginning, cache, held)


def split_rows(labels: TrainingSet) -> dict[Split, list[Row]]:
    """Training takes the categories that can be learned. Validation and test take all, so that a
    category the new model no longer knows counts against it."""
    rows = {split: labels.of(split) for split in SPLITS}
    learned = set(labels.usable())
    rows[Split.TRAIN] = [row for row in rows[Split.TRAIN] if row.slug in learned]
    return rows


def _require_room() -> None:
    settings.MODELS_DIR.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.MODELS_DIR).free
    if free < settings.TRAINING_MIN_FREE_BYTES:
        raise StorageFull(
            f"Training needs {settings.TRAINING_MIN_FREE_BYTES / 1e9:.1f} GB of free disk and "
            f"{free / 1e9:.1f} GB are free. Make room, then start the run again."
        )


def _train(work: Work) -> Trained:
    from classifier.run import train  # TensorFlow: seconds to import

    work.held("loading the network", 0, 0)
    unfinished = unfinished_of(work.run)
    return train(
        {str(split): _as_photos(rows) for split, rows in work.rows.items()},
        backbone=work.beginning.load_backbone(),
        recipe=work.beginning.recipe,
        full=work.beginning.full,
        views=work.beginning.views,
        ancestor=work.beginning.ancestor(work.run),
        cache_dir=work.cache.folder,
        resumption=_resumption(work, unfinished),
        log_dir=_logs(work.run, going_on=unfinished.exists()),
        made=partial(_share_out, work),
        progress=work.held,
    )


def _share_out(work: Work, made: NewNetwork) -> None:
    """Have the workers look at the training photos with the new network, where there are any."""
    if WorkerStatus.alive().exists():
        share_out(work.run, made, work.rows, work.held)


def _as_photos(rows: Sequence[Row]) -> LabelledPhotos:
    from classifier.run import LabelledPhotos

    image_ids = [row.image_id for row in rows]
    return LabelledPhotos(
        Paths(rows),
        [row.slug for row in rows],
        [row.sha256 for row in rows],
        lambda backbone, places: embeddings.stored(backbone, image_ids, places),
    )


class Paths(Sequence[Path]):
    """Where the photos of some rows lie, worked out when one is asked for: mostly none is."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Path: ...
    @overload
    def __getitem__(self, place: slice) -> Paths: ...
    def __getitem__(self, place: int | slice) -> Path | Paths:
        if isinstance(place, slice):
            return Paths(self._rows[place])
        return photos.path_of(self._rows[place].file)


def unfinished_of(run: TrainingRun) -> Path:
    """What a run keeps while it is under way, to go on after its trainer was killed."""
    return settings.RUNS_DIR / "unfinished" / str(run.pk)


def _resumption(work: Work, folder: Path) -> Resumption:
    from classifier.checkpoint import Resumption

    beginning = work.beginning
    same = [work.labels.fingerprint, beginning.mode, beginning.views, beginning.recipe_as_data()]
    return Resumption(folder, json.dumps(same, sort_keys=True))


def _logs(run: TrainingRun, *, going_on: bool) -> Path:
    """The run's folder of training logs, without those of an attempt that starts again."""
    folder = settings.RUNS_DIR / "tensorboard" / str(run.pk)
    if not going_on:
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def _store_embeddings(work: Work, trained: Trained) -> None:
    """The backbone as a row and on disk, and its embeddings of all labelled photos."""
    backbone = save_backbone(trained.backbone, fine_tuned=bool(trained.share))
    export_once(backbone, trained, trained.judgements, work.rows, work.held)
    for split in SPLITS:
        judged, rows = trained.judgements[split], work.rows[split]
        ids = [rows[place].image_id for place in judged.kept]
        for start in range(0, len(ids), CHUNK):
            work.held("storing embeddings", start, len(ids), str(split))
            lacking = embeddings.missing(backbone, ids[start : start + CHUNK])
            places = [n for n in range(start, min(start + CHUNK, len(ids))) if ids[n] in lacking]
            if places:
                vectors = judged.embeddings[np.array(places)]
                embeddings.store(backbone, [ids[n] for n in places], vectors)


def _tests(work: Work, trained: Trained) -> TestPhotos:
    """Categories may have been merged or parted since the labels were read."""
    work.held("comparing", 0, 0)
    rows = [work.rows[Split.TEST][place] for place in trained.judgements["test"].kept]
    merged = merging.before_and_now(work.labels.merged)
    return TestPhotos(rows, merged, work.beginning.recipe, work.cache.folder, work.held)


def _conclude(
    work: Work, trained: Trained, judged: Trained, verdict: Verdict, tests: TestPhotos
) -> None:
    """Files first, then the version's row, where it goes, and the end of the run in one
    transaction: a trainer that dies before leaves the run to be done again, and nothing else."""
    work.held("saving", 0, 0)
    metrics = metrics_of(judged, verdict)
    metrics |= {"seconds": trained.seconds, "fine_tune_share": trained.share}
    metrics |= {"only_new": trained.only_new}
    directory = _save_version(work, trained, metrics)
    with transaction.atomic():
        _record_facts(work, trained)
        _record_answers(work.run, tests, judged.judgements["test"].predicted)
        version = ModelVersion.objects.create(
            backbone=Backbone.objects.get(sha256=trained.backbone.sha256),
            run=work.run,
            directory=directory,
            classes=list(trained.classes),
            temperature=trained.temperature,
            recipe=work.beginning.recipe_as_data(),
            metrics=metrics,
            fingerprint=work.labels.fingerprint,
            weights=work.beginning.weights_in_words,
        )
        reason = verdict.reason + left_out(trained, work.rows[Split.TRAIN])
        reason = _decide(work.run, version, replace(verdict, reason=reason))
        if not runs.end(work.run, RunState.SUCCEEDED, reason):
            raise LeaseLost("Another trainer took this run over.")


def _save_version(work: Work, trained: Trained, metrics: dict[str, Any]) -> str:
    from classifier import store

    return store.save_version(
        settings.MODELS_DIR,
        f"run-{work.run.pk}-{secrets.token_hex(4)}",
        head=trained.head,
        backbone_sha256=trained.backbone.sha256,
        classes=list(trained.classes),
        temperature=trained.temperature,
        recipe=work.beginning.recipe,
        metrics=metrics,
        fingerprint=work.labels.fingerprint,
        files=novelty.files_of(trained, work.rows),
    )


def _decide(run: TrainingRun, version: ModelVersion, verdict: Verdict) -> str:
    """Send the version where it belongs; returns the reason in words."""
    reason = verdict.reason
    match run.promote:
        case "always":
            reason = f"Put live as asked, whatever the comparison says: {reason}"
            golive.promote(version, reason=reason)
        case "never":
            reason = f"Not put live, as asked. {reason}"
            ModelVersion.objects.filter(pk=version.pk).update(reason=reason)
        case _ if verdict.promote:
            if not golive.promote_automatically(version, reason=reason):
                reason = f"{reason} It waits, since going live automatically is paused."
                ModelVersion.objects.filter(pk=version.pk).update(reason=reason)
        case _ if verdict.waits:
            ModelVersion.objects.filter(pk=version.pk).update(reason=reason)
        case _:
            golive.reject(version, reason=reason)
    return reason


def _record_facts(work: Work, trained: Trained) -> None:
    runs.record(
        work.run,
        history=recordable(trained.histories),
        skipped_images=_skipped_images(work, trained.skipped),
        peak_rss_mb=memory.peak_megabytes(),
    )


def _skipped_images(work: Work, skipped: dict[Path, str]) -> list[dict[str, Any]]:
    if not skipped:
        return []
    images = {photos.path_of(r.file): r.image_id for rows in work.rows.values() for r in rows}
    return [{"image": images.get(path), "reason": reason} for path, reason in skipped.items()]


def _record_answers(run: TrainingRun, tests: TestPhotos, predicted: list[str]) -> None:
    """The candidate's answer on each test photo, and the label as the report counts it, so that a
    confusion's photos can be shown: as many statements as there are answers, not as photos."""
    judged = RunRow.objects.filter(run=run, split=Split.TEST)
    for slug in {row.slug for row in tests.rows} & set(tests.merged):
        judged.filter(label__slug=slug).update(label=Category.objects.get(slug=tests.merged[slug]))
    answered: dict[str, list[int]] = {}
    for row, slug in zip(tests.rows, predicted, strict=True):
        answered.setdefault(slug, []).append(row.image_id)
    for slug, ids in answered.items():
        for start in range(0, len(ids), CHUNK):
            rows = RunRow.objects.filter(run=run, image_id__in=ids[start : start + CHUNK])
            rows.update(predicted=slug)


def _let_go_of_memory() -> None:
    """Keras keeps a global state of every model built; a trainer lives for months."""
    import sys

    if (keras := sys.modules.get("keras")) is not None:
        keras.backend.clear_session()
    gc.collect()
