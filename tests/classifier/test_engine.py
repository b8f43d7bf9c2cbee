from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from classifier.engines import Engine, batch_plan
from classifier.engines.keras import Classifier, Embedder
from classifier.network import build_head

CLASSES = ("hats", "shirts", "shoes")


@pytest.fixture(scope="module")
def classifier(embedder: Embedder) -> Classifier:
    return Classifier(embedder, build_head(3, units=8, dropout=0.5), CLASSES, 2.0)


def images(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 9, 25, 32, 33, 41, 100])
def test_a_batch_plan_holds_every_image(count: int) -> None:
    plan = batch_plan(count)
    assert set(plan) <= {1, 8, 32}
    assert count <= sum(plan) < count + 8


def test_a_photo_gets_the_same_answer_alone_and_in_company(classifier: Classifier) -> None:
    together, embeddings = classifier.predict(images(43))
    assert together.shape == (43, 3)
    assert together.dtype == np.float32
    assert embeddings.shape == (43, 2048)
    assert embeddings.dtype == np.float16
    for place in (0, 35, 42):
        alone, _ = classifier.predict(images(43)[place : place + 1])
        np.testing.assert_allclose(alone[0], together[place], atol=2e-3)


def test_probabilities_sum_to_one(classifier: Classifier) -> None:
    np.testing.assert_allclose(classifier.predict(images(3))[0].sum(axis=1), 1, rtol=1e-5)


def test_a_stored_embedding_gets_the_answer_its_photo_got(classifier: Classifier) -> None:
    probabilities, embeddings = classifier.predict(images(5))
    assert (classifier.predict_embeddings(embeddings) == probabilities).all()


def test_a_higher_temperature_is_less_sure(embedder: Embedder) -> None:
    head = build_head(3, units=8, dropout=0.0)
    embeddings = np.random.default_rng(0).random((4, 2048)).astype(np.float16)
    sure = Classifier(embedder, head, CLASSES, 0.5).predict_embeddings(embeddings)
    unsure = Classifier(embedder, head, CLASSES, 5.0).predict_embeddings(embeddings)
    assert (sure.max(axis=1) > unsure.max(axis=1)).all()
    assert (sure.argmax(axis=1) == unsure.argmax(axis=1)).all()


def test_no_images_are_no_answers(classifier: Classifier) -> None:
    probabilities, embeddings = classifier.predict(images(0))
    assert probabilities.shape == (0, 3)
    assert embeddings.shape == (0, 2048)


def test_pixels_of_another_size_are_refused(classifier: Classifier) -> None:
    with pytest.raises(ValueError, match=r"\(N, 32, 32, 3\)"):
        classifier.predict(np.zeros((1, 64, 64, 3), np.uint8))


def test_it_is_an_engine(classifier: Classifier) -> None:
    engine: Engine = classifier
    engine.warm()
    assert engine.classes == CLASSES
    assert engine.image_size == 32
