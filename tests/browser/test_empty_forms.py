"""Every form, sent empty: it comes back, keeps the rules of a page, and leads to what is wrong."""

import pytest

from ledger import queries as ledger
from tests.browser.accessible import problems_of
from tests.browser.addresses import TASKS, WHO, Paths
from tests.browser.history import History
from tests.browser.pictures import take_picture
from tests.browser.stage import SPOKEN
from tests.browser.visitor import SUBMIT

pytestmark = pytest.mark.slow


def forms_of_the_firm(h: History) -> list[str]:
    draft = f"/applications/{h.complete.reference}/tasks/"
    voucher = f"/vouchers/{h.voucher.code}/"
    return [
        *(f"{draft}{task}/" for task in TASKS),
        f"{voucher}orders/new/",
        f"/orders/{h.order.code}/change/",
        f"/orders/{h.order.code}/users/new/",
        f"/orders/{h.order.code}/questions/new/",
        f"{voucher}outcomes/new/",
        f"/bills/{h.sent.number}/lines/1/object/",
        f"/organisation/{h.firm.organisation.code}/bank-details/new/",
        "/account/password/change/",
    ]


def forms_of_the_provider(h: History) -> list[str]:
    return [
        "/provider/offers/new/",
        f"/provider/offers/{h.seller.offer.code}/",
        "/provider/api-keys/",
        "/redeem/",
        "/usage/new/",
        "/bills/new/",
    ]


def forms_of_the_officer(h: History) -> list[str]:
    return [
        f"/applications/{h.waiting.reference}/decide/",
        f"/applications/{h.approved.reference}/undo/",
        "/catalogue/caps/new/",
        "/catalogue/equivalents/new/",
        f"/programmes/{h.m3.programme.code}/policy/new/",
        f"/vouchers/{h.voucher.code}/suspend/",
    ]


def forms_of_finance(h: History) -> list[str]:
    transfer = ledger.transfers_of(h.act)[0].id
    return [
        f"/bills/{h.settled.number}/lines/{h.withheld.row}/decide/",
        "/statements/new/",
        f"/ledger/acts/{h.act}/transfers/{transfer}/correct/",
        f"/programmes/{h.m3.programme.code}/rounds/new/",
    ]


def forms_of_the_deciding_officer(h: History) -> list[str]:
    d = h.deciding
    judged = f"/applications/{d.judged.reference}/"
    return [
        "/queue/deputy/",
        f"{judged}ask/",
        f"{judged}conflict/",
        f"/applications/{d.closed.round.applications.earliest('pk').reference}/admit/",
        f"/applications/{d.appealed.reference}/appeal/verdict/",
        f"/vouchers/{d.extended.code}/extension/",
        f"/vouchers/{d.extended.code}/revoke/",
    ]


def forms_of_the_market_provider(h: History) -> list[str]:
    return [
        "/provider/accreditation/apply/",
        "/provider/capacity/new/",
        "/provider/capacity/list/",
        f"/agreements/{h.market.agreement.pk}/",
    ]


def forms_of_the_market_officer(h: History) -> list[str]:
    return [
        f"/accreditation/{h.market.application.code}/",
        f"/accreditation/providers/{h.market.seller.organisation.code}/suspend/",
        "/agreements/new/",
    ]


FORMS: dict[str, Paths] = {
    "nobody": lambda h: ["/account/login/", "/account/password/reset/", "/apply/check/"],
    "firm": forms_of_the_firm,
    "laboratory": lambda h: [f"/vouchers/{h.claimable.code}/claims/new/"],
    "provider": forms_of_the_provider,
    "officer": forms_of_the_officer,
    "second_officer": lambda h: [
        f"/programmes/{h.m3.programme.code}/policy/{h.version.number}/"
    ],
    "finance": forms_of_finance,
    "target_officer": lambda h: [f"/vouchers/{h.target.voucher.code}/assess/"],
    "match_officer": lambda h: [f"/programmes/{h.match.programme.code}/awards/new/"],
    "asked_firm": lambda h: [
        f"/applications/{h.deciding.draft.reference}/files/",
        f"/applications/{h.deciding.asked.reference}/answer/",
        f"/applications/{h.deciding.refused.reference}/appeal/",
        f"/vouchers/{h.deciding.voucher.code}/extend/",
    ],
    "reviewer": lambda h: [f"/reviews/{h.deciding.judged.reference}/"],
    "market_provider": forms_of_the_market_provider,
    "market_officer": forms_of_the_market_officer,
    "deciding_officer": forms_of_the_deciding_officer,
}
CLEAR = """() => {
    for (const box of document.querySelectorAll('main form input, main form textarea, main form select')) {
        if (box.type === 'hidden') continue;
        if (box.type === 'radio' || box.type === 'checkbox') box.checked = false;
        else box.value = '';
    }
}"""


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("who", FORMS)
def test_an_empty_form_comes_back_with_what_to_put_right(
    come, history: History, who: str, language: str
):
    visitor = come(WHO[who][0](history), language=language)
    problems = []
    for path in FORMS[who](history):
        visitor.open(path)
        visitor.page.evaluate(CLEAR)
        visitor.send(SUBMIT)
        if not visitor.has_errors:
            problems.append(f"{path} took an empty form without a word")
            continue
        if visitor.page.locator(".govuk-error-summary:focus").count() != 1:
            problems.append(f"{path} does not lead the focus to what is wrong")
        take_picture(visitor, f"{who} empty {path}", language)
        problems += [f"{path} {one}" for one in problems_of(visitor, SPOKEN[language])]
    assert problems == []
