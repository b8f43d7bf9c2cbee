"""How long an upload takes to answer while the queue is well, gone, and frozen: real gunicorn,
real Redis, drawn photos over HTTP.

    python -m benchmarks.outage [--json] [--images N] [--quick]"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
import uuid
from urllib.parse import urlencode

from catalog.samples.drawing import draw
from launcher.place import ROOT
from tests.site import Site

PASSWORD = "measured-only-here"  # noqa: S105  (of a site that lives for a minute)
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
SLUGS = ("fashion-shirts", "fashion-shoes", "nutrition-drinks", "accessories-bags")


class Merchant:
    """A signed-in merchant with one connection, as a browser has it."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}
        form = {"username": "merchant", "password": PASSWORD, "next": ""}
        token = self._token("/accounts/sign-in/")
        body = urlencode({**form, "csrfmiddlewaretoken": token}).encode()
        self.ask("POST", "/accounts/sign-in/", body, "application/x-www-form-urlencoded")
        self.token = self._token("/upload/")

    def _token(self, path: str) -> str:
        found = TOKEN.search(self.ask("GET", path)[1].decode())
        if found is None:
            raise RuntimeError(f"{path} shows no form; sign-in failed.")
        return found[1]

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, bytes]:
        """(status, body) of one request."""
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if kind:
            headers |= {"Content-Type": kind, "X-Requested-With": "fetch"}
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return response.status, response.read()

    def upload(self, photo: bytes, name: str) -> float:
        """Seconds until the answer; the photo was accepted."""
        boundary = uuid.uuid4().hex
        fields = {"csrfmiddlewaretoken": self.token, "upload_id": str(uuid.uuid4())}
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
            for k, v in fields.items()
        ]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"'
        parts += [f"{head}\r\nContent-Type: image/jpeg\r\n\r\n".encode(), photo]
        parts.append(f"\r\n--{boundary}--\r\n".encode())
        began = time.perf_counter()
        kind = f"multipart/form-data; boundary={boundary}"
        status, answer = self.ask("POST", "/upload/file/", b"".join(parts), kind)
        seconds = time.perf_counter() - began
        if status not in {200, 201} or json.loads(answer)["status"] != "accepted":
            raise RuntimeError(f"an upload was answered {status}: {answer[:200]!r}")
        return seconds


def photo(seed: int) -> bytes:
    out = io.BytesIO()
    draw(SLUGS[seed % len(SLUGS)], seed=seed).save(out, "JPEG", quality=90)
    return out.getvalue()


def measure(merchant: Merchant, photos: list[bytes], label: str) -> dict[str, object]:
    times = [merchant.upload(data, f"{label}-{n}.jpg") for n, data in enumerate(photos)]
    return {
        "queue": label,
        "uploads": len(times),
        "median_ms": 1000 * statistics.median(times),
        "max_ms": 1000 * max(times),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Seconds an upload takes while Redis is down.")
    parser.add_argument("--images", type=int, default=40, help="uploads in each state")
    parser.add_argument("--quick", action="store_true", help="8 uploads in each state")
    parser.add_argument("--photos", help="not used: photos are drawn")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    count = 8 if options.quick else options.images
    photos = [photo(seed) for seed in range(3 * count)]
    collect = [sys.executable, str(ROOT / "manage.py"), "collectstatic", "--noinput"]
    subprocess.run(collect, check=True, capture_output=True)
    site = Site({"HTTPS": "0"})
    try:
        site.open("web")
        site.manage("create_user", "merchant", "--role", "merchant", "--password-stdin",
                    stdin=PASSWORD)  # fmt: skip
        merchant = Merchant(site.port)
        rows = [measure(merchant, photos[:count], "well")]
        os.kill(site.processes["redis"].pid, signal.SIGSTOP)
        rows.append(measure(merchant, photos[count : 2 * count], "frozen"))
        site.kill("redis")
        rows.append(measure(merchant, photos[2 * count :], "gone"))
    finally:
        site.close()
    for row in rows:
        print(
            f"queue {row['queue']:7} {row['uploads']} uploads: median {row['median_ms']:.0f} ms,"
            f" longest {row['max_ms']:.0f} ms"
        )
    if options.json:
        print(json.dumps({"settings": {"images": count}, "rows": rows}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
