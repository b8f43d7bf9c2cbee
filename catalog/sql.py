"""SQL that Django's expressions do not write by themselves."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, Value
from django.db.models.sql.compiler import SQLCompiler


class Constant(Value):
    """A word written into the statement instead of bound to it. SQLite then knows, when it plans,
    that a partial index's condition holds, and counts 20,000 rows from the index alone: 1 ms
    against 90. For words of the program only, never for anything a person typed."""

    def as_sql(
        self,
        compiler: SQLCompiler,  # noqa: ARG002  (Django's signature)
        connection: BaseDatabaseWrapper,  # noqa: ARG002
    ) -> tuple[str, tuple[str | int, ...]]:
        word = str(self.value)
        if not word.isidentifier():
            raise ValueError(f"{word!r} is no constant of the program")
        return f"'{word}'", ()


class Aside(Func):
    """A column that SQLite shall compare and not search by. Without statistics it takes any column
    that is asked for by name for the rarest thing there is, and reads a merchant's 40,000 photos
    to find the two that are disputed. PostgreSQL knows how many there are."""

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,
        **extra_context: Any,
    ) -> tuple[str, tuple[str | int, ...]]:
        extra_context["template"] = "+%(expressions)s"
        return self.as_sql(compiler, connection, **extra_context)
