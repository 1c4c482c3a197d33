"""Each of the three ways to pay goes from application to confirmation, in either language.

Everybody does their own part in a browser of their own.
"""

from dataclasses import replace

import pytest
from django.utils import timezone

from common.days import day_of
from ledger import queries as ledger
from tests import cast
from tests.browser.stage import PASSWORD, SPOKEN, Stage
from tests.browser.steps import (
    a_job,
    apply,
    bill,
    day,
    decide,
    hold,
    meter,
    pay,
    redeem,
    redemption_code_of,
    settle,
)
from vouchers.models import Programme

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("language", SPOKEN),
]


@pytest.fixture
def scene(stage: Stage) -> Stage:
    """The stage with a provider of this test's own, whose bill has no use of other tests in it."""
    return replace(stage, seller=cast.make_provider(stage.authority))


def money(programme: Programme, *account: str) -> int:
    """Return what an account has; nothing where it is not opened yet."""
    try:
        return ledger.balance(programme.account(*account)).net
    except KeyError:
        return 0


def test_a_firm_uses_a_voucher_and_the_provider_is_paid(come, scene: Stage, language: str):
    firm = cast.an_sme(f"Map Readers {language}", password=PASSWORD)
    programme = scene.m3.programme
    paid_before = money(programme, "paid", scene.seller.organisation.code)

    holder = come(language=language)
    reference = apply(holder, scene.m3, firm, fee_total="100,000.00")
    assert holder.language == SPOKEN[language]
    voucher = decide(come(scene.authority.officer, language=language), reference, "¥60,000.00")

    own = hold(holder, voucher, scene, "400")
    holder.open(f"/vouchers/{voucher}/")
    code = redemption_code_of(holder)
    provider = come(scene.seller.person, language=language)
    redeemed = redeem(provider, code, scene, "100", f"project-{language}")
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
    finance = come(scene.authority.finance[0], language=language)
    settle(finance, number)
    assert "¥420.00" in finance.words
    pay(come, language, finance, scene, programme)

    assert money(programme, "paid", scene.seller.organisation.code) == paid_before + 420_00
    provider.open(f"/bills/{number}/")
    assert "¥420.00" in provider.words
    provider.open("/payments/")
    assert "¥420.00" in provider.words
    assert ledger.accounts_out_of_step() == []


def test_a_laboratory_is_paid_back_a_part_of_the_fee_that_it_paid(
    come, scene: Stage, language: str
):
    laboratory = cast.a_laboratory(f"Vision Laboratory {language}", password=PASSWORD)
    programme, code = scene.m1.programme, laboratory.organisation.code

    holder = come(language=language)
    seller = scene.seller.organisation.code
    fees = {"fee_total": "100,000.00", "fee_storage": "0"}
    reference = apply(holder, scene.m1, laboratory, provider_code=seller, **fees)
    cast.a_bank_detail(laboratory.organisation, laboratory.person, scene.authority)
    voucher = decide(come(scene.authority.officer, language=language), reference, "¥30,000.00")

    provider = come(scene.seller.person, language=language)
    # A tenth of an hour of 20,000 GPUs at 25.00 is the fee that is claimed.
    meter(provider, f"m1-{language}", a_job(f"m1-{language}", voucher, 20_000))

    today = day_of(timezone.now(), programme.zone)
    holder.open(f"/vouchers/{voucher}/")
    holder.follow(f"/vouchers/{voucher}/claims/new/")
    holder.answer(invoice_number=f"C-{language}", amount_paid="50,000.00", fee_excluded="0")
    holder.answer(**day("period_from_on", today), **day("period_until_on", today))
    holder.send()
    assert holder.path.startswith("/bills/CL-")
    claim = holder.last
    finance = come(scene.authority.finance[0], language=language)
    settle(finance, claim)
    assert money(programme, "beneficiary_payable", code) == 15_000_00
    pay(come, language, finance, scene, programme)

    assert money(programme, "beneficiary_payable", code) == 0
    assert money(programme, "paid", code) == 15_000_00
    assert money(programme, "voucher", voucher) == 15_000_00
    holder.open("/payments/")
    assert "¥15,000.00" in holder.words
    assert ledger.accounts_out_of_step() == []


def test_a_university_is_given_hours_and_no_money_moves(come, scene: Stage, language: str):
    university = cast.a_university(
        f"North University {language}", country="GB", region="GB-LND", password=PASSWORD
    )
    programme = scene.m5.programme
    delivered = money(programme, "delivered")

    holder = come(language=language)
    reference = apply(holder, scene.m5, university, hours="5,000")
    voucher = decide(come(scene.authority.officer, language=language), reference, "5,000")
    order = hold(holder, voucher, scene, "100")
    assert ledger.balance(programme.account("voucher", voucher)).pending == 100 * cast.HOUR

    provider = come(scene.seller.person, language=language)
    meter(provider, f"m5-{language}", a_job(f"m5-{language}", order, 80))
    number = bill(provider, programme, f"M5-{language}")
    assert "¥" not in provider.words
    finance = come(scene.authority.finance[0], language=language)
    settle(finance, number)

    assert money(programme, "delivered") == delivered + 8 * cast.HOUR
    assert money(programme, "voucher", voucher) == 4_992 * cast.HOUR
    finance.open("/batches/")
    assert finance.page.locator(f'main a[href*="?programme={programme.code}&"]').count() == 0
    holder.open(f"/bills/{number}/")
    assert "¥" not in holder.words
    assert ledger.accounts_out_of_step() == []
