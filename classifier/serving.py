"""A stored version as the engine that serves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from classifier import store
from classifier.engines import KERAS, OPENVINO, Engine, choose, has_gpu
from classifier.errors import StoreError
from classifier.head import Head

if TYPE_CHECKING:
    from classifier.engines import keras, openvino
    from classifier.network import Backbone


def engine_of(root: Path, backbone_sha256: str, setting: str) -> str:
    """`keras` or `openvino`: what `setting` means for this backbone. One that was never exported is
    served by Keras.

    EngineError if `setting` names no engine, StoreError if the export is damaged.
    """
    if choose(setting) == OPENVINO and _export(root, backbone_sha256) is not None:
        return OPENVINO
    return KERAS


def open_engine(
    root: Path, directory: str, *, setting: str, current: Engine | None = None
) -> Engine:
    """The stored version, verified, with the engine of `setting`; its backbone is `current`'s where
    that is the same.

    StoreError says what is wrong with its files, EngineError with the engine.
    """
    sha256 = store.read_manifest(root, directory)["backbone_sha256"]
    if engine_of(root, sha256, setting) == OPENVINO:
        return _open_openvino(root, directory, current)
    return _open_keras(root, directory, sha256, current)


def _open_openvino(root: Path, directory: str, current: Engine | None) -> openvino.Classifier:
    from classifier.engines.openvino import Classifier

    manifest = store.read_manifest(root, directory)
    classes = tuple(manifest["classes"])
    head = Head.read(
        root / directory / store.HEAD_FILE, units=manifest["head_units"], classes=len(classes)
    )
    embedder = _exported_embedder(root, manifest["backbone_sha256"], current)
    return Classifier(embedder, head, classes, manifest["temperature"])


def _exported_embedder(root: Path, sha256: str, current: Engine | None) -> openvino.Embedder:
    from classifier.engines.openvino import Classifier, Embedder

    if isinstance(current, Classifier) and current.backbone_sha256 == sha256:
        return current.embedder
    export = _export(root, sha256)
    assert export is not None  # noqa: S101  (engine_of found it)
    return Embedder(
        export.model, sha256=sha256, image_size=export.image_size, precision=export.precision
    )


def _open_keras(
    root: Path, directory: str, sha256: str, current: Engine | None
) -> keras.Classifier:
    from classifier.engines.keras import Classifier, Embedder

    if isinstance(current, Classifier) and current.backbone_sha256 == sha256:
        return store.open_version(root, directory, embedder=current.embedder)
    on_gpu = has_gpu()
    backbone = open_half(root, sha256) if on_gpu else store.open_backbone(root, sha256)
    return store.open_version(root, directory, embedder=Embedder(backbone, xla=on_gpu))


def open_half(root: Path, sha256: str) -> Backbone:
    """A stored backbone that computes in float16 where that is safe (Micikevicius et al. 2018), as
    GPUs are fastest at it. Its weights stay float32."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return store.open_backbone(root, sha256)
    finally:
        keras.config.set_dtype_policy(before)


def _export(root: Path, sha256: str) -> store.ExportInfo | None:
    try:
        return store.read_export(root, sha256)
    except StoreError as error:
        raise StoreError(
            f"{error} Without the {store.EXPORT_FOLDER} folder Keras serves."
        ) from error
