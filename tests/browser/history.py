"""A town with a past, so that every page has something to show; its programmes are its own.

Everything is done through actions, at instants of this week.
"""

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billing import actions as billing
from billing.bank import demo_bank
from billing.models import (
    BankStatement,
    Batch,
    Bill,
    BillLine,
    CollectionProposal,
    Recovery,
    UsageFile,
)
from common.days import day_of, start_of
from ledger import queries as ledger
from notices import actions as notices
from notices.models import Message
from parties import actions as parties
from parties.models import BankDetail
from providers import actions as providers
from providers.models import ApiKey
from scoring import actions as scoring
from tests import cast
from tests.browser.deciding import Deciding, make_deciding
from tests.browser.market import Market, make_market
from tests.browser.stage import month_of, text_for_today
from tests.cast import M1, M3, Applicant, Authority, Scene, Scheme, Seller
from vouchers import actions as vouchers
from vouchers.models import Application, Order, PolicyVersion, Voucher

HEADER = "job_id,voucher,resource,class,count,start,end,state\n"
RECOVERY = (
    '\n[recovery]\nclause = "Article 21"\nreply_days = 15\ndue_days = 30\n'
    'offset = false\nreturns_to = "VOUCHER"\n'
)


@dataclass(frozen=True)
class History:
    """What there is to look at, and who looks at it."""

    authority: Authority
    seller: Seller
    m3: Scheme
    firm: Applicant
    beginner: Applicant
    laboratory: Applicant
    draft: Application
    complete: Application
    waiting: Application
    approved: Application
    voucher: Voucher
    order: Order
    careful: Seller
    unanswered: Order
    claimable: Voucher
    usage_file: UsageFile
    settled: Bill
    sent: Bill
    withheld: BillLine
    batch: Batch
    paid_batch: Batch
    statement: BankStatement
    bank_detail: BankDetail
    recovery: Recovery
    owed: Recovery
    collection: CollectionProposal
    api_key: ApiKey
    version: PolicyVersion
    payable: str
    act: int
    target: Scene
    match: Scheme
    deciding: Deciding
    market: Market


