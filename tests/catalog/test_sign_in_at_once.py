"""Many guesses in the same moment."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from catalog import signin
from catalog.errors import TooManyAttempts
from catalog.models import SignInAttempt

GUESSES = 8


@pytest.mark.django_db(transaction=True)
def test_a_burst_of_guesses_gets_no_further_than_guesses_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, attempts = Barrier(GUESSES), SignInAttempt.objects
    create = attempts.create

    def late(**columns: Any) -> SignInAttempt:
        time.sleep(0.1)
        return create(**columns)

    monkeypatch.setattr(attempts, "create", late)

    def guess(_number: int) -> bool:
        start.wait(10)
        try:
            signin.begin("mia", "192.0.2.1")
        except TooManyAttempts:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(GUESSES) as pool:
        assert sum(pool.map(guess, range(GUESSES))) == signin.PER_ACCOUNT
