"""The embedded queue loses nothing that it took, and never outlives the run that started it."""

import signal
import subprocess
import sys
import threading
import time

import pytest
import redis

from config.embedded import start_valkey, valkey, valkey_url
from tests.ground.servers import ROOT, lives


def client(url):
    return redis.Redis(unix_socket_path=url.removeprefix("redis+socket://"))


def test_killed_server_keeps_the_queue(ground):
    data = ground / "valkey"
    process = start_valkey(data, stdout=subprocess.DEVNULL)
    for number in range(50):
        client(valkey_url(data)).rpush("queue", number)

    process.kill()
    process.wait()

    with valkey(data) as url:
        assert client(url).lrange("queue", 0, -1) == [b"%d" % n for n in range(50)]


def test_file_cut_off_in_the_middle_of_a_message_costs_that_message_alone(ground):
    data = ground / "valkey"
    process = start_valkey(data, stdout=subprocess.DEVNULL)
    for number in range(50):
        client(valkey_url(data)).rpush("queue", number)
    process.kill()
    process.wait()
    (log,) = (data / "appendonlydir").glob("*.incr.aof")
    log.write_bytes(log.read_bytes()[:-3])

    with valkey(data) as url:
        assert client(url).llen("queue") == 49


def test_second_server_waits_until_the_first_has_let_go(ground):
    data = ground / "valkey"
    first = start_valkey(data, stdout=subprocess.DEVNULL)
    client(valkey_url(data)).rpush("queue", 1)
    threading.Timer(0.5, first.terminate).start()

    with valkey(data) as url:
        assert first.wait(5) == 0
        assert client(url).llen("queue") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_server_ends_with_a_killed_parent(ground):
    data = ground / "valkey"
    code = (
        "import os, sys; from pathlib import Path; from config.embedded import start_valkey;"
        "print(start_valkey(Path(sys.argv[1]), stdout=2).pid, flush=True);"
        "os.kill(os.getpid(), 9)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code, str(data)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert parent.returncode == -signal.SIGKILL

    deadline = time.monotonic() + 10
    while lives(int(parent.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not lives(int(parent.stdout))
