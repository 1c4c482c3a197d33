"""What a provider finds in the sandbox: itself, an offer, and vouchers of every kind.

Made by the actions that the portal itself is used through, under a shipped law; nothing here knows
that it is a sandbox. A reset makes all of it once more and leaves what was behind: nothing that
was written is taken away, here as anywhere.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection, transaction

from common.days import day_of
from config.sandbox.tickets import LASTS_SECONDS, Ticket, TicketInvalid
from ledger.actions import SYSTEM
from parties import actions as parties
from parties.models import Membership, Organisation, User
from parties.roles import OrganisationKind, Role
from policy.programme import shipped
from providers import actions as providers
from providers.models import Offer
from vouchers import actions as vouchers
from vouchers.models import Decision, Programme, Voucher

PROGRAMME = "sandbox"
DOMAIN = "sandbox.example"
_LAW = "cn-chengdu-2025"
# Long enough ago that a voucher of 365 days has ended.
_LONG_AGO = timedelta(days=400)
_HOURS = 4_000
_LOCK = 7_465_737_366
# The magic vouchers: what their codes are called, and what a program meets there.
OK, EXPIRED, EMPTY, SUSPENDED = (
    "V-TEST-OK",
    "V-TEST-EXPIRED",
    "V-TEST-EMPTY",
    "V-TEST-SUSPENDED",
)
MAGIC = (OK, EXPIRED, EMPTY, SUSPENDED)


@dataclass(frozen=True, slots=True)
class _Office:
    officer: User
    second_officer: User
    finance: User
    programme: Programme


def magic_code(word: str, organisation: Organisation) -> str:
    """Return the code of a provider's own magic voucher, as its page shows it."""
    return f"{word}-{organisation.code.removeprefix('O-')}"


@transaction.atomic
def enter(*, ticket: Ticket, at: datetime) -> User:
    """Let a provider's person in, with everything to try; the ticket is good once.

    :raises TicketInvalid: if it was used.
    """
    _one_at_a_time()
    # A row among sessions remembers a used ticket for as long as it could be used again.
    ends_at = at + timedelta(seconds=2 * LASTS_SECONDS)
    _row, is_new = Session.objects.get_or_create(
        session_key=ticket.number, defaults={"session_data": "", "expire_date": ends_at}
    )
    if not is_new:
        raise TicketInvalid
    person = _person(ticket.email, ticket.name, at, language=ticket.language)
    current = _stage_of_provider(ticket.provider)
    if current is None:
        current = _make_stage(ticket.provider, ticket.provider_name, 1, at)
    held = Membership.objects.filter(
        user=person, organisation=current, role=Role.PROVIDER, valid_until_on=None
    )
    if not held.exists():
        _give(person, current, Role.PROVIDER, at, f"sandbox:{ticket.number}")
    return person


@transaction.atomic
def reset(*, organisation: Organisation, at: datetime, key: str) -> Organisation:
    """Give a provider's people everything anew; keys and addresses for events are left behind.

    Asked twice with one key it gives the first answer.
    """
    _one_at_a_time()
    provider, number = _numbered(organisation)
    done = _registered(_identifier(provider, number + 1))
    if done is not None:
        return done
    title = organisation.name
    made = _make_stage(provider, title, number + 1, at)
    today = day_of(at)
    held = Membership.objects.filter(
        organisation=organisation, role=Role.PROVIDER, valid_until_on=None
    )
    for membership in held.select_related("user"):
        one = f"{key}:{membership.pk}"
        parties.end_role(membership=membership, on=today, actor=SYSTEM, at=at, key=f"{one}:end")
        _give(membership.user, made, Role.PROVIDER, at, f"{one}:give")
    return made


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _identifier(provider: str, number: int) -> str:
    return f"SANDBOX-{provider}-{number}"


def _numbered(organisation: Organisation) -> tuple[str, int]:
    provider, _dash, number = organisation.identifier.removeprefix("SANDBOX-").rpartition("-")
    return provider, int(number)


def _registered(identifier: str) -> Organisation | None:
    return Organisation.objects.filter(
        identifier_scheme=Organisation.IdentifierScheme.OTHER, identifier=identifier
    ).first()


def _stage_of_provider(provider: str) -> Organisation | None:
    """Return the newest stage of a provider of the portal, if it has one."""
    found = None
    number = 1
    while (one := _registered(_identifier(provider, number))) is not None:
        found, number = one, number + 1
    return found


def _make_stage(provider: str, title: str, number: int, at: datetime) -> Organisation:
    own = _identifier(provider, number)
    office = _office(at)
    organisation = _organisation(OrganisationKind.PROVIDER, title, own, at)
    seller = providers.accredit_provider(
        organisation=organisation, actor=office.officer, at=at, key=f"{own}:accredit"
    )
    clerk = _member(organisation, Role.PROVIDER, f"clerk.{own}", "Sandbox clerk", at)
    offer = providers.publish_offer(
        provider=seller,
        title="H100 by the hour",
        resource="GPU",
        resource_class="H100",
        region="Sichuan",
        rate=Decimal(25),
        currency="CNY",
        actor=clerk,
        at=at,
        key=f"{own}:offer",
    )
    _vouchers(office, organisation, offer, own, at)
    return organisation


