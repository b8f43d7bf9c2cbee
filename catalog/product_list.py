"""A list of SKU and title per file name, as a spreadsheet saves it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction

from . import intake, products, skus
from .errors import Rejected
from .models import LabelState, Merchant, Product, ProductImage

MOST_BYTES = 2_000_000
MOST_LINES = 5000
CHUNK = 500
TITLE_LENGTH = 200
DELIMITERS = ",;\t"
COLUMNS = {
    "file": {"file", "filename", "file name", "image", "photo"},
    "sku": {"sku"},
    "title": {"title", "name"},
}
NO_COLUMNS = "The first line must name the columns: file, sku and title, or file and one of them."


@dataclass(frozen=True)
class Line:
    number: int
    """As a spreadsheet counts: the heading is 1."""
    file: str
    sku: str
    title: str


@dataclass
class Read:
    lines: list[Line] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass
class Applied:
    """How many photos the list named are here, and what did not work, one sentence a line."""

    matched: int
    named: int
    problems: list[str]

    @property
    def words(self) -> str:
        photos = "1 file" if self.named == 1 else f"{self.named} files"
        return f"The list names {photos}; {self.matched} of them uploaded so far."


def read(data: bytes) -> Read:
    """Lines with a file name and at least one of SKU and title; Rejected where the whole list
    cannot be read, a problem for each line that cannot."""
    if len(data) > MOST_BYTES:
        raise Rejected(f"The list is larger than {MOST_BYTES // 1_000_000} MB; split it.")
    rows = csv.reader(io.StringIO(_text(data), newline=""), delimiter=_delimiter(data))
    found = Read()
    try:
        columns = _columns(next(rows, []))
        seen: dict[str, int] = {}
        for cells in rows:
            if any(cell.strip() for cell in cells):
                _add(found, seen, rows.line_num, columns, cells)
            if len(found.lines) + len(found.problems) > MOST_LINES:
                raise Rejected(f"The list has more than {MOST_LINES} lines; split it.")
    except csv.Error as error:
        raise Rejected("The list is no CSV; save it as CSV from the spreadsheet.") from error
    return found


def apply(found: Read, *, merchant: Merchant) -> Applied:
    """Give the photos of this merchant that the list names their SKU and title; of several of one
    name the newest. A photo that a person has put into a category keeps its SKU."""
    applied = Applied(0, len(found.lines), list(found.problems))
    for start in range(0, len(found.lines), CHUNK):
        _apply(found.lines[start : start + CHUNK], merchant, applied)
    return applied


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise Rejected("The list is no CSV; save it as CSV from the spreadsheet.")
    return text


def _delimiter(data: bytes) -> str:
    heading = data.split(b"\n", 1)[0].decode("latin-1")
    return max(DELIMITERS, key=heading.count)


def _columns(heading: list[str]) -> dict[str, int]:
    """{file, sku or title: its place}"""
    names = [cell.strip().lower() for cell in heading]
    places = {
        column: next((n for n, name in enumerate(names) if name in known), -1)
        for column, known in COLUMNS.items()
    }
    found = {column: place for column, place in places.items() if place >= 0}
    if "file" not in found or len(found) < 2:
        raise Rejected(NO_COLUMNS)
    return found


def _add(
    found: Read, seen: dict[str, int], number: int, columns: dict[str, int], cells: list[str]
) -> None:
    def cell(column: str) -> str:
        place = columns.get(column, -1)
        return cells[place].strip() if 0 <= place < len(cells) else ""

    file = intake.printable(cell("file")) if cell("file") else ""
    sku, title = cell("sku"), "".join(c for c in cell("title") if c.isprintable())
    if not file:
        found.problems.append(f"Line {number}: the file name is missing.")
    elif file in seen:
        found.problems.append(f"Line {number}: {file} stands in line {seen[file]} already.")
    elif not sku and not title:
        found.problems.append(f"Line {number}: neither SKU nor title for {file}.")
    elif len(sku) > skus.LENGTH:
        found.problems.append(f"Line {number}: the SKU is longer than {skus.LENGTH} letters.")
    elif len(title) > TITLE_LENGTH:
        found.problems.append(f"Line {number}: the title is longer than {TITLE_LENGTH} letters.")
    else:
        found.lines.append(Line(number, file, skus.clean(sku) if sku else "", title))
    seen.setdefault(file, number)


@transaction.atomic
def _apply(lines: Iterable[Line], merchant: Merchant, applied: Applied) -> None:
    wanted = {line.file: line for line in lines}
    rows = ProductImage.objects.present().filter(merchant=merchant, original_name__in=wanted)
    named = {line.sku for line in wanted.values()}
    there = Product.objects.filter(merchant=merchant, sku__in=named).values_list("pk", flat=True)
    found = list(rows.values_list("pk", flat=True))
    products.lock_of(found, others=there)
    rows = rows.filter(pk__in=found)  # not what came while we waited: its product is not held
    photos = {image.original_name: image for image in rows.select_related("product").order_by("pk")}
    applied.matched += len(photos)
    open_ones = [name for name, image in photos.items() if not _is_labelled(image)]
    targets = _products(merchant, {wanted[name].sku for name in open_ones} - {""})
    moved: list[ProductImage] = []
    left = set()
    titles: dict[int, Product] = {}
    for name, image in photos.items():
        line, target = wanted[name], image.product
        if line.sku not in {"", target.sku} and _is_labelled(image):
            applied.problems.append(
                f"Line {line.number}: {name} is checked already and keeps its SKU {target.sku}."
            )
        elif line.sku not in {"", target.sku}:
            target = targets[line.sku]
            left.add(image.product_id)
            image.product = target
            moved.append(image)
        if line.title:
            target.title = line.title
            titles[target.pk] = target
    ProductImage.objects.bulk_update(moved, ["product"])
    Product.objects.bulk_update(titles.values(), ["title"])
    products.refresh([*left, *(image.product_id for image in moved)])


def _products(merchant: Merchant, skus: set[str]) -> dict[str, Product]:
    new = [Product(merchant=merchant, sku=sku) for sku in sorted(skus)]  # others insert them too
    Product.objects.bulk_create(new, ignore_conflicts=True)
    return {p.sku: p for p in Product.objects.filter(merchant=merchant, sku__in=skus)}


def _is_labelled(image: ProductImage) -> bool:
    return image.label_state in {LabelState.CONFIRMED, LabelState.CORRECTED}
