"""What registers answer at an address is read whole or not at all, within limits."""

import json
import re
import time
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from parties import registers
from parties.kinds import Register
from parties.registers import Aid, BusinessFacts, Finding, Identifier, Link
from tests.parties.register_server import FINDING, GOOD, THEM, US, says, serving


@pytest.fixture
def ask(settings, folder):
    settings.REGISTER_TIMEOUT_SECONDS = 1

    def ask(answer, url=None):
        with serving(answer) as (address, seen):
            settings.REGISTER_URLS = {"CONDUCT": (url or "{}").format(address)}
            found = registers.ask(US, [Register.CONDUCT])
        return found, seen

    return ask


def test_a_register_is_asked_by_scheme_and_number(ask):
    asked, seen = ask(says(GOOD))

    assert seen == [("/conduct?scheme=GB_COMPANY&identifier=01234567", "application/json")]
    (answer,) = asked.answers
    assert answer.source == "A register"
    assert answer.facts.findings == (Finding(kind="MAJOR_PENALTY", day=date(2024, 3, 1)),)


def test_an_address_keeps_what_it_asks_with(ask):
    _asked, seen = ask(says(GOOD), url="{}?as=tessera")

    assert seen[0][0] == "/conduct?as=tessera&scheme=GB_COMPANY&identifier=01234567"


def test_an_empty_answer_is_an_answer(ask):
    asked, _seen = ask(says({**GOOD, "facts": {"findings": []}}))

    assert asked.answers[0].facts.findings == ()


def test_whom_a_register_does_not_know_stays_unknown(ask):
    asked, _seen = ask(says({"error": "no such organisation"}, status=404))

    assert asked == registers.Asked((), ())


def drips(handler):
    """Send one byte at a time, each in time, for longer than anybody waits."""
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        pass


def sleeps(handler):
    time.sleep(3)


def breaks_off(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"source"')


def talks_nonsense(handler):
    handler.wfile.write(b"\x00\xff nonsense\r\n\r\n")


def nested(depth):
    inner = "[" * depth + "]" * depth
    return says(json.dumps(GOOD).replace(json.dumps([FINDING]), inner).encode())


HOSTILE = {
    "deep, and deeper": (nested(900), "facts.findings"),
    "too big": (says(b" " * (1024 * 1024 + 1)), "below 1 MB"),
    "not JSON": (says(b"<html>"), "Send JSON"),
    "not UTF-8": (says(b'"\xff"'), "Send JSON"),
    "too deep": (says(b"[" * 200_000), "Send JSON"),
    "an endless number": (says(b"1" * 100_000), "Send JSON"),
    "a list": (says([GOOD]), "Write an object"),
    "wrong type": (says({**GOOD, "facts": {"findings": {}}}), "facts.findings"),
    "a float": (says({**GOOD, "facts": {"findings": 1.5}}), "1.5"),
    "unknown field": (says({**GOOD, "shell": "rm"}), "answer.shell"),
    "no source": (says({**GOOD, "source": ""}), "answer.source"),
    "about another": (says({**GOOD, "organisation": THEM}), "that was asked for"),
    "an error": (says(b"", status=500), "HTTP 500"),
    "refuses": (says(b"", status=403), "HTTP 403"),
    "another success": (says(GOOD, status=202), "HTTP 202"),
    "sent elsewhere": (says(b"", status=302, Location="http://127.0.0.1:1/"), "HTTP 302"),
    "to a file": (says(b"", status=302, Location="file:///etc/passwd"), "HTTP 302"),
    "in circles": (says(b"", status=307, Location="/conduct"), "HTTP 307"),
    "asleep": (sleeps, "no answer"),
    "dripping": (drips, "took too long"),
    "broken off": (breaks_off, "broke off"),
    "nonsense": (talks_nonsense, "no answer"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_refused_in_words_and_nothing_of_it_is_taken(ask, name):
    answer, words = HOSTILE[name]

    asked, seen = ask(answer)

    assert asked.answers == ()
    (failure,) = asked.failures
    assert words in str(failure)
    assert len(seen) <= 1
    assert len(str(failure)) < 400


@pytest.mark.parametrize(
    "url",
    [
        "http://register.example/conduct",
        "http://127.0.0.1.example/conduct",
        "ftp://127.0.0.1/conduct",
        "file:///etc/passwd",
        "http://[::1",
        "conduct",
    ],
)
def test_only_https_or_this_machine_is_asked(settings, folder, url):
    settings.REGISTER_URLS = {"CONDUCT": url}

    asked = registers.ask(US, [Register.CONDUCT])

    assert asked.answers == ()
    assert "its address" in str(asked.failures[0])


def test_nobody_at_the_address_is_said_so(settings, folder):
    settings.REGISTER_URLS = {"CONDUCT": "http://127.0.0.1:1/"}

    (failure,) = registers.ask(US, [Register.CONDUCT]).failures

    assert failure.code == "register_down"


DOCUMENT = (Path(__file__).parents[2] / "docs" / "registers.md").read_text("utf-8")


def example(name):
    found = re.search(rf"<!-- example: {name} -->\n```json\n(.*?)```", DOCUMENT, re.DOTALL)
    return found[1]


def test_the_documentations_file_and_answer_are_read_as_it_says(folder, ask):
    folder.mkdir()
    (folder / "conduct.json").write_text(example("conduct.json"), "utf-8")

    from_file = registers.ask_conduct(US)
    stranger = registers.ask_conduct(Identifier("GB_COMPANY", "00000001"))
    (by_http,) = ask(says(example("answer").encode()))[0].answers

    assert from_file.facts == by_http.facts
    assert from_file.facts.findings[0].kind == "MAJOR_PENALTY"
    assert stranger.facts.findings == ()


@pytest.mark.parametrize("name", ["business", "ownership", "aid"])
def test_the_documentations_facts_are_complete_and_can_be_read(name):
    values = json.loads(example(f"{name} facts"))

    facts = registers.facts_from(Register[name.upper()], values)

    kept = registers.facts_to_json(facts)
    assert kept == values
    kind = {"business": BusinessFacts, "ownership": Link, "aid": Aid}[name]
    said = values if name == "business" else kept[next(iter(kept))][0]
    assert said.keys() == {field.name for field in fields(kind)}