def _vouchers(
    office: _Office, organisation: Organisation, offer: Offer, own: str, at: datetime
) -> None:
    """Issue the four vouchers to a holder of the provider's own, and bring each to its state."""
    name = f"Sandbox holder of {organisation.name}"
    holder = _organisation(OrganisationKind.SME, name, f"{own}-HOLDER", at)
    person = _member(holder, Role.APPLICANT, f"holder.{own}", "Sandbox holder", at)
    for word in MAGIC:
        then = at - _LONG_AGO if word == EXPIRED else at
        called = f"{organisation.code}-{word.removeprefix('V-TEST-')}"
        voucher = _voucher(office, holder, person, called, then)
        letters = magic_code(word, organisation).replace("-", "")
        code = "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))
        Voucher.objects.filter(pk=voucher.pk).update(redemption_code=code)
        if word == EMPTY:
            vouchers.place_hold(
                voucher=voucher,
                offer=offer,
                hours=Decimal(_HOURS),
                provider_reference="everything",
                actor=person,
                at=at,
                key=f"{own}:hold",
            )
        if word == SUSPENDED:
            vouchers.suspend_voucher(
                voucher=voucher,
                note="So that your program meets one.",
                actor=office.officer,
                at=at,
                key=f"{own}:suspend",
            )


def _voucher(
    office: _Office, holder: Organisation, person: User, called: str, at: datetime
) -> Voucher:
    """Return a voucher of 60,000.00 CNY: applied for, decided and issued at an instant."""
    today = day_of(at)
    round = vouchers.open_round(
        programme=office.programme,
        code=called,
        fiscal_year=today.year,
        budget=100_000_00,
        opens_on=today,
        closes_on=today + timedelta(days=1),
        actor=office.finance,
        at=at,
        key=f"sandbox:{called}:round",
    )
    draft = vouchers.save_draft(
        round=round, organisation=holder, answers=_answers(today), actor=person, at=at
    )
    sent = vouchers.submit_application(
        application=draft, actor=person, at=at, key=f"sandbox:{called}:submit"
    )
    decision = vouchers.decide_application(
        application=sent,
        outcome=Decision.Outcome.PASS,
        awarded=None,
        note="Made for the sandbox.",
        actor=office.officer,
        at=at,
        key=f"sandbox:{called}:decide",
    )
    return vouchers.issue_voucher(
        decision=decision, actor=office.second_officer, at=at, key=f"sandbox:{called}:issue"
    )


def _answers(today: date) -> dict[str, Any]:
    return {
        "contact_name": "Sandbox holder",
        "contact_email": "holder@sandbox.example",
        "project_title": "Trying a program",
        "use_type": "TRAIN",
        "description": "Made for a provider's program to redeem.",
        "milestone": "It was redeemed.",
        "resource_class": "H100",
        "hours": str(_HOURS),
        "fee_total": "100000.00",
        "start_on": today.isoformat(),
        "end_on": (today + timedelta(days=90)).isoformat(),
        "other_public_money": False,
        "declaration": True,
    }


def _office(at: datetime) -> _Office:
    """Return the sandbox's authority with its programme, made when the first provider comes."""
    authority = _organisation(
        OrganisationKind.AUTHORITY, "Sandbox authority", "SANDBOX-AUTHORITY", at
    )
    officer, second, finance = (
        _member(authority, role, slug, name, at)
        for role, slug, name in (
            (Role.OFFICER, "officer.a", "Sandbox officer A"),
            (Role.OFFICER, "officer.b", "Sandbox officer B"),
            (Role.FINANCE, "finance", "Sandbox finance"),
        )
    )
    programme = Programme.objects.filter(code=PROGRAMME).first()
    if programme is None:
        programme = vouchers.create_programme(
            code=PROGRAMME,
            title="Sandbox",
            title_zh="沙箱",
            authority=authority,
            text=shipped()[_LAW].replace(f'code = "{_LAW}"', f'code = "{PROGRAMME}"'),
            actor=officer,
            at=at,
            key="sandbox:programme",
        )
        vouchers.release_policy(
            version=programme.policy_versions.get(number=1),
            effective_from_on=day_of(at - _LONG_AGO - timedelta(days=1)),
            actor=second,
            at=at,
            key="sandbox:law",
        )
    return _Office(officer, second, finance, programme)


def _organisation(kind: str, name: str, identifier: str, at: datetime) -> Organisation:
    return _registered(identifier) or parties.register_organisation(
        kind=kind,
        name=name,
        name_zh="",
        country="CN",
        region="CN-5101",
        identifier_scheme=Organisation.IdentifierScheme.OTHER,
        identifier=identifier,
        is_registered_business=True,
        employees=40,
        founded_on=date(2019, 4, 1),
        actor=SYSTEM,
        at=at,
        key=f"{identifier}:register",
    )


def _member(organisation: Organisation, role: Role, slug: str, name: str, at: datetime) -> User:
    person = _person(f"{slug.lower()}@{DOMAIN}", name, at)
    if not Membership.objects.filter(user=person, organisation=organisation).exists():
        _give(person, organisation, role, at, f"{organisation.identifier}:{slug}")
    return person


def _person(email: str, name: str, at: datetime, *, language: str = "en") -> User:
    return User.objects.filter(email=email).first() or parties.create_user(
        email=email, name=name, language=language, password=None, at=at
    )


def _give(person: User, organisation: Organisation, role: Role, at: datetime, key: str) -> None:
    parties.give_role(
        user=person,
        organisation=organisation,
        role=role,
        # The past of a voucher that has ended needs people who were there then.
        valid_from_on=day_of(at - _LONG_AGO - timedelta(days=1)),
        actor=SYSTEM,
        at=at,
        key=key,
    )
