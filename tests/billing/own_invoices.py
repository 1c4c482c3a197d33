"""A provider's own invoices, made to fit a bill or not to."""

from billing import actions
from common.money import major
from tests import cast
from tests.billing import stage

FAPIAO = """<EInvoice><EInvoiceData>
<SellerInformation><SellerIdNum>{seller}</SellerIdNum><SellerName>{name}</SellerName>
</SellerInformation>
<BuyerInformation><BuyerIdNum/><BuyerName>某某研究院</BuyerName></BuyerInformation>
<BasicInformation><TotalAmWithoutTax>{net}</TotalAmWithoutTax><TotalTaxAm>0.00</TotalTaxAm>
<TotalTax-includedAmount>{total}</TotalTax-includedAmount></BasicInformation>
<IssuItemInformation><ItemName>算力服务</ItemName><Amount>{net}</Amount>
<TaxRate>免税</TaxRate><ComTaxAm>0.00</ComTaxAm></IssuItemInformation>
</EInvoiceData><TaxSupervisionInfo><InvoiceNumber>{number}</InvoiceNumber>
<IssueTime>2025-07-01</IssueTime></TaxSupervisionInfo></EInvoice>"""
NUMBER = "25442000000123456789"


def fapiao(bill, *, number=NUMBER, seller=None, total=None, net=None):
    """Return a wholly digital fapiao for a bill, as bytes."""
    organisation = bill.provider.organisation
    whole = total or f"{major(bill.total, bill.unit):.2f}"
    return FAPIAO.format(
        seller=seller or organisation.identifier,
        name=organisation.name,
        number=number,
        total=whole,
        net=net or whole,
    ).encode()


def attach(bill, data=None, *, actor=None, key=None, at=stage.LATER, name="invoice.xml"):
    """Attach an invoice to a bill; by default a fapiao that fits it, by its provider's program."""
    return actions.attach_invoice(
        bill=bill,
        name=name,
        data=fapiao(bill) if data is None else data,
        actor=actor or bill.provider.address,
        at=at,
        key=key or cast.a_key("attach"),
    )
