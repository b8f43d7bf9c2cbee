"""`python -m launcher install [--dev]` and `python -m launcher demo`, with any supported Python."""

from __future__ import annotations

import argparse
import os
import sys

from .errors import LauncherError
from .installation import Installation, install
from .place import ROOT, Place
from .preflight import check_start


def main() -> int:
    parser = argparse.ArgumentParser(prog="launcher", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install").add_argument("--dev", action="store_true")
    commands.add_parser("demo")
    arguments = parser.parse_args()
    try:
        if arguments.command == "demo":
            demo()
        else:
            install(Installation(ROOT), dev=arguments.dev, environment=os.environ)
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def demo() -> None:
    """Install if need be, then become the demo, so that signals and the parent stay the same."""
    place = Place.from_environment(os.environ)
    installation = Installation(ROOT)
    install(
        installation,
        dev=False,
        environment=os.environ,
        check=lambda: check_start(place, os.environ),
    )
    python = str(installation.python)
    os.execv(python, [python, "-m", "launcher.demo"])  # noqa: S606 - our own .venv


if __name__ == "__main__":
    sys.exit(main())
