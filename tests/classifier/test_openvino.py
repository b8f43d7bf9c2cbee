"""A backbone exported to OpenVINO answers as Keras does, or says that it does not."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest

from classifier import serving, store
from classifier.engines import KERAS, OPENVINO, Engine, choose
from classifier.engines import keras as keras_engine
from classifier.engines import openvino as openvino_engine
from classifier.errors import EngineError, StoreError
from classifier.export import FP32, INT8, Sample, choose_precision, compare, export
from classifier.features import extract_features
from classifier.head import Head
from classifier.network import Backbone, build_head
from classifier.recipe import Recipe
from tests.classifier.factories import write_catalog

CLASSES = ["blue-hats", "red-hats"]
UNITS = 8


@pytest.fixture(scope="module")
def head() -> Any:
    keras.utils.set_random_seed(1)
    return build_head(2, units=UNITS, dropout=0.5)


@pytest.fixture(scope="module")
def root(
    tmp_path_factory: pytest.TempPathFactory,
    backbone: Backbone,
    embedder: keras_engine.Embedder,
    head: Any,
) -> Path:
    """A backbone with its export, and a version on it."""
    folder = tmp_path_factory.mktemp("models")
    store.save_backbone(folder, backbone)
    store.save_version(
        folder,
        "first",
        head=head,
        backbone_sha256=backbone.sha256,
        classes=CLASSES,
        temperature=1.5,
        recipe=Recipe(),
        metrics={},
        fingerprint="",
    )
    paths, labels = write_catalog(folder / "photos", {"red-hats": 12, "blue-hats": 12}, seed=7)
    paths[3].write_bytes(b"")
    features = extract_features(embedder, paths, recipe=Recipe())
    embeddings = np.zeros((len(paths), 2048), np.float16)
    embeddings[features.kept] = features.clean()
    columns = np.array([CLASSES.index(label) for label in labels])
    sample = Sample(paths, embeddings, columns, np.arange(len(paths)) % 2 == 0)
    export(folder, backbone, head=Head.of(head), calibration=paths, sample=sample)
    return folder


def images(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def open_with(root: Path, setting: str, current: Engine | None = None) -> Engine:
    return serving.open_engine(root, "versions/first", setting=setting, current=current)


def test_the_report_counts_the_readable_photos(root: Path, backbone: Backbone) -> None:
    found = store.read_export(root, backbone.sha256)
    assert found is not None
    report = found.report
    assert (report["compared"], report["calibrated_on"], report["validation"]) == (23, 23, 12)
    assert found.precision == report["precision"]
    assert report["cosine"] > 0.98
    assert report["agreement"] is not None
    assert report["reason"]


def test_both_engines_give_the_same_answers(root: Path, embedder: keras_engine.Embedder) -> None:
    keras = store.open_version(root, "versions/first", embedder=embedder)
    openvino = open_with(root, "openvino")
    assert (keras.name, openvino.name.split()[0]) == ("Keras float32", "OpenVINO")
    for count in (0, 1, 3, 41):
        probabilities, embeddings = openvino.predict(images(count))
        expected, _ = keras.predict(images(count))
        assert probabilities.shape == (count, 2)
        assert embeddings.shape == (count, 2048)
        assert embeddings.dtype == np.float16
        np.testing.assert_allclose(probabilities, expected, atol=0.05)  # int8 on pure noise


def test_a_head_needs_no_keras_to_give_the_same_answer(root: Path, head: Any) -> None:
    embeddings = np.random.default_rng(0).random((5, 2048)).astype(np.float16)
    read = Head.read(root / "versions/first/head.weights.h5", units=UNITS, classes=2)
    expected = np.asarray(head(embeddings.astype(np.float32), training=False))
    np.testing.assert_allclose(read.logits(embeddings), expected, rtol=1e-4, atol=1e-4)


def test_so_does_one_that_gives_room(tmp_path: Path) -> None:
    head = build_head(3, units=UNITS, dropout=0.5, room=True)
    generator = np.random.default_rng(1)
    head.set_weights([generator.normal(size=array.shape) for array in head.get_weights()])
    head.save_weights(tmp_path / "head.weights.h5")
    embeddings = generator.random((5, 2048)).astype(np.float16)

    read = Head.read(tmp_path / "head.weights.h5", units=UNITS, classes=3)

    expected = np.asarray(head(embeddings.astype(np.float32), training=False))
    np.testing.assert_allclose(read.logits(embeddings), expected, rtol=1e-4, atol=1e-4)
    without = replace(read, room=None).logits(embeddings)
    assert np.abs(without - expected).max() > 0.1


def test_a_photo_gets_the_same_answer_alone_and_in_company(root: Path) -> None:
    engine = open_with(root, "openvino")
    together, _ = engine.predict(images(43))
    for place in (0, 35, 42):
        alone, _ = engine.predict(images(43)[place : place + 1])
        np.testing.assert_allclose(alone[0], together[place], atol=2e-3)


def test_a_new_head_may_warm_up_while_the_old_one_answers(root: Path) -> None:
    first = open_with(root, "openvino")
    second = open_with(root, "openvino", current=first)
    expected = first.embed(images(41))
    with ThreadPoolExecutor(2) as threads:
        answered = [threads.submit(first.embed, images(41)) for _ in range(4)]
        second.warm()
        for answer in answered:
            assert (answer.result() == expected).all()


def test_pixels_of_another_size_are_refused(root: Path) -> None:
    with pytest.raises(ValueError, match=r"\(N, 32, 32, 3\)"):
        open_with(root, "openvino").embed(np.zeros((1, 64, 64, 3), np.uint8))


def test_a_new_head_serves_on_the_backbone_that_is_loaded(
    root: Path, embedder: keras_engine.Embedder
) -> None:
    keras = store.open_version(root, "versions/first", embedder=embedder)
    for setting, first in (("keras", keras), ("openvino", open_with(root, "openvino"))):
        second: Any = open_with(root, setting, current=first)
        assert second is not first
        assert second.embedder is getattr(first, "embedder")  # noqa: B009  (of either engine)


def test_a_backbone_without_an_export_is_served_by_keras(
    tmp_path: Path, root: Path, backbone: Backbone
) -> None:
    for setting in ("auto", "openvino"):
        assert serving.engine_of(root, backbone.sha256, setting) == OPENVINO
        assert serving.engine_of(tmp_path, backbone.sha256, setting) == KERAS


def test_a_damaged_export_is_refused_with_a_way_out(
    tmp_path: Path, root: Path, backbone: Backbone
) -> None:
    folder = tmp_path / "backbones" / backbone.sha256
    folder.mkdir(parents=True)
    (tmp_path / "versions").symlink_to(root / "versions")
    export_folder = folder / store.EXPORT_FOLDER
    export_folder.mkdir()
    for file in (root / "backbones" / backbone.sha256 / store.EXPORT_FOLDER).iterdir():
        (export_folder / file.name).write_bytes(file.read_bytes())
    weights = export_folder / "backbone.bin"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(StoreError, match=r"backbone\.bin is missing or damaged.*Keras serves"):
        open_with(tmp_path, "openvino")


def test_an_export_that_openvino_cannot_run_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "backbone.xml"
    path.write_text("<net/>")
    with pytest.raises(EngineError, match="CLASSIFIER_ENGINE=keras"):
        openvino_engine.Embedder(path, sha256="", image_size=32, precision=INT8)


def test_a_head_of_another_network_is_refused(root: Path) -> None:
    with pytest.raises(StoreError, match="does not fit the network"):
        Head.read(root / "versions/first/head.weights.h5", units=UNITS + 1, classes=2)
    with pytest.raises(StoreError, match="does not fit the network"):
        Head.read(root / "versions/first/manifest.json", units=UNITS, classes=2)


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(EngineError, match=r"no engine 'onnx'.*auto, keras, openvino"):
        choose("onnx")


def answers(head: Head, keras: list[int], ours: list[int], columns: list[int]) -> Any:
    """A comparison of photos on which the two give these answers."""
    generator = np.random.default_rng(0)
    pool = generator.normal(size=(4000, 2048)).astype(np.float16)
    given = head.logits(pool).argmax(axis=1)
    by_answer = [pool[given == column] for column in (0, 1)]
    return compare(
        head,
        np.stack([by_answer[column][n] for n, column in enumerate(ours)]),
        np.stack([by_answer[column][n] for n, column in enumerate(keras)]),
        np.array(columns),
        np.ones(len(keras), bool),
    )


def test_int8_serves_where_it_agrees(head: Any) -> None:
    found = answers(Head.of(head), [0, 1] * 50, [0, 1] * 50, [0, 1] * 50)
    assert found.agreement == 1
    assert choose_precision(found)[0] == INT8


def test_fp32_serves_where_int8_disagrees(head: Any) -> None:
    found = answers(Head.of(head), [0, 1] * 50, [1, 1] + [0, 1] * 49, [0, 1] * 50)
    assert found.agreement == 0.99
    assert choose_precision(found)[0] == INT8
    found = answers(Head.of(head), [0, 1] * 50, [1, 0] + [0, 1] * 49, [0, 1] * 50)
    assert choose_precision(found) == (
        FP32,
        "int8 gave 98.0% of 100 photos the same first answer as Keras; 99% are needed.",
    )


def test_fp32_serves_where_int8_is_significantly_worse(head: Any) -> None:
    found = answers(Head.of(head), [0] * 600, [1] * 5 + [0] * 595, [0] * 600)
    assert (found.lost, found.won) == (5, 0)
    precision, reason = choose_precision(found)
    assert precision == FP32
    assert "lost 5 right answers" in reason


def test_fp32_serves_where_nothing_could_be_compared(head: Any) -> None:
    empty = np.empty((0, 2048), np.float16)
    none = np.empty(0, np.int64)
    found = compare(Head.of(head), empty, empty, none, none.astype(bool))
    assert choose_precision(found)[0] == FP32


def test_serving_loads_no_tensorflow_and_reports_to_nobody(root: Path) -> None:
    code = f"""
import sys, numpy
from dataclasses import replace
from pathlib import Path
from classifier.serving import open_engine
engine = open_engine(Path({str(root)!r}), "versions/first", setting="openvino")
engine.predict(numpy.zeros((1, 32, 32, 3), numpy.uint8))
assert engine.name.startswith("OpenVINO")
assert "tensorflow" not in sys.modules and "keras" not in sys.modules
assert sys.modules["openvino_telemetry"] is None
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_on_a_gpu_keras_computes_in_half_and_answers_the_same(
    root: Path, embedder: keras_engine.Embedder
) -> None:
    half = serving.open_half(root, embedder.backbone.sha256)
    assert half.model.get_layer("resnet50").dtype_policy.compute_dtype == "float16"
    ours = keras_engine.Embedder(half, xla=True).embed(images(1)).astype(np.float64)
    theirs = embedder.embed(images(1)).astype(np.float64)
    cosine = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosine.min() > 0.999
