"""`manage.py create_user NAME --role merchant|reviewer|manager`: the first manager, too."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from ... import accounts
from ...errors import NotAllowed
from ...models import Role
from ..contract import ContractCommand, Result


class Command(ContractCommand):
    help = "Make an account. Prints its random password once, unless one comes on standard input."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="what the person signs in with")
        parser.add_argument(
            "--role", required=True, choices=Role.values, help="what the person may see and do"
        )
        parser.add_argument(
            "--merchant", default="", help="whose products (role merchant); default: NAME"
        )
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password's line from stdin"
        )

    def run(self, **options: Any) -> Result:
        given = self._given() if options["password_stdin"] else ""
        password = given or accounts.random_password()
        role = Role(options["role"])
        user = accounts.create(
            options["name"], role, password=password, merchant=options["merchant"]
        )
        belongs = f" of {user.merchant}" if user.merchant else ""
        summary = [f"Made {user.username}, {role}{belongs}."]
        data: dict[str, Any] = {
            "user": user.username,
            "role": role,
            "merchant": user.merchant.name if user.merchant else None,
        }
        if not given:
            summary.append(f"Password, shown only now: {password}")
            data["password"] = password
        return Result(data, summary)

    def _given(self) -> str:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise NotAllowed("Standard input held no password; pipe one line into the command.")
        return line
