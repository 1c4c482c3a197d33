"""A fapiao's sums and tax ids are checked; what can't be read is refused."""

from decimal import Decimal

import pytest

from billing.invoices.fapiao import Fapiao
from billing.invoices.reading import read_invoice
from billing.invoices.refusals import InvoiceValueUnreadable

DIGITAL = """<EInvoice><Header><EIid>25442000000123456789</EIid><EInvoiceTag>SWEI3200</EInvoiceTag>
<Version>0.2</Version></Header><EInvoiceData>
<SellerInformation><SellerIdNum>{seller}</SellerIdNum><SellerName>智算科技有限公司</SellerName>
</SellerInformation>
<BuyerInformation><BuyerIdNum/><BuyerName>某某研究院</BuyerName></BuyerInformation>
<BasicInformation><TotalAmWithoutTax>1000.00</TotalAmWithoutTax><TotalTaxAm>60.00</TotalTaxAm>
<TotalTax-includedAmount>{total}</TotalTax-includedAmount>
<RequestTime>2025-07-01 10:00:00</RequestTime></BasicInformation>
<IssuItemInformation><ItemName>*信息技术服务*算力服务</ItemName><Amount>{amount}</Amount>
<TaxRate>{rate}</TaxRate><ComTaxAm>60.00</ComTaxAm></IssuItemInformation>
</EInvoiceData><TaxSupervisionInfo><InvoiceNumber>{number}</InvoiceNumber>
<IssueTime>{day}</IssueTime></TaxSupervisionInfo></EInvoice>"""
USCC = "91110000600037341L"


def digital(
    seller=USCC,
    total="1060.00",
    amount="1000.00",
    rate="0.06",
    number="25442000000123456789",
    day="2025-07-01",
):
    return DIGITAL.format(
        seller=seller, total=total, amount=amount, rate=rate, number=number, day=day
    ).encode()


def test_a_digital_fapiao_is_read_exactly():
    reading = read_invoice(digital())
    found = reading.document
    assert isinstance(found, Fapiao)
    assert reading.is_in_order
    assert (found.number, found.seller_id, found.is_digital) == (
        "25442000000123456789",
        USCC,
        True,
    )
    assert (found.without_tax, found.tax, found.with_tax) == (1000, 60, 1060)
    assert found.lines[0].rate == Decimal("0.06")


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"total": "1060.01"}, ("FP-07",)),
        ({"amount": "999.90"}, ("FP-08",)),
        ({"amount": "1200.00"}, ("FP-08", "FP-09")),
        ({"rate": "13%"}, ("FP-09",)),
        ({"seller": "91110000600037341M"}, ("FP-06",)),
        ({"seller": ""}, ("FP-04",)),
        ({"number": "123"}, ("FP-01",)),
        ({"number": ""}, ("FP-01",)),
        ({"day": ""}, ("FP-02",)),
        ({"total": ""}, ("FP-05",)),
    ],
)
def test_each_thing_that_is_wrong_has_its_number(changes, rules):
    assert read_invoice(digital(**changes)).rules == rules


@pytest.mark.parametrize(
    "changes", [{"total": "one"}, {"rate": "much"}, {"day": "2025-02-30"}, {"day": "July"}]
)
def test_what_can_not_be_read_is_refused(changes):
    with pytest.raises(InvoiceValueUnreadable):
        read_invoice(digital(**changes))


def test_exempt_lines_have_no_rate():
    assert read_invoice(digital(rate="免税")).is_in_order
