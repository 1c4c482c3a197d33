"""Every address that names a thing, by everybody: whose it is not, finds and moves nothing.

The addresses are those of the URL map: a new one that names a thing must be given a thing here.
"""

import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from billing import actions as billing
from billing.models import UsageLine
from common.files import checked_file
from ledger import queries as ledger
from notices import actions as notices
from notices.models import Message, WebhookMessage
from parties.models import User
from providers import actions as providers
from providers.api.reference import described_api
from providers.models import ApiKey
from scoring.indicators import report
from tests.browser.deciding import a_scheme
from tests.browser.history import HEADER, History, make_history
from tests.cast import a_key, an_issued_voucher, an_sme, make_authority, make_provider
from tests.cast.providers import (
    a_newcomer,
    a_suspension,
    an_accreditation_application,
    an_agreement,
)
from vouchers import actions as vouchers

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SPLIT = '[voucher]\nclause = "Article 13"\nsplit = "ALLOW"\n'
# What everybody may read, though it names a thing.
# (an agreement every provider).
PUBLIC = {"offer", "offer_prices_csv", "application_start", "agreement"}
# What staff of another authority may open: what no single authority has to itself. People are
# the administrators', a regulator sees all of it.
ELSEWHERE = {
    "officer": {"report_definition"},
    "finance": {"report_definition"},
    "admin": {"person", "accounts_join", "accounts_part"},
    "regulator": {
        *("application", "application_sent", "voucher", "order", "usage_file"),
        "usage_line",
        *("bill_focus", "programme_commitments", "programme_periods", "programme_periods_csv"),
        *("programme", "programme_takeup", "programme_takeup_csv", "round_new"),
        *("round_decided", "round_decided_csv", "policy_simulation", "policy_propose"),
        *("policy_release", "programme_budget", "programme_budget_csv", "usage_errors"),
        *("bill", "bill_csv", "bill_errors_csv", "bill_settle", "line_object", "batch"),
        *("statement", "ledger_account", "ledger_account_csv", "ledger_act"),
        "report_definition",
    },
    "investigator": set(),
}
# What a request may leave behind though it was refused: that somebody was there.
TRACES = {"django_session", "providers_apicall", "providers_apicount", "providers_apianswer"}


def named_routes():
    """Return the name of every route of ours whose address names a thing."""

    def walk(resolver, place):
        for entry in resolver.url_patterns:
            here = place + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from walk(entry, here)
            elif entry.pattern.converters and not here.startswith("account/"):
                yield entry.name

    return set(walk(get_resolver(), "")) - {"api_unknown"}


@dataclass(frozen=True)
class World:
    """A town with a past, and what the API's own pages need."""

    h: History
    things: dict[str, tuple[User, tuple]]


