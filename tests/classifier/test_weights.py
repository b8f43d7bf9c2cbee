"""Which weights a model starts from, and that nobody is left in doubt about it."""

from __future__ import annotations

import hashlib
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from classifier import weights
from classifier.errors import WeightsError
from classifier.network import load_backbone

CONTENT = b"pretend weights " * 1000
NO_NAME = "x" * 300
"""Longer than file systems allow: what stands there cannot even be asked for, as in a folder that
is closed to this user."""


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/weights.h5"
        http.shutdown()


def published_as(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    monkeypatch.setattr(weights, "IMAGENET_MD5", digest)


def test_the_starter_weights_are_a_resnet50_at_their_own_size() -> None:
    found = weights.resolve("starter")
    assert (found.source, found.image_size) == ("starter", 112)
    assert found.sha256 == weights.STARTER_SHA256
    backbone = load_backbone(found, image_size=32)
    assert backbone.source == "starter"
    embedding = np.asarray(backbone.model(np.full((1, 32, 32, 3), 128.0)))
    assert embedding.shape == (1, 2048)
    assert np.isfinite(embedding).all()
    again = load_backbone(found, image_size=32)
    assert again.sha256 == backbone.sha256


def test_altered_starter_weights_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered = tmp_path / "starter.h5"
    altered.write_bytes(b"something else")
    monkeypatch.setattr(weights, "STARTER_PATH", altered)
    with pytest.raises(WeightsError, match="was altered"):
        weights.resolve("starter")


def test_imagenet_weights_in_the_cache_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published_as(monkeypatch, CONTENT)
    (tmp_path / weights.IMAGENET_FILE).write_bytes(CONTENT)
    found = weights.resolve("imagenet", cache_dir=tmp_path, url="http://127.0.0.1:9/never")
    assert (found.source, found.image_size) == ("imagenet", 224)
    assert found.path == tmp_path / weights.IMAGENET_FILE
    assert found.sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_imagenet_weights_are_downloaded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    published_as(monkeypatch, CONTENT)
    assert weights.resolve("imagenet", cache_dir=tmp_path, url=server).source == "imagenet"
    found = weights.resolve("imagenet", cache_dir=tmp_path, url="http://127.0.0.1:9/never")
    assert found.source == "imagenet"


def test_a_download_that_fails_its_checksum_is_not_kept(tmp_path: Path, server: str) -> None:
    found = weights.resolve("imagenet", cache_dir=tmp_path, url=server)
    assert found.source == "starter"
    assert "checksum" in found.note
    assert list(tmp_path.iterdir()) == []


def test_out_of_reach_the_starter_weights_take_their_place_loudly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found = weights.resolve("imagenet", cache_dir=tmp_path, url="http://127.0.0.1:9/gone")
    assert found.source == "starter"
    assert "the starter weights are used" in found.note
    assert found.note in caplog.text


def test_a_cache_that_cannot_be_looked_into_counts_as_out_of_reach(tmp_path: Path) -> None:
    found = weights.resolve("imagenet", cache_dir=tmp_path / NO_NAME)
    assert found.source == "starter"
    assert "File name too long" in found.note


def test_a_server_that_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(weights, "STALL_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        found = weights.resolve("imagenet", cache_dir=tmp_path, url=url)
    assert found.source == "starter"
    assert "no answer" in found.note


def test_a_file_is_named_with_its_checksum_and_size(tmp_path: Path) -> None:
    path = tmp_path / "own.weights.h5"
    path.write_bytes(CONTENT)
    found = weights.resolve(str(path), file_image_size=160)
    assert (found.source, found.image_size) == ("file", 160)
    assert found.sha256 == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("name", ["gone.h5", ".", NO_NAME])
def test_a_file_that_cannot_be_read_is_refused_with_what_to_set(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="Set CLASSIFIER_WEIGHTS"):
        weights.resolve(str(tmp_path / name))


def test_a_file_that_is_no_resnet50_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "own.weights.h5"
    path.write_bytes(CONTENT)
    with pytest.raises(WeightsError, match="does not hold the weights"):
        load_backbone(weights.resolve(str(path)), image_size=32)
