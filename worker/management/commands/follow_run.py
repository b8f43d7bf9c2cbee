"""manage.py follow_run"""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandParser

from catalog import runs
from catalog.management.contract import Result, bar_on
from catalog.models import RunState, Serving, TrainingRun

from ..contract import ClassifierCommand, percent

POLL_SECONDS = 0.5


class Command(ClassifierCommand):
    help = "Show the progress of the training run under way until it ends."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--run", type=int, help="the active one if left out")

    def run(self, **options: Any) -> Result:
        number = options["run"]
        followed = TrainingRun.objects.filter(pk=number).first() if number else runs.active()
        if followed is None:
            return Result({"run": None, "status": None}, [])
        with bar_on(self.stderr) as bar:
            while followed.is_active:
                phase = followed.phase or followed.get_state_display().lower()
                bar.show(phase, followed.done, followed.total, followed.message)
                time.sleep(POLL_SECONDS)
                followed.refresh_from_db()
        return Result({"run": followed.pk, "status": followed.state}, [_outcome(followed)])


def _outcome(run: TrainingRun) -> str:
    version = run.versions.first()
    if version is None or run.state != RunState.SUCCEEDED:
        return f"Run {run.pk} {run.get_state_display().lower()}: {run.reason}"
    if Serving.current().live_id != version.pk:
        return f"Version {version.pk} is not live: {run.reason}"
    m = version.metrics
    return (
        f"Version {version.pk} is live: {percent(m['accuracy'])} of {m['images']} test photos "
        f"right, in {run.seconds or 0:.0f} s."
    )
