"""Keeps the index of look-alikes in line with the embeddings: a bounded piece of work at each
sweep, so that no upload waits for it. Any number of workers may do it at once."""

from __future__ import annotations

import logging
import shutil
import time
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.conf import settings

from catalog import similar_index
from catalog.models import (
    Backbone,
    Embedding,
    ProductImage,
    Reclassification,
    ReclassifyScope,
    Serving,
)
from catalog.similar_index import Floats, Ids, Index, Manifest, Segment
from classifier.components import Components, fit_components
from classifier.feature_files import EMBEDDING_SIZE

from .embeddings import CHUNK, STORED

logger = logging.getLogger(__name__)

SECONDS = 0.5
"""About so long one turn takes at most."""
SEGMENT_ROWS = 8_192
STRETCHES = 16
STRETCH = 256
"""Components are fitted on so many stretches of so many photos, spread over all."""
OUTGROWN = 3
"""A new generation is made when there are so many times the photos the last was fitted for."""
OVERLAP = 1_000
"""Rows that were written in the same moment may become visible out of order: so many before the
newest are looked at again."""
FEWEST = 2
LEFT_ALONE_SECONDS = 120.0
"""Another host's page may be reading what is no longer named; it is deleted later."""
FORGET_SECONDS = 60.0

_verified: set[Path] = set()
_unnamed_since: dict[Path, float] = {}
"""Files that the manifest did not name when this process looked, by when it first saw that."""
_fits: dict[int, Future[Components]] = {}
_forgot_at = [0.0]
_turn = [0]


def keep_up(*, seconds: float = SECONDS) -> int:
    """Take in embeddings that are new; returns how many. A full disk or a damaged file only means
    that the index comes later: photos are classified all the same."""
    backbone = _live_backbone()
    if backbone is None or not _has_room():
        return 0
    try:
        added = _keep_up(backbone, time.monotonic() + seconds)
        _tidy(backbone)
    except (OSError, ValueError) as error:
        logger.warning("the index of look-alikes is behind", extra={"error": str(error)})
        return 0
    if added:
        logger.info("look-alikes", extra={"images": added, "backbone": backbone.pk})
    return added


def _live_backbone() -> Backbone | None:
    serving = Serving.objects.select_related("live__backbone").filter(pk=1).first()
    return serving.live.backbone if serving and serving.live else None


def _has_room() -> bool:
    """What is left is kept for uploads."""
    settings.MODELS_DIR.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(settings.MODELS_DIR).free > settings.UPLOAD_MIN_FREE_BYTES


def _keep_up(backbone: Backbone, deadline: float) -> int:
    index = _newest(backbone)
    if index is None or _is_outgrown(index.manifest):
        begun = _begin(backbone, deadline)
        if begun is None:
            return 0
        index = begun
    waiting = Embedding.objects.filter(backbone=backbone, pk__gt=index.manifest.last)
    if not waiting.exists():
        if not index.manifest.complete_since and not _is_filling(backbone):
            replace(index.manifest, complete_since=time.time()).write(index.folder)
        _forget_withdrawn(index)
        return 0
    return _append(index, backbone, deadline)


def _newest(backbone: Backbone) -> Index | None:
    """The generation to go on with; None: begin one."""
    for generation in similar_index.generations(similar_index.folder_of(backbone.sha256)):
        index = _opened(generation)
        if index is not None:
            return index
    return None


def _opened(generation: Path) -> Index | None:
    """None where it is damaged, and then it is removed. A missing file is damage only while the
    manifest stands that names it: another worker may have written the next one meanwhile."""
    failed: Manifest | None = None
    while True:
        manifest = None
        try:
            manifest = Manifest.read(generation)
            index = Index.open(generation)
            if generation not in _verified:
                _verify(index)
                _verified.add(generation)
            return index
        except (OSError, ValueError) as error:
            if isinstance(error, ValueError) or manifest == failed:
                logger.warning("a damaged index is left behind", extra={"error": str(error)})
                shutil.rmtree(generation, ignore_errors=True)
                return None
            failed = manifest


