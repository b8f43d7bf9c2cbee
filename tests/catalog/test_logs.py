"""Logs: one JSON object a line, with the ids the call named."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from catalog.logs import JsonFormatter, logging_config


class Lines(logging.Handler):
    """Keeps what a log file would hold."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    def only(self) -> dict[str, Any]:
        (text,) = self.texts
        assert "\n" not in text
        line: dict[str, Any] = json.loads(text)
        return line


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, logger = Lines(), logging.getLogger("catalog.tried")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)


def test_a_line_says_when_who_what_and_the_named_ids(lines: Lines) -> None:
    logging.getLogger("catalog.tried").info("batch done", extra={"images": [1, 2], "ms": 12.5})

    line = lines.only()
    assert line["time"].endswith("+00:00")
    assert (line["level"], line["logger"], line["event"]) == ("info", "catalog.tried", "batch done")
    assert (line["images"], line["ms"]) == ([1, 2], 12.5)


def test_an_error_carries_its_traceback_on_the_same_line(lines: Lines) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("catalog.tried").exception("failed", extra={"image": 7})

    line = lines.only()
    assert line["image"] == 7
    assert "ValueError: two\nlines" in line["traceback"]


def test_a_named_field_never_hides_the_line_itself(lines: Lines) -> None:
    logging.getLogger("catalog.tried").warning("real", extra={"event": "fake", "level": "debug"})

    assert (lines.only()["event"], lines.only()["level"]) == ("real", "warning")


def test_what_json_cannot_hold_is_written_as_words(lines: Lines) -> None:
    logging.getLogger("catalog.tried").info("odd", extra={"thing": {1}, "sku": "é"})

    assert (lines.only()["thing"], lines.only()["sku"]) == ("{1}", "é")


@pytest.mark.parametrize(("as_json", "formatter"), [(True, "json"), (False, "plain")])
def test_lines_are_json_or_plain_as_set(as_json: bool, formatter: str) -> None:
    config = logging_config(as_json=as_json, level="WARNING")

    assert config["handlers"]["stderr"]["formatter"] == formatter
    assert config["root"]["level"] == "WARNING"
