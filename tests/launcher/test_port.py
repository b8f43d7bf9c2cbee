"""A port that something else holds is refused before anything starts."""

from __future__ import annotations

import socket

import pytest

from launcher.errors import LauncherError
from launcher.place import Place
from launcher.preflight import check_port


def test_a_taken_port_is_one_sentence_that_names_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LauncherError, match=rf"^Port {port} is taken: .* PORT={port + 1}\.$"):
            check_port("127.0.0.1", port)


def test_a_port_that_was_just_let_go_of_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    check_port("127.0.0.1", port)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "80 80"])
def test_a_port_that_is_none_is_named(port: str) -> None:
    with pytest.raises(LauncherError, match="is not a port"):
        Place.from_environment({"PORT": port})
