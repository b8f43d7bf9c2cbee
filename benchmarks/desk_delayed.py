"""The site as gunicorn serves it, each answer DELAY_MS later: a reviewer far from the server. The
time the site itself took goes along in a header."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from catalog.wsgi import application as site

DELAY = float(os.environ.get("DELAY_MS", "100")) / 1000


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    began = time.perf_counter()

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        took = (time.perf_counter() - began) * 1000
        return start_response(status, [*headers, ("Server-Timing", f"site;dur={took:.2f}")], *rest)

    answer = site(environ, start)
    time.sleep(DELAY)
    return answer
