"""The demo: Redis, database, processes, samples, address; everything stops with it.

    .venv/bin/python -m launcher.demo

Environment: PORT, HOST, DATA_DIR, PHOTOS, REDIS_URL, and what catalog.settings reads.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .errors import LauncherError, StopRequested
from .place import ROOT, Place, in_address
from .preflight import check_start
from .redis_server import (
    answers,
    choose_socket,
    find_program,
    forget_socket,
    server_command,
    set_aside,
    url_of,
)
from .supervisor import Supervisor, read_procfile, shell
from .tether import die_with_parent

REDIS_SECONDS = 20.0
WEB_SECONDS = 60.0
LOOKED_AT = "localhost"
"""The name under which the demo asks whether its site answers."""


def main() -> int:
    die_with_parent(signal.SIGTERM)
    try:
        place = Place.from_environment(os.environ)
        with only_one(place.data_dir):
            check_start(place, os.environ)
            run(place)
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    except StopRequested as request:
        say("\nStopped.")
        return 128 + request.signum
    except KeyboardInterrupt:  # before there was anything to stop
        return 130
    return 0


def run(place: Place) -> None:
    """Until a signal (StopRequested) or the end of any process (LauncherError)."""
    unix_socket = None if os.environ.get("REDIS_URL") else choose_socket(place.data_dir)
    environment = child_environment(place, os.environ, unix_socket)
    try:
        with Supervisor(place.logs, environment) as supervisor:
            if unix_socket:
                start_redis(supervisor, place, unix_socket)
            prepare_and_watch(supervisor, place)
    finally:
        if unix_socket:
            forget_socket(place.data_dir, unix_socket)


def prepare_and_watch(supervisor: Supervisor, place: Place) -> None:
    """The site first: worker and trainer take seconds of every core before they are of use."""
    say("Preparing the database …")
    supervisor.run(
        {
            "migrate": manage("migrate", "--noinput"),
            "collectstatic": manage("collectstatic", "--noinput"),
        }
    )
    processes = read_procfile(ROOT / "Procfile")
    supervisor.start("web", shell(processes.pop("web")))
    photos = ["--photos", str(place.photos)] if place.photos else []
    supervisor.run({"prepare_demo": manage("prepare_demo", *photos)}, logged=False)
    for name, command in processes.items():
        supervisor.start(name, shell(command))
    supervisor.wait_until(
        lambda: responds(place),
        timeout=WEB_SECONDS,
        otherwise=f"The site did not answer within {WEB_SECONDS:.0f} s: see {place.logs}/web.log.",
    )
    announce(place, supervisor.environment["ALLOWED_HOSTS"])
    supervisor.run({"follow_run": manage("follow_run")}, logged=False)
    supervisor.watch()


def start_redis(supervisor: Supervisor, place: Place, unix_socket: Path) -> None:
    """A file that an older server cannot read is set aside, once."""
    folder = place.data_dir / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    program = find_program(os.environ)
    command = server_command(program, folder=folder, unix_socket=unix_socket)
    for last_try in (False, True):
        child = supervisor.start("redis", command, stops_last=True, dies_by=signal.SIGTERM)
        try:
            supervisor.wait_until(
                lambda: answers(url_of(unix_socket)),
                timeout=REDIS_SECONDS,
                otherwise=f"Redis did not answer within {REDIS_SECONDS:.0f} s: see {child.log}.",
            )
            return
        except LauncherError:
            ended = child.process.poll() is not None
            aside = set_aside(folder) if ended and not last_try else None
            if aside is None:
                raise
            supervisor.children.remove(child)
            say(f"Redis could not read its file; it is now in {aside}. No work is lost with it.")


def child_environment(
    place: Place, environment: Mapping[str, str], unix_socket: Path | None
) -> dict[str, str]:
    """HTTPS=0: plain HTTP. ALLOWED_HOSTS follows HOST unless it is set, and has LOOKED_AT always.
    The .venv comes first on PATH for the Procfile."""
    redis = {"REDIS_URL": url_of(unix_socket)} if unix_socket else {}
    names = (environment.get("ALLOWED_HOSTS") or ",".join(place.names)).split(",")
    ours = {
        "DATA_DIR": str(place.data_dir),
        "HOST": in_address(place.host),
        "PORT": str(place.port),
        "ALLOWED_HOSTS": ",".join(names if LOOKED_AT in names else [*names, LOOKED_AT]),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }
    return {"HTTPS": "0", **environment, **ours, **redis}


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def responds(place: Place) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(place.host, place.host)  # noqa: S104
    connection = http.client.HTTPConnection(host, place.port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": LOOKED_AT})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def announce(place: Place, names: str) -> None:
    sign_ins = place.data_dir / "demo-sign-ins.txt"
    known = sign_ins.read_text().rstrip() if sign_ins.exists() else "(none were made)"
    indented = "\n".join(f"    {line}" for line in known.splitlines())
    say(f"\n  The site is ready: {place.address}\n\n  Sign in as\n{indented}\n")
    if place.is_everywhere:
        say(f"  It answers to {names}; ALLOWED_HOSTS=NAME names others.\n")
    say(f"  Logs: {place.logs}. Ctrl-C stops everything.\n")


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold DATA_DIR while this process lives; the kernel lets go of it, after kill -9 too."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (data_dir / "demo.lock").open("a+b", buffering=0)
    except OSError as error:
        raise _unwritable(data_dir, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(str(os.getpid()).encode())
        except BlockingIOError:
            file.seek(0)
            raise LauncherError(
                f"A demo already runs on {data_dir} (process {file.read().decode().strip()}): "
                "stop it, or set another DATA_DIR."
            ) from None
        except OSError as error:
            raise _unwritable(data_dir, error) from error
        yield


def _unwritable(data_dir: Path, error: OSError) -> LauncherError:
    return LauncherError(
        f"DATA_DIR={data_dir} cannot be written ({error.strerror}): choose another."
    )


if __name__ == "__main__":
    sys.exit(main())
