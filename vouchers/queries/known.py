"""What registers are known to have said of an applicant, as its programme's law counts it.

Unknown is not clean. What speaks for an applicant (no findings, no ties, no aid, its size) has
to have been answered within `ANSWER_LASTS` before its application was sent, or after; what
speaks against it lasts until a register says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from common.money import is_currency, major
from parties.kinds import Register
from parties.models import Organisation, RegisterAnswer
from parties.queries import newest_answers
from parties.registers import Aid, AidFacts, BusinessFacts, ConductFacts, Facts, facts_from
from parties.undertakings import (
    are_related,
    members_of,
    organisations_by,
    partners_of,
    undertaking_of,
)
from policy.claims import OtherAid
from policy.history import looks_back_to
from policy.rules import Programme as Policy
from policy.size import SizeFacts, Tie, counts_ties, currency_of, size_of
from vouchers.models import Application

# How long an answer speaks for who applies. Registers are asked at each sending, so that only
# what one did not repeat then is older; how long the decision takes is not the applicant's.
ANSWER_LASTS = timedelta(days=90)
# Recommendation 2003/361/EC, annex, article 3(2).
_PARTNER_FROM = Decimal("0.25")

_F = TypeVar("_F", bound=Facts)


@dataclass(frozen=True)
class Answers:
    """The newest answers of all registers about some organisations, for who applied then."""

    found: Mapping[tuple[int, Register], RegisterAnswer]
    applied_at: datetime

    def fresh(self, organisation: int, register: Register) -> RegisterAnswer | None:
        """Return an answer that still speaks for an organisation."""
        answer = self.found.get((organisation, register))
        return answer if answer and answer.asked_at > self.applied_at - ANSWER_LASTS else None

    def business(self, organisation: int) -> BusinessFacts:
        """Return what the business register says; nothing is known without an answer."""
        answer = self.fresh(organisation, Register.BUSINESS)
        return _read(answer, BusinessFacts) if answer else BusinessFacts()

    def any_age(self, organisation: int, register: Register) -> RegisterAnswer | None:
        """Return an answer however old, for what speaks against an organisation."""
        return self.found.get((organisation, register))


def _read(answer: RegisterAnswer, kind: type[_F]) -> _F:
    facts = facts_from(Register(answer.register), answer.content)
    assert isinstance(facts, kind)
    return facts


@dataclass(frozen=True)
class Known:
    """What is known at an instant of one applicant under one law; None is *not known*."""

    organisation: Organisation
    rules: Policy
    applied_at: datetime
    at: datetime

    @cached_property
    def answers(self) -> Answers:
        """The answers about the applicant and the others of its undertaking."""
        found = newest_answers({self.organisation.pk, *self.others}, at=self.at)
        return Answers(found, self.applied_at)

    @cached_property
    def others(self) -> frozenset[int]:
        """The other organisations here of its undertaking, where the law counts them."""
        above = self.rules.applicant.control_above
        if not (self.rules.counts_undertaking or counts_ties(self._standard)):
            return frozenset()
        found = undertaking_of(self.organisation, above, at=self.at)
        return found - {self.organisation.pk}

    @property
    def together(self) -> frozenset[int]:
        """The organisations whose awards count together: the applicant, and the others."""
        return self.others | {self.organisation.pk}

    @property
    def undertaking_known(self) -> bool:
        """Say whether a register of ownership answered about the applicant."""
        return self.answers.fresh(self.organisation.pk, Register.OWNERSHIP) is not None

    @cached_property
    def business(self) -> BusinessFacts:
        """What the business register says of it."""
        return self.answers.business(self.organisation.pk)

    @property
    def employees(self) -> int | None:
        """How many it employs, by the register or as it was registered here."""
        return _first(self.business.employees, self.organisation.employees)

    @property
    def founded_on(self) -> date | None:
        """When it was founded, by the register or as it was registered here."""
        return _first(self.business.founded_on, self.organisation.founded_on)

    @property
    def region(self) -> str:
        """Where it is registered, as programmes name it."""
        return self.business.region or region_of(self.organisation)

    @property
    def revenue(self) -> Decimal | None:
        """Its yearly revenue in whole units of the programme's currency."""
        unit = self.rules.unit
        return _money(self.business, "revenue", unit) if is_currency(unit) else None

    @property
    def qualifications(self) -> frozenset[str] | None:
        """What it is recognised as."""
        held = self.business.qualifications
        return None if held is None else frozenset(held)

    @cached_property
    def size(self) -> str:
        """Its class by the law's size standard, or an empty text where a figure is missing."""
        if not self._standard:
            return ""
        own = self._figures(self.organisation, self.business)
        if not counts_ties(self._standard):
            return size_of(self._standard, own)
        return size_of(self._standard, own, self._ties()) if self.undertaking_known else ""

    @property
    def _standard(self) -> str:
        return self.rules.applicant.size_standard

    def _figures(self, organisation: Organisation, business: BusinessFacts) -> SizeFacts:
        currency = currency_of(self._standard)
        return SizeFacts(
            employees=_first(business.employees, organisation.employees),
            revenue=_money(business, "revenue", currency),
            assets=_money(business, "assets", currency),
        )

    def _ties(self) -> list[Tie]:
        """Return linked enterprises whole, and the partners of all of them by their share.

        Source: Recommendation 2003/361/EC, annex, article 6(2) and (3). Of an enterprise that
        is not registered here no figure is known, so that the size is not either.
        """
        above = self.rules.applicant.control_above
        members = members_of(self.organisation, above, at=self.at)
        partners = partners_of(members, _PARTNER_FROM, at=self.at)
        shares = {**partners, **dict.fromkeys(members, Decimal(1))}
        here = organisations_by(shares)
        found = newest_answers([one.pk for one in here.values()], at=self.at)
        answers = Answers(found, self.applied_at)
        ties = []
        for number, share in shares.items():
            other = here.get(number)
            if other == self.organisation:
                continue
            facts = self._figures(other, answers.business(other.pk)) if other else SizeFacts()
            ties.append(Tie(share=share, facts=facts))
        return ties

    def conduct_bars(self, on: date) -> frozenset[str] | None:
        """Return the kinds of findings within the law's years before a day."""
        pk, years = self.organisation.pk, self.rules.applicant.lookback_years
        answer = self.answers.any_age(pk, Register.CONDUCT)
        if answer is None:
            return None
        findings = _read(answer, ConductFacts).findings
        kinds = frozenset(one.kind for one in findings if looks_back_to(one.day, on, years))
        if kinds.isdisjoint(self.rules.applicant.bars):
            return kinds if self.answers.fresh(pk, Register.CONDUCT) else None
        return kinds

    def other_aid(self, declared: object) -> tuple[OtherAid, ...] | None:
        """Return the other support there is: by the register, or none where that is declared.

        `declared` is the applicant's answer whether there is any. An answer that there is some
        and a register that has none contradict each other: then it is not known.
        """
        own = self._aid_of(self.organisation.pk, is_own=True)
        if own is None:
            own = () if declared is False else None
        elif not own and declared:
            own = None
        if own is None or self.rules.state_aid is None:
            return own
        parts = [self._aid_of(pk, is_own=False) for pk in sorted(self.others)]
        if None in parts:
            return None
        return (*own, *(aid for part in parts for aid in part or ()))

    def _aid_of(self, pk: int, *, is_own: bool) -> tuple[OtherAid, ...] | None:
        answer = self.answers.fresh(pk, Register.AID)
        if answer is None:
            return None
        # What this programme gave itself is in its own past; a register may list it too.
        found = [one for one in _read(answer, AidFacts).aid if one.programme != self.rules.code]
        return tuple(_other_aid(one, is_own=is_own) for one in found)

    @property
    def sources(self) -> list[dict[str, str]]:
        """Which registers are believed about it, who says so, and when they were asked."""
        return [
            {
                "register": register.value,
                "source": answer.source,
                "asked_at": answer.asked_at.isoformat(),
            }
            for register in Register
            if (answer := self.answers.any_age(self.organisation.pk, register))
        ]


