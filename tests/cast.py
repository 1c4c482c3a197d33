"""The cast of the tests: each scene is set through actions, never by inserting rows."""

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from stdnum.cn import uscc

from ledger.actions import SYSTEM
from parties import actions as parties
from parties.models import BankDetail, Organisation, User
from parties.roles import OrganisationKind, Role
from policy.programme import shipped
from providers import actions as providers
from providers.models import Offer, Price, Provider
from providers.queries import price_in_force
from vouchers import actions
from vouchers.models import (
    Application,
    Decision,
    Order,
    PolicyRelease,
    Programme,
    Round,
    Voucher,
)

NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
TODAY = date(2025, 6, 2)
FISCAL_YEAR = 2025
HOUR = 3_600_000  # GPU-ms in a GPU-hour

M1, M3, M5 = "cn-nanning-2025", "cn-chengdu-2025", "uk-airr"

_numbers = itertools.count(1)


def a_key(word: str = "key") -> str:
    """Return a key that nothing was asked with yet."""
    return f"{word}-{next(_numbers)}"


# --- people and organisations ----------------------------------------------------------------


def a_person(
    name: str = "Mina Park", *, password: str | None = None, at: datetime = NOON
) -> User:
    """Return a new person who can sign in only when a password is given."""
    number = next(_numbers)
    email = f"{name.split()[0].lower()}{number}@example.org"
    return parties.create_user(email=email, name=name, language="en", password=password, at=at)


def with_role(
    user: User, organisation: Organisation, role: Role, programme_code: str = ""
) -> User:
    """Give a person a role, and return the person."""
    parties.give_role(
        user=user,
        organisation=organisation,
        role=role,
        programme_code=programme_code,
        valid_from_on=date(2025, 1, 1),
        actor=SYSTEM,
        at=NOON,
        key=a_key("role"),
    )
    return user


def an_organisation(
    kind: str, name: str, *, country: str = "CN", region: str = "", **more: Any
) -> Organisation:
    """Return a new organisation, with a number that its register would give."""
    number = next(_numbers)
    if country == "GB":
        scheme, identifier = "GB_COMPANY", f"{number:08d}"
    else:
        base = f"91510100{number:09d}"
        scheme, identifier = "CN_USCC", base + uscc.calc_check_digit(base)
    facts = {
        "kind": kind,
        "name": name,
        "name_zh": "",
        "country": country,
        "region": region,
        "identifier_scheme": scheme,
        "identifier": identifier,
        "is_registered_business": True,
        "employees": 40,
        "founded_on": date(2019, 4, 1),
    }
    return parties.register_organisation(
        **{**facts, **more}, actor=SYSTEM, at=NOON, key=a_key("organisation")
    )


@dataclass(frozen=True)
class Authority:
    """An authority and its people, each with one role in all its programmes."""

    organisation: Organisation
    admin: User
    officer: User
    second_officer: User
    finance: tuple[User, User, User]
    investigator: User
    regulator: User


def make_authority(name: str = "City Data Bureau", *, country: str = "CN") -> Authority:
    """Return an authority with an administrator, two officers, three finance people and more."""
    organisation = an_organisation(OrganisationKind.AUTHORITY, name, country=country)

    def one(person: str, role: Role) -> User:
        return with_role(a_person(person), organisation, role)

    return Authority(
        organisation,
        one("Ada Min", Role.ADMIN),
        one("Olga Fisher", Role.OFFICER),
        one("Otto Lang", Role.OFFICER),
        (
            one("Finn Preparer", Role.FINANCE),
            one("Faye Approver", Role.FINANCE),
            one("Fritz Releaser", Role.FINANCE),
        ),
        one("Iris Vega", Role.INVESTIGATOR),
        one("Rhea Long", Role.REGULATOR),
    )


@dataclass(frozen=True)
class Seller:
    """An accredited provider with one person, one offer and an approved bank detail."""

    organisation: Organisation
    provider: Provider
    person: User
    offer: Offer
    price: Price
    bank_detail: BankDetail


def make_provider(
    authority: Authority,
    name: str = "Acme Compute",
    *,
    rate: str = "25.00",
    currency: str = "CNY",
    resource: str = "GPU",
    resource_class: str = "H100",
    country: str = "CN",
) -> Seller:
    """Return a provider that may take orders: accredited, with an offer, paid at a bank."""
    organisation = an_organisation(OrganisationKind.PROVIDER, name, country=country)
    person = with_role(a_person("Peng Wei"), organisation, Role.PROVIDER)
    provider = providers.accredit_provider(
        organisation=organisation, actor=authority.officer, at=NOON, key=a_key("accredit")
    )
    offer = an_offer(
        provider,
        person,
        rate=rate,
        currency=currency,
        resource=resource,
        resource_class=resource_class,
    )
    price = price_in_force(offer, NOON, currency)
    assert price is not None
    bank_detail = a_bank_detail(organisation, person, authority)
    return Seller(organisation, provider, person, offer, price, bank_detail)


