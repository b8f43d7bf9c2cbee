"""The sample catalog, taken in through the same path as anybody's folder of photos.

Two merchants; most pictures are labelled, some are left for the worker. Filling again adds nothing:
the same pictures are drawn, and their bytes are known."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings

from catalog import categories, folders, importing
from catalog.importing import Imported
from catalog.models import Category, Merchant

from .files import Drawing, draw_all
from .tree import SAMPLE_LEAVES, SAMPLE_TREE, SampleCategory

FASHION_HOUSE, PANTRY = "Northgate Outfitters", "Fernhill Pantry"
LABELLED = 29
NEW = (4, 5)
"""Pictures per category with a label, and those left for the worker (in turn: about 40)."""
SELLER = {"fashion": FASHION_HOUSE, "accessories": FASHION_HOUSE, "nutrition": PANTRY}


def fill(progress: Callable[[int, int], None] = lambda _done, _total: None) -> Imported:
    """Draw the pictures and import them; returns how that went."""
    _make_tree()
    merchants = [_merchant(name) for name in (FASHION_HOUSE, PANTRY)]
    total = Imported()
    with tempfile.TemporaryDirectory(prefix="samples-", dir=settings.DATA_DIR) as folder:
        root = Path(folder)
        drawings = list(_drawings(root))
        for done, _ in enumerate(draw_all(drawings), start=1):
            progress(done, len(drawings))
        for merchant in merchants:
            for part in ("labelled", "new"):
                found = folders.scan(root / merchant.name / part, unlabelled=part == "new")
                _add_up(total, importing.import_folder(found, merchant=merchant, is_sample=True))
    return total


def skus() -> list[str]:
    """The SKU of every sample picture."""
    return [drawing.file.stem for drawing in _drawings(Path())]


def _drawings(root: Path) -> Iterator[Drawing]:
    for place, leaf in enumerate(SAMPLE_LEAVES):
        top = leaf.slug.partition("-")[0]
        for number in range(1, LABELLED + NEW[place % 2] + 1):
            sku = f"{leaf.code}-{number:03}"
            seller = root / SELLER[top]
            below = Path("new") if number > LABELLED else Path("labelled", *_names(leaf))
            yield Drawing(leaf.slug, number, seller / below / f"{sku}.jpg")


def _names(leaf: SampleCategory) -> list[str]:
    """Names from the top: the folders an import reads as a path."""
    top = next(top for top in SAMPLE_TREE if leaf in top.leaves())
    return [top.name, leaf.name]


def _make_tree() -> None:
    """In the order of the tree, with the guidance that reviewers read; what people wrote since
    stays."""
    for top in SAMPLE_TREE:
        _describe(top, categories.ensure_path([top.name], is_sample=True))
        for leaf in top.leaves():
            _describe(leaf, categories.ensure_path([top.name, leaf.name], is_sample=True))


def _describe(sample: SampleCategory, category: Category) -> None:
    blank = Category.objects.filter(pk=category.pk, is_sample=True, guidance="", code="")
    blank.update(guidance=sample.guidance, code=sample.code)


def _merchant(name: str) -> Merchant:
    return Merchant.objects.get_or_create(name=name, defaults={"is_sample": True})[0]


def _add_up(total: Imported, part: Imported) -> None:
    total.added += part.added
    total.duplicates += part.duplicates
    total.rejected += part.rejected
    total.split_conflicts += part.split_conflicts
    total.categories += part.categories