def things_of(h: History) -> dict[str, tuple[User, tuple]]:
    """Return, for each route, who may go there, and what of theirs the address names."""
    at, d, t = datetime.now(UTC), h.deciding, h.target
    seller, person = h.seller, h.seller.person
    firm, officer, finance = h.firm.person, h.authority.officer, h.authority.finance[0]
    second, admin, deciding = h.authority.second_officer, h.authority.admin, d.authority.officer
    key = {"actor": person, "at": at, "key": a_key()}
    hook, _secret = providers.add_webhook(
        provider=seller.provider, url="https://hooks.example.org/", **key
    )
    unused = vouchers.place_hold(
        voucher=h.voucher,
        offer=seller.offer,
        hours=Decimal(1),
        provider_reference="acct-9",
        actor=firm,
        at=datetime.now(UTC),
        key=a_key(),
    )
    divisible = a_scheme(d.authority, "split", at, SPLIT)
    part = vouchers.split_voucher(
        voucher=an_issued_voucher(divisible, d.firm, at=at),
        label="Maps team",
        amount=100_00,
        actor=d.firm.person,
        at=at,
        key=a_key(),
    )
    user = vouchers.name_order_user(
        order=h.order, name="Mei", email="mei@example.org", actor=firm, at=at, key=a_key()
    )
    waiting, asked_for = h.careful, h.unanswered
    price = providers.publish_price(
        offer=seller.offer,
        rate=Decimal(23),
        currency="CNY",
        from_at=datetime.now(UTC) + timedelta(days=1),
        actor=person,
        at=datetime.now(UTC),
        key=a_key(),
    )
    line = UsageLine.objects.filter(provider=seller.provider).earliest("pk")
    question = vouchers.ask_about_use(
        order=h.order,
        source=line.source,
        name=line.key,
        text="Who ran this?",
        actor=firm,
        at=datetime.now(UTC),
        key=a_key(),
    )
    kept = billing.keep_usage_file(
        provider=seller.provider,
        name="looked-over.csv",
        stream=io.BytesIO((HEADER + "h-9,R-NOBODY,GPU,H100,1,x,y,COMPLETED\n").encode()),
        actor=person,
        at=at,
        key=a_key(),
    )
    task = billing.ask_to_check(
        file=kept,
        reading=billing.Reading(format="CSV", source="cluster-h"),
        actor=person,
        at=at,
        key=a_key(),
    )
    check = billing.check_usage_file(
        file=kept,
        reading=billing.Reading(format="CSV", source="cluster-h"),
        actor=person,
        at=at,
        key=a_key(),
    )
    notices.write_letters(at=datetime.now(UTC))
    event = WebhookMessage.objects.filter(endpoint=hook).latest("pk")
    papers = [checked_file("licence.txt", b"A licence.\n")]
    newcomer, clerk = a_newcomer()
    asked = an_accreditation_application(h.authority, newcomer, clerk, documents=papers)
    stopped = make_provider(h.authority, "Stopped Compute")
    a_suspension(h.authority, stopped)
    letter = Message.objects.filter(user=firm).latest("pk").pk
    bill, sent = h.settled.number, h.sent.number
    reference = h.voucher.decision.application.reference
    programme, code = h.m3.programme.code, h.voucher.code
    transfer = ledger.transfers_of(h.act)[0].id
    early = d.closed.round.applications.earliest("pk").reference
    file = d.draft.attachments.get().pk
    decided = d.decided.programme.code
    return {
        "colleague_invite": (firm, (h.firm.organisation.code,)),
        "colleague_remove": (
            admin,
            (h.authority.organisation.code, h.authority.officer.memberships.get().pk),
        ),
        "bank_detail_new": (firm, (h.firm.organisation.code,)),
        "bank_detail_approve": (finance, (h.bank_detail.pk,)),
        "bank_detail_stop": (firm, (h.bank_detail.pk,)),
        "person": (admin, (firm.pk,)),
        "accounts_join": (admin, (firm.pk,)),
        "accounts_part": (admin, (firm.pk,)),
        "offer_price": (person, (seller.offer.code,)),
        "offer_withdraw": (person, (seller.offer.code,)),
        "offer_queue": (person, (seller.offer.code,)),
        "price_withdraw": (person, (seller.offer.code, price.pk)),
        "offer_prices_csv": (firm, (seller.offer.code,)),
        "use_question_new": (firm, (h.order.code,)),
        "use_question_answer": (person, (h.order.code, question.pk)),
        "api_key_roll": (person, (h.api_key.pk,)),
        "api_key_limit": (person, (h.api_key.pk,)),
        "api_key_revoke": (person, (h.api_key.pk,)),
        "webhook_roll": (person, (hook.pk,)),
        "webhook_enable": (person, (hook.pk,)),
        "webhook_remove": (person, (hook.pk,)),
        "webhook_events": (person, (hook.pk,)),
        "webhook_event": (person, (hook.pk, event.number)),
        "accreditation_decide": (officer, (asked.code,)),
        "accreditation_document": (officer, (asked.code, asked.documents.get().pk)),
        "provider_case": (officer, (stopped.organisation.code,)),
        "provider_suspend": (officer, (seller.organisation.code,)),
        "suspension_lift": (officer, (stopped.organisation.code,)),
        "application_start": (firm, (programme, h.m3.round.code)),
        "application": (firm, (reference,)),
        "application_tasks": (firm, (h.complete.reference,)),
        "application_question": (firm, (h.complete.reference, "project")),
        "application_check": (firm, (h.complete.reference,)),
        "application_sent": (firm, (reference,)),
        "application_withdraw": (firm, (h.complete.reference,)),
        "application_attachments": (d.firm.person, (d.draft.reference,)),
        "attachment": (d.firm.person, (d.draft.reference, file)),
        "attachment_remove": (d.firm.person, (d.draft.reference, file)),
        "request_new": (deciding, (d.judged.reference,)),
        "request_answer": (d.firm.person, (d.asked.reference,)),
        "decide": (officer, (h.waiting.reference,)),
        "registers_ask": (officer, (h.waiting.reference,)),
        "voucher_issue": (officer, (h.approved.reference,)),
        "decision_undo": (officer, (h.approved.reference,)),
        "application_assign": (deciding, (d.judged.reference,)),
        "application_admit": (deciding, (early,)),
        "decision_confirm": (d.authority.second_officer, (d.by_committee.reference,)),
        "conflict_new": (d.reviewer, (d.judged.reference,)),
        "appeal_new": (d.firm.person, (d.refused.reference,)),
        "appeal_decide": (d.authority.second_officer, (d.appealed.reference,)),
        "review_new": (d.reviewer, (d.judged.reference,)),
        "voucher": (firm, (code,)),
        "hold_new": (firm, (code,)),
        "voucher_return": (firm, (code,)),
        "voucher_code": (firm, (code,)),
        "voucher_pdf": (firm, (code,)),
        "voucher_split": (firm, (code,)),
        "part_take_back": (d.firm.person, (part.code,)),
        "extension_new": (d.firm.person, (d.voucher.code,)),
        "extension_decide": (deciding, (d.extended.code,)),
        "voucher_revoke": (officer, (code,)),
        "voucher_suspend": (officer, (code,)),
        "voucher_resume": (officer, (code,)),
        "assessment_new": (t.authority.second_officer, (t.voucher.code,)),
        "order": (person, (h.order.code,)),
        "order_accept": (waiting.person, (asked_for.code,)),
        "order_decline": (waiting.person, (asked_for.code,)),
        "order_change": (firm, (h.order.code,)),
        "order_cancel": (firm, (unused.code,)),
        "order_user_new": (firm, (h.order.code,)),
        "order_user_end": (firm, (h.order.code, user.pk)),
        "order_release": (firm, (h.order.code,)),
        "offer": (firm, (seller.offer.code,)),
        "programme": (officer, (programme,)),
        "programme_takeup": (officer, (programme,)),
        "programme_takeup_csv": (officer, (programme,)),
        "awards_new": (h.match.authority.officer, (h.match.programme.code,)),
        "round_new": (finance, (programme,)),
        "vouchers_issue": (deciding, (decided, "2025-A")),
        "lot_commit": (deciding, (d.lot.programme.code, "2025-A")),
        "round_decide": (deciding, (d.closed.programme.code, "2025-A")),
        "round_decided": (deciding, (decided, "2025-A")),
        "round_decided_csv": (deciding, (decided, "2025-A")),
        "policy_simulation": (second, (programme, h.version.number)),
        "policy_propose": (officer, (programme,)),
        "policy_release": (second, (programme, h.version.number)),
        "programme_budget": (finance, (programme,)),
        "programme_budget_csv": (finance, (programme,)),
        "usage_file": (person, (h.usage_file.pk,)),
        "usage_errors": (person, (h.usage_file.pk, "csv")),
        "usage_line": (person, (line.pk,)),
        "usage_line_correct": (person, (line.pk,)),
        "usage_columns": (person, (kept.pk,)),
        "usage_check": (person, (check.pk,)),
        "usage_task": (person, (task.pk,)),
        "check_errors": (person, (check.pk, "csv")),
        "bill": (person, (bill,)),
        "bill_csv": (person, (bill,)),
        "bill_errors_csv": (person, (bill,)),
        "bill_focus": (person, (bill,)),
        "programme_commitments": (finance, (programme,)),
        "programme_periods": (finance, (programme,)),
        "programme_periods_csv": (finance, (programme,)),
        "agreement": (person, (an_agreement(h.authority).pk,)),
        "bill_settle": (finance, (sent,)),
        "line_object": (firm, (sent, 1)),
        "line_decide": (finance, (bill, h.withheld.row)),
        "claim_new": (h.laboratory.person, (h.claimable.code,)),
        "target_claim": (t.applicant.person, (t.voucher.code,)),
        "batch": (finance, (h.batch.code,)),
        "batch_approve": (h.authority.finance[1], (h.batch.code,)),
        "batch_release": (h.authority.finance[2], (h.batch.code,)),
        "batch_cancel": (finance, (h.batch.code,)),
        "batch_file": (finance, (h.paid_batch.code,)),
        "statement": (finance, (h.statement.pk,)),
        "ledger_account": (finance, (h.payable,)),
        "ledger_account_csv": (finance, (h.payable,)),
        "ledger_act": (finance, (h.act,)),
        "transfer_correct": (finance, (h.act, transfer)),
        "report_definition": (h.authority.regulator, (report(at).figures[0].code,)),
        "outcome_new": (firm, (code,)),
        "message": (firm, (letter,)),
        "api_order": (person, (h.order.code,)),
        **{
            f"api_order_{act}": (person, (h.order.code,))
            for act in ("accept", "decline", "change", "cancel", "release")
        },
        "api_bill": (person, (bill,)),
    }


