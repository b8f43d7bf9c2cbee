"""For tests of what several people do at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, TypeVar

from django.db import connection

Answer = TypeVar("Answer")


@contextmanager
def beside(act: Callable[[], Answer]) -> Iterator[Future[Answer]]:
    """`act` in a thread and connection of its own, while the block runs; its end is waited for."""

    def alone() -> Answer:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(alone)


def slowly(step: Callable[..., Any], done: Event) -> Callable[..., Any]:
    """`step`, said to be done, and then time for others to come to where they must wait."""

    def act(*arguments: Any, **named: Any) -> Any:
        result = step(*arguments, **named)
        done.set()
        time.sleep(0.3)
        return result

    return act
