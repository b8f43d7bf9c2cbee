"""The list of photos as CSV, row by row, for spreadsheets and catalog systems."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from .models import LabelState, ProductImage, Role, User
from .models.image import ImageQuerySet
from .wording import Standing, standing, words

BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads UTF-8 as the system's old code page
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
CHUNK = 1000


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def lines(rows: ImageQuerySet, *, reader: User) -> Iterator[str]:
    """Header and one line per photo. `category` is a person's, else the suggestion; `checked` says
    which. Staff see whose photo each is."""
    writer = csv.writer(_Echo())
    staff = reader.role != Role.MERCHANT
    columns = ["file", "sku", "category", "code", "confidence", "checked", "state"]
    yield BYTE_ORDER_MARK + writer.writerow([*(["merchant"] if staff else []), *columns])
    chosen = rows.select_related("product", "label", "predicted", "merchant").order_by("-id")
    for image in chosen.iterator(chunk_size=CHUNK):
        cells = [*([image.merchant.name] if staff else []), *_cells(image)]
        yield writer.writerow([harmless(cell) for cell in cells])


def _cells(image: ProductImage) -> list[str]:
    category = image.label if image.label_state != LabelState.UNLABELLED else image.predicted
    agrees = category is not None and category == image.predicted
    confidence = f"{image.confidence:.3f}" if agrees and image.confidence is not None else ""
    return [
        image.original_name,
        image.product.sku,
        category.path if category else "",
        category.code if category else "",
        confidence,
        "yes" if standing(image) in {Standing.CHECKED, Standing.REPLACE} else "no",
        words(image),
    ]


def harmless(cell: str) -> str:
    """A spreadsheet runs a cell that begins like a formula; an apostrophe makes it text."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
