"""The ledger is searched by what people know: account, amount, reference, period, kind, reason."""

import pytest
from django.urls import reverse

from billing import actions
from billing.views import ledger_search
from ledger import queries as ledger
from tests.cast import make_authority
from tests.doors.billing.june import JULY, released
from tests.doors.pages import words

pytestmark = pytest.mark.django_db


def found(client, **asked):
    """Return the kinds of the acts that a search finds, newest first, as the CSV has them."""
    answer = client.get(reverse("ledger_audit_csv"), asked)
    rows = answer.content.decode("utf-8-sig").splitlines()[1:]
    return [row.split(",")[2] for row in rows]


def test_acts_are_found_by_each_of_their_fields(browser, scene, due, now):
    finance = browser(scene.authority.finance[0])
    batch = released(browser, scene)
    payment = batch.payments.get()

    assert found(finance, about=due.address) == ["settle_bill"]
    assert found(finance, kind="release_batch") == ["release_batch"]
    assert found(finance, reference=payment.end_to_end_id) == ["release_batch"]
    # 3,600.00 was settled, and then sent to the bank.
    assert found(finance, amount="3600.00") == ["release_batch", "settle_bill"]
    assert found(finance, amount="3600.01") == []
    assert found(finance, account=payment.payable, kind="settle_bill") == ["settle_bill"]
    day = {"since_day": "3", "since_month": "7", "since_year": "2025"}
    assert found(finance, kind="settle_bill", **day) == []
    until = {"until_day": "2", "until_month": "7", "until_year": "2025"}
    assert found(finance, kind="settle_bill", **until) == ["settle_bill"]


def test_the_reason_of_an_act_is_searched(browser, scene, due, now):
    act = ledger.acts_about(due.address).get(kind="settle_bill")
    transfer = ledger.transfers_of(act.id).get()
    actions.correct_transfer(
        transfer_id=transfer.id,
        reason="The meter ran twice",
        actor=scene.authority.finance[0],
        at=JULY,
        key="correct",
    )
    regulator = browser(scene.authority.regulator)

    assert found(regulator, words="meter ran") == ["correct_transfer"]


def test_a_page_goes_on_where_the_one_before_ended(browser, scene, due, now, monkeypatch):
    monkeypatch.setattr(ledger_search, "ROWS_A_PAGE", 3)
    finance = browser(scene.authority.finance[0])
    address, seen = reverse("ledger_audit"), []
    while address:
        page = finance.get(address)
        seen += [row[1] for row in page.context["list"]["rows"]]
        older = page.context["older"]
        address = reverse("ledger_audit") + older if older else ""
        assert len(page.context["list"]["rows"]) <= 3

    every = found(finance)
    assert len(seen) == len(every) > 6
    for odd in ("x", "2025-07-02,1", "2025-99-99T00:00:00+00:00,1"):
        assert finance.get(reverse("ledger_audit"), {"before": odd}).status_code == 200


def test_other_authorities_find_nothing_of_it(browser, scene, due, now):
    stranger = browser(make_authority("Other Bureau").finance[0])

    assert found(stranger, about=due.address) == []
    assert browser(scene.seller.person).get(reverse("ledger_audit_csv")).status_code == 409


def test_an_account_is_shown_as_it_stood_on_a_day(browser, scene, due, now):
    finance = browser(scene.authority.finance[0])
    address = scene.scheme.programme.account("voucher", scene.voucher.code)
    page = reverse("ledger_account", args=[address])

    before = words(finance.get(page, {"on_day": "1", "on_month": "7", "on_year": "2025"}))
    after = words(finance.get(page, {"on_day": "2", "on_month": "7", "on_year": "2025"}))

    assert "Bill settled" not in before
    assert "¥56,400.00" not in before
    assert "Bill settled" in after
    assert "¥56,400.00" in after
