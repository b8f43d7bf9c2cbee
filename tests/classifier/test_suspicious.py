from __future__ import annotations

import numpy as np

from classifier.suspicious import confident_joint, out_of_sample, suspects


def three_heaps(rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """(features, columns) of three classes that lie apart."""
    generator = np.random.default_rng(0)
    columns = np.arange(rows) % 3
    centres = np.eye(3, 8) * 6
    return (centres[columns] + generator.normal(0, 0.5, (rows, 8))).astype(np.float32), columns


def test_wrong_labels_stand_at_the_top_of_the_list() -> None:
    features, columns = three_heaps()
    labels = columns.copy()
    wrong = [3, 50, 101, 200]
    labels[wrong] = (labels[wrong] + 1) % 3
    found = suspects(out_of_sample(features, labels, classes=3), labels)
    assert sorted(suspect.place for suspect in found[:4]) == wrong
    assert all(suspect.suggested == columns[suspect.place] for suspect in found[:4])
    assert all(suspect.confidence > 10 * suspect.own for suspect in found)


def test_right_labels_are_left_alone() -> None:
    features, columns = three_heaps()
    assert len(suspects(out_of_sample(features, columns, classes=3), columns)) <= 3


def test_the_answer_to_a_photo_comes_from_a_head_that_has_not_seen_it() -> None:
    generator = np.random.default_rng(1)
    features = generator.normal(size=(60, 30)).astype(np.float32)  # nothing to learn
    columns = generator.integers(0, 2, 60)
    answers = out_of_sample(features, columns, classes=2)
    assert 0.3 < (answers.argmax(axis=1) == columns).mean() < 0.7
    assert np.allclose(answers.sum(axis=1), 1)


def test_the_same_labels_give_the_same_list() -> None:
    features, columns = three_heaps()
    first, second = (out_of_sample(features, columns, classes=3) for _ in range(2))
    assert (first == second).all()


def test_the_confident_joint_of_a_case_worked_by_hand() -> None:
    # Mean own probability: class 0 (0.9 + 0.7 + 0.05) / 3 = 0.55, class 1 (0.8 + 0.9) / 2 = 0.85.
    answers = np.array([[0.9, 0.1], [0.7, 0.3], [0.05, 0.95], [0.2, 0.8], [0.1, 0.9]])
    [found] = confident_joint(answers, np.array([0, 0, 0, 1, 1]))
    assert (found.place, found.suggested) == (2, 1)
