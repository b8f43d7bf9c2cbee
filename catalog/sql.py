"""SQL that Django's expressions do not write by themselves."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Value
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
