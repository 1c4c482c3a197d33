"""The invoices of a bill are taken away by whoever may see the bill, as XML and as a paper."""

from django.urls import reverse

from billing.invoices.reading import read_invoice
from tests.cast import an_sme, make_provider


def address(bill, kind, position=1):
    return reverse("bill_invoice", args=[bill.number, position, kind])


def test_the_page_of_a_bill_leads_to_its_invoice(provider, due):
    page = provider.get(reverse("bill", args=[due.number])).content.decode()
    assert f"Download Invoice {due.number} as XML (EN 16931)" in page
    assert address(due, "xml") in page
    assert address(due, "pdf") in page


def test_provider_payer_and_holder_take_it_away(provider, browser, scene, due):
    clients = (provider, browser(scene.authority.finance[0]), browser(scene.applicant.person))
    for client in clients:
        answer = client.get(address(due, "xml"))
        assert answer["Content-Type"] == "application/xml; charset=utf-8"
        assert answer["X-Content-Type-Options"] == "nosniff"
        reading = read_invoice(answer.content)
        assert reading.is_in_order
        assert str(reading.document.totals.payable) == "3600.00"
        paper = client.get(address(due, "pdf"))
        assert paper["Content-Type"] == "application/pdf"
        assert paper.content.startswith(b"%PDF-")


def test_the_paper_is_written_in_both_languages(provider, due):
    english = provider.get(address(due, "pdf")).content
    chinese = provider.get(address(due, "pdf"), headers={"accept-language": "zh-hans"}).content
    assert english != chinese
    assert chinese.startswith(b"%PDF-")


def test_others_find_nothing_nor_do_other_papers(browser, provider, scene, due):
    strangers = (an_sme("Strangers"), make_provider(scene.authority, "Rivals"))
    for stranger in strangers:
        assert browser(stranger.person).get(address(due, "xml")).status_code == 404
    assert provider.get(address(due, "xml", 2)).status_code == 404
    assert provider.get(address(due, "docx")).status_code == 404
