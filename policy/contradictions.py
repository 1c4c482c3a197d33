"""What two sections of one document may not say at once."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from common.money import is_currency
from policy.answers import plain
from policy.conditions import Condition
from policy.document import Problems
from policy.process_rules import BY_SCORE
from policy.rules import PAYEES_OF_MODE, Programme, small_units
from policy.size import STANDARDS, counts_ties


def find_contradictions(programme: Programme, problems: Problems) -> None:
    """Add to the problems whatever the sections say against each other."""
    for check in _CHECKS:
        check(programme, problems)


def _unit_fits_mode(programme: Programme, problems: Problems) -> None:
    in_kind = programme.mode == "M5"
    if in_kind == is_currency(programme.unit):
        wanted = "accelerator time, such as GPU:H100" if in_kind else "a currency, such as CNY"
        message = f"'{programme.unit}' contradicts mode {programme.mode}; write {wanted}."
        problems.add("", "unit", message)
    if in_kind != (programme.base.kind == "HOURS"):
        wanted = '"HOURS"' if in_kind else "a kind of fee, such as SETTLED"
        message = f"'{programme.base.kind}' contradicts mode {programme.mode}; write {wanted}."
        problems.add("base", "kind", message)


def _payee_fits_mode(programme: Programme, problems: Problems) -> None:
    wanted = PAYEES_OF_MODE[programme.mode]
    if programme.payee not in wanted:
        names = " or ".join(wanted)
        message = f"'{programme.payee}' contradicts mode {programme.mode}; write {names}."
        problems.add("settlement", "payee", message)


def _silence_can_be_broken(programme: Programme, problems: Problems) -> None:
    rule = programme.settlement
    if rule.silence == "ACCEPTS":
        return
    if programme.payee == "BENEFICIARY":
        message = "whoever is paid claims for itself, and nobody confirms a claim of its own; "
        problems.add("settlement", "silence", f"{message}take silence out.")
    elif not rule.objection_days:
        message = "0 leaves no day to confirm in, so that every line would be withheld; "
        problems.add("settlement", "objection_days", f"{message}write 1 or more.")


def _own_share_can_be_proven(programme: Programme, problems: Problems) -> None:
    if programme.settlement.own_share == "NOT_ASKED":
        return
    if programme.mode == "M7" or not programme.is_claimed_after_use:
        message = f"mode {programme.mode} has no claim of a fee of which a part is one's own; "
        problems.add("settlement", "own_share", f"{message}take own_share out.")


def _invoice_fits_unit(programme: Programme, problems: Problems) -> None:
    if programme.settlement.invoice == "REQUIRED" and not is_currency(programme.unit):
        message = "hours in kind are neither invoiced nor paid; take invoice out."
        problems.add("settlement", "invoice", message)


def _objections_can_be_raised(programme: Programme, problems: Problems) -> None:
    rule = programme.settlement
    asked = {"reply_days": rule.reply_days, "verdict_days": rule.verdict_days}
    for key in (key for key, days in asked.items() if days is not None):
        if programme.payee == "BENEFICIARY":
            message = (
                "whoever is paid claims for itself, and nobody objects to a claim of its own"
            )
            problems.add("settlement", key, f"{message}; take {key} out.")
        elif not rule.objection_days:
            message = "nobody can object while objection_days is 0; write 1 or more there"
            problems.add("settlement", key, f"{message}, or take {key} out.")


def _sections_fit_mode(programme: Programme, problems: Problems) -> None:
    mode = programme.mode
    if mode == "M5" and programme.tiers:
        problems.add("tiers 1", "", "hours in kind have no share of a fee; take [[tiers]] out.")
    if mode != "M5" and not programme.tiers:
        problems.add("", "", f"mode {mode} needs a share; add [[tiers]] with clause and rate.")
    if mode != "M5" and programme.routes:
        problems.add("routes 1", "", f"mode {mode} has no routes; take [[routes]] out.")
    if mode == "M5" and programme.floor:
        problems.add("floor", "", "hours in kind have no fee to compare; take [floor] out.")
    if mode == "M5" and (programme.self_pay or programme.stacking):
        problems.add("", "", "hours in kind have no fee; take [self_pay] and [stacking] out.")
    after_use = programme.is_claimed_after_use
    if after_use and programme.hold:
        message = f"mode {mode} pays after use and holds nothing; take [hold] out."
        problems.add("hold", "", message)
    if not after_use and not programme.hold:
        problems.add("", "", f"mode {mode} places holds; add [hold] with clause and days.")
    if (mode == "M8") != (programme.match is not None):
        fix = 'write mode = "M8" and the section [match], or neither.'
        problems.add("", "mode", f"an award that follows another's approval needs both; {fix}")
    if (mode == "M7") != (programme.target is not None):
        fix = 'write mode = "M7" and the section [target], or neither.'
        problems.add("", "mode", f"a performance contract needs both; {fix}")


def _billing_fits_mode(programme: Programme, problems: Problems) -> None:
    rule = programme.settlement
    if rule.increment_seconds and programme.is_claimed_after_use:
        message = f"mode {programme.mode} bills no runs; take it out."
        problems.add("settlement", "increment_seconds", message)
    if rule.tax_rate is not None and (programme.mode == "M5" or programme.is_claimed_after_use):
        fix = "take it out" if programme.mode == "M5" else "write [base] tax for fees"
        message = f"mode {programme.mode} has no prices on bills; {fix}."
        problems.add("settlement", "tax_rate", message)


def _payment_fits_mode(programme: Programme, problems: Problems) -> None:
    if programme.mode == "M5" and programme.payment:
        problems.add("payment", "", "hours in kind are not paid; take [payment] out.")


def _target_can_be_met(programme: Programme, problems: Problems) -> None:
    rule = programme.target
    if rule is None:
        return
    if not rule.full:
        message = '"0" is met by nothing; write the figure that earns the whole award.'
        problems.add("target", "full", message)
    elif rule.least > rule.full:
        message = f"{plain(rule.least)} is above what earns the whole award; "
        problems.add("target", "least", f"{message}write at most {plain(rule.full)}.")
    if rule.partial == "NOTHING" and rule.least < rule.full:
        message = f"{plain(rule.least)} would earn no more than less does; "
        fix = 'write partial = "PRO_RATA", or least as large as full.'
        problems.add("target", "least", message + fix)


def _last_tier_takes_all(programme: Programme, problems: Problems) -> None:
    select = programme.share.select if programme.share else "FIRST"
    otherwise = programme.share.otherwise if programme.share else "LAST_TIER"
    tiers = programme.tiers
    takes_all = any(not tier.conditional for tier in tiers)
    is_open = not takes_all if select == "HIGHEST" else bool(tiers) and tiers[-1].conditional
    if tiers and is_open and otherwise == "LAST_TIER":
        message = (
            "the last tier must take every claim; take its conditions out, or say in "
            '[share] what becomes of the rest: otherwise = "NOTHING" or "REFER".'
        )
        problems.add(f"tiers {len(tiers)}", "", message)
    for number, tier in enumerate(tiers[:-1], start=1):
        if not tier.conditional and select != "HIGHEST":
            message = "it takes every claim, so the tiers after it never count; put it last."
            problems.add(f"tiers {number}", "", message)


def _tiers_fit_their_selection(programme: Programme, problems: Problems) -> None:
    select = programme.share.select if programme.share else "FIRST"
    for number, tier in enumerate(programme.tiers, start=1):
        path = f"tiers {number}"
        bracket = Condition(year_total_max=tier.when.year_total_max)
        if select == "MARGINAL" and (tier.when != bracket or tier.fixed):
            message = "a bracket has year_total_max and a rate only; take the others out."
            problems.add(path, "", message)
        if tier.fixed and tier.when.asks_of_lines:
            message = "a fixed amount is for a whole claim; take what asks of its fees out."
            problems.add(path, "", message)
        if tier.fixed and select == "HIGHEST":
            message = (
                "the highest of shares can't be compared with a fixed amount; write FIRST."
            )
            problems.add(path, "fixed", message)
        knows = programme.is_claimed_after_use or tier.when == Condition(kinds=tier.when.kinds)
        if not knows or (tier.fixed and not programme.is_claimed_after_use):
            message = f"an order in mode {programme.mode} knows only its holder's kind; "
            problems.add(path, "", message + "write a rate, and kinds alone beside it.")
    if select == "MARGINAL":
        limits = [tier.when.year_total_max for tier in programme.tiers]
        rising = [limit for limit in limits if limit is not None]
        if None in limits[:-1] or rising != sorted(set(rising)):
            problems.add("tiers 1", "", "put brackets in rising order of year_total_max.")
    if any(tier.fixed for tier in programme.tiers) and any(
        tier.when.asks_of_lines for tier in programme.tiers
    ):
        message = "a fixed amount is for a whole claim; let no other tier ask of single fees."
        problems.add("tiers 1", "", message)
    _selection_fits_mode(programme, problems)


def _selection_fits_mode(programme: Programme, problems: Problems) -> None:
    rule = programme.share
    if rule is None:
        return
    if not programme.is_claimed_after_use and (rule.select, rule.otherwise) != (
        "FIRST",
        "LAST_TIER",
    ):
        message = (
            f"an order in mode {programme.mode} takes the first tier that fits its holder; "
        )
        problems.add("share", "select", message + "take select and otherwise out.")
    if rule.select == "MARGINAL" and rule.crossing != "ALLOW":
        message = "no bracket changes what earlier claims had; take it out."
        problems.add("share", "crossing", message)


def _sizes_have_a_standard(programme: Programme, problems: Problems) -> None:
    asked = [(f"tiers {n}", tier.when) for n, tier in enumerate(programme.tiers, start=1)]
    asked += [(f"caps {n}", cap.when) for n, cap in enumerate(programme.caps, start=1)]
    wanted = [path for path, when in asked if when.sizes]
    if programme.applicant.sizes:
        wanted.append("applicant")
    if wanted and not programme.applicant.size_standard:
        fix = f"[applicant] size_standard, one of {', '.join(STANDARDS)}."
        problems.add(wanted[0], "sizes", f"a size needs the rule that it is told by; add {fix}")


def _caps_can_be_counted(programme: Programme, problems: Problems) -> None:
    seen: list[object] = []
    for number, cap in enumerate(programme.caps, start=1):
        path, by_organisation = f"caps {number}", cap.scope in ("ORGANISATION", "UNDERTAKING")
        key = (cap.scope, cap.period, cap.rolling_years, cap.when, cap.exempt)
        if key in seen:
            problems.add(path, "scope", f"'{cap.scope}' is there twice; keep one.")
        seen.append(key)
        if cap.when.asks_of_lines or cap.when.year_total_max is not None:
            message = "a cap may ask of the organisation only; take what asks of fees out."
            problems.add(path, "", message)
        if cap.scope == "PROGRAMME" and not cap.is_yearly_for_all:
            message = (
                "the pool is for everybody and by calendar year; take exempt, conditions, "
                "period and measured out."
            )
            problems.add(path, "", message)
        if set(cap.measured) == {"REDEEMED"}:
            message = (
                "any number of vouchers could be issued until one is redeemed; "
                'write measured = ["ISSUED", "REDEEMED"], or with CLAIMED.'
            )
            problems.add(path, "measured", message)
        if cap.scope in ("CONTRACT", "PROJECT", "UNDERTAKING") and "COMMITTED" in cap.measured:
            message = 'say what counts towards it: measured = ["ISSUED"], or another measure.'
            problems.add(path, "measured", message)
        if by_organisation and cap.period != "CALENDAR_YEAR" and "COMMITTED" in cap.measured:
            message = (
                "what is committed is known by calendar year; say what counts in this period: "
                'measured = ["ISSUED"], or another measure.'
            )
            problems.add(path, "measured", message)


def _thresholds_are_used(programme: Programme, problems: Problems) -> None:
    applicant, provider = programme.applicant, programme.provider
    if provider.related_from is not None and provider.related == "ALLOW":
        message = 'nothing depends on it while related = "ALLOW"; take it out, or write DENY.'
        problems.add("provider", "related_from", message)
    elif provider.related_from is not None and provider.related_from > applicant.control_above:
        message = (
            f"'{provider.related_from}' never counts: above {applicant.control_above} of the "
            "votes they are one undertaking already; write less."
        )
        problems.add("provider", "related_from", message)
    counts = programme.counts_undertaking or provider.related != "ALLOW"
    is_by_size = counts_ties(applicant.size_standard)
    if applicant.undertaking_above is not None and not (counts or is_by_size):
        message = "nothing counts an undertaking here; take it out, or add a cap that does."
        problems.add("applicant", "undertaking_above", message)


def _orders_can_be_checked(programme: Programme, problems: Problems) -> None:
    rule = programme.provider
    asked = {
        "regions": rule.regions,
        "platforms": rule.platforms,
        "facilities": rule.facilities,
        "own_use": rule.own_use != "ALLOW",
    }
    for key, is_asked in asked.items():
        if rule.checked_at == "ORDER" and is_asked:
            fix = 'write checked_at = "APPLICATION", or take it out.'
            problems.add("provider", key, f"is not checked on ordering; {fix}")


def _funders_bear_all(programme: Programme, problems: Problems) -> None:
    total = sum((funder.share for funder in programme.funders), Fraction(0))
    if programme.funders and total != 1:
        problems.add("funders 1", "share", f"the shares add up to {total}; make it 1.")


def _state_aid_is_comparable(programme: Programme, problems: Problems) -> None:
    rule = programme.state_aid
    if rule is None:
        return
    if programme.mode == "M5" and not rule.value_per_hour:
        message = 'hours in kind need their cash equivalent; add value_per_hour = "…".'
        problems.add("state_aid", "value_per_hour", message)
    if programme.mode != "M5" and rule.value_per_hour is not None:
        problems.add("state_aid", "value_per_hour", "is for hours in kind; take it out.")
    if programme.mode != "M5" and rule.currency != programme.unit:
        message = f"'{rule.currency}' is not the programme's {programme.unit}; write one limit "
        problems.add("state_aid", "currency", message + "in the programme's currency.")


def _names_are_single(programme: Programme, problems: Problems) -> None:
    for path, key, names in (
        ("routes", "name", [route.name for route in programme.routes]),
        ("approval.tiers", "name", [tier.name for tier in programme.approval.tiers]),
        ("funders", "name", [funder.name for funder in programme.funders]),
        (
            "review.criteria",
            "name",
            [one.name for one in programme.review.criteria] if programme.review else [],
        ),
    ):
        for number, name in enumerate(names, start=1):
            if name in names[: number - 1]:
                message = f"'{name}' is there twice; keep one."
                problems.add(f"{path} {number}", key, message)


def _apportion_has_window(programme: Programme, problems: Problems) -> None:
    use = programme.windows.use
    if programme.base.apportion and not (use and use.first and use.last):
        message = "needs a window; give [windows] use a `from` and an `until`."
        problems.add("base.apportion", "", message)


def _rounding_fits_unit(programme: Programme, problems: Problems) -> None:
    step = programme.rounding.step
    if step * small_units(programme.unit) % Decimal(1):
        message = (
            f"a step of {step:f} is finer than the smallest amount of {programme.unit} that "
            "can be paid; use fewer decimals."
        )
        problems.add("rounding", "decimals", message)


def _allocation_has_its_scores(programme: Programme, problems: Problems) -> None:
    rule, reviews = programme.allocation, programme.review
    if rule is None:
        return
    if rule.method in BY_SCORE and (reviews is None or reviews.above is not None):
        message = f"'{rule.method}' needs a score of everyone; add [review] without `above`."
        problems.add("allocation", "method", message)
    band = (rule.lottery_least, rule.lottery_most)
    if (rule.method == "LOTTERY") != (None not in band):
        message = "a lottery, and nothing else, has lottery_least and lottery_most."
        problems.add("allocation", "lottery_least", message)
    if None not in band and not 0 <= band[0] <= band[1] <= 100:  # type: ignore[operator]
        message = "the band goes from lottery_least up to lottery_most, within 0 to 100."
        problems.add("allocation", "lottery_most", message)


_CHECKS: tuple[Callable[[Programme, Problems], None], ...] = (
    _unit_fits_mode,
    _payee_fits_mode,
    _silence_can_be_broken,
    _own_share_can_be_proven,
    _invoice_fits_unit,
    _objections_can_be_raised,
    _sections_fit_mode,
    _billing_fits_mode,
    _payment_fits_mode,
    _target_can_be_met,
    _last_tier_takes_all,
    _tiers_fit_their_selection,
    _sizes_have_a_standard,
    _caps_can_be_counted,
    _orders_can_be_checked,
    _thresholds_are_used,
    _funders_bear_all,
    _state_aid_is_comparable,
    _names_are_single,
    _apportion_has_window,
    _rounding_fits_unit,
    _allocation_has_its_scores,
)
