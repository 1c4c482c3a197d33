"""Two equal applicants who differ in their standing alone get different awards and days."""

from decimal import Decimal

import pytest

from ledger.actions import SYSTEM
from tests import cast
from vouchers import actions, queries
from vouchers.models import Standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def scheme():
    return cast.make_programme(cast.make_authority())


def publish(applicant, z, n="3", score="0.5", key="standing"):
    return actions.set_standing(
        organisation=applicant.organisation,
        z=Decimal(z),
        n=Decimal(n),
        score=Decimal(score),
        working={"vouchers": 3},
        actor=SYSTEM,
        at=cast.NOON,
        key=f"{key}:{applicant.organisation.code}",
    )


def test_standing_moves_the_award_and_the_days(scheme):
    newcomer, better, worse = (
        cast.an_sme(name) for name in ("New Ltd", "Good Ltd", "Poor Ltd")
    )
    publish(better, "1")
    publish(worse, "-1")

    awards = {}
    for applicant in (newcomer, better, worse):
        voucher = cast.an_issued_voucher(scheme, applicant)
        days = (voucher.valid_until_on - voucher.valid_from_on).days
        awards[applicant.organisation.name] = (voucher.amount, days)

    # 1 ± 0.5 · tanh(0.8) on 60,000.00, and 1 ± 0.33 · tanh(0.8) on 365 days, to four decimals.
    assert awards == {
        "New Ltd": (60_000_00, 365),
        "Good Ltd": (79_920_00, 445),
        "Poor Ltd": (40_080_00, 286),
    }


def test_little_evidence_takes_little_away(scheme):
    applicant = cast.an_sme()
    publish(applicant, "-2.5", n="0.3")

    decision = cast.an_approved_application(scheme, applicant)

    # Never below 1 − 0.5 · 0.3 / 3.
    assert decision.awarded == 57_000_00
    assert decision.facts["standing"]["z"] == "-2.5000"
    assert [line["name"] for line in decision.facts["standing"]["working"]] == [
        "standing",
        "evidence",
        "least",
        "amount_multiplier",
        "validity_multiplier",
    ]


def test_a_better_standing_never_passes_the_share_where_the_policy_says_so(scheme):
    nanning = cast.make_programme(scheme.authority, cast.M1)
    applicant = cast.an_sme()
    publish(applicant, "2.5")

    assert cast.an_approved_application(nanning, applicant).awarded == 30_000_00


def test_the_newest_standing_counts_and_earlier_ones_stay(scheme):
    applicant = cast.an_sme()
    first = publish(applicant, "1")
    second = publish(applicant, "-1", key="second")

    assert queries.standing_of(applicant.organisation) == second
    assert publish(applicant, "1") == first
    assert Standing.objects.count() == 2
    assert cast.an_approved_application(scheme, applicant).awarded == 40_080_00
