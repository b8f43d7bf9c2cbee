"""manage.py model_versions"""

from __future__ import annotations

from argparse import SUPPRESS
from typing import Any

from django.core.management.base import CommandParser

from catalog import golive
from catalog.errors import NotAllowed
from catalog.management.contract import JSON_HELP, ContractCommand, Result
from catalog.models import ModelVersion, Serving

NUMBER_HELP = "the version's number"
BRIEF = ("images", "accuracy", "macro_f1", "ece")


class Command(ContractCommand):
    help = "List the model versions, show one, put one live, or go back."

    def arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="list|show|promote|rollback")
        actions.add_parser("list", help="every version, the newest first").set_defaults(number=None)
        back = actions.add_parser("rollback", help="put the one before live again, or another")
        back.set_defaults(number=None)
        back.add_argument("--to", type=int, metavar="V", help=NUMBER_HELP)
        for name, words in (("show", "one with all its figures"), ("promote", "put one live")):
            action = actions.add_parser(name, help=words)
            action.add_argument("number", type=int, metavar="V", help=NUMBER_HELP)
        # --json may stand before or after the action: the inner parser must not overwrite it.
        for action in actions.choices.values():
            action.add_argument("--json", action="store_true", default=SUPPRESS, help=JSON_HELP)

    def run(self, **options: Any) -> Result:
        match options["action"]:
            case "show":
                version = _version(options["number"])
                return _result([version], full=True)
            case "promote":
                version = _version(options["number"])
                golive.promote(version, reason="Put live at the command line.", by_hand=True)
                return _result(said=f"Version {version.pk} is live.")
            case "rollback":
                target = _version(options["to"]) if options["to"] is not None else None
                serving = golive.rollback(by=None, to=target)
                return _result(said=f"Back to version {serving.live_id}.")
            case _:
                return _result()


def _version(number: int) -> ModelVersion:
    version = ModelVersion.objects.filter(pk=number).first()
    if version is None:
        raise NotAllowed(f"There is no version {number}; `manage.py model_versions` lists them.")
    return version


def _result(
    versions: list[ModelVersion] | None = None, *, full: bool = False, said: str = ""
) -> Result:
    shown = list(ModelVersion.objects.order_by("-id")) if versions is None else versions
    live = Serving.current().live_id
    data = {"live": live, "versions": [_as_data(v, full=full) for v in shown]}
    lines = [said] if said else [_line(v) for v in shown] or ["There are no versions yet."]
    return Result(data, lines)


def _as_data(version: ModelVersion, *, full: bool) -> dict[str, Any]:
    metrics = version.metrics
    data = {
        "id": version.pk,
        "state": version.state,
        "created": version.created_at.isoformat(),
        "metrics": metrics if full else {k: metrics[k] for k in BRIEF if k in metrics},
        "weights": version.weights,
        "reason": version.reason,
        "run": version.run_id,
        "files_present": version.files_present,
    }
    if full:
        data |= {"classes": version.classes, "recipe": version.recipe}
    return data


def _line(version: ModelVersion) -> str:
    metrics = version.metrics
    figures = ""
    if metrics.get("images") == 0:
        figures = "no test photos"
    elif "accuracy" in metrics:
        figures = f"{100 * metrics['accuracy']:.1f}% of {metrics['images']} test photos right"
    made = f"{version.created_at:%Y-%m-%d %H:%M}"
    return f"{version.pk:>5}  {version.get_state_display():<10} {made}  {figures}  {version.reason}"