def _verify(index: Index) -> None:
    """ValueError where the bytes are others than were written."""
    for segment in index.manifest.segments:
        if similar_index.checksum(index.parts[segment.name][1]) != segment.crc:
            raise ValueError(f"{index.folder / segment.name}.vectors.npy is damaged.")


def _is_outgrown(manifest: Manifest) -> bool:
    return bool(manifest.complete_since) and manifest.rows >= OUTGROWN * manifest.known


def _is_filling(backbone: Backbone) -> bool:
    """Photos are still being shown to a new backbone, and another's index serves meanwhile."""
    jobs = Reclassification.objects.filter(
        scope=ReclassifyScope.UNSEEN, finished_at__isnull=True, cancelled_at__isnull=True
    )
    previous = Serving.objects.filter(pk=1).values_list(
        "previous__backbone_id", "previous__backbone__sha256"
    )
    pk, sha256 = previous.first() or (None, None)
    if sha256 is None or pk == backbone.pk or not jobs.exists():
        return False
    return similar_index.Open(similar_index.folder_of(sha256)).index() is not None


def _begin(backbone: Backbone, deadline: float) -> Index | None:
    """A new generation with its components; None where there is too little to fit them on, or while
    they are being fitted."""
    known = Embedding.objects.filter(backbone=backbone).count()
    if known < FEWEST:
        return None
    components = _fitted(backbone, deadline)
    if components is None:
        return None
    folder = similar_index.new_generation(similar_index.folder_of(backbone.sha256))
    similar_index.write_components(folder, components.mean, components.axes)
    Manifest(dimensions=len(components.axes), known=known).write(folder)
    _verified.add(folder)
    return Index.open(folder)


def _fitted(backbone: Backbone, deadline: float) -> Components | None:
    """None until they are there: a thread fits them meanwhile."""
    if backbone.pk not in _fits:
        _fits.clear()
        _fits[backbone.pk] = _aside().submit(fit_components, _sample(backbone))
    fit = _fits[backbone.pk]
    futures.wait([fit], timeout=max(deadline - time.monotonic(), 0))
    if not fit.done():
        return None
    del _fits[backbone.pk]
    return fit.result()


@lru_cache(maxsize=1)
def _aside() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="components")


