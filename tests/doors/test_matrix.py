"""Every address that names a thing, by everybody: whose it is not, finds and moves nothing."""

import pytest
from django.urls import URLResolver, get_resolver, reverse

from tests.browser.history import make_history
from tests.cast import a_key, an_sme, make_authority, make_provider
from tests.doors.matrix import World, named_routes, rows, signed_in, things_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# What everybody may read, though it names a thing.
# (an agreement every provider).
PUBLIC = {"offer", "offer_prices_csv", "application_start", "agreement"}
# What staff of another authority may open: what no single authority has to itself. People are
# the administrators', a regulator sees all of it. A queue has everybody's own work in it.
QUEUES = {"work_queue", "work_queue_csv"}
ELSEWHERE = {
    "officer": {"report_definition", *QUEUES},
    "finance": {"report_definition", *QUEUES},
    "admin": {"person", "accounts_join", "accounts_part"},
    "regulator": {
        *("application", "application_sent", "voucher", "order", "usage_file"),
        "usage_line",
        *("bill_focus", "programme_commitments", "programme_periods", "programme_periods_csv"),
        *("programme", "programme_takeup", "programme_takeup_csv", "round_new"),
        *("round_decided", "round_decided_csv", "policy_simulation", "policy_propose"),
        *("policy_release", "programme_budget", "programme_budget_csv", "usage_errors"),
        *("bill_line", "programme_funders", "programme_funders_csv"),
        *("account_statement", "account_statement_file", "payable_items"),
        *("bill_invoice", "provider_invoice", "remittance", "remittance_file"),
        *("bill", "bill_csv", "bill_errors_csv", "bill_settle", "line_object", "batch"),
        "own_share_file",
        *("objection_file", "programme_period", "programme_period_csv", "recovery"),
        "recovery_notice",
        *("trace", "trace_csv", "trace_json", *QUEUES),
        *(
            "statement",
            "statement_file",
            "bank_line",
            "ledger_account",
            "ledger_account_csv",
            "ledger_act",
        ),
        "report_definition",
    },
    "investigator": set(),
}


@pytest.fixture
def world(db) -> World:
    h = make_history()
    return World(h, things_of(h))


def pages(world):
    return {
        name: (who, reverse(name, args=args))
        for name, (who, args) in world.things.items()
        if not name.startswith("api_") or name.startswith("api_key")
    }


def made_up(args):
    """Return an address of the same form that names nothing."""
    return tuple(999_999_999 if isinstance(one, int) else "X-222222" for one in args)


def test_every_address_that_names_a_thing_is_here_and_opens_for_whose_it_is(world):
    assert world.things.keys() == named_routes()

    opened = {
        name: signed_in(who).get(path).status_code for name, (who, path) in pages(world).items()
    }

    assert {name: status for name, status in opened.items() if status != 200} == {}


def test_another_provider_and_another_firm_find_and_move_nothing(world):
    """What is not theirs answers like what is not there, to a GET and to a POST."""
    other = make_authority("Elsewhere Bureau")
    rivals = [make_provider(other, "Rival Compute").person, an_sme("Rival Maps").person]
    before, found = rows(), []

    for person in rivals:
        browser = signed_in(person)
        for name, (_who, args) in world.things.items():
            if name in PUBLIC or (name.startswith("api_") and not name.startswith("api_key")):
                continue
            theirs, nothing = (reverse(name, args=one) for one in (args, made_up(args)))
            for answer, blank in (
                (browser.get(theirs), browser.get(nothing)),
                (
                    browser.post(theirs, {"key": a_key()}),
                    browser.post(nothing, {"key": a_key()}),
                ),
            ):
                if answer.status_code not in (404, 405, 409) or (
                    answer.status_code != blank.status_code
                ):
                    found.append((person.name, name, answer.status_code, blank.status_code))

    assert found == []
    assert rows() == before


def test_staff_of_another_authority_enter_what_is_everybodys_alone(world):
    other = make_authority("Elsewhere Bureau")
    people = {
        "officer": other.officer,
        "finance": other.finance[0],
        "admin": other.admin,
        "regulator": other.regulator,
        "investigator": other.investigator,
    }
    before = rows()

    entered = {
        role: {
            name
            for name, (_who, path) in pages(world).items()
            if signed_in(person).get(path).status_code == 200
        }
        - PUBLIC
        for role, person in people.items()
    }

    odd = {role: entered[role] ^ ELSEWHERE[role] for role in ELSEWHERE}
    assert odd == {role: set() for role in people}
    for role in ("regulator", "investigator"):
        browser = signed_in(people[role])
        for name, (_who, path) in pages(world).items():
            answer = browser.post(path, {"key": a_key()})
            assert answer.status_code in (200, 404, 405, 409), (role, name)
    assert rows() == before


def test_no_list_shows_a_provider_or_a_firm_what_is_anothers(world):
    h, other = world.h, make_authority("Elsewhere Bureau")
    rivals = [make_provider(other, "Rival Compute").person, an_sme("Rival Maps").person]
    kept = {
        *(h.order.code, h.voucher.code, h.voucher.redemption_code, h.settled.number),
        *(h.sent.number, h.usage_file.name, h.api_key.prefix, h.batch.code, h.draft.reference),
        *("https://hooks.example.org/", h.bank_detail.number, "acct-9"),
    }
    everywhere = [path for path in plain_paths() if not path.startswith(("/api/", "/i18n/"))]
    assert len(everywhere) > 40

    for person in rivals:
        browser = signed_in(person)
        for path in everywhere:
            told = browser.get(path).content.decode(errors="replace")
            assert not [one for one in kept if one in told], (person.name, path)
    # The same words are there for those whose they are.
    own = signed_in(h.seller.person)
    told = "".join(own.get(path).content.decode(errors="replace") for path in everywhere)
    assert {h.order.code, h.settled.number, h.usage_file.name, h.api_key.prefix} <= {
        one for one in kept if one in told
    }


def plain_paths():
    """Return every address of ours that names nothing."""

    def walk(resolver, place):
        for entry in resolver.url_patterns:
            here = place + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from walk(entry, here)
            elif not (entry.pattern.converters or "^" in here or here.startswith("account/")):
                yield f"/{here}"

    return list(walk(get_resolver(), ""))
