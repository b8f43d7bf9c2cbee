"""Settings come from typed environment variables; a bad one stops the start and is named."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from catalog import environment as env

ROOT = Path(__file__).resolve().parents[2]
READ: dict[str, Callable[[], object]] = {
    "integer": lambda: env.integer("THING", 3, minimum=1, maximum=9),
    "number": lambda: env.number("THING", 0.5),
    "share": lambda: env.share("THING", 0.5),
    "boolean": lambda: env.boolean("THING", True),
    "choice": lambda: env.choice("THING", "a", {"a", "b"}),
    "time_zone": lambda: env.time_zone("THING", "UTC"),
    "database": lambda: env.database("THING", Path("db.sqlite3")),
}


def start(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), **variables}
    return subprocess.run(
        [sys.executable, "-c", "import catalog.settings"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("kind", "raw", "words"),
    [
        ("integer", "ten", "THING='ten' is not a whole number of 1 to 9"),
        ("integer", "0", "THING='0' is not a whole number of 1 to 9"),
        ("integer", "10", "a whole number of 1 to 9"),
        ("integer", "1.5", "a whole number"),
        ("integer", "", "a whole number"),
        ("number", "-1", "a number of at least 0"),
        ("number", "nan", "a number of at least 0"),
        ("number", "inf", "a number of at least 0"),
        ("share", "1.1", "between 0 and 1"),
        ("share", "10%", "between 0 and 1"),
        ("boolean", "maybe", "one of 1, 0, true, false"),
        ("choice", "c", "one of a, b"),
        ("time_zone", "Mars/Olympus", "a time zone such as"),
        ("time_zone", "../etc/passwd", "a time zone such as"),
        ("database", "mysql://u@h/db", "THING starts with 'mysql'"),
        ("database", "postgres://u:p@h:abc/db", "THING has a port"),
        ("database", "postgres://u:p@h", "THING names no database"),
        ("database", "sqlite://", "THING names no file"),
    ],
)
def test_a_bad_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, kind: str, raw: str, words: str
) -> None:
    monkeypatch.setenv("THING", raw)

    with pytest.raises(ImproperlyConfigured) as caught:
        READ[kind]()

    assert str(caught.value).startswith("THING")
    assert words in str(caught.value)


def test_a_database_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for raw in ("mysql://u:hunter2@h/db", "postgres://u:hunter2@h:abc/db"):
        monkeypatch.setenv("THING", raw)
        with pytest.raises(ImproperlyConfigured) as caught:
            env.database("THING", Path("db.sqlite3"))
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "value"), [("1", True), ("TRUE", True), ("on", True), ("no", False), ("", False)]
)
def test_switches_are_read_as_people_write_them(
    monkeypatch: pytest.MonkeyPatch, raw: str, value: bool
) -> None:
    monkeypatch.setenv("THING", raw)

    assert env.boolean("THING", not value) is value


def test_without_a_variable_the_default_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THING", raising=False)

    assert [READ[kind]() for kind in ("integer", "number", "boolean", "choice", "time_zone")] == [
        3,
        0.5,
        True,
        "a",
        "UTC",
    ]


def test_words_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", " a.example , b.example,,")

    assert env.words("THING", []) == ["a.example", "b.example"]


def test_postgres_is_read_from_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgres://me:p%40ss@db.example:5433/cat%2Dalog?sslmode=require"
    monkeypatch.setenv("THING", address)

    found = env.database("THING", Path("db.sqlite3"))

    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["USER"], found["PASSWORD"]) == ("me", "p@ss")
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example", "5433", "cat-alog")
    assert found["OPTIONS"] == {"sslmode": "require"}


def test_postgres_on_a_socket_is_read_from_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "postgres://me@/catalog?host=/run/postgresql")

    found = env.database("THING", Path("db.sqlite3"))

    assert (found["HOST"], found["PORT"], found["OPTIONS"]) == ("/run/postgresql", "", {})


def test_sqlite_is_durable_and_takes_the_write_lock_at_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("THING", "sqlite:///srv/data/db.sqlite3")

    found = env.database("THING", Path("elsewhere.sqlite3"))

    assert found["NAME"] == "/srv/data/db.sqlite3"
    options = found["OPTIONS"]
    assert isinstance(options, dict)
    assert (options["transaction_mode"], options["timeout"]) == ("IMMEDIATE", 20)
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=FULL" in options["init_command"]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("UPLOAD_MAX_MB", "0"),
        ("REVIEW_RANDOM_SHARE", "2"),
        ("LOG_LEVEL", "LOUD"),
        ("SWEEP_SECONDS", "0"),
    ],
)
def test_the_start_stops_at_a_bad_variable(tmp_path: Path, name: str, raw: str) -> None:
    stopped = start(tmp_path, **{name: raw})

    assert stopped.returncode != 0
    assert f"ImproperlyConfigured: {name}='{raw}' is not" in stopped.stderr


@pytest.mark.parametrize("url", ["localhost:6379", "amqp://localhost", "user:secret@localhost"])
def test_the_start_stops_where_redis_has_no_scheme_of_redis(tmp_path: Path, url: str) -> None:
    stopped = start(tmp_path, REDIS_URL=url)

    assert stopped.returncode != 0
    assert "ImproperlyConfigured: REDIS_URL must start with redis://" in stopped.stderr
    assert "secret" not in stopped.stderr


def test_the_secret_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    assert start(tmp_path).returncode == 0
    file = tmp_path / "secret_key"
    first = file.read_text()

    assert start(tmp_path).returncode == 0

    assert len(first) >= 50
    assert file.read_text() == first
    assert file.stat().st_mode & 0o077 == 0
    assert [p.name for p in tmp_path.iterdir()] == ["secret_key"]


def test_a_folder_that_the_start_makes_is_its_owners_alone(tmp_path: Path) -> None:
    """The database in it holds the sessions."""
    made = tmp_path / "deep" / "data"
    assert start(made).returncode == 0
    assert made.stat().st_mode & 0o077 == 0
