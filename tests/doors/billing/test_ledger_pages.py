"""The ledger at a browser: every move and every act, read by those who oversee them."""

from html import unescape

import pytest
from django.urls import reverse

from ledger import queries as ledger
from tests.cast import (
    M3,
    make_authority,
)
from tests.doors.pages import send, words

pytestmark = pytest.mark.django_db


def test_an_account_shows_every_move_with_the_balance_after_it(browser, scene, due):
    regulator = browser(scene.authority.regulator)
    address = scene.scheme.programme.account("voucher", scene.voucher.code)

    page = words(regulator.get(reverse("ledger_account", args=[address])))

    assert "Voucher issued" in page
    assert "Bill settled" in page
    assert "¥56,400.00" in page
    answer = regulator.get(reverse("ledger_account_csv", args=[address]))
    rows = answer.content.decode("utf-8-sig").splitlines()
    assert rows[0] == "at,act,kind,other,reference,unit,amount,balance"
    assert rows[1].endswith("CNY,60000.00,60000.00")
    assert rows[2].endswith("CNY,-3600.00,56400.00")


def test_a_statement_as_of_a_day_is_downloaded_as_of_it(browser, scene, due):
    regulator = browser(scene.authority.regulator)
    address = scene.scheme.programme.account("voucher", scene.voucher.code)
    page, file = (
        reverse(one, args=[address]) for one in ("ledger_account", "ledger_account_csv")
    )
    first = "on_day=1&on_month=7&on_year=2025"

    assert f"{file}?{first}" in unescape(regulator.get(f"{page}?{first}").content.decode())
    content = regulator.get(f"{file}?{first}").content.decode("utf-8-sig")
    assert len(content.splitlines()) == 2
    assert "-3600.00" not in content
    wrong = regulator.get(f"{file}?on_day=31&on_month=2&on_year=2025")
    assert (wrong.status_code, wrong.url.partition("?")[0]) == (302, page)


def test_an_act_says_who_what_when_about_what_and_what_moved(browser, scene, due):
    finance = browser(scene.authority.finance[0])
    act = ledger.acts_about(due.address).get(kind="settle_bill")
    bill_page = finance.get(reverse("bill", args=[due.number])).content.decode()
    assert reverse("ledger_act", args=[act.id]) in bill_page

    page = finance.get(reverse("ledger_act", args=[act.id]))

    assert reverse("bill", args=[due.number]) in page.content.decode()
    assert "The portal itself" in words(page)
    assert "Captured from a hold" in words(page)
    assert "¥3,600.00" in words(page)


def test_accounts_and_acts_are_found_by_words(browser, scene, due):
    finance = browser(scene.authority.finance[0])

    accounts = words(finance.get(reverse("ledger_accounts"), {"words": scene.voucher.code}))
    acts = words(finance.get(reverse("ledger_audit"), {"words": "settle_bill"}))

    assert f"voucher:{M3}:{scene.voucher.code}" in accounts
    assert f"available:{M3}" not in accounts
    assert f"bill:{due.number}" in acts


def test_another_authoritys_people_read_nothing_of_it(browser, scene, due):
    stranger = browser(make_authority("Other Bureau").finance[0])
    address = scene.scheme.programme.account("voucher", scene.voucher.code)
    act = ledger.acts_about(due.address).get(kind="settle_bill")

    assert stranger.get(reverse("ledger_account", args=[address])).status_code == 404
    assert stranger.get(reverse("ledger_act", args=[act.id])).status_code == 404
    assert "No acts match." in words(stranger.get(reverse("ledger_audit"), {"words": "settle"}))
    assert M3 not in words(stranger.get(reverse("ledger_accounts")))


def test_finance_undoes_a_settled_transfer_with_a_word_why(browser, scene, due):
    finance = browser(scene.authority.finance[0])
    act = ledger.acts_about(due.address).get(kind="settle_bill")
    transfer = ledger.transfers_of(act.id).get()
    address = reverse("transfer_correct", args=[act.id, transfer.id])

    send(finance, address, reason="Settled twice by hand")

    account = scene.scheme.programme.account("voucher", scene.voucher.code)
    assert ledger.balance(account).net == 60_000_00
    assert "There is a problem" in words(send(finance, address, reason="Once more"))


@pytest.mark.parametrize(
    "name",
    [
        "settle_queue",
        "lines_withheld",
        "batches",
        "batch_new",
        "statements",
        "statement_upload",
        "ledger_accounts",
        "ledger_audit",
    ],
)
def test_pages_of_the_authority_are_closed_to_others(browser, scene, name):
    address = reverse(name)

    assert browser(scene.authority.finance[0]).get(address).status_code == 200
    assert browser(scene.seller.person).get(address).status_code == 409
    assert browser(scene.applicant.person).get(address).status_code == 409
    assert browser().get(address).status_code == 302
