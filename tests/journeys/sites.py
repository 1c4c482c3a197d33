"""A site of the past: a programme, a provider and orders there before its log begins."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from parties import actions as parties
from parties.models import BankDetail, Organisation, User
from parties.roles import Role
from policy.programme import shipped
from providers import actions as providers
from providers.models import Offer, Provider
from tests import cast
from vouchers import actions as vouchers
from vouchers.models import Order, Programme, Round


@dataclass(frozen=True)
class Site:
    """Who meters, under which law, since when."""

    opened_at: datetime
    authority: cast.Authority
    programme: Programme
    intake: Round
    provider: Provider
    offer: Offer
    person: User


def the_law(code: str) -> str:
    """Return a point-of-sale programme: 60 %, in UTC, with room for a cluster's month."""
    text = shipped()["cn-chengdu-2025"]
    for old, new in (
        ('code = "cn-chengdu-2025"', f'code = "{code}"'),
        ('zone = "Asia/Shanghai"', 'zone = "UTC"'),
        ('amount = "5000000"', 'amount = "500000000"'),
        ('amount = "100000000"', 'amount = "5000000000"'),
        ("days = 30", "days = 180"),
        ('up_to = "1000000"', 'up_to = "1000000000"'),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


def a_site(name: str, at: datetime, *, resource: str, resource_class: str, rate: str) -> Site:
    """Set a site up at an instant: its law in force, its round open, its offer published."""
    authority = cast.make_authority()
    programme = vouchers.create_programme(
        code=f"{name.lower()}-{at.year}",
        title=f"{name} {at.year}",
        title_zh=f"{name} {at.year}",
        authority=authority.organisation,
        text=the_law(f"{name.lower()}-{at.year}"),
        actor=authority.officer,
        at=at,
        key="programme",
    )
    vouchers.release_policy(
        version=programme.policy_versions.get(),
        effective_from_on=at.date(),
        actor=authority.second_officer,
        at=at,
        key="release",
    )
    intake = vouchers.open_round(
        programme=programme,
        code=f"{at.year}-A",
        fiscal_year=at.year,
        budget=1_000_000_000_00,
        opens_on=at.date(),
        closes_on=date(at.year, 12, 31),
        actor=authority.finance[0],
        at=at,
        key="round",
    )
    organisation = cast.an_organisation("PROVIDER", name)
    person = cast.with_role(cast.a_person("Peng Wei"), organisation, Role.PROVIDER)
    provider = providers.accredit_provider(
        organisation=organisation, actor=authority.officer, at=at, key="accredit"
    )
    offer = providers.publish_offer(
        provider=provider,
        title=f"A {resource} by the hour",
        resource=resource,
        resource_class=resource_class,
        region=name,
        rate=Decimal(rate),
        currency="CNY",
        actor=person,
        at=at,
        key="offer",
    )
    finance = authority.finance
    _bank_detail(organisation, "6222000000000001", person, finance[0], at)
    _bank_detail(authority.organisation, "6222000000000002", finance[1], finance[2], at)
    return Site(at, authority, programme, intake, provider, offer, person)


def _bank_detail(
    organisation: Organisation, number: str, proposer: User, approver: User, at: datetime
) -> None:
    proposed = parties.propose_bank_detail(
        organisation=organisation,
        scheme=BankDetail.Scheme.OTHER,
        number=number,
        agent="BKCHCNBJ",
        holder=organisation.name,
        actor=proposer,
        at=at,
        key=cast.a_key("bank"),
    )
    parties.approve_bank_detail(
        bank_detail=proposed, actor=approver, at=at, key=cast.a_key("bank")
    )


def an_order(site: Site, tenant: str, *, hours: int) -> Order:
    """Return a tenant's order, placed when the site opened, at its name as the reference."""
    scheme = cast.Scheme(site.authority, site.programme, None, site.intake)
    applicant = cast.an_sme(f"Tenant {tenant}")
    application = cast.a_sent_application(
        scheme, applicant, at=site.opened_at, fee_total="60000000.00"
    )
    decision = vouchers.decide_application(
        application=application,
        outcome="PASS",
        awarded=None,
        note="",
        actor=site.authority.officer,
        at=site.opened_at,
        key=f"decide {tenant}",
    )
    voucher = vouchers.issue_voucher(
        decision=decision,
        actor=site.authority.second_officer,
        at=site.opened_at,
        key=f"issue {tenant}",
    )
    return vouchers.place_hold(
        voucher=voucher,
        offer=site.offer,
        hours=Decimal(hours),
        provider_reference=tenant,
        actor=applicant.person,
        at=site.opened_at,
        key=f"hold {tenant}",
    )
