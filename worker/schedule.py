"""What beat sends and when. Every tick may come twice, late or never: each finds out for itself
whether there is anything to do."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab
from django.conf import settings

LOOK_SECONDS = 60.0


def beat_schedule() -> dict[str, dict[str, Any]]:
    """Ticks expire after one period, so that a worker that was away finds no pile of them."""
    return {
        "sweep": _every(settings.SWEEP_SECONDS, "worker.tasks.sweep"),
        "look": _every(LOOK_SECONDS, "worker.tasks.look"),
        "nightly": {
            "task": "worker.tasks.nightly",
            "schedule": crontab(minute="0", hour=str(settings.RETRAIN_NIGHTLY_HOUR)),
        },
    }


def _every(seconds: float, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 1.0)}}
