"""A demo that listens on another address answers to it too."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing

import pytest
from django.http.request import validate_host

from launcher.demo import child_environment
from launcher.place import Place

from .house import House
from .test_starting import output_of

EVERY = "0.0.0.0"  # noqa: S104 - compared, and bound for a moment


def allowed(host: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """ALLOWED_HOSTS of the processes of a demo with that HOST."""
    place = Place.from_environment({"HOST": host})
    return child_environment(place, environment or {}, None)["ALLOWED_HOSTS"].split(",")


@pytest.mark.parametrize(
    ("host", "asked"),
    [("192.168.1.5", "192.168.1.5"), ("shop", "shop"), ("fd00::5", "[fd00::5]")],
)
def test_the_site_answers_to_the_address_it_listens_on(host: str, asked: str) -> None:
    assert validate_host(asked, allowed(host))
    assert validate_host("localhost", allowed(host))
    assert not validate_host("evil.example", allowed(host))


@pytest.mark.parametrize("host", [EVERY, "::"])
def test_on_every_address_it_answers_to_the_machines_name(host: str) -> None:
    assert validate_host(socket.gethostname().lower(), allowed(host))
    assert not validate_host("evil.example", allowed(host))


def test_names_that_were_set_are_kept() -> None:
    assert allowed(EVERY, {"ALLOWED_HOSTS": "shop.example"}) == ["shop.example", "localhost"]


def test_an_ipv6_address_can_be_listened_on(house: House) -> None:
    try:
        with closing(socket.create_server(("::1", 0), family=socket.AF_INET6)):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")
    (house.root / "Procfile").write_text(
        "web: gunicorn web --bind ${HOST}:${PORT} --no-control-socket\n"
    )

    said = output_of(house.demo(HOST="::1"))

    assert f"http://[::1]:{house.port}/" in said


def test_on_every_address_the_names_it_answers_to_are_said(house: House) -> None:
    said = output_of(house.demo(HOST=EVERY))

    assert f"http://localhost:{house.port}/" in said
    assert socket.gethostname() in said
