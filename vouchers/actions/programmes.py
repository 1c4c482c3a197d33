"""Create programmes, put their law in force, and open rounds with their budget."""

import hashlib
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import Organisation, User
from parties.queries import require_apart, require_role
from parties.roles import OrganisationKind, Role
from policy.programme import ProgrammeInvalid
from policy.rules import Programme as Policy
from vouchers.models import PolicyRelease, PolicyVersion, Programme, Round
from vouchers.queries import policy_in_force, read_policy


class PolicyInvalid(Refused):
    """The document can't be a programme's law."""

    code = "policy_invalid"
    sentence = _("The policy can't be taken as it stands:\n%(problems)s")


class HoldingNotRun(Refused):
    """The document lets holders do with vouchers what can't be done here."""

    code = "holding_not_run"
    sentence = _(
        "[voucher] %(what)s can't be carried out here as it is written. A split is ALLOW or "
        "DENY, and a transfer DENY."
    )


class FactsNotAsked(Refused):
    """The document's amounts depend on what nobody is asked here."""

    code = "facts_not_asked"
    sentence = _(
        "The amounts of this document depend on %(facts)s, which no page here asks for, so that "
        "they could not be settled by it. It can be worked out with manage.py work_out. "
        "Write shares that depend on the organisation and on year_total_max alone."
    )


class PolicyDiffers(Refused):
    """The document is another programme's, or changes what value is in."""

    code = "policy_differs"
    sentence = _(
        "The document says %(field)s = %(value)s; this programme has %(expected)s, "
        "which can't change. Correct the document, or create another programme."
    )


class ProgrammeCodeTaken(Refused):
    """Another programme has this code."""

    code = "programme_code_taken"
    sentence = _("There already is a programme %(code)s. Give this one another code.")


class NotAnAuthority(Refused):
    """Only an authority can own a programme."""

    code = "not_an_authority"
    sentence = _("%(organisation)s is no authority and can't own a programme.")


class PolicyReleased(Refused):
    """The version was released before."""

    code = "policy_released"
    sentence = _(
        "Version %(number)s is already released, from %(on)s. Propose a new version instead."
    )


class ReleaseInThePast(Refused):
    """A version would change the law of days that have passed."""

    code = "release_in_the_past"
    sentence = _(
        "A policy is already in force, so a new version can't begin before today: "
        "%(on)s is before %(today)s."
    )


class RoundDatesInvalid(Refused):
    """The round would close before it opens."""

    code = "round_dates_invalid"
    sentence = _(
        "The round can't close on %(closes)s, before it opens on %(opens)s. Correct one of them."
    )


class RoundCodeTaken(Refused):
    """The programme has a round of this code."""

    code = "round_code_taken"
    sentence = _("%(programme)s already has a round %(code)s. Give this one another code.")


class BudgetInvalid(Refused):
    """A round without money, or with more than can be counted."""

    code = "budget_invalid"
    sentence = _("A budget of %(budget)s can't be given to a round. Enter more than nothing.")


BUDGET_MAX = 10**18