@pytest.fixture
def world(db) -> World:
    h = make_history()
    return World(h, things_of(h))


def signed_in(person: User | None) -> Client:
    client = Client()
    if person is not None:
        client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def rows() -> dict[str, int]:
    """Return how many rows each of our tables has."""
    counts = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            table = model._meta.db_table
            if table not in TRACES and model._meta.managed:
                cursor.execute(f'SELECT count(*) FROM "{table}"')
                counts[table] = cursor.fetchone()[0]
    return counts


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

    assert entered == ELSEWHERE
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


# --- the API, by every kind of key -----------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """One operation on what is the first provider's, and the scope that it asks for."""

    method: str
    path: str
    scope: str
    content: dict | None = None


def calls_of(h: History) -> list[Call]:
    """Return a call of every operation that the description has."""
    at = datetime.now(UTC).replace(microsecond=0)
    record = {
        "key": "m-1",
        "account": h.order.code,
        "resource": "GPU",
        "resource_class": "H100",
        "count": "1",
        "started_at": at.isoformat(),
        "ended_at": (at + timedelta(minutes=6)).isoformat(),
    }
    line = UsageLine.objects.filter(provider=h.seller.provider).earliest("pk")
    correction = {"source": line.source, "key": line.key, "reason": "No."}
    # A page without a sample: it is refused, whoever sends it.
    telemetry = {"source": "m", "taken_at": at.isoformat(), "page": "# nothing"}
    code = h.voucher.redemption_code
    wanted = {"redemption_code": code, "offer": h.seller.offer.code, "hours": "1"}
    bill = {
        "programme": h.m3.programme.code,
        "period_from": (at - timedelta(days=20)).isoformat(),
        "period_until": (at + timedelta(days=2)).isoformat(),
        "invoice_number": "M-1",
    }
    return [
        Call("get", "/api/v1/offers", "offers:read"),
        Call("post", "/api/v1/vouchers/check", "vouchers:read", {"redemption_code": code}),
        Call("post", "/api/v1/redemptions", "orders:write", wanted),
        Call("get", "/api/v1/orders", "orders:read"),
        Call("get", f"/api/v1/orders/{h.order.code}", "orders:read"),
        *(
            Call("post", f"/api/v1/orders/{h.order.code}/{act}", "orders:write", content)
            for act, content in (
                ("accept", {"hours": "400"}),
                ("decline", {"reason": "No."}),
                ("change", {"hours": "399", "reason": "No."}),
                ("cancel", {"reason": "No."}),
                ("release", {}),
            )
        ),
        Call("post", "/api/v1/usage", "usage:write", {"source": "m", "records": [record]}),
        Call("post", "/api/v1/usage/corrections", "usage:write", correction),
        Call("post", "/api/v1/telemetry", "usage:write", telemetry),
        Call("post", "/api/v1/bills", "bills:write", bill),
        Call("get", f"/api/v1/bills/{h.settled.number}", "bills:read"),
    ]


