"""Everybody who has pages, and the addresses of theirs."""

from collections.abc import Callable

from ledger import queries as ledger
from parties.models import User
from scoring.indicators import report
from tests.browser.history import History, letter_to, now

TASKS = ("organisation", "project", "compute", "time", "declaration")

Paths = Callable[[History], list[str]]


def public(h: History) -> list[str]:
    return [
        "/",
        "/apply/",
        "/apply/check/",
        "/awards/",
        "/catalogue/",
        "/catalogue/?sort=equivalent&precision=BF16",
        "/catalogue/caps/",
        "/catalogue/equivalents/",
        f"/catalogue/{h.seller.offer.code}/",
        "/help",
        "/help/statuses",
        "/help/accessibility",
        "/developers/",
        "/providers/",
        "/providers/capacity/",
        "/account/login/",
        "/account/password/reset/",
        "/account/password/reset/done/",
        "/account/signup/",
    ]


def firm(h: History) -> list[str]:
    voucher, order = f"/vouchers/{h.voucher.code}/", f"/orders/{h.order.code}/"
    complete = f"/applications/{h.complete.reference}/"
    sent = f"/applications/{h.voucher.decision.application.reference}/"
    return [
        "/apply/",
        f"/apply/{h.m3.programme.code}/{h.m3.round.code}/",
        f"{complete}tasks/",
        *(f"{complete}tasks/{task}/" for task in TASKS),
        f"{complete}check/",
        f"{complete}withdraw/",
        sent,
        f"{sent}sent/",
        "/vouchers/",
        voucher,
        f"{voucher}orders/new/",
        f"{voucher}orders/new/?offer={h.seller.offer.code}&hours=100",
        f"{voucher}return/",
        f"{voucher}code/",
        f"{voucher}outcomes/new/",
        f"/catalogue/?voucher={h.voucher.code}",
        "/orders/",
        order,
        f"{order}change/",
        f"{order}release/",
        f"{order}users/new/",
        f"{order}questions/new/",
        "/usage/",
        "/bills/",
        f"/bills/{h.settled.number}/",
        f"/bills/{h.sent.number}/",
        f"/bills/{h.sent.number}/lines/1/object/",
        "/payments/",
        "/standing/",
        "/messages/",
        f"/messages/{letter_to(h.firm.person)}/",
        "/organisation/",
        f"/organisation/{h.firm.organisation.code}/bank-details/new/",
        "/profile/",
        "/account/password/change/",
        "/account/2fa/",
        "/account/2fa/totp/activate/",
        "/account/logout/",
    ]


def beginner(h: History) -> list[str]:
    return [
        "/apply/",
        "/vouchers/",
        "/usage/",
        "/bills/",
        "/payments/",
        "/standing/",
        "/messages/",
    ]


def laboratory(h: History) -> list[str]:
    voucher = f"/vouchers/{h.claimable.code}/"
    return [voucher, f"{voucher}claims/new/"]


def provider(h: History) -> list[str]:
    offer = f"/provider/offers/{h.seller.offer.code}/"
    return [
        "/provider/",
        "/provider/offers/",
        "/provider/offers/new/",
        offer,
        f"{offer}wait/",
        f"{offer}withdraw/",
        "/provider/orders/",
        "/orders/",
        "/provider/api-keys/",
        f"/provider/api-keys/{h.api_key.pk}/revoke/",
        f"/provider/api-keys/{h.api_key.pk}/roll/",
        f"/provider/api-keys/{h.api_key.pk}/networks/",
        "/provider/requests/",
        "/provider/webhooks/",
        "/developers/errors/",
        "/redeem/",
        f"/orders/{h.order.code}/",
        "/usage/",
        "/usage/new/",
        f"/usage/files/{h.usage_file.pk}/",
        f"/usage/lines/{h.usage_file.lines.first().pk}/",
        f"/usage/lines/{h.usage_file.lines.first().pk}/correct/",
        "/bills/",
        "/bills/new/",
        f"/bills/{h.settled.number}/",
        "/payments/",
        "/organisation/",
    ]


def careful(h: History) -> list[str]:
    order = f"/orders/{h.unanswered.code}/"
    return [
        "/provider/",
        "/orders/",
        order,
        f"{order}accept/",
        f"{order}decline/",
        f"{order}change/",
        f"{order}cancel/",
    ]


