"""Nothing needs a script: a firm uses its voucher in a browser that runs none."""

import pytest

from ledger import queries as ledger
from tests import cast
from tests.browser.stage import PASSWORD, Stage
from tests.browser.steps import (
    a_job,
    apply,
    bill,
    decide,
    hold,
    meter,
    redeem,
    redemption_code_of,
    settle,
)

pytestmark = pytest.mark.slow


def test_a_firm_uses_a_voucher_in_a_browser_without_scripts(come, stage: Stage):
    firm = cast.an_sme("Plain Readers", password=PASSWORD)
    programme = stage.m3.programme

    holder = come(script=False)
    reference = apply(holder, stage.m3, firm, fee_total="100,000.00")
    officer = come(stage.authority.officer, script=False)
    voucher = decide(officer, reference, "¥60,000.00")
    order = hold(holder, voucher, stage, "400")
    holder.open(f"/vouchers/{voucher}/")
    code = redemption_code_of(holder)

    provider = come(stage.seller.person, script=False)
    redeem(provider, code, stage, "100", "plain")
    meter(provider, "plain", a_job("plain-1", order, 80), a_job("plain-2", "plain", 40))
    number = bill(provider, programme, "PLAIN-1")
    settle(come(stage.authority.finance[0], script=False), number)

    own = ledger.balance(programme.account("voucher", voucher))
    assert (own.net, own.pending) == (59_820_00, 7_320_00)
    assert ledger.accounts_out_of_step() == []


def test_an_empty_form_comes_back_without_scripts_and_keeps_what_was_typed(come, stage: Stage):
    provider = come(stage.seller.person, script=False)
    provider.open("/redeem/")
    provider.answer(redemption_code="AAAA-BBBB-CCCC-DDDD")
    provider.send()
    assert provider.has_errors
    assert provider.answered("redemption_code") == {"redemption_code": "AAAA-BBBB-CCCC-DDDD"}
