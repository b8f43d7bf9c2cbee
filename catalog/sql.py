"""SQL that Django's expressions do not write by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, Model, Value
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


def one_at_a_time(lock: int, key: str = "") -> None:
    """On PostgreSQL: wait for other transactions that hold this advisory lock, for the same `key`,
    until the end of this one. SQLite admits one writer at a time anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            if key:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [lock, key])
            else:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])


def keep(row: Model) -> bool:
    """Let nobody delete this row until the transaction ends; False where somebody has. Others may
    change it and keep it too, so it makes nobody wait: a lock that Django has no word for. SQLite
    admits one writer at a time anyway."""
    table = connection.ops.quote_name(row._meta.db_table)
    lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {table} WHERE id = %s{lock}", [row.pk])  # noqa: S608
        return cursor.fetchone() is not None


def update_each(
    model: type[Model], columns: Sequence[str], rows: Sequence[Sequence[float]]
) -> None:
    """Set the columns of many rows, each to numbers of its own: `rows` are (id, number, …). One
    statement; Django's bulk_update writes a CASE of all rows for every column, and takes several
    times as long."""
    if not rows:
        return
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    places = [f"v{n}" for n in range(len(columns))]
    values = ", ".join([f"({', '.join(['%s'] * (len(columns) + 1))})"] * len(rows))
    sets = ", ".join(f"{quote(c)} = new.{v}" for c, v in zip(columns, places, strict=True))
    with connection.cursor() as cursor:
        # Only names of the program and placeholders are put together here.
        cursor.execute(
            f"WITH new(pk, {', '.join(places)}) AS (VALUES {values}) "  # noqa: S608
            f"UPDATE {table} SET {sets} FROM new WHERE {table}.id = new.pk",
            [value for row in rows for value in row],
        )
