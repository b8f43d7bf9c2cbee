"""How far a training run is, in words for the page that watches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from .models import RunState, TrainingRun

PATIENCE = timedelta(seconds=60)
"""A queued run that no trainer took for so long, or a silent one, deserves a word."""

PHASES = {
    "reading labels": "Reading what people checked",
    "loading the network": "Loading the network",
    "train photos": "Looking at the photos to learn from",
    "validation photos": "Looking at the photos kept aside",
    "test photos": "Looking at the test photos",
    "head": "Learning the categories",
    "fine-tune": "Fine-tuning how it looks at photos",
    "mixing": "Trying how much of the fine-tuning to keep",
    "shared photos": "The workers look at the photos anew",
    "storing embeddings": "Remembering every photo",
    "comparing": "Comparing with the live version",
    "saving": "Saving the new version",
}
"""In the order a run goes through them; the trainer's own word stands for any other."""


@dataclass(frozen=True)
class Progress:
    run: int
    state: str
    active: bool
    headline: str
    detail: str
    done: int
    total: int
    """0: nobody knows how much is to do."""
    rounds: int
    """Rounds through the photos that its curves show by now."""
    seconds: int
    """Since it began to run, or since it was asked for."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def progress(run: TrainingRun) -> Progress:
    since = run.started_at or run.created_at
    return Progress(
        run=run.pk,
        state=run.state,
        active=run.is_active,
        headline=_headline(run),
        detail=_detail(run),
        done=run.done if run.state == RunState.RUNNING else 0,
        total=run.total if run.state == RunState.RUNNING else 0,
        rounds=_rounds(run.history),
        seconds=int(((run.finished_at or timezone.now()) - since).total_seconds()),
    )


def _rounds(history: object) -> int:
    phases = history.values() if isinstance(history, Mapping) else []
    losses = [phase.get("loss") for phase in phases if isinstance(phase, Mapping)]
    return sum(len(loss) for loss in losses if isinstance(loss, list))


def phase_words(phase: str) -> str:
    return PHASES.get(phase) or phase.replace("-", " ").replace("_", " ").capitalize()


def _headline(run: TrainingRun) -> str:
    if run.state == RunState.QUEUED:
        return "Waiting for the trainer"
    if run.state == RunState.RUNNING and run.cancel_requested:
        return "Stopping at its next step"
    if run.state == RunState.RUNNING:
        return phase_words(run.phase) if run.phase else "Starting"
    return run.get_state_display()


def _detail(run: TrainingRun) -> str:
    now = timezone.now()
    if run.state == RunState.QUEUED:
        if now - run.created_at > PATIENCE and not run.attempts:
            return "No trainer has taken this run yet; check that the trainer process runs."
        return "It begins in a moment." if not run.attempts else "It begins again in a moment."
    if run.state == RunState.RUNNING:
        if run.lease_until is not None and run.lease_until < now:
            return "The trainer has gone silent; the run starts again when one is back."
        return run.message
    return run.reason
