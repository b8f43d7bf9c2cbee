"""Embeddings are computed once per photo, backbone and augmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.engines.keras import Embedder
from classifier.errors import Cancelled
from classifier.features import Features, extract_features
from classifier.images import load
from classifier.recipe import Recipe
from tests.classifier.factories import write_catalog


class CountingEmbedder:
    """The real embedder, counting the images it embeds."""

    def __init__(self, embedder: Embedder) -> None:
        self.backbone = embedder.backbone
        self._embedder = embedder
        self.images = 0

    def embed(self, images: Any) -> Any:
        self.images += len(images)
        return self._embedder.embed(images)


def extract(embedder: Any, paths: list[Path], cache: Path | None, **options: Any) -> Features:
    return extract_features(embedder, paths, recipe=Recipe(), cache_dir=cache, **options)


def test_a_photo_has_its_clean_embedding_and_one_per_view(
    tmp_path: Path, embedder: Embedder
) -> None:
    paths, _ = write_catalog(tmp_path, {"red-hats": 2, "blue-hats": 1})
    features = extract(embedder, paths, None, views=2)
    assert features.rows.shape == (3, 3, 2048)
    expected = embedder.embed(np.stack([load(path, 32) for path in paths]))
    np.testing.assert_allclose(features.clean(), expected, rtol=0.02)
    assert (features.rows[0, 0] != features.rows[0, 1]).any()


def test_only_new_photos_are_embedded_again(tmp_path: Path, embedder: Embedder) -> None:
    paths, _ = write_catalog(tmp_path, {"red-hats": 3, "blue-hats": 3})
    counting = CountingEmbedder(embedder)
    first = extract(counting, paths[:4], tmp_path / "cache", views=1)
    assert counting.images == 8
    both = extract(counting, paths[::-1], tmp_path / "cache", views=1)
    assert counting.images == 12
    assert (both.clean()[::-1][:4] == first.clean()).all()


def test_another_augmentation_does_not_share_the_cache(tmp_path: Path, embedder: Embedder) -> None:
    paths, _ = write_catalog(tmp_path, {"red-hats": 1})
    counting: Any = CountingEmbedder(embedder)
    for rotation in (5, 10):
        recipe = Recipe(rotation=rotation)
        extract_features(counting, paths, recipe=recipe, views=1, cache_dir=tmp_path / "cache")
    assert counting.images == 4


def test_a_cache_cut_short_by_a_crash_is_completed(tmp_path: Path, embedder: Embedder) -> None:
    paths, _ = write_catalog(tmp_path, {"red-hats": 3})
    whole = extract(embedder, paths, tmp_path / "cache").clean()
    rows = next((tmp_path / "cache").glob("*.rows"))
    keys = next((tmp_path / "cache").glob("*.keys"))
    rows.write_bytes(rows.read_bytes()[:-100])
    keys.write_text(keys.read_text()[:-10])
    again = extract(embedder, paths, tmp_path / "cache").clean()
    np.testing.assert_allclose(again, whole, rtol=0.02)


def test_an_unreadable_photo_is_skipped_with_its_reason(tmp_path: Path, embedder: Embedder) -> None:
    paths, _ = write_catalog(tmp_path, {"red-hats": 3})
    paths[1].write_bytes(b"not a photo")
    features = extract(embedder, [*paths, tmp_path / "gone.png"], None)
    assert features.kept.tolist() == [0, 2]
    assert sorted(features.skipped) == [1, 3]
    assert "not a photo" in features.skipped[1]
    assert "No such file" in features.skipped[3]
    assert features.clean().shape == (2, 2048)


def test_the_same_photo_twice_is_two_rows_of_one_embedding(
    tmp_path: Path, embedder: Embedder
) -> None:
    paths, _ = write_catalog(tmp_path, {"red-hats": 2})
    features = extract(embedder, [paths[0], paths[1], paths[0]], None)
    assert len(features) == 3
    assert (features.clean()[0] == features.clean()[2]).all()


def test_known_photos_are_not_opened(tmp_path: Path, embedder: Embedder) -> None:
    paths, _ = write_catalog(tmp_path, {"red-hats": 2})
    asked: list[str] = []

    def known(backbone: str, places: Any) -> Any:
        asked.append(backbone)
        yield [0, 2], np.full((2, 2048), 0.5, np.float16)

    unopened = [tmp_path / "gone.png", paths[0], tmp_path / "gone-too.png"]
    options: dict[str, Any] = {"keys": ["a", "b", "c"], "known": known}
    features = extract(embedder, unopened, tmp_path / "cache", **options)

    assert asked == [embedder.backbone.sha256]
    assert features.skipped == {}
    assert (features.clean()[[0, 2]] == 0.5).all()
    again = extract(embedder, unopened, tmp_path / "cache", keys=["a", "b", "c"])
    assert (again.clean() == features.clean()).all()


def test_no_photos_are_no_rows(embedder: Embedder) -> None:
    assert extract(embedder, [], None, views=4).clean().shape == (0, 2048)


def test_extraction_stops_when_it_is_cancelled(tmp_path: Path, embedder: Embedder) -> None:
    paths, _ = write_catalog(tmp_path, {"red-hats": 40})
    seen: list[tuple[int, int]] = []

    def progress(phase: str, done: int, total: int, message: str = "") -> None:
        seen.append((done, total))
        if done:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        extract(embedder, paths, tmp_path / "cache", progress=progress)
    assert seen == [(0, 40), (32, 40)]
