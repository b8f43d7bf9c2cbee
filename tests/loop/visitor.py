"""A merchant's browser as far as HTTP goes: cookies, the CSRF token, an upload."""

from __future__ import annotations

import http.client
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ..site import Site


@dataclass
class Visitor:
    site: Site
    cookies: dict[str, str] = field(default_factory=dict)

    def sign_in(self, name: str, password: str) -> None:
        page = self._ask("GET", "/accounts/sign-in/")[1].decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        form = {"username": name, "password": password, "csrfmiddlewaretoken": token[1]}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _ = self._ask("POST", "/accounts/sign-in/", urlencode(form).encode(), headers)
        assert status == 302

    def upload(self, name: str, data: bytes) -> dict[str, Any]:
        """The server's answer to one file."""
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        body = f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + data
        body += f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "X-Requested-With": "fetch",
            "X-CSRFToken": self.cookies["csrftoken"],
        }
        status, answer = self._ask("POST", "/upload/file/", body, headers)
        assert status == 201, answer
        found: dict[str, Any] = json.loads(answer)
        return found

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=30)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Cookie": cookies, "Referer": self.site.address, **(headers or {})}
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.read()
        finally:
            connection.close()
