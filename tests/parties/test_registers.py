"""What registers answer is read whole or not at all, and unknown is never taken for clean."""

import json
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import fields
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from parties import registers
from parties.kinds import Register
from parties.registers import Aid, AidFacts, BusinessFacts, Finding, Identifier, Link
from tests.cast import a_register_file

US = Identifier("GB_COMPANY", "01234567")
THEM = "GB_COMPANY:07654321"
SAID = {
    Register.BUSINESS: {
        "employees": 40,
        "revenue": 3_000_000_00,
        "assets": 1_000_000_00,
        "currency": "GBP",
        "founded_on": "2019-04-01",
        "industry": "62012",
        "region": "GB-LND",
        "tax_region": "GB-LND",
        "insurance_region": "GB-LND",
        "qualifications": ["FILED_MODEL"],
        "credit_rating": "AA",
        "tax_debt": False,
    },
    Register.CONDUCT: {"findings": [{"kind": "MAJOR_PENALTY", "day": "2024-03-01"}]},
    Register.OWNERSHIP: {
        "links": [{"owner": THEM, "owned": str(US), "share": "0.51", "control": "VOTES"}]
    },
    Register.AID: {
        "aid": [
            {
                "grantor": "A ministry",
                "amount": 20_000_00,
                "currency": "GBP",
                "granted_on": "2024-05-05",
                "level": "NATIONAL",
                "regime": "UK_MFA",
            }
        ]
    },
}
ASK = {
    Register.BUSINESS: registers.ask_business,
    Register.CONDUCT: registers.ask_conduct,
    Register.OWNERSHIP: registers.ask_ownership,
    Register.AID: registers.ask_aid,
}
EMPTY = {
    Register.CONDUCT: {"findings": []},
    Register.OWNERSHIP: {"links": []},
    Register.AID: {"aid": []},
}


@pytest.fixture
def folder(settings, tmp_path):
    settings.REGISTERS_FOLDER = str(tmp_path / "registers")
    return tmp_path / "registers"


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("register", Register)
def test_a_file_tells_what_it_has_of_an_organisation(folder, register):
    a_register_file(folder, register, {str(US): SAID[register]})

    answer = ASK[register](US)

    assert answer.source == "The register's own copy"
    assert registers.facts_to_json(answer.facts).keys() == SAID[register].keys()
    again = registers.facts_from(register, registers.facts_to_json(answer.facts))
    assert again == answer.facts


def test_facts_are_typed_and_amounts_are_whole(folder):
    for register in Register:
        a_register_file(folder, register, {str(US): SAID[register]})

    business, conduct, ownership, aid = (ASK[register](US).facts for register in Register)

    assert isinstance(business, BusinessFacts)
    assert (business.revenue, business.founded_on) == (3_000_000_00, date(2019, 4, 1))
    assert conduct.findings == (Finding(kind="MAJOR_PENALTY", day=date(2024, 3, 1)),)
    them = Identifier("GB_COMPANY", "07654321")
    assert ownership.links == (
        Link(owner=them, owned=US, share=Decimal("0.51"), control="VOTES"),
    )
    assert aid == AidFacts(
        aid=(
            Aid(
                grantor="A ministry",
                amount=20_000_00,
                currency="GBP",
                granted_on=date(2024, 5, 5),
                level="NATIONAL",
                regime="UK_MFA",
            ),
        )
    )


@pytest.mark.parametrize("register", Register)
def test_a_register_that_is_not_connected_answers_nothing(folder, register):
    assert not registers.is_connected(register)
    assert ASK[register](US) is None


@pytest.mark.parametrize("register", Register)
def test_whoever_is_not_in_a_file_stays_unknown(folder, register):
    a_register_file(folder, register, {THEM: SAID[register]})

    assert ASK[register](US) is None


@pytest.mark.parametrize("register", EMPTY)
def test_whoever_is_not_in_a_file_that_lists_everybody_has_nothing(folder, register):
    a_register_file(folder, register, {}, complete=True)

    answer = ASK[register](US)

    assert registers.facts_to_json(answer.facts) == EMPTY[register]


def test_no_business_register_says_that_somebody_has_no_size(folder):
    a_register_file(folder, Register.BUSINESS, {}, complete=True)

    assert registers.ask_business(US) is None


def test_a_changed_file_is_read_anew(folder):
    a_register_file(folder, Register.CONDUCT, {str(US): {"findings": []}})
    first = registers.ask_conduct(US)

    a_register_file(folder, Register.CONDUCT, {str(US): SAID[Register.CONDUCT]})

    assert first.facts.findings == ()
    assert len(registers.ask_conduct(US).facts.findings) == 1


def test_a_folder_that_can_not_be_looked_into_is_down_and_not_clean(settings):
    settings.REGISTERS_FOLDER = "/" + "x" * 300

    asked = registers.ask(US, [Register.CONDUCT])

    assert asked.answers == ()
    assert [failure.code for failure in asked.failures] == ["register_down"]


