"""A PostgreSQL of one's own for as long as a command runs.

    python -m tests.postgres COMMAND [ARGUMENT ...]     with DATABASE_URL set for it

A fresh cluster on a unix socket in a private folder, without fsync, owned by `postgres` or `nobody`
where we are root (PostgreSQL refuses to be). It dies with the process that asked for it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

DATABASE = "catalog"
START_SECONDS = 30.0
SPEED = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses="]


class NoPostgres(Exception):
    """This machine has no PostgreSQL server; says which package brings one."""


def programs() -> Path:
    """The folder of the newest initdb and postgres, Debian's or the one on PATH."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(versions, key=lambda file: float(file.parts[-3]), default=None)
    found = newest or (Path(which) if (which := shutil.which("initdb")) else None)
    if found is None or shutil.which("setpriv") is None:
        raise NoPostgres("no PostgreSQL server: apt install postgresql")
    return found.parent


@contextmanager
def temporary_cluster() -> Iterator[str]:
    """Yields a DATABASE_URL; the database itself is made by whoever uses it."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    account = _account()
    try:
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        _initialise(folder, account)
        with _running(folder, account):
            yield f"postgres://postgres@/{DATABASE}?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> pwd.struct_passwd | None:
    """Whom to become; None where we are not root and stay who we are."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")


def _as(account: pwd.struct_passwd | None, command: Sequence[str]) -> list[str]:
    """As `account`, and ended when we are: setpriv does both without a process in between."""
    who: list[str] = []
    if account:
        who = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    return ["setpriv", *who, "--pdeathsig=INT", "--", *command]


def _initialise(folder: Path, account: pwd.struct_passwd | None) -> None:
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    command = [str(programs() / "initdb"), "-D", str(folder / "data"), *options]
    done = subprocess.run(
        _as(account, command), cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stdout}{done.stderr}")


@contextmanager
def _running(folder: Path, account: pwd.struct_passwd | None) -> Iterator[None]:
    command = [str(programs() / "postgres"), "-D", str(folder / "data"), "-k", str(folder)]
    for setting in SPEED:
        command += ["-c", setting]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            _as(account, command), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait_for(server, folder)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)


def _wait_for(server: subprocess.Popen[bytes], folder: Path) -> None:
    ready = [str(programs() / "pg_isready"), "-q", "-h", str(folder)]
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(ready, check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()}")
        time.sleep(0.1)


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)  # noqa: T201
        return 2
    with temporary_cluster() as url:
        command = sys.argv[1:]
        return subprocess.run(
            command, env={**os.environ, "DATABASE_URL": url}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
