"""Each of the three ways to pay goes from application to confirmation, in either language.

Everybody does his own part in a browser of his own: nobody sees a page of another's.
"""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from billing.bank import demo_bank
from billing.bank.xml import message_of, read_xml, schema_errors
from common.days import day_of
from ledger import queries as ledger
from tests import cast
from tests.browser.stage import PASSWORD, Stage
from tests.browser.visitor import Visitor
from tests.cast import Applicant, Scheme
from vouchers.models import Programme

LANGUAGES = ("en", "zh-hans")
REDEMPTION_CODE = re.compile(r"^\s*(?:[A-Z0-9]{4}-){3}[A-Z0-9]{4}\s*$")
SPOKEN = {"en": "en", "zh-hans": "zh-Hans"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("language", LANGUAGES),
]


def money(programme: Programme, *account: str) -> int:
    """Return what an account has; nothing where it is not opened yet."""
    try:
        return ledger.balance(programme.account(*account)).net
    except KeyError:
        return 0


# --- the parts of a journey ------------------------------------------------------------------


def day(name: str, on: date) -> dict[str, str]:
    """Return a day as its three boxes."""
    return {
        f"{name}_day": str(on.day),
        f"{name}_month": str(on.month),
        f"{name}_year": str(on.year),
    }


def apply(visitor: Visitor, scheme: Scheme, applicant: Applicant, **more: str) -> str:
    """Answer the five tasks, the language switched on the way, and send; give the reference."""
    programme = scheme.programme
    visitor.sign_in(applicant.person)
    assert visitor.path == "/apply/"
    visitor.follow(f"/apply/{programme.code}/{scheme.round.code}/")
    visitor.send()
    reference = visitor.path.split("/")[2]
    visitor.follow("/tasks/organisation/")
    if programme.mode == "M5":
        visitor.answer(is_first_time="yes")
    visitor.send()
    project(visitor)
    visitor.send()
    visitor.answer(resource_class="H100", hours=more.pop("hours", "4,000"))
    if programme.mode == "M1":
        visitor.answer(provider_code=more.pop("provider_code"))
    visitor.send()
    today = datetime.now(UTC).date()
    names = (
        ("contract_from_on", "contract_until_on")
        if programme.mode == "M1"
        else ("start_on", "end_on")
    )
    visitor.answer(**day(names[0], today), **day(names[1], today + timedelta(days=60)))
    visitor.answer(other_public_money="no", **more)
    visitor.send()
    visitor.answer(declaration=True)
    visitor.send()
    assert visitor.path == f"/applications/{reference}/check/"
    assert "Reading old maps" in visitor.words
    visitor.send()
    assert visitor.path == f"/applications/{reference}/sent/"
    assert reference in visitor.words
    return reference


def project(visitor: Visitor) -> None:
    """Tell of the project; halfway the other language is wanted, and what was typed stays."""
    typed = {
        "project_title": "Reading old maps",
        "use_type": "TRAIN",
        "description": "Names of rivers",
    }
    visitor.answer(**typed)
    first = visitor.language
    assert visitor.switch_language() != first
    assert visitor.answered(*typed) == typed
    visitor.answer(description="Train a model that reads old maps.")
    assert visitor.switch_language() == first
    assert visitor.answered("description") == {
        "description": "Train a model that reads old maps."
    }
    assert not visitor.has_errors


def decide(visitor: Visitor, reference: str, awarded: str) -> str:
    """Approve an application as an officer, issue the voucher, and give its code."""
    visitor.open("/")
    assert visitor.path == "/queue/"
    visitor.follow(f"/applications/{reference}/decide/")
    visitor.answer(outcome="PASS")
    visitor.send()
    assert visitor.path == f"/applications/{reference}/issue/"
    assert awarded in visitor.words
    visitor.send()
    assert visitor.path.startswith("/vouchers/V-")
    return visitor.last


def hold(visitor: Visitor, voucher: str, stage: Stage, hours: str) -> str:
    """Place an order on the holder's page, the price seen first, and give its code."""
    visitor.open(f"/vouchers/{voucher}/")
    visitor.follow(f"/vouchers/{voucher}/orders/new/")
    visitor.answer(offer=stage.seller.offer.code, hours=hours)
    visitor.send('main form[method="get"] button')
    visitor.send('main form[method="post"] button')
    assert visitor.path.startswith("/orders/")
    return visitor.last


