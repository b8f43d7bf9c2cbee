"""Houses that are torn down whatever happened in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    (tmp_path / "house").mkdir()
    built = House.build(tmp_path / "house")
    yield built
    built.close()
