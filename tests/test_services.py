"""The ground under the tests of the loop: a process can be killed and started again, and a database
is the site's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from launcher.redis_server import answers

from .site import Site

pytestmark = pytest.mark.loop


@pytest.fixture(scope="module")
def site(site_factory: Callable[..., Site]) -> Site:
    return site_factory("web")


def test_a_killed_process_is_gone_and_can_be_started_again(site: Site) -> None:
    site.kill("redis")
    assert not answers(site.environment["REDIS_URL"])

    site.start("redis")

    assert answers(site.environment["REDIS_URL"])


def test_two_sites_share_nothing(site: Site, site_factory: Callable[..., Site]) -> None:
    other = site_factory()
    other.manage("shell", "-c", "from catalog.models import Merchant; Merchant(name='A').save()")

    assert other.sql("SELECT count(*) FROM catalog_merchant") == [(1,)]
    assert site.sql("SELECT count(*) FROM catalog_merchant WHERE name = %s", "A") == [(0,)]