@transaction.atomic
def create_programme(
    *,
    code: str,
    title: str,
    title_zh: str,
    authority: Organisation,
    text: str,
    actor: User,
    at: datetime,
    key: str,
) -> Programme:
    """Create a programme from the document of its policy, which is version 1 and not in force.

    The document gives the mode, the unit and the time zone; they never change.

    :raises NotAllowed: if the person is neither officer nor administrator of the authority.
    :raises NotAnAuthority: if the organisation is of another kind.
    :raises FactsNotAsked: if its shares depend on what nobody is asked here.
    :raises PolicyInvalid: if the document can't be read, with every problem and its place.
    :raises PolicyDiffers: if the document is of another code.
    :raises ProgrammeCodeTaken: if another programme has the code.
    """
    require_role(actor, Role.OFFICER, Role.ADMIN, organisation=authority)
    if authority.kind != OrganisationKind.AUTHORITY:
        raise NotAnAuthority(organisation=authority.name_here)
    rules = _checked_policy(text)
    if rules.code != code:
        raise PolicyDiffers(field="code", value=rules.code, expected=code)
    act = ledger.begin(
        kind=ActKind.CREATE_PROGRAMME,
        key=key,
        actor=actor.address,
        about=f"programme:{code}",
        at=at,
        payload={
            "title": title,
            "title_zh": title_zh,
            "authority": authority.code,
            "sha256": _sha256(text),
        },
    )
    if act.is_replay:
        return Programme.objects.select_related("authority").get(act_id=act.id)
    programme, is_new = Programme.objects.get_or_create(
        code=code,
        defaults={
            "title": title,
            "title_zh": title_zh,
            "authority": authority,
            "mode": rules.mode,
            "unit": rules.unit,
            "zone": rules.zone,
            "created_at": at,
            "act_id": act.id,
        },
    )
    if not is_new:
        raise ProgrammeCodeTaken(code=code)
    _write_version(programme, text, note="", actor=actor, act=act)
    return programme


@transaction.atomic
def propose_policy(
    *, programme: Programme, text: str, note: str, actor: User, at: datetime, key: str
) -> PolicyVersion:
    """Propose a new version of a programme's policy; another person puts it in force.

    :raises NotAllowed: if the person is neither officer nor administrator of the programme.
    :raises PolicyInvalid: if the document can't be read, with every problem and its place.
    :raises PolicyDiffers: if the document changes the code, the mode, the unit or the zone.
    """
    _require_officer(actor, programme)
    rules = _checked_policy(text)
    for field in ("code", "mode", "unit", "zone"):
        value, expected = getattr(rules, field), getattr(programme, field)
        if value != expected:
            raise PolicyDiffers(field=field, value=value, expected=expected)
    act = ledger.begin(
        kind=ActKind.PROPOSE_POLICY,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={"sha256": _sha256(text), "note": note},
        reason=note,
    )
    if act.is_replay:
        return PolicyVersion.objects.select_related("programme").get(act_id=act.id)
    return _write_version(programme, text, note=note, actor=actor, act=act)


def _require_officer(actor: User, programme: Programme) -> None:
    require_role(
        actor,
        Role.OFFICER,
        Role.ADMIN,
        organisation=programme.authority,
        programme_code=programme.code,
    )


# A claim is worked out anew when it is settled, and a fact that is not known then would lower it.
# What registers said of the organisation is kept with the decision; of single fees nobody asks.
_KNOWN_AT_SETTLEMENT = {"kinds", "sizes", "qualifications", "age_years_max", "year_total_max"}


def _checked_policy(text: str) -> Policy:
    try:
        rules = read_policy(text)
    except ProgrammeInvalid as error:
        raise PolicyInvalid(problems="\n".join(error.problems)) from error
    if rules.holding.transfer != "DENY":
        raise HoldingNotRun(what="transfer")
    if rules.holding.split == "REFER":
        raise HoldingNotRun(what="split")
    asked = {name for tier in rules.tiers for name in tier.when.asked}
    known = _KNOWN_AT_SETTLEMENT
    if rules.match is not None:
        # The award above is recorded with its facility, and without the days of its contract.
        known = known | {"facilities"}
        asked |= {"the days of the contract"} if rules.base.apportion else set()
    if unknown := asked - known:
        raise FactsNotAsked(facts=", ".join(sorted(unknown)))
    return rules


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write_version(
    programme: Programme, text: str, *, note: str, actor: User, act: ledger.Act
) -> PolicyVersion:
    # The programme is locked, so that two proposals at once take two numbers.
    Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)
    newest = PolicyVersion.objects.filter(programme=programme).order_by("-number").first()
    return PolicyVersion.objects.create(
        programme=programme,
        number=newest.number + 1 if newest else 1,
        text=text,
        sha256=_sha256(text),
        note=note,
        proposed_by=actor,
        proposed_at=act.at,
        act_id=act.id,
    )


