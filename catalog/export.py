"""The list of photos as CSV, block by block, for spreadsheets and catalog systems."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from . import blind
from .models import Category, LabelState, ProductImage, Role, User
from .models.image import ImageQuerySet
from .wording import Standing, standing, words

BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads UTF-8 as the system's old code page
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
CHUNK = 1000
BLOCK = 32_000
READ = (
    "original_name",
    "complaint_at",
    "checked_again",
    "disputed",
    "label_state",
    "machine",
    "unusable_reason",
    "confidence",
    "label_id",
    "predicted_id",
    "product__sku",
    "merchant__name",
)


def lines(rows: ImageQuerySet, *, reader: User) -> Iterator[str]:
    """Blocks of lines: the header, then one per photo. `category` is a person's, else the
    suggestion; `checked` says which. Staff see whose photo each is, and nothing of those they are
    to look at without suggestions first."""
    staff = reader.role != Role.MERCHANT
    columns = ["file", "sku", "category", "code", "confidence", "checked", "state"]
    chosen = rows.select_related("product", "merchant").only(*READ).order_by("-id")
    header = [*(["merchant"] if staff else []), *columns]
    return blocks(header, _rows(chosen, reader))


def blocks(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A CSV file in pieces. To a spreadsheet each cell is text, whatever it begins with."""
    block = io.StringIO()
    writer = csv.writer(block)
    block.write(BYTE_ORDER_MARK)
    writer.writerow(header)
    for cells in rows:
        writer.writerow([harmless(cell) for cell in cells])
        if block.tell() > BLOCK:
            yield _emptied(block)
    yield _emptied(block)


def _rows(images: ImageQuerySet, reader: User) -> Iterator[list[str]]:
    categories = Category.objects.in_bulk()
    staff = reader.role != Role.MERCHANT
    covered = set(blind.looks_now(reader).values_list("image", flat=True)) if staff else set()
    for image in images.iterator(chunk_size=CHUNK):
        image.is_covered = image.pk in covered
        image.label = categories.get(image.label_id or 0)
        image.predicted = categories.get(image.predicted_id or 0)
        yield [*([image.merchant.name] if staff else []), *_cells(image)]


def _emptied(block: io.StringIO) -> str:
    text = block.getvalue()
    block.seek(0)
    block.truncate()
    return text


def _cells(image: ProductImage) -> list[str]:
    category = image.label if image.label_state != LabelState.UNLABELLED else image.predicted
    if image.is_covered:
        category = None
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
