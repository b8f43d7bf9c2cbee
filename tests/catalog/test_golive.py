"""The pointer to the live version: one at a time, back in seconds, paused after a person's word."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from catalog import golive
from catalog.errors import NotAllowed
from catalog.models import (
    ModelVersion,
    Reclassification,
    ReclassifyScope,
    Role,
    Serving,
    User,
    VersionState,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return factories.user(Role.MANAGER, name="mia")


def went_live(count: int) -> list[ModelVersion]:
    """Versions that the gate put live one after the other."""
    versions = [factories.version() for _ in range(count)]
    for version in versions:
        assert golive.promote_automatically(version, reason="Better by 2 points.")
    return versions


def state(version: ModelVersion) -> VersionState:
    version.refresh_from_db()
    return VersionState(version.state)


def live() -> ModelVersion | None:
    return Serving.current().live


def test_a_promoted_version_is_live_and_the_one_before_retired() -> None:
    first, second = went_live(2)

    assert (state(first), state(second)) == (VersionState.RETIRED, VersionState.LIVE)
    serving = Serving.current()
    assert (serving.live, serving.previous) == (second, first)
    assert second.promoted_at is not None
    assert second.reason == "Better by 2 points."
    assert not second.approved_by_hand


def test_promotion_sends_unreviewed_photos_back_to_the_queue() -> None:
    went_live(2)

    jobs = Reclassification.objects.filter(scope=ReclassifyScope.UNREVIEWED).order_by("id")
    assert len(jobs) == 2
    assert jobs[0].cancelled_at is not None, "the second job covers what the first had left"
    assert jobs[1].cancelled_at is None


def test_another_backbone_gets_to_see_every_photo_and_the_same_one_does_not_again() -> None:
    first = factories.version()
    same = factories.version(backbone=first.backbone)
    other = factories.version()
    jobs = Reclassification.objects.filter(scope=ReclassifyScope.UNSEEN)
    begun = []
    for version in (first, same, other):
        golive.promote_automatically(version, reason="Better.")
        begun.append(jobs.count())

    assert begun == [1, 1, 2]


def test_a_manual_promotion_pauses_the_gate_until_it_is_resumed(manager: User) -> None:
    chosen, candidate = factories.version(), factories.version()

    serving = golive.promote(chosen, reason="Looks better on shoes.", by=manager)

    assert (serving.paused_by, serving.paused_why) == (
        manager,
        f"Version {chosen.pk} was put live by hand.",
    )
    assert serving.paused_at is not None
    assert not golive.promote_automatically(candidate, reason="Better.")
    assert (live(), state(candidate)) == (chosen, VersionState.CANDIDATE)
    assert state(chosen) == VersionState.LIVE
    assert chosen.approved_by_hand

    golive.resume_automatic()

    assert golive.promote_automatically(candidate, reason="Better.")
    assert live() == candidate


def test_a_rollback_brings_the_previous_version_back_and_pauses(manager: User) -> None:
    first, second = went_live(2)

    serving = golive.rollback(by=manager)

    assert (live(), state(second)) == (first, VersionState.RETIRED)
    assert serving.paused_why == f"Rolled back from version {second.pk} to {first.pk}."
    assert not golive.promote_automatically(factories.version(), reason="Better.")


def test_rolling_back_again_goes_further_back_never_forward(manager: User) -> None:
    first, second, _third = went_live(3)

    golive.rollback(by=manager)
    after_one = live()
    golive.rollback(by=manager)

    assert (after_one, live()) == (second, first)
    with pytest.raises(NotAllowed, match="no earlier version"):
        golive.rollback(by=manager)


def test_a_bad_version_between_is_not_rolled_back_to(manager: User) -> None:
    first, second, bad = went_live(3)
    golive.rollback(by=manager)
    golive.resume_automatic()
    golive.promote_automatically(factories.version(), reason="Better.")

    golive.rollback(by=manager)
    assert live() == second
    golive.rollback(by=manager)

    assert live() == first
    assert state(bad) == VersionState.RETIRED


def test_rolling_back_to_a_named_version(manager: User) -> None:
    first, _second, _third = went_live(3)

    golive.rollback(by=manager, to=first)

    assert live() == first


def test_a_version_that_was_never_live_cannot_be_rolled_back_to(manager: User) -> None:
    went_live(1)

    with pytest.raises(NotAllowed, match="promote it instead"):
        golive.rollback(by=manager, to=factories.version())


def test_a_version_without_files_cannot_go_live(manager: User) -> None:
    first, second = went_live(2)
    ModelVersion.objects.filter(pk=first.pk).update(files_present=False)
    gone = factories.version(files_present=False)

    with pytest.raises(NotAllowed, match="files are gone"):
        golive.promote(gone, reason="…", by=manager)
    with pytest.raises(NotAllowed, match="files are gone"):
        golive.rollback(by=manager)
    with pytest.raises(NotAllowed):
        golive.promote_automatically(gone, reason="…")

    assert live() == second
    assert state(second) == VersionState.LIVE
    assert Serving.current().paused_at is None


def test_what_is_live_already_is_said_so_and_changes_nothing(manager: User) -> None:
    first, second = went_live(2)

    with pytest.raises(NotAllowed, match="live already"):
        golive.promote(second, reason="…", by=manager)
    with pytest.raises(NotAllowed, match="live already"):
        golive.rollback(by=manager, to=second)
    assert golive.promote_automatically(second, reason="again, after a crash")

    assert Serving.current().previous == first
    assert Serving.current().paused_at is None


def test_a_rejected_version_keeps_its_reason_and_a_manager_may_overrule(manager: User) -> None:
    version = factories.version()

    golive.reject(version, reason="Shoes lost 4 photos.")
    rejected = state(version)
    golive.promote(version, reason="Shoes are out of season.", by=manager)

    assert rejected == VersionState.REJECTED
    assert state(version) == VersionState.LIVE


def test_what_is_live_cannot_be_rejected() -> None:
    (version,) = went_live(1)

    golive.reject(version, reason="too late")

    assert state(version) == VersionState.LIVE


def test_the_database_refuses_two_live_versions() -> None:
    factories.version(state=VersionState.LIVE)

    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.filter(pk=factories.version().pk).update(state=VersionState.LIVE)


def test_the_database_refuses_a_second_pointer() -> None:
    Serving.current()

    with pytest.raises(IntegrityError), transaction.atomic():
        Serving.objects.create(id=2)