def _sample(backbone: Backbone) -> list[Floats]:
    rows = Embedding.objects.filter(backbone=backbone).order_by("pk")
    first, last = rows.values_list("pk", flat=True)[0], rows.order_by("-pk")[0].pk
    step = max((last - first) // STRETCHES, STRETCH)
    batches = []
    for start in range(first, last + 1, step):
        stretch = rows.filter(pk__gte=start, pk__lt=start + step).values_list("vector", flat=True)
        batches.append(_vectors([bytes(vector) for vector in stretch[:STRETCH]]))
    return [batch for batch in batches if len(batch)]


def _vectors(stored: list[bytes]) -> Floats:
    whole = [vector for vector in stored if len(vector) == EMBEDDING_SIZE * STORED.itemsize]
    if not whole:
        return np.zeros((0, EMBEDDING_SIZE), np.float32)
    return np.stack([np.frombuffer(vector, STORED) for vector in whole]).astype(np.float32)


def _append(index: Index, backbone: Backbone, deadline: float) -> int:
    """Up to one segment of what is missing."""
    components = Components(index.mean, index.axes)
    ids, parts, last = [], [], index.manifest.last
    taken = 0
    late = _late(index, backbone)
    while taken < SEGMENT_ROWS:
        rows = Embedding.objects.filter(backbone=backbone)
        rows = rows.filter(pk__in=late) if late else rows.filter(pk__gt=last)
        chunk = list(rows.order_by("pk").values_list("pk", "image_id", "vector")[:CHUNK])
        late = []
        if not chunk:
            break
        last = max(last, chunk[-1][0])
        whole = [row for row in chunk if len(row[2]) == EMBEDDING_SIZE * STORED.itemsize]
        if whole:
            ids.append(np.array([image_id for _, image_id, _ in whole], np.int64))
            parts.append(components.directions(_vectors([bytes(row[2]) for row in whole])))
        taken += len(whole)
        if time.monotonic() > deadline:
            break
    segments = list(index.manifest.segments)
    if ids:
        segments = _with(index, np.concatenate(ids), np.concatenate(parts))
    replace(index.manifest, last=last, segments=tuple(segments)).write(index.folder)
    return taken


def _late(index: Index, backbone: Backbone) -> list[int]:
    """Embeddings before the newest known one that the index lacks."""
    before = Embedding.objects.filter(
        backbone=backbone, pk__gt=index.manifest.last - OVERLAP, pk__lte=index.manifest.last
    )
    rows = np.array(list(before.values_list("pk", "image_id")), np.int64).reshape(-1, 2)
    missing: list[int] = rows[~np.isin(rows[:, 1], index.ids), 0].tolist()
    return missing[:CHUNK]


def _with(index: Index, ids: Ids, vectors: Floats) -> list[Segment]:
    """The segments once these are taken in: into the last where that has room, else one more."""
    segments = list(index.manifest.segments)
    if segments and segments[-1].rows + len(ids) <= SEGMENT_ROWS:
        last_ids, last_vectors = index.parts[segments.pop().name]
        ids, vectors = np.concatenate([last_ids, ids]), np.concatenate([last_vectors, vectors])
    return [*segments, similar_index.write_segment(index.folder, ids, vectors)]


def _forget_withdrawn(index: Index) -> None:
    """Now and then one segment is looked through for photos that are gone."""
    segments = list(index.manifest.segments)
    if not segments or time.monotonic() - _forgot_at[0] < FORGET_SECONDS:
        return
    _forgot_at[0] = time.monotonic()
    _turn[0] = (_turn[0] + 1) % len(segments)
    segment = segments[_turn[0]]
    ids, vectors = index.parts[segment.name]
    kept = _present(ids)
    if kept.all():
        return
    left = []
    if kept.any():
        left = [similar_index.write_segment(index.folder, ids[kept], vectors[kept])]
    segments[_turn[0] : _turn[0] + 1] = left
    replace(index.manifest, segments=tuple(segments)).write(index.folder)


def _present(ids: Ids) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    present: list[int] = []
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK].tolist()
        rows = ProductImage.objects.present().filter(pk__in=chunk)
        present += rows.order_by().values_list("pk", flat=True)
    return np.isin(ids, np.array(present, np.int64))


def _tidy(backbone: Backbone) -> None:
    """Remove what nobody reads any more: other backbones' indexes, generations before the one that
    serves, and files that its manifest does not name."""
    folder = similar_index.folder_of(backbone.sha256)
    _remove_other_backbones(folder)
    generations = similar_index.generations(folder)
    for place, generation in enumerate(generations):
        manifest = Manifest.read(generation)
        if not manifest.complete_since:
            continue
        _remove_unnamed(generation, manifest)
        if time.time() - manifest.complete_since > LEFT_ALONE_SECONDS:
            for older in generations[place + 1 :]:
                shutil.rmtree(older, ignore_errors=True)
        return


def _remove_other_backbones(folder: Path) -> None:
    previous = Serving.objects.filter(pk=1).values_list("previous__backbone__sha256", flat=True)
    kept = {folder, *(similar_index.folder_of(sha256) for sha256 in previous if sha256)}
    for other in set(folder.parent.glob("*")) - kept:
        shutil.rmtree(other, ignore_errors=True)


def _remove_unnamed(generation: Path, manifest: Manifest) -> None:
    """Once they have been without a name for a while: a file may be old when it loses its name."""
    named = {similar_index.MANIFEST, similar_index.COMPONENTS}
    for segment in manifest.segments:
        named |= {f"{segment.name}.ids.npy", f"{segment.name}.vectors.npy"}
    now = time.monotonic()
    unnamed = {file for file in generation.iterdir() if file.name not in named}
    since = {file: _unnamed_since.get(file, now) for file in unnamed}
    _unnamed_since.clear()
    _unnamed_since.update(since)
    for file, at in since.items():
        if now - at > LEFT_ALONE_SECONDS:
            file.unlink(missing_ok=True)
