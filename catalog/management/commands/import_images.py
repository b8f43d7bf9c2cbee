"""manage.py import_images DIR"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from catalog import folders, importing
from catalog.errors import CatalogError
from catalog.importing import Imported
from catalog.management.contract import ContractCommand, Result, bar_on
from catalog.models import Merchant, Split

SHOWN = 10


class Command(ContractCommand):
    help = "Import a folder of photos, one folder per category; the labels count as a person's."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, help="a folder per category")
        parser.add_argument(
            "--split",
            choices=[s.value for s in Split if s.value],
            help="what all of them are for; drawn for each product if left out",
        )
        parser.add_argument(
            "--merchant",
            default=importing.MERCHANT,
            metavar="NAME",
            help=f"whose products they are ({importing.MERCHANT})",
        )
        parser.add_argument("--unlabelled", action="store_true", help="the worker suggests labels")
        parser.add_argument("--dry-run", action="store_true", help="store nothing")

    def run(self, **options: Any) -> Result:
        name = _require_name(options["merchant"])
        found = folders.scan(options["folder"].expanduser(), unlabelled=options["unlabelled"])
        if options["dry_run"]:
            return _result(importing.rehearse(found, merchant_name=name), "would be added")
        merchant, _ = Merchant.objects.get_or_create(name=name)
        with bar_on(self.stderr) as bar:
            outcome = importing.import_folder(
                found,
                merchant=merchant,
                split=Split(options["split"] or ""),
                progress=lambda done, total: bar.show("importing", done, total),
            )
        return _result(outcome, "added")


def _require_name(raw: str) -> str:
    name = " ".join(raw.split())
    if not 0 < len(name) <= 120:
        raise CatalogError("--merchant needs a name of 1 to 120 characters.")
    return name


def _result(outcome: Imported, verb: str) -> Result:
    data = {
        "added": outcome.added,
        "duplicates": outcome.duplicates,
        "rejected": outcome.rejected,
        "split_conflicts": outcome.split_conflicts,
        "categories": dict(sorted(outcome.categories.items())),
    }
    lines = [f"{outcome.added} {verb}, {outcome.duplicates} there already."]
    lines += [f"  {slug}: {count}" for slug, count in sorted(outcome.categories.items())]
    if outcome.split_conflicts:
        lines.append(
            f"{outcome.split_conflicts} resemble photos of another split; they are used in neither."
        )
    if outcome.rejected:
        lines.append(f"{len(outcome.rejected)} left out:")
        lines += [f"  {r['path']}: {r['reason']}" for r in outcome.rejected[:SHOWN]]
    return Result(data, lines)
