"""One training run at a time, whoever asks and whoever dies."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from catalog import runs
from catalog.errors import NotAllowed, RunActive
from catalog.models import RunMode, RunState, RunTrigger, TrainingRun
from tests import factories
from tests.slowly import beside, slowly

pytestmark = pytest.mark.django_db


def running(owner: str = "t1") -> TrainingRun:
    run = runs.claim(runs.request(RunTrigger.BUTTON).pk, owner=owner)
    assert run is not None
    return run


def lapse(run: TrainingRun) -> None:
    """The lease runs out, as if the trainer had died."""
    past = timezone.now() - timedelta(seconds=1)
    TrainingRun.objects.filter(pk=run.pk).update(lease_until=past)


def state(run: TrainingRun) -> RunState:
    run.refresh_from_db()
    return RunState(run.state)


def test_a_run_is_asked_for_claimed_and_ended() -> None:
    by = factories.user()
    run = runs.request(
        RunTrigger.COMMAND, by=by, mode=RunMode.FULL, overrides=["seed=1"], note="try"
    )
    assert (state(run), runs.active()) == (RunState.QUEUED, run)

    claimed = runs.claim(run.pk, owner="t1")
    assert claimed is not None
    assert (claimed.state, claimed.attempts, claimed.owner) == (RunState.RUNNING, 1, "t1")
    assert runs.beat(claimed, phase="features", done=3, total=10, message="x" * 400)
    assert runs.record(claimed, fingerprint="abc")
    assert runs.end(claimed, RunState.SUCCEEDED, "Version 1 went live.")

    run.refresh_from_db()
    assert (run.done, run.total, run.fingerprint) == (3, 10, "abc")
    assert run.overrides == ["seed=1"]
    assert run.seconds is not None
    assert (run.owner, run.lease_until, run.phase) == ("", None, "")
    assert runs.active() is None
    assert runs.last_finished() == run


def test_a_second_run_is_refused_while_one_is_active() -> None:
    first = runs.request(RunTrigger.BUTTON)

    with pytest.raises(RunActive, match="already under way"):
        runs.request(RunTrigger.NIGHTLY)
    assert runs.claim(first.pk, owner="t1")
    with pytest.raises(RunActive):
        runs.request(RunTrigger.NIGHTLY)

    assert TrainingRun.objects.count() == 1


def test_the_database_itself_refuses_a_second_active_run() -> None:
    factories.run(state=RunState.RUNNING)

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.run(state=RunState.QUEUED)


@pytest.mark.django_db(transaction=True)
def test_of_people_who_ask_at_once_one_starts_a_run() -> None:
    gate = threading.Barrier(4)

    def ask(_: int) -> str:
        try:
            gate.wait(10)
            runs.request(RunTrigger.BUTTON, nudge=False)
        except RunActive:
            return "refused"
        else:
            return "started"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(ask, range(4)))

    assert answers == ["refused", "refused", "refused", "started"]


@pytest.mark.django_db(transaction=True)
def test_of_trainers_that_claim_at_once_one_gets_the_run() -> None:
    run, gate = runs.request(RunTrigger.BUTTON, nudge=False), threading.Barrier(3)

    def take(owner: str) -> bool:
        try:
            gate.wait(10)
            return runs.claim(run.pk, owner=owner) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(take, ["t1", "t2", "t3"])) == [False, False, True]


def test_a_trainer_that_lost_its_lease_writes_nothing_more() -> None:
    lost = running("dead")
    lapse(lost)
    assert runs.reap() == [lost.pk]
    taken = runs.claim(lost.pk, owner="t2")
    assert taken is not None

    assert not runs.still_ours(lost)
    assert not runs.beat(lost, phase="head", done=1, total=2)
    assert not runs.record(lost, fingerprint="late")
    assert not runs.hand_back(lost)
    assert not runs.end(lost, RunState.FAILED, "late")
    assert (state(taken), taken.owner, taken.fingerprint) == (RunState.RUNNING, "t2", "")


def test_a_run_that_beats_is_not_reaped() -> None:
    run = running()
    lapse(run)
    runs.beat(run, phase="head", done=1, total=2)

    assert runs.reap() == []
    assert state(run) == RunState.RUNNING


def test_a_run_whose_trainer_dies_three_times_fails_with_a_reason() -> None:
    run, tries = running(), 1
    while True:
        lapse(run)
        if not runs.reap():
            break
        assert runs.claim(run.pk, owner=f"t{tries}")
        tries += 1

    assert tries == runs.MAX_ATTEMPTS == 3
    assert state(run) == RunState.FAILED
    assert "stopped 3 times" in run.reason
    assert run.finished_at is not None
    runs.request(RunTrigger.BUTTON)


def test_reaping_names_every_run_that_waits_for_a_trainer() -> None:
    waiting = runs.request(RunTrigger.BUTTON)

    assert runs.reap() == [waiting.pk]


def test_a_run_handed_back_waits_again_and_spends_no_attempt() -> None:
    run = running()

    assert runs.hand_back(run)

    assert (state(run), run.attempts, run.owner) == (RunState.QUEUED, 0, "")
    again = runs.claim(run.pk, owner="t2")
    assert again is not None
    assert again.attempts == 1


def test_a_waiting_run_is_cancelled_at_once() -> None:
    run = runs.request(RunTrigger.BUTTON)

    runs.cancel(run)

    assert (state(run), run.reason) == (RunState.CANCELLED, "Cancelled.")
    assert runs.claim(run.pk, owner="t1") is None
    with pytest.raises(NotAllowed, match="already over"):
        runs.cancel(run)


def test_a_running_run_is_cancelled_at_its_next_beat() -> None:
    run = running()

    runs.cancel(run)

    assert state(run) == RunState.RUNNING
    assert not runs.beat(run, phase="head", done=1, total=2)
    assert runs.still_ours(run)
    assert runs.end(run, RunState.CANCELLED, "Cancelled.")


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_cancelled_run_whose_trainer_died_ends_as_cancelled(attempts: int) -> None:
    run = running()
    TrainingRun.objects.filter(pk=run.pk).update(attempts=attempts)
    runs.cancel(run)
    lapse(run)

    assert runs.reap() == []
    assert state(run) == RunState.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_a_run_is_cancelled_while_its_trainer_hands_it_back() -> None:
    run = running()
    handed_back = threading.Event()

    @transaction.atomic
    def stop() -> None:
        slowly(runs.hand_back, handed_back)(run)

    with beside(stop) as stopped:
        handed_back.wait(10)
        runs.cancel(run)
        stopped.result(timeout=60)

    assert state(run) == RunState.CANCELLED


def test_only_runs_that_learned_count_as_the_last() -> None:
    first = running()
    runs.end(first, RunState.SUCCEEDED, "done")
    for over in (RunState.SKIPPED, RunState.FAILED, RunState.CANCELLED):
        runs.end(running(), over, "…")

    assert runs.last_finished() == first


def test_a_run_does_not_end_as_queued() -> None:
    with pytest.raises(ValueError, match="does not end a run"):
        runs.end(running(), RunState.QUEUED, "…")
