"""Typed reads of environment variables; a bad value stops the start and names its variable."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off", ""}


def _read(name: str, default: T, parse: Callable[[str], T], expected: str) -> T:
    raw = os.environ.get(name)
    if raw is None:
        return default
    try:
        return parse(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={raw!r} is not {expected}.") from error


def text(name: str, default: str) -> str:
    return os.environ.get(name, default)


def integer(name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
    def parse(raw: str) -> int:
        value = int(raw)
        if value < minimum or (maximum is not None and value > maximum):
            raise ValueError(raw)
        return value

    upto = f"at least {minimum}" if maximum is None else f"{minimum} to {maximum}"
    return _read(name, default, parse, f"a whole number of {upto}")


def share(name: str, default: float, *, minimum: float = 0, maximum: float = 1) -> float:
    def parse(raw: str) -> float:
        value = float(raw)
        if not minimum <= value <= maximum:
            raise ValueError(raw)
        return value

    return _read(name, default, parse, f"a number between {minimum:g} and {maximum:g}")


def number(name: str, default: float, *, minimum: float = 0) -> float:
    def parse(raw: str) -> float:
        value = float(raw)
        if not minimum <= value < float("inf"):
            raise ValueError(raw)
        return value

    return _read(name, default, parse, f"a number of at least {minimum:g}")


def boolean(name: str, default: bool) -> bool:
    def parse(raw: str) -> bool:
        word = raw.strip().lower()
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
        raise ValueError(raw)

    return _read(name, default, parse, "one of 1, 0, true, false, yes, no, on, off")


def choice(name: str, default: str, known: Collection[str]) -> str:
    def parse(raw: str) -> str:
        if raw not in known:
            raise ValueError(raw)
        return raw

    return _read(name, default, parse, f"one of {', '.join(sorted(known))}")


def time_zone(name: str, default: str) -> str:
    def parse(raw: str) -> str:
        try:
            return ZoneInfo(raw).key
        except ZoneInfoNotFoundError as error:
            raise ValueError(raw) from error

    return _read(name, default, parse, "a time zone such as UTC or Europe/Paris")


def words(name: str, default: list[str]) -> list[str]:
    """A comma-separated list."""
    return _read(name, default, lambda raw: [w.strip() for w in raw.split(",") if w.strip()], "")


def folder(name: str, default: Path) -> Path:
    raw = os.environ.get(name)
    return Path(raw).expanduser().resolve() if raw else default


def database(name: str, default_file: Path) -> dict[str, object]:
    """`postgres://user:password@host:port/name?sslmode=require`; empty means SQLite."""
    raw = os.environ.get(name, "")
    if not raw:
        return _sqlite(default_file)
    url = urlsplit(raw)
    if url.scheme == "sqlite":
        if url.path in {"", "/"}:
            raise ImproperlyConfigured(f"{name} names no file: sqlite:///path/to/file.")
        return _sqlite(Path(unquote(url.path)))
    if url.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"{name} starts with {url.scheme!r}; it takes postgres://… or sqlite:///path."
        )
    try:
        port = url.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} has a port that is no number up to 65535.") from error
    if not url.path.lstrip("/"):
        raise ImproperlyConfigured(f"{name} names no database: postgres://user@host/NAME.")
    options: dict[str, object] = dict(parse_qsl(url.query))
    host = str(options.pop("host", "")) or unquote(url.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": host,
        "PORT": str(port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def _sqlite(file: Path) -> dict[str, object]:
    """WAL lets readers go on while one writes; IMMEDIATE takes the write lock at BEGIN, so that
    a transaction that reads and then writes waits its turn instead of failing. FULL: what was
    answered survives a power cut. Tests use a file too: threads cannot share one in memory."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;",
        },
        "TEST": {"NAME": str(file.with_name(f"test-{file.name}"))},
    }
