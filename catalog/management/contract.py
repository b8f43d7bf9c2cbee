"""What every command of the contract does alike: a short summary for people, with `--json` one JSON
object as the last line of standard output; 0 done, 1 refused or failed with one sentence on
standard error, 2 wrong usage."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError

from ..errors import CatalogError

JSON_HELP = "one JSON object as the last line"


@dataclass(frozen=True)
class Result:
    """What a command found or did."""

    data: dict[str, Any]
    summary: list[str] = field(default_factory=list)
    """Lines for people."""
    refused: str = ""
    """Why the exit status is 1 although there is data to print."""


class ContractCommand(BaseCommand):
    """Subclasses give `run`, and `arguments` where they take any."""

    expected: ClassVar[tuple[type[Exception], ...]] = (CatalogError,)
    """Errors whose message is the sentence to print."""
    requires_system_checks: list[str] = []

    def arguments(self, parser: CommandParser) -> None:
        """Declare what the command takes besides `--json`."""

    def run(self, **options: Any) -> Result:
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        self.arguments(parser)
        parser.add_argument("--json", action="store_true", help=JSON_HELP)

    def run_from_argv(self, argv: list[str]) -> None:
        """From a shell: errors are one sentence, without a class name before it."""
        self._called_from_command_line = True  # usage errors then exit 2, without a traceback
        options = vars(self.create_parser(argv[0], argv[1]).parse_args(argv[2:]))
        _log_plainly(options["verbosity"])
        for unused in ("settings", "pythonpath", "args"):
            options.pop(unused, None)
        try:
            self.execute(**options)
        except CommandError as error:
            if options["traceback"]:
                raise
            self.stderr.write(str(error), self.style.ERROR)
            sys.exit(error.returncode)
        except KeyboardInterrupt:
            self.stderr.write("Stopped.")
            sys.exit(130)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            result = self.run(**options)
        except self.expected as error:
            raise CommandError(_sentence(error)) from error
        except (OperationalError, ProgrammingError, InterfaceError) as error:
            raise CommandError(
                f"The database cannot be used ({_sentence(error)}): start it, and run "
                "`manage.py migrate`."
            ) from error
        for line in result.summary:
            self.stdout.write(line)
        if options["json"]:
            self.stdout.write(json.dumps(result.data, default=str, ensure_ascii=False))
        if result.refused:
            raise CommandError(result.refused)


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())


def _log_plainly(verbosity: int) -> None:
    """A terminal wants a command's sentence, not the server's log lines."""
    root = logging.getLogger()
    root.setLevel(logging.INFO if verbosity > 1 else logging.CRITICAL)
    for handler in root.handlers:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))


class Bar:
    """A progress bar on a terminal's line; a line now and then where there is no terminal."""

    WIDTH = 28

    def __init__(self, write: Callable[[str], Any], *, terminal: bool) -> None:
        self._write = write
        self._terminal = terminal
        self._shown = ("", -1)

    def show(self, phase: str, done: int, total: int, message: str = "") -> None:
        tenth = 10 * done // total if total else 0
        if not self._terminal:
            if (phase, tenth) != self._shown:
                numbers = f" {done}/{total} " if total else " "
                self._write(f"{phase}{numbers}{message}".rstrip() + "\n")
            self._shown = (phase, tenth)
            return
        filled = self.WIDTH * done // total if total else 0
        bar = "█" * filled + "░" * (self.WIDTH - filled)
        numbers = f"{done}/{total}" if total else ""
        if self._shown[0] and self._shown[0] != phase:
            self._write("\n")
        self._shown = (phase, tenth)
        self._write(f"\r\033[K{phase:<20.20} {bar} {numbers} {message}"[:110])

    def close(self) -> None:
        if self._terminal and self._shown[0]:
            self._write("\n")


@contextmanager
def bar_on(stream: Any) -> Iterator[Bar]:
    """A bar on `stream` (a command's stderr), ended properly."""

    def write(text: str) -> None:
        stream.write(text, ending="")
        stream.flush()

    bar = Bar(write, terminal=bool(stream.isatty()))
    try:
        yield bar
    finally:
        bar.close()
