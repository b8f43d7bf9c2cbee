from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classifier.errors import Cancelled, NotEnoughData
from classifier.features import Features, silent
from classifier.recipe import Recipe
from classifier.training import HeadResult, head_logits, train_head

RECIPE = Recipe(
    head_units=16, head_epochs=12, head_batch_size=16, head_learning_rate=3e-3, head_min_steps=1
)


def clouds(count: int, *, seed: int, views: int = 1) -> tuple[Features, np.ndarray]:
    """Embeddings of two categories around two centres."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    centres = np.random.default_rng(99).random((2, 2048))
    rows = centres[labels][:, None] + 0.3 * generator.standard_normal((count, 1 + views, 2048))
    every = np.arange(count)
    return Features(rows.astype(np.float16), every, every, {}), labels


def train(recipe: Recipe = RECIPE, **options: object) -> HeadResult:
    features, labels = clouds(40, seed=0)
    checks, check_labels = clouds(20, seed=1, views=0)
    settings: dict[str, object] = {"validation": (checks.clean(), check_labels), **options}
    return train_head(features, labels, classes=2, recipe=recipe, **settings)  # type: ignore[arg-type] # a test's options


@pytest.fixture(scope="module")
def result() -> HeadResult:
    return train()


def test_a_head_learns_what_separates_two_categories(result: HeadResult) -> None:
    unseen, labels = clouds(30, seed=2, views=0)
    predicted = head_logits(result.head, unseen.clean()).argmax(axis=1)
    assert (predicted == labels).mean() > 0.9


def test_the_history_has_a_number_per_epoch_of_each_curve(result: HeadResult) -> None:
    history = result.history
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
    assert {len(values) for values in history.values()} == {len(history["loss"])}
    assert 0 < len(history["loss"]) <= RECIPE.head_epochs


def test_the_same_seed_gives_the_same_head(result: HeadResult) -> None:
    again = train()
    assert result.history == again.history
    for a, b in zip(result.head.get_weights(), again.head.get_weights(), strict=True):
        assert (a == b).all()


def test_without_validation_photos_it_still_trains() -> None:
    result = train(validation=None)
    assert set(result.history) == {"loss", "accuracy", "learning_rate"}


def test_it_stops_early_when_validation_no_longer_improves() -> None:
    recipe = RECIPE.with_overrides(["head_epochs=400", "head_patience=2"])
    assert len(train(recipe).history["loss"]) < 400


def test_curves_are_logged_for_tensorboard(tmp_path: Path) -> None:
    train(log_dir=tmp_path)
    assert list((tmp_path / "head").rglob("events.out.tfevents.*"))


def test_progress_is_told_of_every_batch() -> None:
    told: list[tuple[str, int, int]] = []

    def progress(phase: str, done: int, total: int, message: str = "") -> None:
        told.append((phase, done, total))

    result = train(progress=progress)
    batches = 5 * len(result.history["loss"])
    assert ("head", batches, 60) in told
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_a_few_photos_are_gone_through_often_enough_to_be_learned() -> None:
    recipe = RECIPE.with_overrides(["head_learning_rate=3e-4", "head_min_steps=30"])
    unseen, labels = clouds(30, seed=2, views=0)

    learned = train(recipe)

    predicted = head_logits(learned.head, unseen.clean()).argmax(axis=1)
    assert (predicted == labels).mean() > 0.9
    too_few_steps = train(recipe.with_overrides(["head_min_steps=1"]))
    assert learned.history["loss"][0] < too_few_steps.history["loss"][0]


def test_cancelling_stops_at_the_next_batch() -> None:
    told: list[int] = []

    def progress(phase: str, done: int, total: int, message: str = "") -> None:
        told.append(done)
        if done == 3:
            raise Cancelled("Stopped by a manager.")

    with pytest.raises(Cancelled, match="manager"):
        train(progress=progress)
    assert told == [1, 2, 3]


def test_one_category_is_not_enough() -> None:
    features, labels = clouds(10, seed=0)
    with pytest.raises(NotEnoughData, match="fewer than two categories"):
        train_head(
            features,
            labels * 0,
            classes=2,
            validation=None,
            recipe=RECIPE,
            progress=silent,
        )
