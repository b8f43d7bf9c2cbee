"""What a start does, says and leaves in DATA_DIR."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.redis_server import answers, url_of

from .house import House, eventually, free_port


def output_of(demo: subprocess.Popen[str], *, until: str = "Ctrl-C stops everything") -> str:
    """What the demo says up to the words that end its announcement."""
    assert demo.stdout
    said = ""
    for line in demo.stdout:
        said += line
        if until in line:
            return said
    pytest.fail(f"it said {said!r}, then ended: {demo.communicate()[1]}")


def test_the_address_and_the_sign_ins_are_printed_when_the_samples_are_there(house: House) -> None:
    said = output_of(house.demo(PREPARING="1"))

    assert f"http://localhost:{house.port}/" in said
    assert "merchant  anna  secret-word" in said


def test_the_database_is_migrated_before_the_samples_are_made(house: House) -> None:
    photos = house.root / "photos"
    photos.mkdir()

    output_of(house.demo(PHOTOS=str(photos)))

    *before, last = house.steps()
    assert {step.split()[0] for step in before} == {"migrate", "collectstatic"}
    assert last == f"prepare_demo --photos {photos}"


def test_the_state_of_a_demo_is_its_owners_alone(house: House) -> None:
    """The database holds the sessions, and other people may have accounts on the machine."""
    output_of(house.demo())

    assert house.data_dir.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("step", ["migrate", "prepare_demo"])
def test_a_step_that_fails_stops_the_start(house: House, step: str) -> None:
    demo = house.demo(FAILS_AT=step)

    _, errors = demo.communicate(timeout=30)

    assert demo.returncode == 1
    assert f"{step} stopped by itself with status 1" in errors
    assert house.processes() == []


def test_a_second_demo_on_the_same_data_is_refused(house: House) -> None:
    first = house.demo()
    output_of(first)

    second = house.demo(PORT=str(free_port()))
    _, errors = second.communicate(timeout=20)

    assert second.returncode == 1
    assert errors == (
        f"A demo already runs on {house.data_dir} (process {first.pid}): "
        "stop it, or set another DATA_DIR.\n"
    )


def test_a_data_folder_on_a_full_disk_is_one_sentence(house: House) -> None:
    no_room = (
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    demo = house.demo(sys.executable, "-c", no_room)

    _, errors = demo.communicate(timeout=20)

    assert demo.returncode == 1
    assert errors.startswith(f"DATA_DIR={house.data_dir} cannot be written (")
    assert errors.count("\n") == 1


def test_redis_listens_on_a_socket_in_the_data_folder_only(house: House) -> None:
    output_of(house.demo())

    unix_socket = house.data_dir / "redis.sock"
    assert answers(url_of(unix_socket))
    assert unix_socket.stat().st_mode & 0o077 == 0


def test_a_data_folder_too_long_for_a_socket_gets_a_private_one_that_is_recorded(
    tmp_path: Path,
) -> None:
    (tmp_path / "house").mkdir()
    house = House.build(tmp_path / "house", data_dir=tmp_path / ("a long name " * 12))
    try:
        demo = house.demo()
        output_of(demo)
        url = (house.data_dir / "redis.url").read_text().strip()
        unix_socket = Path(url.removeprefix("redis+socket://"))
        assert answers(url)
        assert unix_socket.parent.stat().st_mode & 0o077 == 0

        demo.kill()
        assert eventually(lambda: not answers(url))
        again = house.demo()
        output_of(again)
        assert (house.data_dir / "redis.url").read_text().strip() == url

        again.send_signal(signal.SIGINT)
        again.wait(timeout=40)
        assert not unix_socket.parent.exists()
    finally:
        house.close()


def test_a_redis_file_from_a_newer_server_is_set_aside(house: House) -> None:
    folder = house.data_dir / "redis" / "appendonlydir"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof.manifest").write_text("file nothing.known seq 1 type x\n")
    (house.data_dir / "redis" / "appendonly.aof").write_bytes(b"REDIS9999" + bytes(64))

    said = output_of(house.demo())

    assert "Redis could not read its file" in said
    (aside,) = house.data_dir.glob("redis-unreadable-*")
    assert (aside / "appendonly.aof").exists()


def test_a_redis_of_ones_own_is_used(house: House) -> None:
    output_of(house.demo())
    ours = url_of(house.data_dir / "redis.sock")
    other = House(house.root, house.root / "other-data")

    demo = other.demo(REDIS_URL=ours)
    try:
        output_of(demo)
        assert not (other.data_dir / "redis").exists()
    finally:
        demo.terminate()
        other.close()


def test_an_earlier_log_is_kept_beside_the_new_one(house: House) -> None:
    first = house.demo()
    output_of(first)
    first.send_signal(signal.SIGINT)
    first.wait(timeout=40)

    output_of(house.demo())

    assert (house.data_dir / "logs" / "web.log.1").exists()