def an_offer(
    provider: Provider,
    person: User,
    *,
    rate: str = "25.00",
    currency: str = "CNY",
    resource: str = "GPU",
    resource_class: str = "H100",
) -> Offer:
    """Return an offer in the catalogue, at a rate an hour."""
    return providers.publish_offer(
        provider=provider,
        title=f"{resource_class} by the hour",
        resource=resource,
        resource_class=resource_class,
        region="Sichuan",
        rate=Decimal(rate),
        currency=currency,
        actor=person,
        at=NOON,
        key=a_key("offer"),
    )


def a_bank_detail(organisation: Organisation, person: User, authority: Authority) -> BankDetail:
    """Return a bank detail in force: proposed by the organisation, approved by finance."""
    proposed = parties.propose_bank_detail(
        organisation=organisation,
        scheme=BankDetail.Scheme.OTHER,
        number=f"62220000{next(_numbers):011d}",
        agent="BKCHCNBJ",
        holder=organisation.name,
        actor=person,
        at=NOON,
        key=a_key("bank"),
    )
    return parties.approve_bank_detail(
        bank_detail=proposed, actor=authority.finance[0], at=NOON, key=a_key("bank")
    )


@dataclass(frozen=True)
class Applicant:
    """An organisation that may apply, with the person who applies for it."""

    organisation: Organisation
    person: User


def an_applicant(
    kind: str,
    name: str,
    *,
    country: str = "CN",
    region: str = "CN-4501",
    password: str | None = None,
    **more: Any,
) -> Applicant:
    """Return an organisation of a kind with its applicant."""
    organisation = an_organisation(kind, name, country=country, region=region, **more)
    person = a_person("Mina Park", password=password)
    return Applicant(organisation, with_role(person, organisation, Role.APPLICANT))


def an_sme(name: str = "Small Model Ltd", **more: Any) -> Applicant:
    """Return a small enterprise with its applicant."""
    return an_applicant(OrganisationKind.SME, name, **more)


def a_laboratory(name: str = "Vision Laboratory", **more: Any) -> Applicant:
    """Return a laboratory with its applicant."""
    return an_applicant(OrganisationKind.LABORATORY, name, **more)


def a_university(name: str = "North University", **more: Any) -> Applicant:
    """Return a university with its applicant."""
    return an_applicant(OrganisationKind.UNIVERSITY, name, **more)


# --- programmes ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scheme:
    """A programme with its law in force and a round open at NOON."""

    authority: Authority
    programme: Programme
    release: PolicyRelease
    round: Round


def policy_text(code: str) -> str:
    """Return a shipped document, its application days widened to contain NOON."""
    return shipped()[code].replace(
        "application = { from = 2026-01-04,", "application = { from = 2025-01-04,"
    )


_BUDGETS = {M1: 10_000_000_00, M3: 10_000_000_00, M5: 100_000 * HOUR}


def make_programme(
    authority: Authority,
    code: str = M3,
    *,
    budget: int | None = None,
    text: str = "",
    **round_facts: Any,
) -> Scheme:
    """Return a shipped programme: created, released by two people, with an open round."""
    programme = actions.create_programme(
        code=code,
        title=f"Programme {code}",
        title_zh=f"项目 {code}",
        authority=authority.organisation,
        text=text or policy_text(code),
        actor=authority.officer,
        at=NOON,
        key=a_key("programme"),
    )
    release = actions.release_policy(
        version=programme.policy_versions.get(number=1),
        effective_from_on=date(2025, 1, 1),
        actor=authority.second_officer,
        at=NOON,
        key=a_key("release"),
    )
    round = a_round(authority, programme, budget=budget or _BUDGETS[code], **round_facts)
    return Scheme(authority, programme, release, round)


def a_round(
    authority: Authority,
    programme: Programme,
    *,
    budget: int,
    code: str = "2025-A",
    fiscal_year: int = FISCAL_YEAR,
    opens_on: date = date(2025, 5, 1),
    closes_on: date = date(2025, 12, 31),
) -> Round:
    """Return a round, open at NOON unless told otherwise, with its budget allotted."""
    return actions.open_round(
        programme=programme,
        code=code,
        fiscal_year=fiscal_year,
        budget=budget,
        opens_on=opens_on,
        closes_on=closes_on,
        actor=authority.finance[0],
        at=NOON,
        key=a_key("round"),
    )


# --- applications, vouchers and holds --------------------------------------------------------


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
