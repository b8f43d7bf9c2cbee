"""The ground of the tests of the review desk; a file that needs another makes its own `site`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..site import Site
from .desk import fill, with_reviewers


@pytest.fixture(scope="module")
def site(site_factory: Callable[..., Site]) -> Site:
    return with_reviewers(site_factory)


@pytest.fixture
def photos(site: Site) -> Callable[[int], None]:
    """`photos(5)`: the queue holds five new photos and nothing else."""
    return lambda count: fill(site, count)
