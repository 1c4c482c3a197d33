"""Applications, decisions, vouchers, orders, and whole scenes of them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.cast.basics import M3, M5, NOON, a_key
from tests.cast.people import (
    Applicant,
    Authority,
    Seller,
    a_laboratory,
    an_sme,
    make_authority,
    make_provider,
)
from tests.cast.programmes import Scheme, make_programme
from vouchers import actions
from vouchers.models import (
    Application,
    Decision,
    Order,
    Programme,
    Voucher,
)


def answers_for(programme: Programme, **more: Any) -> dict[str, Any]:
    """Return complete answers: a fee of 100,000.00, or 5,000 GPU-hours in kind."""
    answers: dict[str, Any] = {
        "contact_name": "Mina Park",
        "contact_email": "mina@example.org",
        "project_title": "Reading old maps",
        "use_type": "TRAIN",
        "description": "Train a model that reads old maps.",
        "milestone": "95 % of the names are read",
        "resource_class": "H100",
        "hours": "4000",
        "other_public_money": False,
        "declaration": True,
    }
    if programme.is_claimed_after_use:
        days = {"contract_from_on": "2025-03-01", "contract_until_on": "2025-12-31"}
        answers |= {**days, "fee_total": "100000.00", "fee_storage": "0"}
    else:
        answers |= {"start_on": "2025-06-10", "end_on": "2025-09-30"}
    if programme.mode == "M3":
        answers["fee_total"] = "100000.00"
    if programme.mode == "M5":
        answers |= {"hours": "5000", "is_first_time": True}
    return {**answers, **more}


def a_draft(
    scheme: Scheme, applicant: Applicant, *, at: datetime = NOON, **answers: Any
) -> Application:
    """Return a complete draft of an applicant in the scheme's round."""
    return actions.save_draft(
        round=scheme.round,
        organisation=applicant.organisation,
        answers=answers_for(scheme.programme, **answers),
        actor=applicant.person,
        at=at,
    )


def a_sent_application(
    scheme: Scheme, applicant: Applicant, *, at: datetime = NOON, **answers: Any
) -> Application:
    """Return an application that waits for a decision."""
    return actions.submit_application(
        application=a_draft(scheme, applicant, at=at, **answers),
        actor=applicant.person,
        at=at,
        key=a_key("submit"),
    )


def an_approved_application(
    scheme: Scheme,
    applicant: Applicant,
    *,
    awarded: int | None = None,
    at: datetime = NOON,
    **answers: Any,
) -> Decision:
    """Return the decision that approves an application, in full where no amount is given."""
    return actions.decide_application(
        application=a_sent_application(scheme, applicant, at=at, **answers),
        outcome=Decision.Outcome.PASS,
        awarded=awarded,
        note="",
        actor=scheme.authority.officer,
        at=at,
        key=a_key("decide"),
    )


def an_issued_voucher(
    scheme: Scheme,
    applicant: Applicant,
    *,
    awarded: int | None = None,
    at: datetime = NOON,
    **answers: Any,
) -> Voucher:
    """Return a voucher on an approved application, issued by the second officer."""
    decision = an_approved_application(scheme, applicant, awarded=awarded, at=at, **answers)
    return actions.issue_voucher(
        decision=decision, actor=scheme.authority.second_officer, at=at, key=a_key("issue")
    )


def a_hold(
    voucher: Voucher,
    applicant: Applicant,
    seller: Seller,
    *,
    hours: str = "100",
    provider_reference: str = "",
    at: datetime = NOON,
) -> Order:
    """Return an order that the holder placed at the seller's offer."""
    return actions.place_hold(
        voucher=voucher,
        offer=seller.offer,
        hours=Decimal(hours),
        provider_reference=provider_reference,
        actor=applicant.person,
        at=at,
        key=a_key("hold"),
    )


@dataclass(frozen=True)
class Scene:
    """Everything from an authority to a voucher, as most tests need it."""

    authority: Authority
    seller: Seller
    scheme: Scheme
    applicant: Applicant
    voucher: Voucher


def make_scene(
    code: str = M3, *, budget: int | None = None, awarded: int | None = None
) -> Scene:
    """Return a programme of a code, a provider, an applicant of a fitting kind and a voucher.

    In M3 the voucher has 60,000.00 CNY, in M1 30,000.00 CNY, in M5 5,000 GPU-hours; the offer
    costs 25.00 CNY an hour.
    """
    authority = make_authority()
    seller = make_provider(authority)
    scheme = make_programme(authority, code, budget=budget)
    applicant = a_laboratory(country="GB", region="GB-LND") if code == M5 else an_sme()
    voucher = an_issued_voucher(scheme, applicant, awarded=awarded)
    return Scene(authority, seller, scheme, applicant, voucher)
