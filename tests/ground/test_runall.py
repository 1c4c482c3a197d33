"""One command starts everything; no kill leaves anything behind or loses anything."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
ROOT = Path(__file__).resolve().parents[2]
START = [sys.executable, "manage.py", "runall"]


@pytest.fixture
def site(ground):
    """A function that starts the whole site in a folder of its own, without the demo."""
    runs = []
    told = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "BROKER_URL", "PORT", "SECRET_KEY", "PUBLIC_URL")
    }
    told |= {"TESSERA_VAR": str(ground), "TESSERA_DEMO": "0", "APP_DATABASE_URL": ""}
    log = (ground / "runall.out").open("ab")

    def start():
        run = subprocess.Popen(START, cwd=ROOT, env=told, stdout=log, stderr=log)
        runs.append(run)
        until(lambda: answers(ground) or run.poll() is not None, seconds=180)
        assert run.poll() is None, (ground / "runall.out").read_text()
        return run

    start.environment = told
    yield start
    for run in runs:
        run.terminate()
        run.wait(90)


def until(happened, seconds=30):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def answers(var):
    try:
        address = json.loads((var / "run.json").read_text())["address"]
        urllib.request.urlopen(address, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True


def marked(var):
    """The environments of the portal's, worker's and beat's processes, by number."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            said = (folder / "environ").read_bytes().decode().split("\0")
        except OSError:
            continue
        if f"TESSERA_RUN={var}" in said:
            found[int(folder.name)] = dict(line.split("=", 1) for line in said if "=" in line)
    return found


def test_the_sandbox_is_a_second_portal_on_a_database_of_its_own(site, ground):
    site.environment["TESSERA_SANDBOX"] = "1"
    run = site()
    places = json.loads((ground / "run.json").read_text())
    until(lambda: is_there(places["sandbox"]), seconds=60)

    of_sandbox, of_portal = [], []
    for told in marked(ground).values():
        (of_sandbox if told.get("TESSERA_IS_SANDBOX") == "1" else of_portal).append(told)
    assert {urlsplit(told["DATABASE_URL"]).path for told in of_sandbox} == {"/tessera_sandbox"}
    assert {urlsplit(told["DATABASE_URL"]).path for told in of_portal} == {"/tessera"}
    secrets = {told["SECRET_KEY"] for told in of_portal}
    assert secrets.isdisjoint(told["SECRET_KEY"] for told in of_sandbox)
    for place, key, code in (
        (places["address"].rstrip("/"), "tess_test_x", "test_key_elsewhere"),
        (places["sandbox"], "tess_live_x", "live_key_elsewhere"),
    ):
        assert refused(f"{place}/api/v1/orders", key) == (401, code)
        page = urllib.request.urlopen(f"{place}/help", timeout=10).read().decode()
        assert ("Test mode" in page) == (place == places["sandbox"])

    run.terminate()
    run.wait(90)
    assert marked(ground) == {}


def is_there(place):
    try:
        urllib.request.urlopen(f"{place}/help", timeout=5).close()
    except OSError:
        return False
    return True


def refused(url, key):
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(asked, timeout=10)
    return answer.value.code, json.load(answer.value)["code"]


def test_site_starts_as_two_roles_and_survives_kills(site, ground):
    run = site()
    until(lambda: len(marked(ground)) >= 7)
    owner = (ground / "secrets" / "pg18-owner").read_text()
    first = marked(ground)

    # The portal, worker and beat know the portal's role and not the owner.
    for told in first.values():
        assert told["DATABASE_URL"].startswith("postgresql://tessera_app:")
        assert not any(owner in value for value in told.values())

    # A second run says where the first one is.
    second = subprocess.run(
        START, cwd=ROOT, env=site.environment, capture_output=True, text=True
    )
    assert second.returncode == 1
    assert "Tessera is running already at http://127.0.0.1:" in second.stderr

    # A killed process comes back, and its children do not outlive it.
    victims = {number for number in first if os.getpgid(number) == number}
    for number in victims:
        os.kill(number, signal.SIGKILL)
    until(lambda: not set(first) & set(marked(ground)))
    until(lambda: len(marked(ground)) >= 7 and answers(ground))

    # After a kill of the supervisor itself nothing of ours lives, and the next start is whole.
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    until(lambda: not marked(ground))
    again = site()

    # Asked to stop, everything does, PostgreSQL too.
    again.terminate()
    assert again.wait(90) == 0
    assert marked(ground) == {}
    assert not (ground / "pg18" / "postmaster.pid").exists()