def test_one_register_that_fails_keeps_no_other_from_answering(folder):
    a_register_file(folder, Register.BUSINESS, {str(US): SAID[Register.BUSINESS]})
    a_register_file(folder, Register.CONDUCT, {str(US): {"findings": "none"}})

    asked = registers.ask(US)

    assert [answer.register for answer in asked.answers] == [Register.BUSINESS]
    assert [failure.code for failure in asked.failures] == ["register_answer_invalid"]


FINDING = {"kind": "MAJOR_PENALTY", "day": "2024-03-01"}
LINK = SAID[Register.OWNERSHIP]["links"][0]
AID = SAID[Register.AID]["aid"][0]
WRONG = [
    (Register.BUSINESS, {"employees": "40"}, "employees", "'40'"),
    (Register.BUSINESS, {"employees": True}, "employees", "True"),
    (Register.BUSINESS, {"employees": -1}, "employees", "-1"),
    (Register.BUSINESS, {"employees": 40.0}, "employees", "40.0"),
    (Register.BUSINESS, {"revenue": 1.5, "currency": "GBP"}, "revenue", "1.5"),
    (Register.BUSINESS, {"revenue": 10**30, "currency": "GBP"}, "revenue", "10000"),
    (Register.BUSINESS, {"revenue": 5}, "currency", "None"),
    (Register.BUSINESS, {"currency": "XXX"}, "currency", "'XXX'"),
    (Register.BUSINESS, {"founded_on": "20190401"}, "founded_on", "'20190401'"),
    (Register.BUSINESS, {"founded_on": "2019-02-30"}, "founded_on", "'2019-02-30'"),
    (Register.BUSINESS, {"region": "GB\x00"}, "region", "x00"),
    (Register.BUSINESS, {"region": "\ud800"}, "region", "ud800"),
    (Register.BUSINESS, {"region": "x" * 201}, "region", "xxx"),
    (Register.BUSINESS, {"qualifications": "FILED"}, "qualifications", "'FILED'"),
    (Register.BUSINESS, {"tax_debt": "no"}, "tax_debt", "'no'"),
    (Register.BUSINESS, {"emploees": 4}, "emploees", "4"),
    (Register.BUSINESS, [], ":", "[]"),
    (Register.CONDUCT, {}, "findings", "None"),
    (Register.CONDUCT, {"findings": [{"kind": "X"}]}, "findings[0].day", "None"),
    (Register.CONDUCT, {"findings": [FINDING, 7]}, "findings[1]", "7"),
    (Register.OWNERSHIP, {"links": [{**LINK, "share": "1.1"}]}, "links[0].share", "'1.1'"),
    (Register.OWNERSHIP, {"links": [{**LINK, "share": "NaN"}]}, "links[0].share", "'NaN'"),
    (Register.OWNERSHIP, {"links": [{**LINK, "share": "1e-9"}]}, "share", "'1e-9'"),
    (Register.OWNERSHIP, {"links": [{**LINK, "control": "LOVE"}]}, "control", "'LOVE'"),
    (Register.OWNERSHIP, {"links": [{**LINK, "owner": "07654321"}]}, "owner", "'07654321'"),
    (Register.OWNERSHIP, {"links": [{**LINK, "owner": "CN_USCC:1"}]}, "owner", "'CN_USCC:1'"),
    (Register.AID, {"aid": [{**AID, "amount": "20000"}]}, "aid[0].amount", "'20000'"),
    (Register.AID, {"aid": [{**AID, "level": "WORLD"}]}, "aid[0].level", "'WORLD'"),
]


@pytest.mark.parametrize(("register", "facts", "place", "value"), WRONG)
def test_what_can_not_be_taken_is_refused_with_place_value_and_fix(
    folder, register, facts, place, value
):
    a_register_file(folder, register, {str(US): facts})

    with pytest.raises(registers.RegisterAnswerInvalid) as caught:
        ASK[register](US)

    said = str(caught.value)
    assert place in said
    assert value in said
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "conduct.json"),
        ("{", "conduct.json"),
        ("[" * 100_000, "conduct.json"),
        ('{"source": "A", "source": "B", "organisations": {}}', "conduct.json"),
        ('{"source": NaN, "organisations": {}}', "conduct.json"),
        ('{"organisations": {}}', "source"),
        ('{"source": "A"}', "organisations"),
        ('{"source": "A", "complete": 1, "organisations": {}}', "complete"),
        ('{"source": "A", "organisations": {}, "extra": 1}', "extra"),
        ('{"source": "A", "organisations": {"nobody": {}}}', "organisations"),
    ],
)
def test_a_file_that_is_no_register_is_refused_by_its_place(folder, text, place):
    folder.mkdir()
    (folder / "conduct.json").write_text(text, "utf-8")

    with pytest.raises(registers.RegisterAnswerInvalid, match=place):
        registers.ask_conduct(US)


# --- HTTP ------------------------------------------------------------------------------------


@contextmanager
def serving(answer):
    """A register on this machine that answers with what a function writes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers["Accept"]))
            answer(self)

        def log_message(self, *_args):
            pass

    seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/conduct", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def says(content, status=200, **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def answer(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


GOOD = {
    "source": "A register",
    "organisation": str(US),
    "facts": {"findings": [FINDING]},
}


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


# --- the documentation -----------------------------------------------------------------------

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
