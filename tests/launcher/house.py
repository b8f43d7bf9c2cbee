"""A small house for the launcher: its own code beside a manage.py and a Procfile of real processes
that are quick to start, so that starting, dying and stopping can be watched without the product."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import launcher

MANAGE = """\
import os, pathlib, sys, time
data = pathlib.Path(os.environ["DATA_DIR"])
step = sys.argv[1]
with (data / "steps").open("a") as steps:
    steps.write(" ".join(sys.argv[1:]) + "\\n")
if step == "prepare_demo":
    time.sleep(float(os.environ.get("PREPARING", "0")))
    (data / "demo-sign-ins.txt").write_text("merchant  anna  secret-word\\n")
sys.exit(int(os.environ.get("FAILS_AT") == step))
"""

WEB = """\
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
"""

WORKER = """\
import time
print("worker up", flush=True)
time.sleep(600)
"""

PROCFILE = """\
web: gunicorn web --bind 127.0.0.1:${PORT} --threads 4 --no-control-socket
worker: python worker.py
beat: nice -n 10 sleep 600
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class House:
    """`root` holds the code, `data_dir` the state; `demo()` runs `python -m launcher.demo`."""

    root: Path
    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    demos: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def build(cls, root: Path, data_dir: Path | None = None) -> House:
        code = Path(launcher.__file__).parent
        shutil.copytree(code, root / "launcher", ignore=shutil.ignore_patterns("__pycache__"))
        for name, text in {
            "manage.py": MANAGE,
            "web.py": WEB,
            "worker.py": WORKER,
            "Procfile": PROCFILE,
        }.items():
            (root / name).write_text(text)
        return cls(root, data_dir or root / "var")

    def demo(self, *wrapper: str, **environment: str) -> subprocess.Popen[str]:
        command = [*wrapper, sys.executable, "-m", "launcher.demo"]
        demo = subprocess.Popen(
            command,
            cwd=self.root,
            env={
                **os.environ,
                "PORT": str(self.port),
                "DATA_DIR": str(self.data_dir),
                **self.environment,
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # As in a terminal, also where the tests themselves run under nohup.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        self.demos.append(demo)
        return demo

    def is_ready(self) -> bool:
        log = self.data_dir / "logs" / "worker.log"
        return answers(self.port) and log.exists() and "worker up" in log.read_text()

    def processes(self) -> list[int]:
        """Everything that runs in this house's folder, the demo itself aside."""
        demos = {demo.pid for demo in self.demos}
        return [pid for pid in all_pids() if pid not in demos and self.holds(folder_of(pid))]

    def holds(self, folder: Path) -> bool:
        return folder.is_relative_to(self.root) or folder.is_relative_to(self.data_dir)

    def steps(self) -> list[str]:
        """The manage.py commands that were run, with their arguments."""
        file = self.data_dir / "steps"
        return file.read_text().splitlines() if file.exists() else []

    def close(self) -> None:
        for demo in self.demos:
            if demo.poll() is None:
                demo.kill()
            demo.communicate()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def folder_of(pid: int) -> Path:
    """Where a process runs; the root folder for one that has ended."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return Path("/")


def program_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def eventually(condition: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