@transaction.atomic
def release_policy(
    *, version: PolicyVersion, effective_from_on: date, actor: User, at: datetime, key: str
) -> PolicyRelease:
    """Put a proposed version in force from a day of the programme's time zone.

    Only a programme's first release may begin in the past; the law of days on which another
    version was in force never changes.

    :raises NotAllowed: if the person is neither officer nor administrator of the programme.
    :raises SamePerson: if the person proposed the version.
    :raises PolicyReleased: if the version was released before.
    :raises ReleaseInThePast: if it would replace another version on days that have passed.
    """
    programme = version.programme
    _require_officer(actor, programme)
    act = ledger.begin(
        kind=ActKind.RELEASE_POLICY,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={"version": version.number, "from": effective_from_on},
        details={"version": version.number, "from": effective_from_on},
    )
    if act.is_replay:
        return PolicyRelease.objects.select_related("version").get(act_id=act.id)
    proposer = f"user:{version.proposed_by_id}"
    require_apart("release_policy", actor, {"propose_policy": proposer})
    Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)
    known = PolicyRelease.objects.filter(version=version).first()
    if known is not None:
        raise PolicyReleased(number=version.number, on=known.effective_from_on)
    today = day_of(at, programme.zone)
    earlier = PolicyRelease.objects.filter(version__programme=programme)
    if effective_from_on < today and earlier.exists():
        raise ReleaseInThePast(on=effective_from_on, today=today)
    return PolicyRelease.objects.create(
        version=version,
        effective_from_on=effective_from_on,
        released_by=actor,
        released_at=at,
        act_id=act.id,
    )


@transaction.atomic
def open_round(
    *,
    programme: Programme,
    code: str,
    fiscal_year: int,
    budget: int,
    opens_on: date,
    closes_on: date,
    actor: User,
    at: datetime,
    key: str,
) -> Round:
    """Open a round and allot its budget, in the programme's unit, from the year's appropriation.

    Both days belong to the round. What is allotted is available at once.

    :raises NotAllowed: if the person is no finance officer of the programme.
    :raises BudgetInvalid: if the budget is nothing or can't be counted.
    :raises RoundDatesInvalid: if the round would close before it opens.
    :raises NoPolicyInForce: if no policy is in force on the day it opens.
    :raises RoundCodeTaken: if the programme has a round of this code.
    """
    require_role(
        actor, Role.FINANCE, organisation=programme.authority, programme_code=programme.code
    )
    if not 0 < budget < BUDGET_MAX:
        raise BudgetInvalid(budget=budget)
    if closes_on < opens_on:
        raise RoundDatesInvalid(opens=opens_on, closes=closes_on)
    policy_in_force(programme, opens_on)
    content = {"fiscal_year": fiscal_year, "opens_on": opens_on, "closes_on": closes_on}
    act = ledger.begin(
        kind=ActKind.OPEN_ROUND,
        key=key,
        actor=actor.address,
        about=programme.address,
        at=at,
        payload={**content, "code": code, "budget": budget},
        details={"round": code},
    )
    if act.is_replay:
        return Round.objects.select_related("programme").get(act_id=act.id)
    round, is_new = Round.objects.get_or_create(
        programme=programme,
        code=code,
        defaults={
            **content,
            "budget": budget,
            "opened_by": actor,
            "opened_at": at,
            "act_id": act.id,
        },
    )
    if not is_new:
        raise RoundCodeTaken(programme=programme.title, code=code)
    _allot(act, programme, fiscal_year, budget, ref=code)
    return round


def _allot(
    act: ledger.Act, programme: Programme, fiscal_year: int, budget: int, *, ref: str
) -> None:
    appropriation = programme.account("appropriation", str(fiscal_year))
    available = programme.account("available")
    ledger.open_account(act, appropriation, AccountKind.APPROPRIATION, programme.unit)
    ledger.open_account(act, available, AccountKind.AVAILABLE, programme.unit)
    ledger.post(act, [ledger.Move(Flow.ALLOT, appropriation, available, budget, ref)])