def now() -> datetime:
    """Return this minute."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


def a_scheme(authority: Authority, code: str, own: str) -> Scheme:
    """Return a programme under a code of its own, with a round that is open today."""
    text = text_for_today(code).replace(f'code = "{code}"', f'code = "{own}"') + RECOVERY
    opens, closes = month_of(now().date())
    return cast.make_programme(
        authority,
        own,
        text=text,
        budget=10_000_000_00,
        fiscal_year=opens.year,
        opens_on=opens,
        closes_on=closes,
    )


def make_history() -> History:
    """Return the town: applications in every state, a voucher used, billed, paid and scored."""
    at = now()
    authority = cast.make_authority("Harbour Data Bureau")
    seller = cast.make_provider(authority, "Harbour Compute")
    cast.a_bank_detail(authority.organisation, authority.finance[1], authority)
    m3 = a_scheme(authority, M3, "cn-harbour-m3")
    m1 = a_scheme(authority, M1, "cn-harbour-m1")
    firm, beginner = cast.an_sme("Harbour Maps"), cast.an_sme("New Harbour")
    laboratory = cast.a_laboratory("Harbour Laboratory")
    voucher = cast.an_issued_voucher(m3, firm, at=at)
    order = cast.a_hold(voucher, firm, seller, hours="400", at=at)
    usage_file = a_usage_file(seller, order, at)
    settled, paid_batch, statement = a_paid_bill(authority, seller, m3, at)
    batch = a_batch(authority, seller, m3, at)
    compare(authority, seller, at)
    careful = cast.make_provider(authority, "Careful Compute")
    cast.accepts_each(careful, at=at)
    until = at + timedelta(days=60)
    days = {"contract_from_on": f"{at:%Y-%m-%d}", "contract_until_on": f"{until:%Y-%m-%d}"}
    draft = vouchers.save_draft(
        round=m3.round,
        organisation=beginner.organisation,
        answers={"project_title": "Not finished"},
        actor=beginner.person,
        at=at,
    )
    payable = m3.programme.account("provider_payable", seller.organisation.code)
    recovery, owed, collection = recover(authority, seller, settled, at)
    history = History(
        authority=authority,
        seller=seller,
        m3=m3,
        firm=firm,
        beginner=beginner,
        laboratory=laboratory,
        draft=draft,
        complete=cast.a_draft(m1, firm, at=at, **days),
        waiting=cast.a_sent_application(m3, cast.an_sme("Waiting Ltd"), at=at),
        approved=cast.an_approved_application(
            m3, cast.an_sme("Approved Ltd"), at=at
        ).application,
        voucher=voucher,
        order=order,
        careful=careful,
        unanswered=cast.a_hold(
            voucher, firm, careful, hours="40", provider_reference="waits", at=at
        ),
        claimable=cast.an_issued_voucher(m1, laboratory, at=at, **days),
        usage_file=usage_file,
        settled=settled,
        sent=a_bill(seller, m3, "H-5", at, [a_line("h-1", at, 360_000)]),
        withheld=BillLine.objects.get(bill=settled, row=2),
        batch=batch,
        paid_batch=paid_batch,
        statement=statement,
        bank_detail=propose(firm, at),
        api_key=providers.create_api_key(
            provider=seller.provider, name="meter", actor=seller.person, at=at, key="h-key"
        )[0],
        version=vouchers.propose_policy(
            programme=m3.programme,
            text=m3.programme.policy_versions.get(number=1).text.replace(
                'up_to = "50000"', 'up_to = "60000"'
            ),
            note="More is decided at once.",
            actor=authority.officer,
            at=at,
            key="h-policy",
        ),
        recovery=recovery,
        owed=owed,
        collection=collection,
        payable=payable,
        act=next(
            one for one in ledger.acts_about(settled.address) if one.kind == "settle_bill"
        ).id,
        target=a_target(),
        match=a_match(),
        deciding=make_deciding(at),
        market=make_market(at),
    )
    reflect(history, at)
    return history


def compare(authority: Authority, seller: Seller, at: datetime) -> None:
    """Let there be what prices are measured by: a cap, a figure, and a price that followed."""
    cast.a_cap(authority, "40.00")
    cast.an_equivalent(authority, "H100")
    providers.publish_price(
        offer=seller.offer,
        rate=Decimal("24.00"),
        currency="CNY",
        from_at=at,
        actor=seller.person,
        at=at,
        key="h-price",
    )


def a_target() -> Scene:
    """Return a target letter of last year, assessed once."""
    scene = cast.a_target()
    cast.an_assessment(scene, "4000")
    return scene


def a_match() -> Scheme:
    """Return a programme that follows awards above, with one followed and a round open today."""
    scheme = cast.a_match()
    cast.followed(cast.recorded(scheme, cast.an_award(cast.an_sme("Matched Ltd"))))
    opens, closes = month_of(now().date())
    cast.a_round(
        scheme.authority,
        scheme.programme,
        budget=1_000_000_00,
        code="NOW",
        fiscal_year=opens.year,
        opens_on=opens,
        closes_on=closes,
    )
    return scheme


def a_usage_file(seller: Seller, order: Order, at: datetime) -> UsageFile:
    """Return a file of four jobs, with a fifth row to fix."""
    end = at + timedelta(minutes=6)
    rows = [
        f"h-{number},{account},GPU,H100,{gpus},{at:%Y-%m-%dT%H:%M:%SZ},{end:%Y-%m-%dT%H:%M:%SZ},COMPLETED\n"
        for number, account, gpus in (
            (1, order.code, 80),
            (2, order.code, 10),
            (3, order.code, 20),
            (4, order.code, 30),
            (5, "R-NOBODY", 1),
        )
    ]
    report = billing.record_usage_file(
        provider=seller.provider,
        name="harbour.csv",
        format="csv",
        stream=io.BytesIO((HEADER + "".join(rows)).encode()),
        source="cluster-h",
        resource=None,
        is_dry_run=False,
        actor=seller.person.address,
        at=at,
        key="h-usage",
    )
    assert (report.recorded, report.errors_total) == (4, 1)
    assert report.file is not None
    return report.file


def a_line(job: str, at: datetime, quantity_ms: int | None = None) -> billing.BillLineInput:
    """Return a job as a line of a bill; what is left out is taken from the meter."""
    key = f"{job}/{at:%Y-%m-%dT%H:%M:%SZ}"
    return billing.BillLineInput("cluster-h", key, quantity_ms, None, None)


def a_bill(
    seller: Seller,
    scheme: Scheme,
    invoice: str,
    at: datetime,
    lines: list[billing.BillLineInput],
) -> Bill:
    """Return a bill of this month with these lines."""
    programme = scheme.programme
    today = day_of(at, programme.zone)
    return billing.submit_bill(
        provider=seller.provider,
        programme=programme,
        invoice_number=invoice,
        period_from=start_of(today.replace(day=1), programme.zone),
        period_until=start_of(today + timedelta(days=2), programme.zone),
        lines=lines,
        actor=seller.person.address,
        at=at,
        key=f"bill-{invoice}",
    )


def a_paid_bill(
    authority: Authority, seller: Seller, scheme: Scheme, at: datetime
) -> tuple[Bill, Batch, BankStatement]:
    """Return a bill with one good line and one above the meter, paid; its batch; the statement."""
    first, second, third = authority.finance
    good = a_line("h-1", at, None)
    above = a_line("h-2", at, 72_000_000)
    bill = a_bill(seller, scheme, "H-1", at, [good, above])
    billing.settle_bill(bill=bill, actor=first, at=at, key="h-settle")
    batch = billing.prepare_batch(programme=scheme.programme, actor=first, at=at, key="h-batch")
    billing.lock_batch(batch=batch, actor=first, at=at, key="h-lock")
    billing.approve_batch(batch=batch, actor=second, at=at, key="h-approve")
    file = billing.release_batch(batch=batch, actor=third, at=at, key="h-release")
    data = demo_bank.statement_for(
        bytes(file.content), statement_id="H-S1", created_at=at, booked_on=at.date()
    )
    statement = billing.read_statement(
        name="harbour.xml", data=data, actor=first, at=at, key="h-statement"
    )
    return bill, batch, statement


def a_batch(authority: Authority, seller: Seller, scheme: Scheme, at: datetime) -> Batch:
    """Return a batch that waits for a second person; another payable is due after it."""
    finance = authority.finance[0]
    prepared = []
    for job in ("h-3", "h-4"):
        bill = a_bill(seller, scheme, job.upper(), at, [a_line(job, at)])
        billing.settle_bill(bill=bill, actor=finance, at=at, key=f"settle-{job}")
        if not prepared:
            prepared.append(
                billing.prepare_batch(
                    programme=scheme.programme, actor=finance, at=at, key="h-batch-2"
                )
            )
    return billing.lock_batch(batch=prepared[0], actor=finance, at=at, key="h-lock-2")


def recover(
    authority: Authority, seller: Seller, bill: Bill, at: datetime
) -> tuple[Recovery, Recovery, CollectionProposal]:
    """Return a case that waits for its debtor, one of which something is owed, and a repayment."""
    first, second, _third = authority.finance
    line = BillLine.objects.get(bill=bill, row=1)
    cases = [
        billing.open_recovery(
            thing=line,
            amount=amount,
            legal_basis="Measures, Article 21",
            reason="The node stood still",
            actor=first,
            at=at,
            key=f"h-recovery-{amount}",
        )
        for amount in (1_00, 2_00)
    ]
    billing.reply_to_recovery(
        recovery=cases[1], text="It ran.", actor=seller.person, at=at, key="h-reply"
    )
    owed = billing.decide_recovery(
        recovery=cases[1], amount=2_00, note="It did not.", actor=second, at=at, key="h-decide"
    )
    collection = billing.propose_collection(
        recovery=owed,
        kind=CollectionProposal.Kind.REPAYMENT,
        amount=1_00,
        note="Entry 7",
        actor=first,
        at=at,
        key="h-collect",
    )
    return cases[0], owed, collection


def propose(firm: Applicant, at: datetime) -> BankDetail:
    """Return a bank detail that waits for approval."""
    return parties.propose_bank_detail(
        organisation=firm.organisation,
        scheme=BankDetail.Scheme.OTHER,
        number="6222000099990000",
        agent="BKCHCNBJ",
        holder=firm.organisation.name,
        actor=firm.person,
        at=at,
        key="h-bank",
    )


def reflect(history: History, at: datetime) -> None:
    """Report an outcome, score the voucher, publish the standing, and write the letters."""
    scoring.report_outcome(
        voucher=history.voucher,
        kind="MODEL",
        title="A model that reads old maps",
        evidence_url="https://example.org/model",
        happened_on=at.date(),
        actor=history.firm.person,
        at=at,
        key="h-outcome",
    )
    scoring.score_voucher(voucher=history.voucher, at=at, key="h-score")
    scoring.publish_standing(organisation=history.firm.organisation, at=at, key="h-standing")
    notices.write_letters(at=at)


def letter_to(person: object) -> int:
    """Return the number of a person's newest letter."""
    newest = Message.objects.filter(user=person).order_by("-pk").first()
    assert newest is not None, f"{person} has no letter"
    return newest.pk
