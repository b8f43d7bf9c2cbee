"""manage.py retrain"""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandParser

from catalog import runs, training_set
from catalog.errors import RunActive
from catalog.management.contract import Result, bar_on
from catalog.models import RunMode, RunState, RunTrigger, Serving, Split, TrainingRun
from classifier.recipe import Recipe
from worker import process, train
from worker.beginning import begin, require_enough, why_unchanged

from ..contract import ClassifierCommand, percent, stop_on_sigterm
from ..quiet import load_tensorflow

NAMED = 20
FINE = {RunState.SUCCEEDED, RunState.SKIPPED}


class Command(ClassifierCommand):
    help = "Learn from the labels there are: one run to its end."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--mode",
            choices=RunMode.values,
            default=RunMode.AUTO.value,
            help="head: the categories anew, about a minute; full: also how photos are looked at; "
            "auto (if left out): what is due",
        )
        parser.add_argument(
            "--promote",
            choices=["auto", "always", "never"],
            default="auto",
            help="whether it goes live; auto (if left out): if it proves better",
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="another value of the recipe, as views=8 (docs/training.md); may be repeated",
        )
        parser.add_argument("--note", default="", metavar="TEXT", help="kept with the run")
        parser.add_argument("--dry-run", action="store_true", help="say what a run would do")

    def run(self, **options: Any) -> Result:
        Recipe().with_overrides(options["set"])
        load_tensorflow()
        if options["dry_run"]:
            return _rehearsal(options)
        process.call_me(f"retrain-{process.name()}")
        stop_on_sigterm()
        started = time.monotonic()
        run = _requested(options)
        claimed = runs.claim(run.pk, owner=process.owner())
        if claimed is None:
            raise RunActive(f"Run {run.pk} was taken up by the trainer; see its page for progress.")
        with bar_on(self.stderr) as bar:
            ended = train.execute(claimed, progress=bar.show)
        return _result(ended, time.monotonic() - started)


def _requested(options: dict[str, Any]) -> TrainingRun:
    """Queue the run for this process. A run of an earlier command whose terminal is gone gives
    way; any other that is active refuses this one."""
    runs.reap()
    active = runs.active()
    orphan = active is not None and active.trigger == RunTrigger.COMMAND and active.started_at
    if active is not None and orphan and active.state == RunState.QUEUED:
        runs.cancel(active)
    return runs.request(
        RunTrigger.COMMAND,
        mode=RunMode(options["mode"]),
        promote=options["promote"],
        overrides=options["set"],
        note=options["note"][:300],
        nudge=False,
    )


def _result(run: TrainingRun, seconds: float) -> Result:
    version = run.versions.first()
    promoted = version is not None and Serving.current().live_id == version.pk
    data = {
        "run": run.pk,
        "status": run.state,
        "mode": run.mode,
        "version": version.pk if version else None,
        "promoted": promoted,
        "reason": run.reason,
        "metrics": version.metrics if version else None,
        "skipped_images": run.skipped_images,
        "peak_memory_mb": run.peak_rss_mb,
        "seconds": round(seconds, 1),
    }
    lines = [f"Run {run.pk} {run.get_state_display().lower()}: {run.reason}"]
    if version is not None:
        state = "is live" if promoted else version.get_state_display().lower()
        lines.append(
            f"Version {version.pk} {state}: {_figures(version.metrics)}. {version.weights}"
        )
    if run.skipped_images:
        lines.append(f"{len(run.skipped_images)} photos could not be read and were left out:")
        lines += [f"  photo {s['image']}: {s['reason']}" for s in run.skipped_images[:NAMED]]
    lines.append(f"{seconds:.0f} s.")
    return Result(data, lines, refused="" if run.state in FINE else _refusal(run))


def _figures(metrics: dict[str, Any]) -> str:
    if not metrics["images"]:
        return "no test photos to judge it by"
    return (
        f"{percent(metrics['accuracy'])} of {metrics['images']} test photos right, macro-F1 "
        f"{percent(metrics['macro_f1'])}"
    )


def _refusal(run: TrainingRun) -> str:
    if run.state == RunState.QUEUED:
        return f"Run {run.pk} was interrupted; it waits for the trainer."
    return run.reason or f"Run {run.pk} was taken over by another process."


def _rehearsal(options: dict[str, Any]) -> Result:
    """What a run would learn from and how, without a run."""
    labels = training_set.build()
    require_enough(labels)
    imagined = TrainingRun(
        mode=options["mode"], promote=options["promote"], overrides=options["set"]
    )
    beginning = begin(imagined, labels=len(labels.rows))
    repeated = why_unchanged(imagined, beginning, labels.fingerprint)
    rows = train.split_rows(labels)
    counts = {str(split): len(rows[split]) for split in train.SPLITS}
    learned = labels.counts(Split.TRAIN)
    data = {
        "run": None,
        "status": "skipped" if repeated else "planned",
        "mode": beginning.mode,
        "version": None,
        "promoted": False,
        "reason": repeated or beginning.why,
        "metrics": None,
        "seconds": 0,
        "labels": counts,
        "categories": {slug: learned[slug] for slug in labels.usable()},
    }
    lines = [repeated or f"A {beginning.mode} run: {beginning.why} {beginning.weights_in_words}"]
    lines.append(", ".join(f"{count} {split}" for split, count in counts.items()) + " photos.")
    lines += [f"  {slug}: {learned[slug]}" for slug in labels.usable()]
    return Result(data, lines)
