from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier import novelty
from classifier.novelty import Familiar, learn_familiar, read

SIZE = 64


def heap(kind: int, count: int, *, seed: int = 0) -> np.ndarray:
    """Embeddings of photos that look alike."""
    generator = np.random.default_rng([kind, seed])
    values = generator.normal(0, 0.2, (count, SIZE))
    values[:, kind * 8 : kind * 8 + 8] += 2
    return values.astype(np.float16)


def learned(*kinds: int, known: int = 40) -> Familiar:
    """From 30 photos of each kind, whose ids count from 100."""
    embeddings = np.concatenate([heap(kind, 30) for kind in kinds])
    columns = np.repeat(np.arange(len(kinds)), 30)
    ids = np.arange(len(columns)) + 100
    validation = np.concatenate([heap(kind, known, seed=1) for kind in kinds])
    return learn_familiar(embeddings, columns, ids, known=validation)


def test_a_photo_of_a_kind_that_was_left_out_is_unfamiliar() -> None:
    looks = learned(0, 1, 2).look(heap(5, 10))
    assert looks.unfamiliar.all()
    assert set(looks.nearest) == set(range(10))
    assert all(100 <= image < 190 for image in looks.nearest.values())


def test_of_known_kinds_one_photo_in_twenty_is_hinted() -> None:
    familiar = learned(0, 1, 2, known=200)
    fresh = np.concatenate([heap(kind, 300, seed=2) for kind in (0, 1, 2)])
    assert familiar.look(fresh).unfamiliar.mean() == pytest.approx(0.05, abs=0.03)


def test_the_nearest_photo_is_the_one_that_looks_most_alike() -> None:
    everything_is_new = replace(learned(0, 1), threshold=2.0)
    assert everything_is_new.look(heap(0, 30)[7:9]).nearest == {0: 107, 1: 108}


def test_with_too_few_known_photos_nothing_is_called_new() -> None:
    familiar = learn_familiar(
        heap(0, 30), np.zeros(30, int), np.arange(30), known=heap(0, 5, seed=1)
    )
    assert not familiar.look(heap(5, 10)).unfamiliar.any()


def test_what_was_kept_says_the_same_when_it_is_read(tmp_path: Path) -> None:
    familiar, asked = learned(0, 1, 2), np.concatenate([heap(1, 5, seed=3), heap(6, 5)])
    (tmp_path / novelty.FILE).write_bytes(familiar.to_bytes())
    first, second = familiar.look(asked), read(tmp_path / novelty.FILE).look(asked)
    assert np.allclose(first.nearness, second.nearness, atol=2e-3)
    assert first.unfamiliar.tolist() == second.unfamiliar.tolist() == [False] * 5 + [True] * 5


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"nothing of the kind")
    with pytest.raises((ValueError, OSError)):
        read(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", mean=np.zeros(3))
    with pytest.raises(ValueError, match="lacks"):
        read(tmp_path / "b.npz")


def test_of_very_many_photos_an_even_share_of_each_kind_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(novelty, "KEPT", 20)
    embeddings = np.concatenate([heap(0, 100), heap(1, 6)])
    columns = np.repeat([0, 1], [100, 6])
    familiar = learn_familiar(embeddings, columns, np.arange(106), known=embeddings)
    assert len(familiar.photos) == 20
    assert (familiar.ids >= 100).sum() == 6
