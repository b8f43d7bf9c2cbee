"""What the sweep does besides classifying: files of withdrawn photos, photos of
merged categories, lost runs, old models, ZIPs that nobody went on with."""

from __future__ import annotations

import time

from catalog import archives, carrying, doubts, enqueue, lifecycle, previews, runs, shares

from .retention import prune

NUDGE_AGAIN_SECONDS = 30.0
PRUNE_SECONDS = 600.0

_nudged: dict[int, float] = {}
_pruned_at = [0.0]
_nudged_look_at = [float("-inf")]


def tidy_up() -> None:
    lifecycle.delete_withdrawn_files()
    carrying.carry_on()
    _revive_runs()
    shares.forget_ended()
    _nudge_looks()
    if time.monotonic() - _pruned_at[0] > PRUNE_SECONDS:
        _pruned_at[0] = time.monotonic()
        prune()
        archives.sweep()


def _revive_runs() -> None:
    """Runs whose trainer died wait again, and whoever waits is nudged now and then: a nudge may
    have been lost."""
    waiting = runs.reap()
    now = time.monotonic()
    for run_id in waiting:
        if now - _nudged.get(run_id, float("-inf")) > NUDGE_AGAIN_SECONDS:
            _nudged[run_id] = now
            enqueue.train_soon(run_id)
    for run_id in set(_nudged) - set(waiting):
        del _nudged[run_id]


def _nudge_looks() -> None:
    """A look through the labels, or at a version, that nobody has taken up."""
    check, preview, now = doubts.waiting(), previews.waiting(), time.monotonic()
    if now - _nudged_look_at[0] <= NUDGE_AGAIN_SECONDS or (check is None and preview is None):
        return
    _nudged_look_at[0] = now
    if check is not None:
        enqueue.check_labels_soon(check)
    if preview is not None:
        enqueue.preview_soon(preview)
