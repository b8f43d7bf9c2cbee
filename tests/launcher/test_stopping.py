"""However a demo ends, nothing of it goes on running, and the next one can start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from .house import House, answers, eventually, program_of


def start(house: House) -> subprocess.Popen[str]:
    demo = house.demo()
    assert eventually(house.is_ready), demo.communicate(timeout=1)
    # Redis, two of gunicorn, worker, beat: some come a moment after the page answers.
    assert eventually(lambda: len(house.processes()) >= 5)
    return demo


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_process(house: House, signum: signal.Signals) -> None:
    demo = start(house)

    demo.send_signal(signum)

    assert demo.wait(timeout=40) == 128 + signum
    assert house.processes() == []
    assert not (house.data_dir / "redis.url").exists()


def test_under_nohup_a_demo_outlives_its_terminal(house: House) -> None:
    demo = house.demo("nohup")
    assert eventually(house.is_ready)

    demo.send_signal(signal.SIGHUP)

    with pytest.raises(subprocess.TimeoutExpired):
        demo.wait(timeout=2)
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(timeout=40) == 128 + signal.SIGTERM
    assert house.processes() == []


def test_what_a_process_leaves_behind_ends_with_it(house: House) -> None:
    (house.root / "worker.py").write_text(
        "import subprocess, sys, time\n"
        "subprocess.Popen(['sleep', '600'])\n"
        "print('worker up', flush=True)\n"
        "time.sleep(600)\n"
    )
    demo = start(house)

    demo.send_signal(signal.SIGTERM)
    demo.wait(timeout=40)

    assert house.processes() == []


def test_redis_ends_after_the_others(house: House) -> None:
    (house.root / "worker.py").write_text(SLOW_WORKER)
    demo = start(house)

    demo.send_signal(signal.SIGTERM)
    demo.wait(timeout=40)

    log = (house.data_dir / "logs" / "worker.log").read_text()
    assert "redis still answers" in log


SLOW_WORKER = """\
import os, signal, sys, time
sys.path.insert(0, os.getcwd())
from launcher.redis_server import answers
def stop(*_):
    time.sleep(1)
    still = answers(os.environ["REDIS_URL"])
    print("redis still answers" if still else "redis is gone", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, stop)
print("worker up", flush=True)
time.sleep(600)
"""


def test_a_signal_while_the_samples_are_made_ends_every_process(house: House) -> None:
    demo = house.demo(PREPARING="600")
    assert eventually(lambda: answers(house.port) and len(house.steps()) == 3)

    demo.send_signal(signal.SIGINT)

    assert demo.wait(timeout=40) == 130
    assert house.processes() == []


def test_a_process_that_ignores_sigterm_is_killed_by_a_second_ctrl_c(house: House) -> None:
    (house.root / "worker.py").write_text(
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('worker up', flush=True)\n"
        "time.sleep(600)\n"
    )
    demo = start(house)

    demo.send_signal(signal.SIGINT)
    assert eventually(lambda: len(house.processes()) <= 2)  # the worker, and Redis behind it
    assert house.processes()
    demo.send_signal(signal.SIGINT)

    assert demo.wait(timeout=10) == 130
    assert house.processes() == []


def test_a_process_that_dies_stops_the_others_and_its_log_is_shown(house: House) -> None:
    (house.root / "worker.py").write_text(
        "import sys, time\n"
        "print('worker up', flush=True)\n"
        "time.sleep(2)\n"
        "sys.exit('the model directory is gone')\n"
    )
    demo = house.demo()

    _, errors = demo.communicate(timeout=30)

    assert demo.returncode == 1
    assert "worker stopped by itself with status 1" in errors
    assert "the model directory is gone" in errors
    assert house.processes() == []


def test_the_death_of_redis_stops_everything(house: House) -> None:
    demo = start(house)

    (redis,) = [pid for pid in house.processes() if program_of(pid) == "redis-server"]
    os.kill(redis, signal.SIGKILL)
    _, errors = demo.communicate(timeout=30)

    assert demo.returncode == 1
    assert "redis was killed by signal 9" in errors
    assert house.processes() == []


def test_after_kill_9_of_the_launcher_nothing_survives_and_the_next_demo_starts(
    house: House,
) -> None:
    start(house).kill()

    assert eventually(lambda: house.processes() == []), "orphans"

    start(house)


def test_a_demo_ends_with_the_process_that_started_it(house: House) -> None:
    parent = house.demo(
        sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])"
    )
    assert eventually(house.is_ready)

    parent.kill()

    assert eventually(lambda: house.processes() == []), "orphans"
