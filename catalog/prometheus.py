"""The figures of /metrics, in Prometheus' text format 0.0.4. Each is read from an index or from a
small table, so that a scrape of a million images stays cheap; docs/operations.md names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Count, Max
from django.utils import timezone

from . import health, queue, runs
from .models import (
    Decision,
    MachineState,
    Prediction,
    Priority,
    ProductImage,
    RunState,
    Serving,
    TrainingRun,
    WorkerStatus,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]
Sample = tuple[Labels, float]


@dataclass(frozen=True)
class Figure:
    name: str
    help: str
    samples: Sequence[Sample]
    kind: str = "gauge"

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.samples:
            inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
            yield f"{self.name}{f'{{{inside}}}' if inside else ''} {_number(value)}"


def text() -> str:
    """Everything, as one page."""
    return "".join(f"{line}\n" for figure in figures() for line in figure.lines())


def figures() -> Iterator[Figure]:
    depth = _depth()
    yield from _queue(depth)
    yield from _images(sum(depth.values()))
    yield from _totals()
    yield from _learning()
    yield from _workers()
    yield Figure(
        "shelfwise_disk_free_bytes", "Free disk under DATA_DIR.", _one(health.free_bytes())
    )


def _depth() -> dict[int, int]:
    """{priority: photos that wait}"""
    pending = ProductImage.objects.filter(machine=MachineState.PENDING)
    rows = pending.order_by().values("priority").annotate(count=Count("id"))
    return {row["priority"]: row["count"] for row in rows}


def _queue(depth: dict[int, int]) -> Iterator[Figure]:
    yield Figure(
        "shelfwise_queue_depth",
        "Photos that wait for the model.",
        [(_priority(p), depth.get(p, 0)) for p in Priority],
    )
    yield Figure(
        "shelfwise_queue_oldest_seconds",
        "How long the photo that is next of its priority has waited.",
        [(_priority(p), _waited(p) if depth.get(p) else 0.0) for p in Priority],
    )
    yield Figure("shelfwise_review_queue", "Photos that wait for a person.", _one(queue.waiting()))


def _waited(priority: Priority) -> float:
    """The queue is served by (priority, id), so its first row is the one that waited longest."""
    waiting = ProductImage.objects.filter(machine=MachineState.PENDING, priority=priority)
    since = waiting.order_by("id").values_list("changed_at", flat=True).first()
    return (timezone.now() - since).total_seconds() if since else 0.0


def _images(pending: int) -> Iterator[Figure]:
    """Withdrawn photos stand apart. `classified` is what the others leave of the whole count."""
    classifying, failed = (
        ProductImage.objects.filter(machine=state).count()
        for state in (MachineState.CLASSIFYING, MachineState.FAILED)
    )
    withdrawn = ProductImage.objects.filter(
        machine=MachineState.FAILED, withdrawn_at__isnull=False
    ).count()
    counts = {
        "pending": pending,
        "classifying": classifying,
        "failed": failed - withdrawn,
        "withdrawn": withdrawn,
        "classified": ProductImage.objects.count() - pending - classifying - failed,
    }
    yield Figure(
        "shelfwise_images",
        "Photos by what the model did with them.",
        [((("state", state),), max(count, 0)) for state, count in counts.items()],
    )


def _totals() -> Iterator[Figure]:
    """Both tables are append-only and numbered, so the newest number is the total."""
    for name, words, table in (
        ("shelfwise_predictions_total", "Answers the model has written.", Prediction),
        ("shelfwise_decisions_total", "Decisions people have made.", Decision),
    ):
        newest = table.objects.aggregate(newest=Max("id"))["newest"] or 0
        yield Figure(name, words, _one(newest), kind="counter")


def _learning() -> Iterator[Figure]:
    counts = dict(TrainingRun.objects.order_by().values_list("state").annotate(count=Count("id")))
    yield Figure(
        "shelfwise_runs",
        "Training runs by state.",
        [((("state", state),), counts.get(state, 0)) for state in RunState.values],
    )
    run = runs.active()
    share = run.done / run.total if run and run.total else 0.0
    beat = run.heartbeat_at if run else None
    age = (timezone.now() - beat).total_seconds() if beat else 0.0
    yield Figure("shelfwise_run_progress_ratio", "Share of the current phase done.", _one(share))
    yield Figure("shelfwise_run_heartbeat_seconds", "Since the trainer last wrote.", _one(age))
    serving = Serving.current()
    yield Figure("shelfwise_live_version", "The live version; 0: none.", _one(serving.live_id or 0))
    yield Figure(
        "shelfwise_promotion_paused",
        "1 while better models wait for a manager.",
        _one(int(serving.paused_at is not None)),
    )


def _workers() -> Iterator[Figure]:
    now = timezone.now()
    rows = list(WorkerStatus.objects.order_by("name"))
    yield Figure(
        "shelfwise_worker_version",
        "The version a worker has loaded; 0: none.",
        [((("worker", row.name),), row.version_id or 0) for row in rows],
    )
    yield Figure(
        "shelfwise_worker_seen_seconds",
        "Since a worker last said that it is alive.",
        [((("worker", row.name),), (now - row.seen_at).total_seconds()) for row in rows],
    )
    yield Figure(
        "shelfwise_worker_load_failed",
        "1 where the last try to load a version failed.",
        [((("worker", row.name),), int(bool(row.error))) for row in rows],
    )


def _priority(priority: Priority) -> Labels:
    return (("priority", priority.name.lower()),)


def _one(value: float) -> list[Sample]:
    return [((), value)]


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
