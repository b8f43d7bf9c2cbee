"""This process among the workers: its name, and the wish that it stop."""

from __future__ import annotations

import os
import secrets
import socket
import threading

stopping = threading.Event()
"""Set when this process was told to end: finish or hand back what is in hand, take nothing new."""

_names = [f"process-{os.getpid()}@{socket.gethostname()}"]
_token = secrets.token_hex(4)


def call_me(name: str) -> None:
    """Celery's node name, say: the same after a restart, another for each worker of a host."""
    _names[:] = [name]


def name() -> str:
    return _names[0][:60]


def owner() -> str:
    """Who holds a lease: unlike the name, no two processes ever share it."""
    return f"{name()}:{os.getpid()}:{_token}"[:80]
