"""What a newcomer waits for: `make demo` in a fresh DATA_DIR until the site answers and until the
first version is live, the second start, and `manage.py check`.

    python -m benchmarks.demo [--json] [--quick]

`--quick` leaves the first version out. Packages are installed already."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from launcher.place import ROOT
from tests.site import free_port

READY, LIVE = "The site is ready", "is live"


def lines_until(process: subprocess.Popen[str], words: str) -> Iterator[str]:
    """What it prints, up to the line with `words`; RuntimeError if it ends before."""
    assert process.stdout is not None
    for line in process.stdout:
        yield line.rstrip()
        if words in line:
            return
    raise RuntimeError(f"make demo ended with {process.wait()} before it said “{words}”.")


def start(data_dir: str, *, until_live: bool) -> dict[str, float]:
    """Seconds from `make demo` to a working site and to a live version, and until Ctrl-C ended
    everything."""
    environment = os.environ | {"DATA_DIR": data_dir, "PORT": str(free_port())}
    for name in ("DATABASE_URL", "REDIS_URL", "PHOTOS"):
        environment.pop(name, None)
    began = time.perf_counter()
    process = subprocess.Popen(
        ["make", "--no-print-directory", "demo"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    figures = {}
    try:
        for _ in lines_until(process, READY):
            pass
        figures["seconds_to_site"] = time.perf_counter() - began
        if until_live:
            for line in lines_until(process, LIVE):
                last = line
            figures["seconds_to_live"] = time.perf_counter() - began
            print(last)
    finally:
        stopping = time.perf_counter()
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
        figures["seconds_to_stop"] = time.perf_counter() - stopping
    return figures


def check() -> float:
    """Seconds of `manage.py check`, the best of three."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        command = [sys.executable, str(ROOT / "manage.py"), "check"]
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> int:
    parser = argparse.ArgumentParser(description="Seconds a newcomer waits.")
    parser.add_argument("--quick", action="store_true", help="without the first version")
    parser.add_argument("--photos", help="not used: photos are drawn")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-demo-") as data_dir:
        first = start(data_dir, until_live=not options.quick)
        second = start(data_dir, until_live=False)
    row = {"first": first, "second": second, "check_seconds": check()}
    print(f"first start: site after {first['seconds_to_site']:.1f} s")
    if "seconds_to_live" in first:
        print(f"first start: version live after {first['seconds_to_live']:.1f} s")
    print(f"second start: site after {second['seconds_to_site']:.1f} s")
    print(f"Ctrl-C: all stopped after {second['seconds_to_stop']:.1f} s")
    print(f"manage.py check: {row['check_seconds']:.2f} s")
    if options.json:
        print(json.dumps({"settings": {"quick": options.quick}, "rows": [row]}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
