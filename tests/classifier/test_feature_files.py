"""Two processes may use one cache of embeddings, also by accident: each photo keeps its own."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from classifier import feature_files
from classifier.errors import CacheBusy
from classifier.feature_files import EMBEDDING_SIZE, FeatureFile


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    return tmp_path / "features" / "backbone-0"


def rows(numbers: Sequence[int]) -> npt.NDArray[np.float16]:
    """What the network makes of the photos `k0`, `k1`, …: their number, all along."""
    return np.repeat(np.array(numbers, np.float16), EMBEDDING_SIZE).reshape(-1, 1, EMBEDDING_SIZE)


def add(file: FeatureFile, *numbers: int) -> None:
    file.append([f"k{number}" for number in numbers], rows(numbers))


def held(stem: Path) -> dict[str, float]:
    """Each photo a run would find, and the number that its embedding was made of."""
    file = FeatureFile(stem)
    stored = file.rows()
    return {key: float(stored[np.array([at]), 0][0, 0]) for key, at in file.places.items()}


def right(count: int) -> dict[str, float]:
    return {f"k{number}": float(number) for number in range(count)}


def test_a_trainer_that_was_frozen_shifts_nobodys_embeddings(stem: Path) -> None:
    frozen = FeatureFile(stem)
    add(frozen, 0, 1, 2, 3)
    other = FeatureFile(stem)
    add(other, 4, 5, 6, 7)

    add(frozen, 4)
    add(other, 8, 9, 10, 11)

    assert held(stem) == right(12)


def test_a_frozen_trainer_that_comes_back_first_disturbs_the_other_no_more(stem: Path) -> None:
    frozen = FeatureFile(stem)
    add(frozen, 0, 1)
    other = FeatureFile(stem)

    add(frozen, 3, 2)
    add(other, 2, 3, 4)

    found = other.rows()
    places = np.array([other.places[f"k{number}"] for number in range(5)])
    assert found[places, 0][:, 0].tolist() == [0, 1, 2, 3, 4]
    assert held(stem) == right(5)


def test_two_that_write_at_the_same_moment_mix_up_and_lose_nothing(stem: Path) -> None:
    def write(start: int) -> None:
        file = FeatureFile(stem)
        for number in range(start, 120, 2):
            add(file, number)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, [0, 1]))

    assert held(stem) == right(120)


def test_what_a_killed_process_left_half_written_is_written_again_by_the_next(stem: Path) -> None:
    surviving = FeatureFile(stem)
    add(surviving, 0, 1)
    with stem.with_suffix(".rows").open("ab") as file:
        file.write(rows([2]).tobytes() + b"half")
    with stem.with_suffix(".keys").open("a") as file:
        file.write("k")

    add(surviving, 2, 3)

    assert held(stem) == right(4)


def test_a_file_of_before_the_lock_is_read(stem: Path) -> None:
    stem.parent.mkdir()
    stem.with_suffix(".rows").write_bytes(rows([0, 1, 2]).tobytes())
    stem.with_suffix(".keys").write_text("k0\nk1\nk2\n")

    assert held(stem) == right(3)


def test_a_file_that_two_wrote_at_odds_before_keeps_what_is_sound(stem: Path) -> None:
    stem.parent.mkdir()
    stem.with_suffix(".rows").write_bytes(rows([0, 1, 2, 3, 4]).tobytes())
    stem.with_suffix(".keys").write_text("k0\nk1\nk2\nk1\nk3\nk4\n")

    assert held(stem) == right(3)
    add(FeatureFile(stem), 3, 4)
    assert held(stem) == right(5)


def test_a_cache_removed_while_it_was_open_begins_anew(stem: Path) -> None:
    file = FeatureFile(stem)
    add(file, 0, 1)
    feature_files.keep_newest(stem.parent, 0)

    add(file, 0)

    assert held(stem) == right(1)


def test_a_process_that_hangs_over_the_cache_is_named_as_the_reason(
    stem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_files, "LOCK_SECONDS", 0.1)
    file = FeatureFile(stem)
    with (stem.parent / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(CacheBusy, match="If a trainer hangs, end it"):
            add(file, 0)

    add(file, 0)
    assert held(stem) == right(1)
