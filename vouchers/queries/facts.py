"""The facts that policy asks for: who applies, for what, and what is used already."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import QuerySet, Sum

from common.days import day_of
from ledger import queries as ledger
from ledger.queries import Balance
from parties.models import Organisation
from policy.claims import Claim, FeeLine
from policy.dates import full_years
from policy.eligibility import ApplicantFacts
from policy.rules import Programme as Policy
from providers.models import Provider
from providers.queries import is_accredited, provider_by_code
from vouchers.models import Application, Decision, Programme, Voucher
from vouchers.queries.applications import standing_effect
from vouchers.queries.known import Known, is_related
from vouchers.queries.matches import upstream_of
from vouchers.queries.past import NOT_USE, past_of
from vouchers.queries.programmes import budget_available, budget_uncommitted
from vouchers.queries.vouchers import voucher_account

# An answer outside these days, or beyond these figures, is a slip or a trick, never a plan.
DAY_FIRST = date(2000, 1, 1)
DAY_LAST = date(2100, 12, 31)
DECIMAL_BELOW = Decimal(10) ** 12
DECIMAL_PLACES_MAX = 6


def applicant_facts(
    application: Application, at: datetime, rules: Policy, known: Known
) -> ApplicantFacts:
    """Return what is known of an applicant and its request on the day it was sent.

    An application that is not sent yet is taken as sent at `at`. What registers say comes from
    their newest answers at that instant; what none of them said stays unknown, so that a rule
    which asks for it refers to an officer.
    """
    organisation, answers = application.organisation, application.answers
    programme = application.round.programme
    provider = provider_by_code(str(answers.get("provider_code") or ""))
    applied_on = day_of(application.sent_at or at, programme.zone)
    return ApplicantFacts(
        organisation_kind=organisation.kind,
        region=known.region,
        applied_on=applied_on,
        is_registered_business=organisation.is_registered_business,
        employees=known.employees,
        revenue=known.revenue,
        founded_on=known.founded_on,
        conduct_bars=known.conduct_bars(applied_on),
        other_public_money=bool(answers.get("other_public_money")),
        first_time_user=_is_first_time(application),
        provider_related=_is_related(application, provider, rules, at),
        provider_listed=_is_listed(application, provider, at),
        requested_gpu_hours=decimal_answer(answers, "hours"),
        contract_from=day_answer(answers, "contract_from_on"),
        contract_until=day_answer(answers, "contract_until_on"),
        tax_region=known.business.tax_region,
        insurance_region=known.business.insurance_region,
        industry=known.business.industry,
        size=known.size,
        qualifications=known.qualifications,
        credit_rating=known.business.credit_rating,
        has_tax_debt=known.business.tax_debt,
        other_aid=known.other_aid(answers.get("other_public_money")),
        provider_is_itself=_is_itself(application, provider),
    )


def _is_first_time(application: Application) -> bool:
    had_one = Voucher.objects.filter(
        organisation=application.organisation_id, programme=application.round.programme_id
    )
    return bool(application.answers.get("is_first_time", True)) and not had_one.exists()


def _is_related(
    application: Application, provider: Provider | None, rules: Policy, at: datetime
) -> bool | None:
    if provider is None:
        return None
    return is_related(
        application.organisation,
        provider.organisation,
        rules,
        applied_at=application.sent_at or at,
        at=at,
    )


def _is_itself(application: Application, provider: Provider | None) -> bool | None:
    is_itself = provider is not None and provider.organisation_id == application.organisation_id
    return True if is_itself else None


def _is_listed(
    application: Application, provider: Provider | None, at: datetime
) -> bool | None:
    if not application.answers.get("provider_code"):
        return None
    zone = application.round.programme.zone
    return provider is not None and is_accredited(provider, at, zone)


def decimal_answer(answers: Mapping[str, Any], name: str) -> Decimal | None:
    """Return an answer kept as a decimal's text, or None where it is missing or unreadable.

    A figure of 10^12 or more, or with more than 6 decimals, counts as unreadable.
    """
    try:
        number = Decimal(str(answers.get(name) or ""))
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= DECIMAL_BELOW:
        return None
    return number if int(number.as_tuple().exponent) >= -DECIMAL_PLACES_MAX else None


def day_answer(answers: Mapping[str, Any], name: str) -> date | None:
    """Return an answer kept as an ISO day, or None where it is missing or unreadable.

    A day before 2000 or after 2100 counts as unreadable.
    """
    try:
        day = date.fromisoformat(str(answers.get(name) or ""))
    except ValueError:
        return None
    return day if DAY_FIRST <= day <= DAY_LAST else None


def claim_of(application: Application, at: datetime, rules: Policy, known: Known) -> Claim:
    """Return what an application's award is worked out from, at the instant of deciding.

    `used_this_year` counts all that the organisation has or may still use of this programme
    this year: used, held, free on its vouchers, and awarded without a voucher yet.
    """
    answers, programme = application.answers, application.round.programme
    on = day_of(at, programme.zone)
    total = decimal_answer(answers, "fee_total") or Decimal(0)
    storage = decimal_answer(answers, "fee_storage") or Decimal(0)
    compute = total - storage
    fees: tuple[FeeLine, ...] = ()
    if total:
        fees = (FeeLine("compute", compute), FeeLine("storage", storage))
    # Where a round is shared out, what it awarded is spoken for before its vouchers are issued.
    is_shared_out = rules.allocation is not None
    pool_left = (budget_uncommitted if is_shared_out else budget_available)(programme)
    upstream = None
    if application.upstream_award is not None:
        line, upstream = upstream_of(application.upstream_award)
        fees = (line,)
    multipliers = standing_effect(application.organisation, rules)
    return Claim(
        as_of=on,
        fee_lines=fees,
        contract_from=day_answer(answers, "contract_from_on"),
        contract_until=day_answer(answers, "contract_until_on"),
        requested_gpu_hours=decimal_answer(answers, "hours") if rules.mode == "M5" else None,
        used_this_year=committed_this_year(application.organisation, programme, on),
        # What follows an award above is not cut to what is left: it is approved, and waits.
        pool_left=None if upstream else pool_left,
        upstream=upstream,
        past=past_of(application.organisation, programme, rules, known.others),
        undertaking_known=known.undertaking_known or not rules.counts_undertaking,
        other_aid=known.other_aid(answers.get("other_public_money")),
        round=application.round.code,
        organisation_kind=application.organisation.kind,
        size=known.size,
        age_years=full_years(known.founded_on, on) if known.founded_on else None,
        qualifications=known.qualifications,
        multiplier=multipliers.amount_multiplier,
        validity_multiplier=multipliers.validity_multiplier,
    )


def used_this_year(organisation: Organisation, programme: Programme, on: date) -> int:
    """Return what an organisation used or holds of a programme in the day's calendar year.

    Used is what was captured or paid in the year, by the programme's time zone; what open
    holds set aside counts too. In the programme's unit.
    """
    vouchers = list(_vouchers_of(organisation, programme))
    found = ledger.balances(voucher_account(voucher) for voucher in vouchers)
    return sum(_used(one, found[voucher_account(one)], on) for one in vouchers)


def committed_this_year(organisation: Organisation, programme: Programme, on: date) -> int:
    """Return `used_this_year`, and what the organisation may still use.

    That is the free part of its vouchers and its awards of which no voucher was issued yet.
    """
    vouchers = list(_vouchers_of(organisation, programme))
    found = ledger.balances(voucher_account(voucher) for voucher in vouchers)
    used = sum(_used(one, found[voucher_account(one)], on) for one in vouchers)
    waiting = Decision.objects.filter(
        application__organisation=organisation,
        application__round__programme=programme,
        application__status=Application.Status.APPROVED,
        outcome=Decision.Outcome.PASS,
        voucher__isnull=True,
        undone_by__isnull=True,
    ).aggregate(total=Sum("awarded"))["total"]
    return used + sum(balance.free for balance in found.values()) + int(waiting or 0)


def _vouchers_of(organisation: Organisation, programme: Programme) -> QuerySet[Voucher]:
    return Voucher.objects.filter(
        organisation=organisation, programme=programme
    ).select_related("programme")


def _used(voucher: Voucher, balance: Balance, on: date) -> int:
    if not balance.debit:
        return balance.pending
    # One statement a voucher that was drawn on: an organisation has a handful in a programme.
    zone = voucher.programme.zone
    spent = sum(
        -entry.amount
        for entry in ledger.statement(balance.address)
        if not entry.other.startswith(NOT_USE) and day_of(entry.at, zone).year == on.year
    )
    return max(spent, 0) + balance.pending
