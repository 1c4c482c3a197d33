"""Every address that names a thing, with whose it is: a town with a past.

The addresses are those of the URL map: a new one that names a thing must be given a thing here.
"""

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import URLResolver, get_resolver

from billing import actions as billing
from billing.models import UsageLine
from common.files import checked_file
from ledger import queries as ledger
from notices import actions as notices
from notices.models import Message, WebhookMessage
from parties.models import User
from providers import actions as providers
from scoring.indicators import report
from tests.billing import fees
from tests.billing.own_invoices import attach
from tests.browser.deciding import a_scheme
from tests.browser.history import HEADER, History
from tests.cast import a_fee, a_key, an_issued_voucher, make_provider
from tests.cast.providers import (
    a_newcomer,
    a_suspension,
    an_accreditation_application,
    an_agreement,
)
from vouchers import actions as vouchers

SPLIT = '[voucher]\nclause = "Article 13"\nsplit = "ALLOW"\n'
# What a request may leave behind though it was refused: that somebody was there.
TRACES = {
    "django_session",
    "billing_refusedattempt",
    "providers_apicall",
    "providers_apicount",
    "providers_apianswer",
}


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
    attach(h.settled, at=at)
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
    payment = h.paid_batch.payments.get(payee=seller.organisation).end_to_end_id
    bill, sent = h.settled.number, h.sent.number
    reference = h.voucher.decision.application.reference
    programme, code = h.m3.programme.code, h.voucher.code
    transfer = ledger.transfers_of(h.act)[0].id
    early = d.closed.round.applications.earliest("pk").reference
    file = d.draft.attachments.get().pk
    decided = d.decided.programme.code
    disputed = h.sent.lines.filter(voucher__organisation=h.firm.organisation).earliest("row")
    billing.object_to_line(
        line=disputed, note="Not ours", actor=firm, at=datetime.now(UTC), key=a_key()
    )
    reply = billing.reply_to_objection(
        line=disputed,
        text="See it",
        files=papers,
        actor=firm,
        at=datetime.now(UTC),
        key=a_key(),
    )
    evidence = reply.files.get()
    f = a_fee()
    fees.use(f)
    claim = fees.claim(f)
    proof = fees.prove(f, claim)
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
        "programme_funders": (finance, (programme,)),
        "programme_funders_csv": (finance, (programme,)),
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
        "account_statement": (person, (programme, seller.organisation.code)),
        "account_statement_file": (person, (programme, seller.organisation.code, "csv")),
        "payable_items": (person, (programme, seller.organisation.code)),
        "remittance": (person, (payment,)),
        "remittance_file": (person, (payment, "csv")),
        "bill_invoice": (person, (bill, 1, "xml")),
        "provider_invoice": (person, (bill,)),
        "provider_invoice_new": (person, (sent,)),
        "programme_commitments": (finance, (programme,)),
        "programme_periods": (finance, (programme,)),
        "programme_periods_csv": (finance, (programme,)),
        "programme_period": (finance, (programme, "2025-06")),
        "programme_period_csv": (finance, (programme, "2025-06")),
        "agreement": (person, (an_agreement(h.authority).pk,)),
        "work_queue": (finance, ("to-settle",)),
        "work_queue_csv": (finance, ("to-settle",)),
        "bill_settle": (finance, (sent,)),
        "bill_confirm": (firm, (sent,)),
        "bill_answers": (firm, (sent,)),
        "bill_answers_csv": (firm, (sent,)),
        "bill_line": (firm, (sent, disputed.row)),
        "objection_withdraw": (firm, (sent, disputed.row)),
        "objection_file": (firm, (sent, disputed.row, evidence.pk)),
        "line_object": (firm, (sent, 1)),
        "line_decide": (finance, (bill, h.withheld.row)),
        "claim_new": (h.laboratory.person, (h.claimable.code,)),
        "target_claim": (t.applicant.person, (t.voucher.code,)),
        "fee_claim": (f.seller.person, (f.voucher.code,)),
        "own_share_new": (f.applicant.person, (claim.number,)),
        "own_share_decide": (f.authority.finance[0], (claim.number, proof.pk)),
        "own_share_file": (f.applicant.person, (claim.number, proof.pk)),
        "recovery": (finance, (h.recovery.code,)),
        "recovery_notice": (person, (h.recovery.code,)),
        "recovery_reply": (person, (h.recovery.code,)),
        "recovery_decide": (h.authority.finance[1], (h.recovery.code,)),
        "recovery_offset": (finance, (h.owed.code,)),
        "recovery_collect": (finance, (h.owed.code,)),
        "recovery_confirm": (h.authority.finance[1], (h.owed.code, h.collection.pk)),
        "batch": (finance, (h.batch.code,)),
        "batch_approve": (h.authority.finance[1], (h.batch.code,)),
        "batch_lock": (finance, (h.batch.code,)),
        "batch_send_back": (finance, (h.batch.code,)),
        "batch_authorise": (h.authority.finance[2], (h.batch.code,)),
        "batch_hand_over": (finance, (h.paid_batch.code,)),
        "batch_follow_up": (finance, (h.paid_batch.code,)),
        "batch_csv": (finance, (h.batch.code,)),
        "payment_add": (finance, (h.batch.code,)),
        "payment_remove": (finance, (h.batch.code, f"{h.batch.code}-00001")),
        "batch_release": (h.authority.finance[2], (h.batch.code,)),
        "batch_cancel": (finance, (h.batch.code,)),
        "batch_file": (finance, (h.paid_batch.code,)),
        "statement": (finance, (h.statement.pk,)),
        "statement_file": (finance, (h.statement.pk,)),
        **{
            name: (finance, (h.statement.lines.order_by("pk")[0].pk,))
            for name in ("bank_line", "line_resolve", "line_second", "line_undo")
        },
        "ledger_account": (finance, (h.payable,)),
        "ledger_account_csv": (finance, (h.payable,)),
        "ledger_act": (finance, (h.act,)),
        "transfer_correct": (finance, (h.act, transfer)),
        **{
            route: (finance, ("payment", h.paid_batch.payments.get().end_to_end_id))
            for route in ("trace", "trace_csv", "trace_json")
        },
        "api_trace": (person, ("bill", bill)),
        "report_definition": (h.authority.regulator, (report(at).figures[0].code,)),
        "outcome_new": (firm, (code,)),
        "message": (firm, (letter,)),
        "api_order": (person, (h.order.code,)),
        **{
            f"api_order_{act}": (person, (h.order.code,))
            for act in ("accept", "decline", "change", "cancel", "release")
        },
        "api_bill": (person, (bill,)),
        "api_bill_invoice": (person, (bill,)),
        "api_bill_papers": (person, (bill,)),
        "api_bill_paper": (person, (bill, 1, "xml")),
    }


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
