"""SKUs: what a file's name says of one, and how they are written."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath

LENGTH = 80
IN_NAME = re.compile(r"^(?P<sku>.+?)(?:[_ ](?P<number>\d{1,3}))?$")
CAMERA_NAME = re.compile(r"^(img|dsc[nf]?|pic|photo|image|pxl|p|scan)[ _-]?\d+$", re.IGNORECASE)
OWN_STEM = 60


def clean(raw: str) -> str:
    """Letters of any script, digits, dot, dash and underscore; anything else becomes a dash. One
    SKU typed on two systems is one: composed and decomposed accents are the same."""
    kept = "".join(c if _allowed(c) else " " for c in unicodedata.normalize("NFC", raw))
    return "-".join(kept.split())[:LENGTH].strip("-.") or "unnamed"


def of_photo(name: str, sha256: str) -> str:
    """`BLUE-42_2.jpg` is a photo of BLUE-42; a name that says nothing (`IMG_0001`, `front`, `12`)
    gets a piece of its checksum, so that strangers do not become one product."""
    sku = from_name(name)
    return clean(f"{_stem(name)[:OWN_STEM]}-{sha256[:8]}") if says_nothing(sku) else sku


def from_name(name: str) -> str:
    """`BLUE-42_2.jpg` is the second photo of SKU BLUE-42."""
    stem = _stem(name)
    match = IN_NAME.match(stem)
    return clean(match["sku"] if match else stem)


def says_nothing(sku: str) -> bool:
    digits_only = sku.isdigit() and len(sku) < 5
    return digits_only or not any(c.isdigit() for c in sku) or is_of_camera(sku)


def is_of_camera(sku: str) -> bool:
    return bool(CAMERA_NAME.match(sku))


def _stem(name: str) -> str:
    return PurePath(name.replace("\\", "/")).stem


def _allowed(character: str) -> bool:
    return character.isalnum() or character in "._-" or unicodedata.category(character)[0] == "M"
