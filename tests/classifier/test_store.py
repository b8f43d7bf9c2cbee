"""Models on disk: whole or not there, verified when opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier import store
from classifier.engines.keras import Classifier, Embedder
from classifier.errors import StoreError
from classifier.network import Backbone, build_head
from classifier.recipe import Recipe

CLASSES = ["hats", "shirts", "shoes"]


@pytest.fixture(scope="module")
def head() -> Any:
    return build_head(3, units=8, dropout=0.5)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, backbone: Backbone) -> Path:
    """A root with the backbone in it; tests write their versions to names of their own."""
    root = tmp_path_factory.mktemp("models")
    store.save_backbone(root, backbone)
    return root


def save(root: Path, name: str, head: Any, sha256: str) -> str:
    return store.save_version(
        root,
        name,
        head=head,
        backbone_sha256=sha256,
        classes=CLASSES,
        temperature=1.5,
        recipe=Recipe(),
        metrics={"accuracy": 0.5},
        fingerprint="abc",
    )


def test_a_stored_version_predicts_what_it_predicted_before(
    stored: Path, head: Any, embedder: Embedder
) -> None:
    directory = save(stored, "same", head, embedder.backbone.sha256)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    before, embeddings_before = Classifier(embedder, head, tuple(CLASSES), 1.5).predict(images)
    opened = store.open_version(stored, directory)
    after, embeddings_after = opened.predict(images)
    assert opened.classes == tuple(CLASSES)
    assert opened.temperature == 1.5
    assert opened.backbone_sha256 == embedder.backbone.sha256
    assert opened.embedder is not embedder
    np.testing.assert_allclose(embeddings_after, embeddings_before, rtol=0.01)
    np.testing.assert_allclose(after, before, atol=1e-3)


def test_a_version_on_the_same_backbone_uses_the_loaded_one(
    stored: Path, head: Any, embedder: Embedder
) -> None:
    directory = save(stored, "shared", head, embedder.backbone.sha256)
    assert store.open_version(stored, directory, embedder=embedder).embedder is embedder


def test_a_head_is_opened_as_it_was_stored(stored: Path, head: Any, backbone: Backbone) -> None:
    roomy = build_head(3, units=8, dropout=0.5, room=True)
    roomy.get_layer("room").set_weights([np.diag([2.0, 0, 0])])
    for name, one in (("plain", head), ("roomy", roomy)):
        opened = store.open_head(stored, save(stored, name, one, backbone.sha256))

        for found, expected in zip(opened.get_weights(), one.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_version_says_how_it_was_made(stored: Path, head: Any, backbone: Backbone) -> None:
    manifest = store.read_manifest(stored, save(stored, "says", head, backbone.sha256))
    assert manifest["recipe"] == Recipe().to_dict()
    assert manifest["metrics"] == {"accuracy": 0.5}
    assert manifest["fingerprint"] == "abc"


def test_a_name_is_never_used_twice(stored: Path, head: Any, backbone: Backbone) -> None:
    save(stored, "once", head, backbone.sha256)
    with pytest.raises(StoreError, match="already stored"):
        save(stored, "once", head, backbone.sha256)


def test_storing_a_backbone_again_changes_nothing(stored: Path, backbone: Backbone) -> None:
    manifest = stored / "backbones" / backbone.sha256 / "manifest.json"
    before = manifest.stat().st_mtime_ns
    info = store.save_backbone(stored, backbone)
    assert info.sha256 == backbone.sha256
    assert manifest.stat().st_mtime_ns == before


def test_a_damaged_backbone_is_set_aside_not_deleted(tmp_path: Path, backbone: Backbone) -> None:
    folder = tmp_path / "backbones" / backbone.sha256
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{")
    store.save_backbone(tmp_path, backbone)
    store.read_manifest(tmp_path, f"backbones/{backbone.sha256}")
    assert len(list(folder.parent.glob("*.damaged-*"))) == 1


@pytest.mark.parametrize("name", ["head.weights.h5", "manifest.json"])
def test_a_changed_file_is_refused(stored: Path, head: Any, embedder: Embedder, name: str) -> None:
    directory = save(stored, f"changed-{name}", head, embedder.backbone.sha256)
    path = stored / directory / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=r"damaged\. Restore it"):
        store.open_version(stored, directory, embedder=embedder)


def test_a_missing_file_is_refused(stored: Path, head: Any, embedder: Embedder) -> None:
    directory = save(stored, "missing", head, embedder.backbone.sha256)
    (stored / directory / "head.weights.h5").unlink()
    with pytest.raises(StoreError, match=r"head\.weights\.h5 is missing"):
        store.open_version(stored, directory, embedder=embedder)


def test_a_missing_directory_is_refused(stored: Path) -> None:
    with pytest.raises(StoreError, match="nowhere is missing"):
        store.open_version(stored, "versions/nowhere")


def test_a_version_whose_backbone_is_gone_is_refused(stored: Path, head: Any) -> None:
    directory = save(stored, "homeless", head, "0" * 64)
    with pytest.raises(StoreError, match="0000 is missing"):
        store.open_version(stored, directory)


def test_another_architecture_is_refused(stored: Path, head: Any, backbone: Backbone) -> None:
    directory = save(stored, "other", head, backbone.sha256)
    path = stored / directory / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "architecture": "vgg16"}))
    with pytest.raises(StoreError, match="not a resnet50-avg-middle version"):
        store.open_version(stored, directory)


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, backbone: Backbone) -> None:
    class Unwritable:
        def save_weights(self, _path: Path) -> None:
            raise OSError("No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        save(tmp_path, "full", Unwritable(), backbone.sha256)
    assert list((tmp_path / "versions").iterdir()) == []
