"""The trainer's cache of augmented views: bounded, and without withdrawn photos."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from catalog.models import ProductImage
from classifier import feature_files

KEPT_FILES = 6
"""A full run uses three (views and photos of the pretrained network, photos of the new one) and a
quick run two; the rest belong to backbones that were left behind."""
CHUNK = 500


@dataclass(frozen=True)
class FeatureCache:
    folder: Path

    def forget_withdrawn(self) -> None:
        """What was computed of a withdrawn photo goes with it."""
        keys = feature_files.keys(self.folder)
        iterator, gone = iter(keys), set[str]()
        while chunk := set(islice(iterator, CHUNK)):
            present = ProductImage.objects.present().filter(sha256__in=chunk)
            gone |= chunk - set(present.values_list("sha256", flat=True))
        if gone:
            feature_files.forget(self.folder, gone)

    def tidy(self) -> None:
        feature_files.keep_newest(self.folder, KEPT_FILES)