def is_related(
    organisation: Organisation,
    provider: Organisation,
    rules: Policy,
    *,
    applied_at: datetime,
    at: datetime,
) -> bool | None:
    """Say whether a provider and an applicant are related, as a law draws the line.

    True if they are one organisation or one undertaking, or if from the law's share on one
    holds the other, or a third both. False needs an answer about each of them: else None.
    """
    if organisation.pk == provider.pk:
        return True
    if rules.provider.related == "ALLOW":
        return None
    above, at_least = rules.applicant.control_above, rules.provider.related_from
    if provider.pk in undertaking_of(organisation, above, at=at):
        return True
    if at_least is not None and are_related(organisation, provider, at_least, at=at):
        return True
    pair = (organisation.pk, provider.pk)
    answers = Answers(newest_answers(pair, at=at), applied_at)
    is_told = all(answers.fresh(pk, Register.OWNERSHIP) for pk in pair)
    return False if is_told else None


def region_of(organisation: Organisation) -> str:
    """Return an organisation's region as programmes name it: with its country in front."""
    country, region = organisation.country, organisation.region
    if not region or region.split("-")[0] == country:
        return region or country
    return f"{country}-{region}"


def known_of(application: Application, rules: Policy, at: datetime) -> Known:
    """Return what is known of who applies, read from the registers' answers as it is asked."""
    return Known(application.organisation, rules, application.sent_at or at, at)


_V = TypeVar("_V")


def _first(register: _V | None, here: _V | None) -> _V | None:
    return here if register is None else register


def _money(business: BusinessFacts, name: str, currency: str) -> Decimal | None:
    amount: int | None = getattr(business, name)
    if amount is None or business.currency != currency:
        return None
    return major(amount, currency)


def _other_aid(aid: Aid, *, is_own: bool) -> OtherAid:
    return OtherAid(
        source=aid.programme or aid.grantor,
        level=aid.level,
        amount=major(aid.amount, aid.currency),
        on=aid.granted_on,
        region=aid.region,
        kind=aid.kind,
        contract=aid.contract,
        project=aid.project,
        regime=aid.regime,
        currency=aid.currency,
        is_own=is_own,
    )
