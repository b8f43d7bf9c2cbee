"""What must hold before anything is downloaded or started; each failure is one sentence."""

from __future__ import annotations

import errno
import shutil
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from .errors import LauncherError
from .place import Place
from .redis_server import check_redis

NEEDED_BYTES = 4_000_000_000
PORT_PATIENCE_SECONDS = 2.0
"""A web process whose launcher was killed lets go of its port within a second or so."""


def check_start(place: Place, environment: Mapping[str, str]) -> None:
    """Everything a demo needs except what the installation brings."""
    check_redis(environment)
    check_port(place.host, place.port)
    if place.photos and not place.photos.is_dir():
        raise LauncherError(
            f"PHOTOS={place.photos} is not a folder: give one, a folder per category."
        )


def check_disk(folder: Path, *, needed: int = NEEDED_BYTES) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise LauncherError(
            f"{folder} has {free / 1e9:.1f} GB of free disk and {needed / 1e9:.0f} GB are needed: "
            "free some, or move the checkout to a larger disk."
        )


def check_port(host: str, port: int) -> None:
    deadline = time.monotonic() + PORT_PATIENCE_SECONDS
    while error := _bind_error(host, port):
        if error.errno != errno.EADDRINUSE:
            raise LauncherError(
                f"Cannot listen on {host}:{port} ({error.strerror}): choose another."
            )
        if time.monotonic() > deadline:
            raise LauncherError(
                f"Port {port} is taken: stop what listens there, or choose another, for example "
                f"with PORT={port + 1}."
            )
        time.sleep(0.1)


def _bind_error(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None
