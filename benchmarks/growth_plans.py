"""How the databases find what the hot queries ask for; benchmarks.growth --plans prints it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from catalog import gallery, lifecycle, queue, reclassify, splits
from catalog.models import ProductImage, Reclassification, ReclassifyScope

from .growth_rows import Filling

TABLE = "catalog_productimage"


def plans(filling: Filling) -> dict[str, list[str]]:
    """{work: the plan of each of its statements that looks for images}"""
    photo = ProductImage.objects.latest("id")
    work: dict[str, Callable[[], object]] = {
        "claim": lambda: lifecycle.claim(owner="bench", limit=32),
        "a merchant's list": lambda: gallery.page(gallery.matching(filling.seller), {}),
        "everybody's list of failed photos": lambda: gallery.page(
            gallery.matching(filling.reviewer, standing="failed"), {}
        ),
        "review: the next photo": lambda: queue.next_images(filling.reviewer),
        "review: how many are left": queue.left,
        "near-duplicates": lambda: splits.near_duplicates(photo),
        "reclassify: the next chunk": _chunk,
    }
    return {name: explained(todo) for name, todo in work.items()}


def _chunk() -> None:
    job = reclassify.start(ReclassifyScope.ALL)
    Reclassification.objects.filter(pk=job.pk).update(total=0)
    reclassify.advance()


def explained(work: Callable[[], object]) -> list[str]:
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    found: list[str] = []

    def with_plan(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if TABLE in sql and sql.startswith("SELECT"):
            with context["connection"].cursor() as cursor:
                cursor.cursor.execute(f"{explain} {sql}", params)
                found.append("\n".join(str(row[-1]) for row in cursor.cursor.fetchall()))
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(with_plan):
        work()
        transaction.set_rollback(True)
    return list(dict.fromkeys(found))
