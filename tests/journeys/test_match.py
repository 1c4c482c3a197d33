"""What follows the award of another programme: recorded, decided by the rule, claimed, paid."""

from datetime import date

import pytest

from billing import actions as billing
from common.days import start_of
from ledger import queries as ledger
from policy.programme import shipped
from tests import cast
from tests.billing import stage
from vouchers import actions
from vouchers.models import Application, Decision, Voucher
from vouchers.queries import AwardRow

pytestmark = pytest.mark.django_db

HANGZHOU = "cn-hangzhou-2025-mianshen"
NATIONAL = "cn-national-ai-voucher"
BUDGET = 1_000_000_00


def a_match(budget=BUDGET):
    """Return an authority with Hangzhou's match, a provider, and a firm that has the national award."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, HANGZHOU, text=shipped()[HANGZHOU], budget=budget)
    return authority, seller, scheme, cast.an_sme(region="CN-3301")


def a_row(applicant, *, row=2, reference="N-1", base=800_000_00, facility="HIGH", **more):
    organisation = applicant.organisation
    facts = {
        "row": row,
        "upstream": NATIONAL,
        "reference": reference,
        "identifier_scheme": organisation.identifier_scheme,
        "identifier": organisation.identifier,
        "base": base,
        "award": base * 3 // 10,
        "facility": facility,
        "awarded_on": date(2025, 5, 20),
    }
    return AwardRow(**{**facts, **more})


def record(scheme, *rows, key=None, actor=None):
    return actions.record_upstream_awards(
        round=scheme.round,
        rows=rows,
        actor=actor or scheme.authority.officer,
        at=cast.NOON,
        key=key or cast.a_key("awards"),
    )


def follow(report):
    return [
        actions.follow_upstream_award(
            application=award.application,
            at=cast.NOON,
            key=f"match:{award.application.reference}",
        )
        for award in report.recorded
    ]


def nets(programme):
    found = ledger.balances(one.address for one in ledger.accounts_found(""))
    return {
        address.replace(f":{programme.code}", "", 1): one.net
        for address, one in found.items()
        if one.net and f":{programme.code}" in address
    }


@pytest.mark.parametrize(
    ("facility", "awarded", "first"),
    [("HIGH", 120_000_00, 30_000_00), ("LOW", 80_000_00, 20_000_00)],
)
def test_a_match_is_followed_issued_claimed_in_parts_and_paid(facility, awarded, first):
    authority, seller, scheme, applicant = a_match()
    programme, organisation = scheme.programme, applicant.organisation
    payable = f"beneficiary_payable:{organisation.code}"
    left = {"appropriation:2025": -BUDGET, "available": BUDGET - awarded}

    # 15 % or 10 % of the 800,000.00 that the national programme counted; nobody looks at it.
    (voucher,) = follow(record(scheme, a_row(applicant, facility=facility)))
    own = f"voucher:{voucher.code}"
    decision = voucher.decision
    assert (programme.mode, voucher.amount, decision.decided_by) == ("M8", awarded, None)
    assert [step["name"] for step in decision.working][:1] == ["upstream"]
    assert nets(programme) == {**left, own: awarded}

    # A quarter of the fee is used and paid at first, then the rest: each part has its share.
    def claimed(number, amount, months):
        bill = billing.submit_claim(
            voucher=voucher,
            provider=seller.provider,
            invoice_number=f"F-{number}",
            amount_paid=amount,
            fee_excluded=0,
            contract_from_on=date(2025, 3, 1),
            contract_until_on=date(2025, 12, 31),
            period_from=start_of(date(2025, months[0], 1), stage.ZONE),
            period_until=start_of(date(2025, months[1], 1), stage.ZONE),
            actor=applicant.person,
            at=stage.LATER,
            key=f"claim {number}",
        )
        (settlement,) = stage.settle(bill)
        return settlement

    use = stage.a_record(voucher.code, "job-1", hours=8, gpus=1000, started=stage.START)
    stage.record(seller, use)
    part = claimed(1, 200_000_00, (6, 7))
    assert (part.covered, part.co_payment) == (first, 200_000_00 - first)
    assert nets(programme) == {**left, own: awarded - first, payable: first}

    later = stage.START.replace(month=7)
    use = stage.a_record(voucher.code, "job-2", hours=24, gpus=1000, started=later)
    stage.record(seller, use, at=later.replace(day=30))
    rest = claimed(2, 600_000_00, (7, 8))
    assert (rest.covered, rest.beyond_hold) == (awarded - first, 0)
    assert nets(programme) == {**left, payable: awarded}

    first_, second, third = authority.finance
    cast.a_bank_detail(authority.organisation, second, authority)
    cast.a_bank_detail(organisation, applicant.person, authority)
    at = stage.LATER
    batch = billing.prepare_batch(programme=programme, actor=first_, at=at, key="prepare")
    billing.approve_batch(batch=batch, actor=second, at=at, key="approve")
    file = billing.release_batch(batch=batch, actor=third, at=at, key="release")
    assert nets(programme) == {**left, f"clearing:{batch.code}": awarded}
    answer = stage.answer(bytes(file.content))
    billing.read_statement(name="s.xml", data=answer, actor=first_, at=at, key="statement")
    assert nets(programme) == {**left, f"paid:{organisation.code}": awarded}
    stage.assert_in_step()


def test_what_the_law_refers_waits_for_an_officer_with_its_reasons():
    authority, _seller, scheme, applicant = a_match()

    # Which facility it was nobody told, so that the share is not known.
    report = record(scheme, a_row(applicant, facility=""))
    assert follow(report) == [None]

    application = Application.objects.get(upstream_award=report.recorded[0])
    decision = application.decisions.get()
    assert (application.status, decision.outcome) == ("REFERRED", Decision.Outcome.REFER)
    assert "FACT_MISSING" in {reason["code"] for reason in decision.reasons}
    assert nets(scheme.programme) == {"appropriation:2025": -BUDGET, "available": BUDGET}
    # Whoever recorded the award is as an applicant: another officer decides.
    with pytest.raises(Exception, match="another person"):
        actions.decide_application(
            application=application,
            outcome="FAIL",
            awarded=None,
            note="Not ours",
            actor=authority.officer,
            at=cast.NOON,
            key="decide",
        )


def test_where_the_budget_does_not_reach_an_award_waits_as_approved():
    authority, _seller, scheme, applicant = a_match(budget=150_000_00)
    other = cast.an_sme("Second Model Ltd", region="CN-3301")
    rows = (a_row(applicant), a_row(other, row=3, reference="N-2"))

    report = record(scheme, *rows)
    first, second = follow(report)

    assert (first.amount, second) == (120_000_00, None)
    waiting = Application.objects.get(upstream_award=report.recorded[1])
    assert waiting.status == Application.Status.APPROVED
    assert waiting.decisions.get().awarded == 120_000_00
    assert nets(scheme.programme)["available"] == 30_000_00
    # With more budget the sweep goes on from there, and only once.
    cast.a_round(authority, scheme.programme, budget=BUDGET, code="2025-B")
    for _again in range(2):
        follow(report)
    assert Voucher.objects.count() == 2
    assert nets(scheme.programme)["available"] == 30_000_00 + BUDGET - 120_000_00
    stage.assert_in_step()
