"""`manage.py`, except that a new backbone serves at int8 however seldom it agrees with Keras: how
fast int8 answers is the same for all weights, whether it may serve is not.

    python -m benchmarks.int8_always retrain ..."""

from __future__ import annotations

import os
import sys
from unittest import mock


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "catalog.settings")
    from django.core.management import execute_from_command_line

    from classifier import export

    with mock.patch.multiple(export, MIN_AGREEMENT=0.0, MAX_CHANCE=0.0):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
