"""A provider's program sends what was used and bills it: each record has its answer, a key one bill."""

import pytest

from billing import actions as billing
from billing.models import Bill, UsageLine
from ledger.actions import SYSTEM
from tests import cast
from tests.billing import fees
from tests.cast import M3, a_key, make_provider
from tests.doors.programs import JULY, Program, metered

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(scene, now):
    return Program(scene.seller)


# --- usage -----------------------------------------------------------------------------------


def test_each_record_gets_its_answer_and_good_ones_count(scene, program, order):
    records = [
        metered(order.code),
        metered("R-NOBODY", key="job-2"),
        metered(order.code, key="job-3", ended_at="2025-06-09T00:00:00Z"),
        metered(order.code, key="job-4", state="RUNNING"),
        metered(order.code, key="job-5", state="WHATEVER"),
    ]

    answer = program.post("usage", {"source": "cluster-1", "records": records}, key="u-1")

    body = answer.json()
    assert answer.status_code == 200
    assert (body["recorded"], body["skipped"], body["refused"]) == (1, 1, 3)
    assert [one["outcome"] for one in body["records"]] == [
        "TAKEN",
        "REFUSED",
        "REFUSED",
        "SKIPPED",
        "REFUSED",
    ]
    codes = [one["code"] for record in body["records"] for one in record["problems"]]
    assert codes == ["account_unknown", "ends_before_start", "state_unknown"]
    assert UsageLine.objects.get().quantity_ms == 192 * 3_600_000


def test_the_same_batch_again_is_recorded_once(scene, program, order):
    batch = {"source": "cluster-1", "records": [metered(order.code)]}

    answers = [program.post("usage", batch, key=key).json() for key in ("u-1", "u-1", "u-2")]

    assert [(one["recorded"], one["known_before"]) for one in answers] == [
        (1, 0),
        (1, 0),
        (0, 1),
    ]
    assert UsageLine.objects.count() == 1


def test_what_was_recorded_is_not_changed(scene, program, order):
    program.post("usage", {"source": "c", "records": [metered(order.code)]}, key="u-1")

    changed = {"source": "c", "records": [metered(order.code, count="4")]}
    body = program.post("usage", changed, key="u-2").json()

    assert body["records"][0]["problems"][0]["code"] == "recorded_before"
    assert UsageLine.objects.get().count_thousandths == 8000


def test_too_many_records_are_refused_at_once(scene, program, order):
    records = [metered(order.code, key=f"job-{n}") for n in range(1001)]

    answer = program.post("usage", {"source": "c", "records": records}, key="u-1")

    assert answer.status_code == 400
    assert not UsageLine.objects.exists()


# --- bills -----------------------------------------------------------------------------------

JUNE = {"period_from": "2025-06-01T00:00:00+08:00", "period_until": "2025-07-01T00:00:00+08:00"}


def bill(invoice="INV-1", **more):
    return {"programme": M3, "invoice_number": invoice, **JUNE, **more}


@pytest.fixture
def used(program, order):
    program.post("usage", {"source": "c", "records": [metered(order.code)]}, key="u-1")
    return order


def test_a_period_is_billed_once_a_key(scene, program, used):
    answers = [program.post("bills", bill(), key="b-1") for _ in range(2)]

    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["total"] == 4_800_00
    assert Bill.objects.count() == 1


def test_a_bills_lines_carry_their_verdicts(scene, program, used):
    lines = [
        {"source": "c", "key": "job-1", "hours": "200"},
        {"source": "c", "key": "nobody", "hours": "1", "rate": "25.00"},
    ]
    number = program.post("bills", bill(lines=lines), key="b-1").json()["number"]
    before = program.get(f"bills/{number}").json()
    assert [one["verdict"] for one in before["lines"]["results"]] == [None, None]

    billing.settle_bill(bill=Bill.objects.get(), actor=SYSTEM, at=JULY, key=a_key("settle"))

    after = program.get(f"bills/{number}").json()
    assert after["bill_status"] == "SETTLED"
    first, second = after["lines"]["results"]
    assert (first["verdict"], first["accepted"], first["withheld"]) == (
        "REDUCED",
        4_800_00,
        200_00,
    )
    assert first["reason_code"] == "billed_above_meter"
    assert "200 GPU-hours" in first["reason"]
    assert (second["verdict"], second["reason_code"]) == ("WITHHELD", "no_meter")


def test_a_bill_is_read_by_its_provider_alone(scene, program, used):
    number = program.post("bills", bill(), key="b-1").json()["number"]
    other = Program(make_provider(scene.authority, "Other Compute"))

    assert other.get(f"bills/{number}").status_code == 404


@pytest.mark.parametrize(
    ("language", "days"),
    [
        ("en", "from 1 June 2025 to 30 June 2025"),
        ("zh-hans", "2025 年 6 月 1 日 至 2025 年 6 月 30 日"),
    ],
)
def test_a_period_without_usage_is_refused(scene, program, order, language, days):
    answer = program.post("bills", bill(), key="b-1", **{"Accept-Language": language})

    assert answer.status_code == 409
    assert answer.json()["code"] == "nothing_to_bill"
    # The days are the programme's, east of UTC: in UTC its June begins on 31 May.
    assert days in answer.json()["detail"]
    assert not Bill.objects.exists()


def test_an_unknown_programme_is_not_found(scene, program, order):
    assert program.post("bills", bill(programme="nowhere"), key="b-1").status_code == 404


# --- claims ----------------------------------------------------------------------------------


CLAIM = {
    "invoice_number": "F-1",
    "amount": 200_000_00,
    "contract_from_on": "2025-03-01",
    "contract_until_on": "2025-12-31",
    "period_from": "2025-06-01T00:00:00+08:00",
    "period_until": "2025-07-01T00:00:00+08:00",
}


def test_a_program_claims_once_and_reads_what_of_the_own_share_is_proven(now):
    scene = cast.a_fee()
    fees.use(scene)
    program = Program(scene.seller)
    wanted = {**CLAIM, "voucher": scene.voucher.code}

    answers = [program.post("claims", wanted, key="c-1") for _twice in range(2)]

    assert [one.status_code for one in answers] == [201, 201]
    claim = Bill.objects.get()
    assert (claim.number, claim.total) == (answers[0].json()["number"], 200_000_00)
    fees.proven(scene, claim, 60_000_00)
    fees.prove(scene, claim, 40_000_00, text="Transfer 2")
    read = program.get(f"bills/{claim.number}").json()
    assert read["own_share"] == {
        "due": 100_000_00,
        "proven": 60_000_00,
        "waiting": 40_000_00,
    }
    billing.settle_bill(bill=claim, actor=SYSTEM, at=JULY, key="s")
    (line,) = program.get(f"bills/{claim.number}").json()["lines"]["results"]
    assert (line["reason_code"], line["withheld"]) == ("own_share_not_proven", 200_000_00)


def test_a_program_claims_on_no_voucher_that_is_not_its_to_claim_on(now):
    scene = cast.a_fee(cast.cost_share_law("BENEFICIARY"))
    fees.use(scene)
    program = Program(scene.seller)

    for code in (scene.voucher.code, "V-222222"):
        answer = program.post("claims", {**CLAIM, "voucher": code}, key=code)
        assert answer.status_code == 404
    assert Bill.objects.count() == 0
    holders = fees.claim(scene, actor=scene.applicant.person)
    assert program.get(f"bills/{holders.number}").status_code == 404
