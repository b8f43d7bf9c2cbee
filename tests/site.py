"""The product as it really runs: the Procfile's processes, a Redis and a database of its own.

Tests talk to a site as people do, over HTTP and with `manage.py`, and read its database with
`sql()`. They never use Django's ORM for it: that is configured for pytest's own database, and
refuses to work in a thread that drives a browser.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from launcher.place import ROOT
from launcher.redis_server import answers, find_program, server_command, url_of
from launcher.supervisor import read_procfile, shell, tail
from launcher.tether import tethered

PASSWORD = "correct horse battery"
"""Of everybody whom tests make."""
READY = {
    "worker": " ready.",
    "worker2": " ready.",
    "trainer": " ready.",
    "beat": "beat: Starting",
}
START_SECONDS = 90.0
STOP_SECONDS = 30.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_until(
    condition: Callable[[], bool], what: str, *, seconds: float = 60.0, every: float = 0.1
) -> None:
    """AssertionError that names `what` did not happen in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(every)


@dataclass
class Site:
    """Names of processes: redis, web, worker, worker2, trainer, beat. The second worker is what a
    second host would run.

    `environment` goes to all of them, on top of our own; DATABASE_URL, where set, names a
    PostgreSQL in which the site makes a database of its own.
    """

    environment: dict[str, str] = field(default_factory=dict)
    data_dir: Path = field(
        default_factory=lambda: Path(tempfile.mkdtemp(prefix="site-", dir="/tmp"))
    )
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = self._environment(self.environment)
        self.commands = {
            name: shell(command) for name, command in read_procfile(ROOT / "Procfile").items()
        }
        self.commands["worker2"] = [
            part.replace("classify@%h", "classify2@%h") for part in self.commands["worker"]
        ]
        (self.data_dir / "redis").mkdir(mode=0o700)
        self.commands["redis"] = server_command(
            find_program(os.environ),
            folder=self.data_dir / "redis",
            unix_socket=self.data_dir / "redis.sock",
        )

    def _environment(self, chosen: Mapping[str, str]) -> dict[str, str]:
        return {
            **os.environ,
            "DATA_DIR": str(self.data_dir),
            "DATABASE_URL": self._own_database(),
            "REDIS_URL": url_of(self.data_dir / "redis.sock"),
            "PORT": str(self.port),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "LOG_LEVEL": "INFO",
            "HTTPS": "0",
            "CLASSIFIER_WEIGHTS": "starter",
            "CLASSIFIER_ENGINE": "auto",
            **chosen,
        }

    def _own_database(self) -> str:
        url = os.environ.get("DATABASE_URL", "")
        if not url:
            return ""
        name = f"site_{secrets.token_hex(4)}"
        with psycopg.connect(_named(url, "postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return _named(url, name)

    # Processes

    def open(self, *names: str) -> None:
        """Migrate, then start Redis and the named processes, each until it is ready."""
        self.start("redis")
        self.manage("migrate", "--noinput")
        for name in names:
            self.spawn(name)
        for name in names:
            self.wait_for(name)

    def start(self, name: str) -> None:
        self.spawn(name)
        self.wait_for(name)

    def spawn(self, name: str) -> None:
        """Start without waiting. The log goes on where an earlier process of this name ended."""
        assert not self.is_running(name), f"{name} runs already"
        with self._log_file(name).open("ab") as log:
            log.write(b"--- started ---\n")
            log.flush()
            self.processes[name] = subprocess.Popen(
                tethered(self.commands[name], signum=signal.SIGKILL),
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_for(self, name: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready(name):
            assert self.is_running(name), f"{name} ended:\n{tail(self._log_file(name))}"
            assert time.monotonic() < deadline, f"{name} is slow:\n{tail(self._log_file(name))}"
            time.sleep(0.1)

    def stop(self, name: str) -> None:
        """SIGTERM, and a wait for the end."""
        process = self.processes[name]
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        finally:
            self._sweep(process)

    def kill(self, name: str) -> None:
        """kill -9, the process and whatever it started."""
        self._sweep(self.processes[name])

    @contextlib.contextmanager
    def paused(self, *names: str) -> Iterator[None]:
        """They hold still inside, and go on together after."""
        for name in names:
            os.killpg(self.processes[name].pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                os.killpg(self.processes[name].pid, signal.SIGCONT)

    def restart(self, name: str) -> None:
        self.kill(name)
        self.start(name)

    def is_running(self, name: str) -> bool:
        process = self.processes.get(name)
        return process is not None and process.poll() is None

    def close(self) -> None:
        """Kill everything; the folder goes unless KEEP_SITES is set."""
        for process in self.processes.values():
            self._sweep(process)
        if not os.environ.get("KEEP_SITES"):
            shutil.rmtree(self.data_dir, ignore_errors=True)

    @staticmethod
    def _sweep(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=STOP_SECONDS)

    def _is_ready(self, name: str) -> bool:
        if name == "redis":
            return answers(self.environment["REDIS_URL"])
        if name == "web":
            return self._answers()
        return READY[name] in self.log(name)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    # What it says and knows

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    def log(self, name: str) -> str:
        """What the present process of this name has written."""
        file = self._log_file(name)
        return file.read_text(errors="replace").rpartition("--- started ---\n")[2]

    def logs(self) -> dict[str, str]:
        """The end of every process's log, for the report of a failed test."""
        return {file.stem: tail(file) for file in sorted(self.data_dir.glob("*.log"))}

    def _log_file(self, name: str) -> Path:
        return self.data_dir / f"{name}.log"

    def manage(self, *arguments: str, stdin: str | None = None) -> str:
        """What `manage.py` prints; AssertionError with its words where it fails."""
        return self.python("manage.py", *arguments, stdin=stdin)

    def python(self, *arguments: str, stdin: str | None = None) -> str:
        """What Python prints, begun with these arguments in the site's environment; AssertionError
        with its words where it fails."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the site's own database, on both kinds; `%s` stands for a value."""
        if url := self.environment["DATABASE_URL"]:
            with psycopg.connect(url) as connection:
                return connection.execute(query, values).fetchall()
        reader = sqlite3.connect(self.data_dir / "db.sqlite3", timeout=20)
        try:
            return reader.execute(query.replace("%s", "?"), values).fetchall()
        finally:
            reader.close()


def _named(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()
