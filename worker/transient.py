"""Trying again where a database is briefly locked or away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

T = TypeVar("T")

PAUSES = (0.2, 1.0, 3.0)


def retried(work: Callable[[], T]) -> T:
    """`work()`, again after a pause when the database was locked or dropped the connection; the
    last failure is raised. `work` must be one transaction of its own."""
    for pause in PAUSES:
        try:
            return work()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:
                raise
            logger.warning("database trouble, trying again", extra={"error": str(error)})
            connection.close()
            time.sleep(pause)
    return work()
