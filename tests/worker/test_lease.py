"""The lease on a run while it is worked on."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from catalog.models import RunState
from tests import factories
from worker.lease import HeldRun


@pytest.mark.django_db(transaction=True)
def test_a_run_goes_on_where_the_database_dropped_its_connection() -> None:
    run = factories.run(state=RunState.RUNNING, owner="trainer", attempts=1)
    with HeldRun(run) as held:
        held("head", 1, 10)

        drop_the_connection()

        held("fine-tune", 2, 10)

    run.refresh_from_db()
    assert (run.phase, run.done) == ("fine-tune", 2)


def drop_the_connection() -> None:
    """As a server that restarts does. SQLite has none to drop: there nothing happens."""
    if connection.vendor != "postgresql":
        return
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