def officer(h: History) -> list[str]:
    waiting = f"/applications/{h.waiting.reference}/"
    approved = f"/applications/{h.approved.reference}/"
    programme = f"/programmes/{h.m3.programme.code}/"
    voucher = f"/vouchers/{h.voucher.code}/"
    return [
        "/queue/",
        f"{waiting}decide/",
        waiting,
        f"{approved}decide/",
        f"{approved}issue/",
        f"{approved}undo/",
        "/catalogue/caps/new/",
        "/catalogue/equivalents/new/",
        "/programmes/",
        programme,
        f"{programme}policy/new/",
        f"{programme}policy/1/",
        f"{programme}takeup/",
        f"{programme}takeup/?round={h.m3.round.code}",
        "/rounds/",
        "/vouchers/",
        voucher,
        f"{voucher}suspend/",
        f"{voucher}revoke/",
        f"{waiting}registers/",
        "/settlement/withheld/",
        "/messages/",
    ]


def second_officer(h: History) -> list[str]:
    return [f"/programmes/{h.m3.programme.code}/policy/{h.version.number}/"]


def finance(h: History) -> list[str]:
    programme = h.m3.programme.code
    transfer = ledger.transfers_of(h.act)[0].id
    return [
        "/settlement/",
        "/settlement/withheld/",
        f"/bills/{h.settled.number}/",
        f"/bills/{h.sent.number}/",
        f"/bills/{h.sent.number}/settle/",
        f"/bills/{h.settled.number}/lines/{h.withheld.row}/decide/",
        "/batches/",
        "/batches/new/",
        f"/batches/new/?programme={programme}",
        f"/batches/{h.batch.code}/",
        f"/batches/{h.paid_batch.code}/",
        "/statements/",
        "/statements/new/",
        f"/statements/{h.statement.pk}/",
        "/ledger/accounts/",
        f"/ledger/accounts/{h.payable}/",
        "/ledger/acts/",
        f"/ledger/acts/{h.act}/",
        f"/ledger/acts/{h.act}/transfers/{transfer}/correct/",
        f"/programmes/{programme}/periods/",
        f"/programmes/{programme}/rounds/new/",
        "/organisation/",
        f"/bank-details/{h.bank_detail.pk}/approve/",
    ]


def second_finance(h: History) -> list[str]:
    batch = f"/batches/{h.batch.code}/"
    party = f"{h.m3.programme.code}/{h.seller.organisation.code}/"
    payment = h.paid_batch.payments.get(payee=h.seller.organisation)
    return [
        batch,
        f"{batch}approve/",
        "/accounts/",
        f"/accounts/{party}",
        "/payables/",
        f"/payables/{party}",
        f"/payments/{payment.end_to_end_id}/",
    ]


def regulator(h: History) -> list[str]:
    code = report(now()).figures[0].code
    return [
        "/report/",
        f"/report/?programme={h.m3.programme.code}",
        f"/report/definitions/{code}/",
        "/programmes/",
        f"/programmes/{h.m3.programme.code}/",
        f"/programmes/{h.m3.programme.code}/takeup/",
        "/bills/",
        "/ledger/accounts/",
    ]


def investigator(h: History) -> list[str]:
    return ["/bills/", f"/bills/{h.settled.number}/", "/ledger/accounts/", "/ledger/acts/"]


def admin(h: History) -> list[str]:
    person = f"/people/{h.firm.person.pk}/"
    return [
        "/people/",
        "/people/?words=example",
        person,
        f"{person}join/",
        f"{person}part/",
        "/organisation/",
        "/profile/",
    ]


def supply(h: History) -> list[str]:
    return ["/targets/", "/bills/", f"/vouchers/{h.target.voucher.code}/target/claim/"]


def demand(h: History) -> list[str]:
    voucher = f"/vouchers/{h.target.voucher.code}/"
    return [voucher, f"{voucher}target/claim/"]


def target_officer(h: History) -> list[str]:
    voucher = f"/vouchers/{h.target.voucher.code}/"
    return [voucher, f"{voucher}assess/"]


def match_officer(h: History) -> list[str]:
    programme = f"/programmes/{h.match.programme.code}/"
    return [programme, f"{programme}awards/new/"]


def asked_firm(h: History) -> list[str]:
    d = h.deciding
    draft, refused = (
        f"/applications/{d.draft.reference}/",
        f"/applications/{d.refused.reference}/",
    )
    return [
        f"{draft}files/",
        f"{draft}files/{d.draft.attachments.get().pk}/remove/",
        f"{draft}check/",
        f"/applications/{d.asked.reference}/",
        f"/applications/{d.asked.reference}/answer/",
        refused,
        f"{refused}appeal/",
        f"/vouchers/{d.voucher.code}/",
        f"/vouchers/{d.voucher.code}/extend/",
    ]