def asked(call: Call, secret: str):
    headers = {"Idempotency-Key": a_key()}
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    return Client(headers=headers).generic(
        call.method.upper(), call.path, json.dumps(call.content), "application/json"
    )


def a_key_of(seller, kind="LIVE") -> str:
    _row, secret = providers.create_api_key(
        provider=seller.provider,
        name=kind,
        kind=kind,
        actor=seller.person,
        at=datetime.now(UTC),
        key=a_key(),
    )
    return secret


def test_every_operation_is_called_here(world):
    described = described_api()["paths"]
    called = {
        (call.method, re.sub(r"/(orders|bills)/[^/]+", r"/\1/{}", call.path))
        for call in calls_of(world.h)
    }

    assert called == {
        (method, re.sub(r"{\w+}", "{}", path))
        for path, methods in described.items()
        for method in methods
    }


def test_no_key_and_no_revoked_key_opens_anything(world):
    secret = a_key_of(world.h.seller)
    row = ApiKey.objects.latest("pk")
    providers.revoke_api_key(
        api_key=row, actor=world.h.seller.person, at=datetime.now(UTC), key=a_key()
    )
    before = rows()

    for call in calls_of(world.h):
        for shown in ("", secret, secret[:-1] + "x", "tess_live_unknown"):
            answer = asked(call, shown)
            assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer"), call
    assert rows() == before


