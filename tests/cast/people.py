"""People, organisations, authorities and providers."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from stdnum.cn import uscc

from ledger.actions import SYSTEM
from parties import actions as parties
from parties.models import BankDetail, Organisation, User
from parties.roles import OrganisationKind, Role
from providers import actions as providers
from providers.models import Offer, Price, Provider
from providers.queries import price_in_force
from tests.cast.basics import NOON, _numbers, a_key
from tests.cast.registers import told


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


def another_account(user: User, *, at: datetime = NOON) -> User:
    """Return a second account of a person, whose letters arrive where those of the first do."""
    name, _at, host = user.email.partition("@")
    email = f"{name}+{next(_numbers)}@{host}"
    return parties.create_user(email=email, name=user.name, language="en", password=None, at=at)


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
    **more: Any,
) -> Offer:
    """Return an offer in the catalogue, at a rate an hour; `more` is what else it says."""
    return providers.publish_offer(
        provider=provider,
        resource=resource,
        resource_class=resource_class,
        rate=Decimal(rate),
        currency=currency,
        actor=person,
        at=NOON,
        key=a_key("offer"),
        **{"title": f"{resource_class} by the hour", "region": "Sichuan", **more},
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


def a_payee(authority: Authority, name: str = "Small Model Ltd") -> Applicant:
    """Return an organisation that an authority deals with, and that is paid nowhere yet."""
    organisation = an_organisation(OrganisationKind.PROVIDER, name)
    providers.accredit_provider(
        organisation=organisation, actor=authority.officer, at=NOON, key=a_key("accredit")
    )
    person = with_role(a_person("Mina Park"), organisation, Role.PROVIDER)
    return Applicant(organisation, person)


def an_applicant(
    kind: str,
    name: str,
    *,
    country: str = "CN",
    region: str = "CN-4501",
    password: str | None = None,
    is_clean: bool = True,
    **more: Any,
) -> Applicant:
    """Return an organisation of a kind with its applicant; its conduct was asked, and is clean."""
    organisation = an_organisation(kind, name, country=country, region=region, **more)
    if is_clean:
        told(organisation, conduct={"findings": []})
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