def redeem(visitor: Visitor, code: str, stage: Stage, hours: str, reference: str) -> str:
    """Redeem a holder's code on the provider's page, and give the order's code."""
    visitor.open("/redeem/")
    visitor.answer(
        redemption_code=code.lower(),
        offer=stage.seller.offer.code,
        hours=hours,
        provider_reference=reference,
    )
    visitor.send()
    visitor.send('main form button[value="confirm"]')
    assert visitor.path.startswith("/orders/")
    return visitor.last


def meter(visitor: Visitor, name: str, *rows: str) -> str:
    """Upload a file of usage; all its rows are recorded."""
    header = "job_id,voucher,resource,class,count,start,end,state"
    content = "\n".join([header, *rows]) + "\n"
    visitor.open("/usage/")
    visitor.follow("/usage/new/")
    file = {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": content.encode()}
    visitor.answer(format="csv", source="cluster-a", file=file)
    visitor.send()
    assert visitor.path.startswith("/usage/files/")
    figures = visitor.page.locator(".app-figure__value").all_inner_texts()
    assert figures == [str(len(rows)), str(len(rows)), "0", "0", "0"]
    return visitor.last


def a_job(name: str, account: str, gpus: int) -> str:
    """Return a row of six minutes that begin now: a tenth of an hour of each GPU."""
    start = datetime.now(UTC).replace(second=0, microsecond=0)
    end = start + timedelta(minutes=6)
    return f"{name},{account},GPU,H100,{gpus},{start:%Y-%m-%dT%H:%M:%SZ},{end:%Y-%m-%dT%H:%M:%SZ},COMPLETED"


def bill(visitor: Visitor, programme: Programme, invoice: str) -> str:
    """Bill everything metered this month, and give the bill's number."""
    month = day_of(timezone.now(), programme.zone)
    visitor.open("/bills/")
    visitor.follow("/bills/new/")
    visitor.answer(programme=programme.code, month=f"{month:%Y-%m}", invoice_number=invoice)
    visitor.send()
    assert visitor.path.startswith("/bills/BL-")
    return visitor.last


def settle(visitor: Visitor, number: str) -> None:
    """Settle a bill as finance, from the list of what waits."""
    visitor.open("/")
    assert visitor.path == "/settlement/"
    visitor.follow(f"/bills/{number}/")
    visitor.send_to(f"/bills/{number}/settle/")
    assert visitor.path == f"/bills/{number}/"
    assert not visitor.has_errors


def pay(come, language: str, finance: Visitor, stage: Stage, programme: Programme) -> str:
    """Prepare, approve and release a batch as three people, and let the bank confirm it."""
    finance.open("/batches/")
    finance.follow(f"?programme={programme.code}")
    finance.send()
    assert finance.path.startswith("/batches/B-")
    batch = finance.path
    # Who prepared it is offered no step.
    assert finance.page.locator("main form").count() == 0
    for person, step in zip(stage.authority.finance[1:], ("approve", "release"), strict=True):
        other = come(person, language=language)
        other.open(batch)
        other.send_to(f"{batch}{step}/")
        assert other.path == batch
    file = other.fetch(f"{batch}file/")
    root = read_xml(file)
    assert message_of(root) == "pain.001.001.09"
    assert schema_errors(root, message_of(root)) == []
    now = timezone.now()
    statement = demo_bank.statement_for(
        file, statement_id=batch.split("/")[2][:30], created_at=now, booked_on=now.date()
    )
    finance.open("/statements/")
    finance.follow("/statements/new/")
    upload = {"name": "day.xml", "mimeType": "application/xml", "buffer": statement}
    finance.answer(file=upload)
    finance.send()
    assert finance.path.startswith("/statements/")
    figures = finance.page.locator(".app-figure__value").all_inner_texts()
    assert figures == ["1", "0", "0", "0"]
    return batch


# --- the journeys ----------------------------------------------------------------------------


def test_a_firm_uses_a_voucher_and_the_provider_is_paid(come, stage: Stage, language: str):
    firm = cast.an_sme(f"Map Readers {language}", password=PASSWORD)
    programme = stage.m3.programme
    paid_before = money(programme, "paid", stage.seller.organisation.code)

    holder = come(language=language)
    reference = apply(holder, stage.m3, firm, fee_total="100,000.00")
    assert holder.language == SPOKEN[language]
    voucher = decide(come(stage.authority.officer, language=language), reference, "¥60,000.00")

    own = hold(holder, voucher, stage, "400")
    holder.open(f"/vouchers/{voucher}/")
    code = holder.page.get_by_text(REDEMPTION_CODE).first.inner_text()
    provider = come(stage.seller.person, language=language)
    redeemed = redeem(provider, code, stage, "100", f"project-{language}")
    assert redeemed != own
    assert ledger.balance(programme.account("voucher", voucher)).pending == 7_500_00

    # 24 and 4 GPU-hours at 25.00: 700.00, of which the voucher covers 60 %.
    meter(
        provider,
        f"m3-{language}",
        a_job(f"m3-{language}-1", own, 240),
        a_job(f"m3-{language}-2", f"project-{language}", 40),
    )
    number = bill(provider, programme, f"M3-{language}")
    assert "¥700.00" in provider.words
    finance = come(stage.authority.finance[0], language=language)
    settle(finance, number)
    assert "¥420.00" in finance.words
    pay(come, language, finance, stage, programme)

    assert money(programme, "paid", stage.seller.organisation.code) == paid_before + 420_00
    provider.open(f"/bills/{number}/")
    assert "¥420.00" in provider.words
    provider.open("/payments/")
    assert "¥420.00" in provider.words
    assert ledger.accounts_out_of_step() == []


def test_a_laboratory_is_paid_back_a_part_of_the_fee_that_it_paid(
    come, stage: Stage, language: str
):
    laboratory = cast.a_laboratory(f"Vision Laboratory {language}", password=PASSWORD)
    cast.a_bank_detail(laboratory.organisation, laboratory.person, stage.authority)
    programme, code = stage.m1.programme, laboratory.organisation.code

    holder = come(language=language)
    seller = stage.seller.organisation.code
    fees = {"fee_total": "100,000.00", "fee_storage": "0"}
    reference = apply(holder, stage.m1, laboratory, provider_code=seller, **fees)
    voucher = decide(come(stage.authority.officer, language=language), reference, "¥30,000.00")

    provider = come(stage.seller.person, language=language)
    meter(provider, f"m1-{language}", a_job(f"m1-{language}", voucher, 80))

    today = day_of(timezone.now(), programme.zone)
    holder.open(f"/vouchers/{voucher}/")
    holder.follow(f"/vouchers/{voucher}/claims/new/")
    holder.answer(invoice_number=f"C-{language}", amount_paid="50,000.00", fee_excluded="0")
    holder.answer(**day("period_from_on", today), **day("period_until_on", today))
    holder.send()
    assert holder.path.startswith("/bills/CL-")
    claim = holder.last
    finance = come(stage.authority.finance[0], language=language)
    settle(finance, claim)
    assert money(programme, "beneficiary_payable", code) == 15_000_00
    pay(come, language, finance, stage, programme)

    assert money(programme, "beneficiary_payable", code) == 0
    assert money(programme, "paid", code) == 15_000_00
    assert money(programme, "voucher", voucher) == 15_000_00
    holder.open("/payments/")
    assert "¥15,000.00" in holder.words
    assert ledger.accounts_out_of_step() == []


def test_a_university_is_given_hours_and_no_money_moves(come, stage: Stage, language: str):
    university = cast.a_university(
        f"North University {language}", country="GB", region="GB-LND", password=PASSWORD
    )
    programme = stage.m5.programme
    delivered = money(programme, "delivered")

    holder = come(language=language)
    reference = apply(holder, stage.m5, university, hours="5,000")
    voucher = decide(come(stage.authority.officer, language=language), reference, "5,000")
    order = hold(holder, voucher, stage, "100")
    assert ledger.balance(programme.account("voucher", voucher)).pending == 100 * cast.HOUR

    provider = come(stage.seller.person, language=language)
    meter(provider, f"m5-{language}", a_job(f"m5-{language}", order, 80))
    number = bill(provider, programme, f"M5-{language}")
    assert "¥" not in provider.words
    finance = come(stage.authority.finance[0], language=language)
    settle(finance, number)

    assert money(programme, "delivered") == delivered + 8 * cast.HOUR
    assert money(programme, "voucher", voucher) == 4_992 * cast.HOUR
    finance.open("/batches/")
    assert finance.page.locator(f'main a[href$="?programme={programme.code}"]').count() == 0
    holder.open(f"/bills/{number}/")
    assert "¥" not in holder.words
    assert ledger.accounts_out_of_step() == []