def reviewer(h: History) -> list[str]:
    judged = h.deciding.judged.reference
    return ["/reviews/", f"/reviews/{judged}/", f"/applications/{judged}/conflict/"]


def deciding_officer(h: History) -> list[str]:
    d = h.deciding
    judged, asked = (
        f"/applications/{d.judged.reference}/",
        f"/applications/{d.asked.reference}/",
    )
    appealed, extended = (
        f"/applications/{d.appealed.reference}/",
        f"/vouchers/{d.extended.code}/",
    )
    early = d.closed.round.applications.earliest("pk")
    lot = f"/programmes/{d.lot.programme.code}/"
    closed = f"/programmes/{d.closed.programme.code}/"
    decided = f"/programmes/{d.decided.programme.code}/"
    return [
        "/queue/",
        "/queue/?whose=mine",
        "/queue/deputy/",
        f"{judged}decide/",
        f"{judged}assign/",
        f"{judged}ask/",
        f"{judged}conflict/",
        f"{asked}decide/",
        f"{judged}registers/",
        f"/applications/{d.by_committee.reference}/confirm/",
        f"/applications/{early.reference}/admit/",
        f"{appealed}appeal/verdict/",
        f"{appealed}decide/",
        lot,
        f"{lot}rounds/2025-A/lot/",
        closed,
        f"{closed}rounds/2025-A/decide/",
        f"{decided}rounds/2025-A/decided/",
        f"{decided}rounds/2025-A/issue/",
        f"{decided}takeup/",
        extended,
        f"{extended}extension/",
        f"{extended}revoke/",
    ]


def market_provider(h: History) -> list[str]:
    return [
        "/provider/",
        "/provider/accreditation/",
        "/provider/accreditation/apply/",
        "/provider/capacity/",
        "/provider/capacity/new/",
        "/provider/capacity/list/",
        "/agreements/",
        f"/agreements/{h.market.accepted.pk}/",
        f"/agreements/{h.market.agreement.pk}/",
    ]


def newcomer(h: History) -> list[str]:
    return ["/provider/", "/provider/accreditation/", "/agreements/"]


def market_officer(h: History) -> list[str]:
    suspended = f"/accreditation/providers/{h.market.suspended.organisation.code}/"
    seller = f"/accreditation/providers/{h.market.seller.organisation.code}/"
    return [
        "/queue/",
        "/accreditation/",
        f"/accreditation/{h.market.application.code}/",
        seller,
        f"{seller}suspend/",
        suspended,
        f"{suspended}lift/",
        "/agreements/",
        "/agreements/new/",
        f"/agreements/{h.market.agreement.pk}/",
    ]


WHO: dict[str, tuple[Callable[[History], User | None], Paths]] = {
    "nobody": (lambda h: None, public),
    "firm": (lambda h: h.firm.person, firm),
    "beginner": (lambda h: h.beginner.person, beginner),
    "laboratory": (lambda h: h.laboratory.person, laboratory),
    "provider": (lambda h: h.seller.person, provider),
    "careful": (lambda h: h.careful.person, careful),
    "officer": (lambda h: h.authority.officer, officer),
    "second_officer": (lambda h: h.authority.second_officer, second_officer),
    "finance": (lambda h: h.authority.finance[0], finance),
    "second_finance": (lambda h: h.authority.finance[1], second_finance),
    "regulator": (lambda h: h.authority.regulator, regulator),
    "investigator": (lambda h: h.authority.investigator, investigator),
    "admin": (lambda h: h.authority.admin, admin),
    "supply": (lambda h: h.target.seller.person, supply),
    "demand": (lambda h: h.target.applicant.person, demand),
    "target_officer": (lambda h: h.target.authority.second_officer, target_officer),
    "match_officer": (lambda h: h.match.authority.officer, match_officer),
    "asked_firm": (lambda h: h.deciding.firm.person, asked_firm),
    "reviewer": (lambda h: h.deciding.reviewer, reviewer),
    "market_provider": (lambda h: h.market.seller.person, market_provider),
    "suspended": (lambda h: h.market.suspended.person, newcomer),
    "newcomer": (lambda h: h.market.newcomer, newcomer),
    "market_officer": (lambda h: h.market.authority.officer, market_officer),
    "deciding_officer": (lambda h: h.deciding.authority.second_officer, deciding_officer),
}
