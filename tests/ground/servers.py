"""What tests of servers ask: a row, a process's number, whether it lives."""

import os
import signal
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

ROOT = Path(__file__).resolve().parents[2]
ENSURE = (
    "import sys; from pathlib import Path; from config.embedded import ensure_postgres;"
    "print(ensure_postgres(Path(sys.argv[1]), fast=True))"
)


def ask(url, question):
    with psycopg.connect(url) as connection:
        return connection.execute(question).fetchone()


def postmaster(data):
    return int((data / "postmaster.pid").read_text().split()[0])


def kill(data):
    """Kill a server as a power cut would, and wait until the system has noticed."""
    number = postmaster(data)
    os.kill(number, signal.SIGKILL)
    while lives(number):
        time.sleep(0.01)


def lives(number):
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def folder_of_socket(url):
    return Path(parse_qs(urlsplit(url).query)["host"][0])
