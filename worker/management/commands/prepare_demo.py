"""manage.py prepare_demo"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from catalog.importing import Imported
from catalog.management.contract import Result, bar_on
from worker import demo
from worker.demo import Prepared

from ..contract import ClassifierCommand

SHOWN = 5


class Command(ClassifierCommand):
    help = "Fill an empty database for a first look; a second time, show the sign-ins again."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--photos", type=Path, metavar="DIR", help="your photos, a folder per category"
        )

    def run(self, **options: Any) -> Result:
        photos = options["photos"].expanduser() if options["photos"] else None
        started = time.monotonic()
        with bar_on(self.stderr) as bar:
            prepared = demo.prepare(photos, progress=bar.show)
        data: dict[str, Any] = {
            "added": prepared.imported.added if prepared.imported else 0,
            "run": prepared.run.pk if prepared.run else None,
            "sign_ins": str(demo.sign_ins_file()),
            "seconds": round(time.monotonic() - started, 1),
        }
        lines = [] if prepared.imported is None else _of_import(prepared, prepared.imported, data)
        if photos and prepared.imported is None:
            lines.append(
                "PHOTOS was not read, as this catalog is filled already: add the photos with "
                "`manage.py import_images DIR`, or name another DATA_DIR."
            )
        if prepared.is_taken:
            lines.append("This database is in use; `manage.py create_user` makes sign-ins.")
        else:
            lines.append(f"Sign-ins: {data['sign_ins']}")
        return Result(data, lines)


def _of_import(prepared: Prepared, imported: Imported, data: dict[str, Any]) -> list[str]:
    left_out = imported.rejected
    lines = [
        f"{imported.added} pictures in {data['seconds']:.0f} s"
        + (f", {len(left_out)} left out:" if left_out else ".")
    ]
    lines += [f"  {r['path']}: {r['reason']}" for r in left_out[:SHOWN]]
    if prepared.run is None:
        lines.append("Too few labelled photos for a first model; label some on the site.")
    return lines
