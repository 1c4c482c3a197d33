"""A form does its work once, however often it is pressed, and says so where that matters."""

import time

import pytest
from django.utils import translation

from common.errors import Refused
from common.forms import words_of
from tests import cast
from tests.browser.history import History, now
from tests.browser.stage import SPOKEN
from tests.browser.visitor import Visitor
from vouchers.models import Application, Decision, Order, Voucher

pytestmark = pytest.mark.slow

ORDER = 'main form[method="post"] button'


@pytest.fixture
def voucher(history: History) -> tuple[Voucher, cast.Applicant]:
    """A voucher that nobody used yet, and its holder."""
    firm = cast.an_sme("Pressed Twice")
    return cast.an_issued_voucher(history.m3, firm, at=now()), firm


def quote(visitor: Visitor, voucher: Voucher, history: History, hours: str) -> None:
    """Open the page that shows the price of an order."""
    offer = history.seller.offer.code
    visitor.open(f"/vouchers/{voucher.code}/orders/new/?offer={offer}&hours={hours}")


@pytest.mark.parametrize("script", [True, False])
def test_two_clicks_place_one_order(come, history: History, voucher, script: bool):
    found, firm = voucher
    holder = come(firm.person, script=script)
    quote(holder, found, history, "40")
    holder.page.locator(ORDER).dblclick()
    # The second click calls the first answer off, so the page is waited for, not an answer.
    deadline = time.monotonic() + 15
    while not holder.path.startswith("/orders/") and time.monotonic() < deadline:
        holder.page.wait_for_timeout(100)
    assert holder.path == f"/orders/{Order.objects.get(voucher=found).code}/"


def test_the_same_form_in_two_tabs_places_one_order(come, history: History, voucher):
    found, firm = voucher
    first, second = come(firm.person), come(firm.person)
    quote(first, found, history, "40")
    quote(second, found, history, "40")
    restore(second, key_of(first))
    first.send(ORDER)
    second.send(ORDER)
    assert first.path == second.path == f"/orders/{Order.objects.get(voucher=found).code}/"


@pytest.mark.parametrize("language", SPOKEN)
def test_a_stale_form_with_other_answers_is_refused_in_words(
    come, history: History, voucher, language: str
):
    found, firm = voucher
    first, second = come(firm.person, language=language), come(firm.person, language=language)
    quote(first, found, history, "40")
    quote(second, found, history, "80")
    restore(second, key_of(first))
    first.send(ORDER)
    second.send(ORDER)
    assert second.has_errors
    with translation.override(language):
        assert words_of(Stale()) in second.words
    assert Order.objects.get(voucher=found).quantity_ms == 40 * cast.HOUR


def test_two_officers_with_the_same_case_open_decide_it_once(come, history: History):
    waiting = cast.a_sent_application(history.m3, cast.an_sme("Decided Once"), at=now())
    path = f"/applications/{waiting.reference}/decide/"
    first = come(history.authority.officer)
    second = come(history.authority.second_officer)
    first.open(path)
    second.open(path)
    first.answer(outcome="PASS")
    first.send()
    second.answer(outcome="FAIL", note="Too late.")
    second.send()
    assert second.has_errors
    assert waiting.reference in second.words
    assert Application.objects.get(pk=waiting.pk).status == "APPROVED"
    assert Decision.objects.get(application=waiting).outcome == "PASS"


class Stale(Refused):
    """What a page that was sent before is refused with."""

    code = "key_reused"


def key_of(visitor: Visitor) -> str:
    return visitor.page.locator('main form[method="post"] [name=key]').input_value()


def restore(visitor: Visitor, key: str) -> None:
    """Make a page the copy that a restored tab would be: with the key of the other."""
    box = visitor.page.locator('main form[method="post"] [name=key]')
    box.evaluate("(box, key) => { box.value = key; }", key)
