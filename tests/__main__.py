"""Every test there is, in the sessions that need different ground.

    python -m tests [SESSION ...] [--list]

Where we are root on Debian or Ubuntu, missing services are installed with apt. Elsewhere a session
whose service is missing is left out with a message; with CI=true that is a failure.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from launcher import apt
from launcher.errors import LauncherError
from launcher.redis_server import find_program

from . import postgres, services

PARALLEL = ["-m", "not loop and not browser", "-n", "auto", "--dist", "loadfile"]


def without(*folders: str) -> list[str]:
    return [f"--ignore=tests/{folder}" for folder in folders]


@dataclass(frozen=True)
class Session:
    """`needs` names services; one that needs postgres runs with DATABASE_URL set. The unit tests
    load no TensorFlow and are the ones to run while working; `networks` builds and trains real,
    small ones, and takes whatever no other session names."""

    name: str
    needs: tuple[str, ...]
    arguments: list[str]


SESSIONS = [
    Session("unit", ("redis",), [*PARALLEL, "tests/catalog"]),
    Session("launcher", (), [*PARALLEL, "tests/launcher"]),
    Session(
        "networks", ("redis",), [*PARALLEL, "tests", *without("browser", "catalog", "launcher")]
    ),
    Session("postgres", ("postgres", "redis"), [*PARALLEL, "tests/catalog", "tests/worker"]),
    Session("loop", ("redis",), ["-m", "loop", "tests", *without("browser")]),
    Session(
        "loop-postgres",
        ("postgres", "redis"),
        ["-m", "loop", "tests/loop", "tests/test_services.py"],
    ),
    Session("browser", ("redis", "chromium"), ["tests/browser"]),
]


def has_redis() -> bool:
    try:
        find_program(os.environ)
    except LauncherError:
        return False
    return True


def has_postgres() -> bool:
    try:
        postgres.programs()
    except postgres.NoPostgres:
        return False
    return True


def has_chromium() -> bool:
    return services.chromium() is not None


@dataclass(frozen=True)
class Service:
    package: str
    is_here: Callable[[], bool]


SERVICES = {
    "redis": Service("redis-server", has_redis),
    "postgres": Service("postgresql", has_postgres),
    "chromium": Service("chromium", has_chromium),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests", description=__doc__)
    parser.add_argument("sessions", nargs="*", metavar="SESSION")
    parser.add_argument("--list", action="store_true", help="name the sessions and stop")
    chosen = parser.parse_args()
    names = {session.name for session in SESSIONS}
    if unknown := set(chosen.sessions) - names:
        parser.error(
            f"no session {', '.join(sorted(unknown))}; there are {', '.join(sorted(names))}"
        )
    if chosen.list:
        say("\n".join(session.name for session in SESSIONS))
        return 0
    sessions = [s for s in SESSIONS if not chosen.sessions or s.name in chosen.sessions]
    return run_all(sessions)


def run_all(sessions: list[Session]) -> int:
    missing = provide({need for session in sessions for need in session.needs})
    strict = os.environ.get("CI") == "true"
    results: list[tuple[str, bool]] = []
    with ExitStack() as stack:
        environment = dict(os.environ)
        if "postgres" not in missing and any("postgres" in s.needs for s in sessions):
            environment["DATABASE_URL"] = stack.enter_context(postgres.temporary_cluster())
        for session in sessions:
            if lacking := sorted(missing & set(session.needs)):
                packages = " ".join(SERVICES[name].package for name in lacking)
                results.append(
                    (f"{session.name}: left out, needs apt install {packages}", not strict)
                )
            else:
                results.append(run(session, environment))
    say("\n" + "\n".join(text for text, _ in results))
    return 0 if all(passed for _, passed in results) else 1


def run(session: Session, environment: Mapping[str, str]) -> tuple[str, bool]:
    say(f"\n=== {session.name}: pytest {' '.join(session.arguments)}")
    ground = dict(environment)
    if "postgres" not in session.needs:
        ground.pop("DATABASE_URL", None)
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", *session.arguments]
    code = subprocess.run(command, env=ground, check=False).returncode
    verdict = "passed" if code == 0 else f"failed (pytest status {code})"
    return f"{session.name}: {verdict} in {time.monotonic() - started:.0f} s", code == 0


def provide(names: set[str]) -> set[str]:
    """Install what is missing where that can be done; returns what still is."""
    missing = {name for name in names if not SERVICES[name].is_here()}
    for name in sorted(missing) if apt.can_install() else ():
        try:
            apt.install([SERVICES[name].package])
        except LauncherError as error:
            say(str(error))
    if apt.can_install() and "chromium" in missing and not has_chromium():
        # Ubuntu has no such package: there Playwright brings its own browser.
        command = [sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]
        subprocess.run(command, check=False)
    return {name for name in missing if not SERVICES[name].is_here()}


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
