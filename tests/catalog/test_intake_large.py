"""Large pictures are worked on one at a time, whoever sends them; ordinary ones do not wait."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from PIL import Image

from catalog import intake, pictures
from tests import factories


@pytest.fixture(autouse=True)
def large_is_not_so_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "LARGE", 100_000)


def large(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (420, 300), colour).save(out, "PNG")
    return out.getvalue()


def test_a_large_picture_waits_for_another_and_is_then_taken_while_small_ones_pass() -> None:
    with ThreadPoolExecutor(2) as pool:
        with pictures.in_turn(large("red")):
            waiting = pool.submit(intake.prepare, large("blue"))
            small = pool.submit(intake.prepare, factories.photo_bytes())
            assert small.result(timeout=30).columns["width"] == 96
            assert not wait([waiting], timeout=0.5).done
        assert waiting.result(timeout=30).columns["width"] == 420


def test_a_refused_large_picture_lets_the_next_go_on() -> None:
    for data in (large("red")[:-40], large("blue")):
        with ThreadPoolExecutor(1) as pool:
            refused = pool.submit(intake.prepare, data).exception(timeout=30)
    assert refused is None
