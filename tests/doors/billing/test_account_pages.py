"""Remittance advice, statements of account and aged payables, on pages and to take away."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from billing.queries import owed
from notices.actions import write_letters
from notices.models import Message
from tests.billing.test_batches import owe_another
from tests.cast import M3, an_sme, make_authority, make_provider
from tests.doors.billing.june import JULY, released, step

JUNE = "from_on_day=1&from_on_month=6&from_on_year=2025"
PERIOD = f"{JUNE}&until_on_day=31&until_on_month=7&until_on_year=2025"
SEPTEMBER = "on_day=1&on_month=9&on_year=2025"


@pytest.fixture
def sent(browser, scene, due):
    return released(browser, scene).payments.get()


def account(scene, name="account_statement", *more):
    return reverse(name, args=[M3, scene.seller.organisation.code, *more])


def rows(answer):
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_payee_sees_what_a_payment_is_made_of(provider, due, sent):
    page = provider.get(reverse("payments")).content.decode()
    assert reverse("remittance", args=[sent.end_to_end_id]) in page
    page = provider.get(reverse("remittance", args=[sent.end_to_end_id])).content.decode()
    for words in (due.number, due.invoice_number, "¥6,000.00", "¥2,400.00", "¥3,600.00"):
        assert words in page
    (row,) = rows(provider.get(reverse("remittance_file", args=[sent.end_to_end_id, "csv"])))
    assert (row["bill"], row["lines"], row["in_this_payment"]) == (due.number, "2", "3600.00")
    paper = provider.get(reverse("remittance_file", args=[sent.end_to_end_id, "pdf"]))
    assert paper.content.startswith(b"%PDF-")


def test_finance_sees_it_too_and_nobody_else(browser, scene, sent):
    finance = browser(scene.authority.finance[1])
    url = reverse("remittance", args=[sent.end_to_end_id])
    assert finance.get(url).status_code == 200
    for stranger in (an_sme("Strangers"), make_provider(scene.authority, "Rivals")):
        client = browser(stranger.person)
        assert client.get(url).status_code == 404
        assert client.get(account(scene)).status_code == 404
        assert client.get(account(scene, "payable_items")).status_code == 404
    assert browser(make_authority("Elsewhere").finance[0]).get(url).status_code == 404


def test_the_payee_is_told_when_a_payment_is_sent(browser, scene, sent):
    step(browser(scene.authority.finance[0]), "batch_hand_over", sent.batch)
    write_letters(at=JULY)
    letter = Message.objects.get(
        user=scene.seller.person, path=reverse("remittance", args=[sent.end_to_end_id])
    )
    assert letter.subject == "Payment of ¥3,600.00 is on its way"


def test_a_statement_opens_moves_and_closes(provider, scene, due, sent):
    page = provider.get(f"{account(scene)}?{PERIOD}").content.decode()
    assert due.number in page
    assert sent.end_to_end_id in page
    found = rows(provider.get(f"{account(scene, 'account_statement_file', 'csv')}?{PERIOD}"))
    assert [row["amount"] for row in found] == ["", "3600.00", "-3600.00", ""]
    assert [row["balance"] for row in found] == ["0.00", "3600.00", "0.00", "0.00"]
    paper = provider.get(f"{account(scene, 'account_statement_file', 'pdf')}?{PERIOD}")
    assert paper.content.startswith(b"%PDF-")
    empty = provider.get(f"{account(scene)}?{JUNE}&{JUNE.replace('from_on', 'until_on')}")
    assert "Nothing moved in these days." in empty.content.decode()


def test_days_in_the_wrong_order_are_said(provider, scene, due):
    backwards = f"{JUNE}&until_on_day=1&until_on_month=5&until_on_year=2025"
    page = provider.get(f"{account(scene)}?{backwards}").content.decode()
    assert "Enter a day that is not before the first day" in page
    url = account(scene, "account_statement_file", "csv")
    assert provider.get(f"{url}?{backwards}").status_code == 404


def test_accounts_lead_to_statements(provider, browser, scene, due):
    for client in (provider, browser(scene.authority.finance[0])):
        page = client.get(reverse("accounts")).content.decode()
        assert account(scene) in page
        assert "¥3,600.00" in page
    page = browser(an_sme("Strangers").person).get(reverse("accounts")).content.decode()
    assert "No accounts yet." in page


def test_finance_sees_what_is_owed_by_age(browser, scene, due):
    finance = browser(scene.authority.finance[0])
    page = finance.get(f"{reverse('payables')}?{SEPTEMBER}").content.decode()
    assert account(scene, "payable_items") in page
    (row,) = rows(finance.get(f"{reverse('payables_csv')}?{SEPTEMBER}"))
    assert [row[name] for name in ("to_30", "to_60", "to_90", "over_90", "total")] == [
        "0.00",
        "0.00",
        "3600.00",
        "0.00",
        "3600.00",
    ]
    book = finance.get(f"{reverse('payables_xlsx')}?{SEPTEMBER}").content
    sheet = load_workbook(io.BytesIO(book)).active
    assert [cell.value for cell in sheet[2]][4:] == [0, 0, 3600, 0, 3600]
    page = finance.get(f"{account(scene, 'payable_items')}?{SEPTEMBER}").content.decode()
    assert due.number in page


def test_what_a_day_before_settlement_knew_is_nothing(browser, scene, due):
    finance = browser(scene.authority.finance[0])
    may = "on_day=1&on_month=5&on_year=2025"
    assert "Nothing is owed." in finance.get(f"{reverse('payables')}?{may}").content.decode()


def test_a_day_that_is_none_is_an_error_with_its_fix_and_no_figure(browser, scene, due):
    finance = browser(scene.authority.finance[0])
    wrong = "on_day=31&on_month=2&on_year=2025"

    for url in (reverse("payables"), account(scene, "payable_items")):
        page = finance.get(f"{url}?{wrong}").content.decode()
        assert "There is a problem" in page
        assert "Nothing is owed" not in page
        assert "Nothing was owed" not in page
        assert "¥3,600.00" not in page
    for name in ("payables_csv", "payables_xlsx"):
        answer = finance.get(f"{reverse(name)}?{wrong}")
        assert (answer.status_code, answer.url) == (302, f"{reverse('payables')}?{wrong}")


def test_without_a_day_it_is_the_programmes_own(browser, scene, due, monkeypatch):
    # 1 August in Shanghai, and still 31 July in Greenwich.
    late = datetime(2025, 7, 31, 18, tzinfo=UTC)
    monkeypatch.setattr("billing.views.aged.timezone.now", lambda: late)
    finance = browser(scene.authority.finance[0])

    page = finance.get(reverse("payables")).content.decode()

    assert "1 August 2025" in page


def test_what_is_owed_is_worked_out_for_the_accounts_of_the_page_alone(
    browser, scene, due, monkeypatch
):
    other = owe_another(scene, with_bank=False)
    asked, amount_owed = [], owed.amount_owed

    def noted(programme, party):
        asked.append(party)
        return amount_owed(programme, party)

    monkeypatch.setattr(owed, "amount_owed", noted)

    page = browser(scene.seller.person).get(reverse("accounts")).content.decode()

    assert asked == [scene.seller.organisation]
    assert "¥3,600.00" in page
    assert other.seller.organisation.name not in page
    browser(scene.authority.finance[0]).get(reverse("accounts"))
    assert len(asked) == 3


def test_aged_payables_are_for_the_authority_alone(provider, due):
    for name in ("payables", "payables_csv", "payables_xlsx"):
        answer = provider.get(reverse(name))
        assert answer.status_code == 409
        assert "¥3,600.00" not in answer.content.decode()