def test_a_read_only_key_reads_and_changes_nothing(world):
    secret = a_key_of(world.h.seller, "READ")
    before = rows()

    for call in calls_of(world.h):
        answer = asked(call, secret)
        if call.scope.endswith(":read"):
            assert answer.status_code == 200, call
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), call
    assert rows() == before


def test_another_providers_key_finds_and_moves_nothing_of_the_first(world):
    h = world.h
    secret = a_key_of(make_provider(make_authority("Elsewhere Bureau"), "Rival Compute"))
    before = rows()

    answers = {(call.method, call.path): asked(call, secret) for call in calls_of(h)}

    told = {key: (one.status_code, one.json()) for key, one in answers.items()}
    assert told["get", f"/api/v1/orders/{h.order.code}"][0] == 404
    assert told["get", f"/api/v1/bills/{h.settled.number}"][0] == 404
    acts = ("accept", "decline", "change", "cancel", "release")
    assert {told["post", f"/api/v1/orders/{h.order.code}/{act}"][0] for act in acts} == {404}
    assert told["get", "/api/v1/orders"][1]["results"] == []
    assert h.seller.offer.code not in str(told["get", "/api/v1/offers"])
    assert told["post", "/api/v1/redemptions"][0] == 409
    assert told["post", "/api/v1/usage"][1]["recorded"] == 0
    assert told["post", "/api/v1/usage/corrections"][0] == 404
    assert told["post", "/api/v1/bills"][0] == 409
    # A code opens its voucher to every provider: that is what its holder gave it for.
    assert told["post", "/api/v1/vouchers/check"][0] == 200
    moved = {table for table, count in rows().items() if count != before[table]}
    assert moved == set()
